"""One step of a world (`b2World::Step`)."""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d import broad_phase, contact_solver, continuous, island
from jaxenvs.simulators.box2d.broad_phase import apart, edge_boxes
from jaxenvs.simulators.box2d.collision import Manifold
from jaxenvs.simulators.box2d.contact_solver import ContactConstraint
from jaxenvs.simulators.box2d.contacts import Contacts, at_places, compacted, first_places, last_event, update
from jaxenvs.simulators.box2d.continuous import Falling
from jaxenvs.simulators.box2d.island import Drive, Moving, Solver, Touching
from jaxenvs.simulators.box2d.lanes import only_where, walled
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.vectors import Vector, components
from jaxenvs.simulators.box2d.world import World


# Jitted for callers that step without `jit`, since JAX would compile the loops again at every step.
@partial(jax.jit, static_argnames=("model", "solver", "airborne"), inline=True)
def step(
    model: Model, world: World, ground: Array, drive: Drive, solver: Solver = "converged", airborne: bool = False
) -> tuple[World, Array]:
    """The world a time step later. A world that sleeps does not change.

    Args:
        model: bodies and joints.
        world: the state.
        ground: (edges, 2, 2) float32 in m, the ends of the edges of the ground.
        drive: what acts on the bodies.
        solver: when the passes over the velocities stop.
        airborne: promises that no body is near an edge before or after the step, which makes a small program.

    Returns:
        The state, and for each body whether it has begun to touch an edge in this step, (bodies,) bool.
    """
    start = Moving(
        position=world.position,
        angle=world.angle,
        velocity=world.velocity,
        angular_velocity=world.angular_velocity,
        sleep_time=world.sleep_time,
        joint_impulse=world.joint_impulse,
        awake=world.awake,
    )
    none_began = jnp.zeros(len(model.bodies), bool)
    moved, _ = island.solve(model, solver, start, drive, None)
    before = _Contacting(moved, world.contacts, world.touched, none_began, world.overflow)
    if not airborne:
        near = world.awake & jnp.any(world.contacts.exists)
        collide = partial(_collide_and_solve, model, solver)
        before = only_where(near, collide, before, start, world.fat_box, ground, drive)
    moved = before.moving
    fat_box, entries = walled(
        partial(_moved_boxes, model), world.position, world.angle, moved.position, moved.angle, world.fat_box
    )
    falling = Falling(
        center0=world.position,
        angle0=world.angle,
        center=moved.position,
        angle=moved.angle,
        velocity=moved.velocity,
        angular_velocity=moved.angular_velocity,
        fat_box=fat_box,
        contacts=before.contacts,
        touched=before.touched,
        began=before.began,
        overflow=jnp.broadcast_to(before.overflow, before.began.shape),
    )
    if not airborne:
        numbers = jnp.arange(len(model.bodies), dtype=jnp.int32)
        finish = partial(_finish, model, solver, ground)
        falling = jax.vmap(finish)(numbers, entries, jnp.broadcast_to(moved.awake, entries.shape), falling)
    new = World(
        position=falling.center,
        angle=falling.angle,
        velocity=falling.velocity,
        angular_velocity=falling.angular_velocity,
        sleep_time=moved.sleep_time,
        awake=moved.awake,
        joint_impulse=moved.joint_impulse,
        fat_box=falling.fat_box,
        contacts=falling.contacts,
        touched=falling.touched,
        overflow=jnp.any(falling.overflow),
    )
    new = jax.tree.map(lambda x, y: jnp.where(world.awake, x, y), new, world)
    return new, falling.began & world.awake


class _Contacting(PyTreeNode):
    """What the collision phase and the island change: bodies, contacts (bodies, ...), and flags (bodies,)."""

    moving: Moving
    contacts: Contacts
    touched: Array
    began: Array
    overflow: Array


def _collide_and_solve(
    model: Model,
    solver: Solver,
    free: _Contacting,
    start: Moving,
    fat_box: Array,
    ground: Array,
    drive: Drive,
) -> _Contacting:
    """Updates the contacts (`b2ContactManager::Collide`), and solves the island with those that touch.

    Args:
        model: bodies and joints.
        solver: when the passes stop.
        free: contacts and flags before the step, and the bodies after it, as if nothing touched.
        start: the bodies before the step.
        fat_box: (bodies, 4) float32 in m.
        ground: (edges, 2, 2) float32 in m.
        drive: what acts on the bodies.
    """
    boxes = edge_boxes(ground)

    def collide(number: Array, center: Array, angle: Array, fat: Array, old: Contacts, touched: Array) -> Any:
        gone = jnp.any((old.edge[:, None] == np.arange(boxes.shape[0])[None, :]) & apart(fat, boxes)[None, :], 1)
        live = old.exists & ~gone
        place, turned = components(center), angle
        new, manifolds = update(model, number, ground, place, turned, old, live)
        touched = last_event(old.points, new.points, old.exists, touched)
        began = jnp.any((old.points == 0) & (new.points > 0))
        places, exists = first_places(new.points > 0, model.touching)
        chosen, manifold = at_places((new, manifolds), places)
        manifold = dataclasses.replace(manifold, points=jnp.where(exists, manifold.points, 0))
        overflow = jnp.sum(new.points > 0) > model.touching
        return compacted(new, live, model.pairs), touched, began, overflow, chosen.edge, chosen.impulse, manifold

    def constrain(number: Array, center: Vector, angle: Array, edge: Array, impulse: Array, manifold: Manifold) -> Any:
        def one(edge: Array, impulse: Array, manifold: Manifold) -> ContactConstraint:
            friction = contact_solver.friction(model, number, edge)
            return contact_solver.constraint(model, number, center, angle, manifold, impulse, friction)

        return jax.vmap(one)(edge, impulse, manifold)

    numbers = jnp.arange(len(model.bodies), dtype=jnp.int32)
    contacts, touched, began, overflow, edges, impulses, manifolds = jax.vmap(collide)(
        numbers, start.position, start.angle, fat_box, free.contacts, free.touched
    )
    contacting = free.replace(
        contacts=contacts, touched=touched, began=began, overflow=free.overflow | jnp.any(overflow)
    )

    def with_contacts(
        contacting: _Contacting, start: Moving, edges: Array, impulses: Array, manifolds: Manifold, drive: Drive
    ) -> _Contacting:
        place = components(start.position)
        constraints = walled(jax.vmap(constrain), numbers, place, start.angle, edges, impulses, manifolds)
        touching = Touching(manifolds, constraints)
        moving, solved = island.solve(model, solver, start, drive, touching)
        assert solved is not None
        return contacting.replace(moving=moving, contacts=_stored(contacting.contacts, edges, touching, solved))

    touches = jnp.any(contacts.points > 0)
    return only_where(touches, with_contacts, contacting, start, edges, impulses, manifolds, drive, share=2)


def _stored(contacts: Contacts, edges: Array, touching: Touching, solved: contact_solver.Impulses) -> Contacts:
    """The contacts with the impulses that were found (`b2ContactSolver::StoreImpulses`).

    Args:
        contacts: with leading axis (bodies,).
        edges: (bodies, touching) int32, the edge of each contact that was solved.
        touching: those contacts.
        solved: (bodies, touching) each.
    """
    first, second = (jnp.stack(solved[i : i + 2], -1) for i in (0, 2))  # (bodies, touching, 2)
    stored = contacts.impulse
    for place in range(edges.shape[1]):
        exists = (touching.manifolds.points[:, place] > 0)[:, None]
        here = exists & (contacts.edge == edges[:, place, None])
        # A second point that the block solver left out keeps what it had.
        block = here & touching.constraints.is_block[:, place, None]
        new_first = jnp.where(here[:, :, None], first[:, None, place], stored[:, :, 0])
        new_second = jnp.where(block[:, :, None], second[:, None, place], stored[:, :, 1])
        stored = jnp.stack([new_first, new_second], 2)
    return contacts.replace(impulse=stored)


def _moved_boxes(
    model: Model, position: Array, angle: Array, new_position: Array, new_angle: Array, fat_box: Array
) -> tuple[Array, Array]:
    """The fat boxes after a step, (bodies, 4), and which of them changed, (bodies,)."""
    numbers = jnp.arange(len(model.bodies), dtype=jnp.int32)
    start, end = (components(position), angle), (components(new_position), new_angle)
    left, bottom, right, top = (fat_box[:, i] for i in range(4))
    fat, changed = broad_phase.move_box(model, numbers, (left, bottom, right, top), start, end)
    return jnp.stack(fat, 1), changed


def _finish(
    model: Model, solver: Solver, ground: Array, number: Array, entry: Array, awake: Array, body: Falling
) -> Falling:
    """New pairs and continuous collision of one body."""
    contacts, overflow = broad_phase.update_pairs(ground, body.fat_box, entry, body.contacts)
    body = body.replace(contacts=contacts, overflow=body.overflow | overflow)

    def check(body: Falling, number: Array, ground: Array) -> Falling:
        solve = partial(_sub_steps, model, solver)
        return only_where(continuous.may_hit(model, number, ground, body), solve, body, number, ground, share=4)

    return only_where(awake & jnp.any(contacts.exists), check, body, number, ground)


def _sub_steps(model: Model, solver: Solver, body: Falling, number: Array, ground: Array) -> Falling:
    return continuous.solve(model, solver, number, ground, body)
