"""One step of a world (`b2World::Step`)."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d import broad_phase, checks, contact_solver, continuous, island
from jaxenvs.simulators.box2d.broad_phase import Box
from jaxenvs.simulators.box2d.collision import Manifold
from jaxenvs.simulators.box2d.contacts import (
    Contacts,
    Places,
    as_items,
    as_lanes,
    at_places,
    compacted,
    edge_ends,
    first_places,
    last_event,
    number_of,
    update,
)
from jaxenvs.simulators.box2d.continuous import Falling, Ground, ground_of
from jaxenvs.simulators.box2d.island import Drive, Moving, Solver, Touching, bodies_of_items, moving_of
from jaxenvs.simulators.box2d.lanes import keep, only_where, over_items, over_lanes
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.time_of_impact import Sweep
from jaxenvs.simulators.box2d.vectors import Vector, any_of, at, parts, up
from jaxenvs.simulators.box2d.world import World

_FEWEST = 64
"""Of the lanes near the ground, and of the bodies that may hit it, so many are worked on at once, or more."""

_ALL_AT_ONCE = 192
"""Up to so many bodies, the sub-steps work on all of them rather than gather those that may hit the ground. A step
takes a tenth longer, but kernels have the shapes of those that update contacts, and XLA compiles equal kernels once."""


def step(
    model: Model,
    world: World,
    ground: Array,
    drive: Drive,
    solver: Solver = "converged",
    airborne: bool = False,
    grounded: bool = False,
) -> tuple[World, Array]:
    """The world a time step later. A world that sleeps does not change.

    Args:
        model: bodies and joints.
        world: the state.
        ground: (edges, 2, 2) float32 in m, the ends of the edges of the ground.
        drive: what acts on the bodies.
        solver: when the passes over the velocities stop.
        airborne: promises that no body is near an edge before or after the step, which makes a small program.
        grounded: says that bodies touch the ground most of the time, so that all worlds are solved with contacts; the
            program is smaller, and faster for such worlds.

    Returns:
        The state, and for each body whether it has begun to touch an edge in this step, (bodies,) bool.

    Raises:
        InvalidField: `model` is not one, it has no ground, an array has not the shape that the model asks for, or
            `solver` is unknown.
    """
    checks.check_kinds(model, world, drive)
    ground, drive = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), (jnp.asarray(ground), drive))
    checks.check_call(model, world, ground, drive, solver, airborne)
    return _compiled_step(model, world, ground, drive, solver, airborne, grounded)


@partial(compiled_once, static_argnames=("model", "solver", "airborne", "grounded"))
def _compiled_step(
    model: Model, world: World, ground: Array, drive: Drive, solver: Solver, airborne: bool, grounded: bool
) -> tuple[World, Array]:
    return over_lanes(partial(_step, model, solver, airborne, grounded))(world, ground, drive)


def _step(
    model: Model, solver: Solver, airborne: bool, grounded: bool, world: World, ground: Array, drive: Drive
) -> tuple[World, Array]:
    """`step` for many worlds; all arrays have a first axis of lanes."""
    bodies, lanes = len(model.bodies), world.awake.shape[0]
    moved, fat_box, reached = moving_of(world, world.awake), world.fat_box, None
    if not grounded:
        moved, _ = island.solve(model, solver, moved, drive, None, world.awake)
        fat, entry = _moved_boxes(model, world, moved)
        fat_box = jnp.stack(as_lanes(fat, bodies), 2)
        if not airborne:
            lane = jnp.tile(jnp.arange(lanes, dtype=jnp.int32), bodies)
            reached = any_of(ground_of(ground).close(lane, fat, entry)).reshape(bodies, lanes)
    free = _Done(
        moving=moved,
        fat_box=fat_box,
        contacts=world.contacts,
        touched=world.touched,
        began=jnp.zeros((lanes, bodies), bool),
        overflow=world.overflow,
    )
    if not airborne:
        if reached is not None:
            exists = world.contacts.exists.astype(jnp.int32)
            most = jnp.max(jnp.where(world.contacts.points > 0, 2, exists), (1, 2))  # of pairs and of contacts
            classes = world.awake & (most > 1), world.awake & ((most > 0) | any_of(reached))
        else:  # lanes with many contacts come first, since they take longer
            many = jnp.sum(world.contacts.points > 0, (1, 2), dtype=jnp.int32)
            classes = *(world.awake & (many >= count) for count in (4, 3, 2, 1)), world.awake
        free = only_where(
            partial(_near_ground, model, solver, grounded),
            free,
            world,
            ground,
            drive,
            classes=classes,
            size=max(lanes // 8, _FEWEST),
        )
    moved = free.moving
    new = World(
        position=moved.position,
        angle=moved.angle,
        velocity=moved.velocity,
        angular_velocity=moved.angular_velocity,
        sleep_time=moved.sleep_time,
        awake=moved.awake,
        joint_impulse=moved.joint_impulse,
        fat_box=free.fat_box,
        contacts=free.contacts,
        touched=free.touched,
        overflow=free.overflow,
    )
    new = jax.tree.map(partial(_where, world.awake), new, world)
    return new, free.began & world.awake[:, None]


class _Done(PyTreeNode):
    """What a step changes in each lane."""

    moving: Moving
    fat_box: Array
    contacts: Contacts
    touched: Array
    began: Array
    overflow: Array


def _where(condition: Array, new: Array, old: Array) -> Array:
    return jnp.where(condition.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def _items(position: Array) -> tuple[Array, Array]:
    """(lanes, bodies, 2) as a pair of (items,)."""
    x, y = as_items(position)
    return x, y


def _box_items(fat_box: Array) -> Box:
    left, bottom, right, top = as_items(fat_box)
    return left, bottom, right, top


def _moved_boxes(model: Model, world: World, moved: Moving) -> tuple[Box, Array]:
    """The fat boxes of all items after the bodies have moved, and which of them changed, (items,)."""
    body = bodies_of_items(model, world.awake.shape[0])
    start = _items(world.position), as_items(world.angle)
    end = _items(moved.position), as_items(moved.angle)
    return broad_phase.move_box(model, body, _box_items(world.fat_box), start, end)


def _near_ground(
    model: Model, solver: Solver, grounded: bool, free: _Done, world: World, edges: Array, drive: Drive
) -> _Done:
    """The whole step of lanes that are near the ground, given how they moved as if nothing touched."""
    bodies, lanes = len(model.bodies), world.awake.shape[0]
    ground = ground_of(edges)
    body, lane = bodies_of_items(model, lanes), jnp.tile(jnp.arange(lanes, dtype=jnp.int32), bodies)
    moved, contacts, touched, began, overflow = _collide_and_solve(
        model, solver, grounded, free.moving, world, ground, drive, body, lane
    )
    falling = Falling(
        number=body,
        lane=lane,
        sweep=Sweep(_items(world.position), as_items(world.angle), _items(moved.position), as_items(moved.angle)),
        velocity=_items(moved.velocity),
        angular_velocity=as_items(moved.angular_velocity),
        fat_box=_box_items(world.fat_box),
        contacts=contacts,
        touched=touched,
        began=began,
        overflow=overflow,
    )

    def pair(falling: Falling) -> tuple[Falling, Array]:
        """With new boxes and pairs; and which bodies might hit something."""
        sweep = falling.sweep
        start, end = (sweep.center0, sweep.angle0), (sweep.center, sweep.angle)
        fat, entry = broad_phase.move_box(model, falling.number, falling.fat_box, start, end)
        close = keep(ground.close(falling.lane, fat, entry))
        contacts, _, too_many = broad_phase.update_pairs(close, falling.contacts)
        falling = falling.replace(fat_box=fat, contacts=contacts, overflow=falling.overflow | too_many)
        return falling, continuous.may_hit(model, ground, falling)

    falling, hits = over_items(pair, falling, together=lanes > 1)
    hits = hits & jnp.tile(moved.awake & world.awake, bodies)
    solve = partial(continuous.solve, model, solver, ground)
    if lanes > 1 and bodies * lanes <= _ALL_AT_ONCE:
        falling = solve(falling, hits)
    else:  # of a single world, one body after another, which is a smaller program
        size = 1 if lanes == 1 else max(bodies * lanes // 8, _FEWEST)
        falling = only_where(solve, falling, classes=(hits,), size=size, axis=-1)

    def pairs(vector: tuple[Array, ...]) -> Array:
        return jnp.stack(as_lanes(vector, bodies), 2)

    return _Done(
        moving=moved.replace(
            position=pairs(falling.sweep.center),
            angle=as_lanes(falling.sweep.angle, bodies),
            velocity=pairs(falling.velocity),
            angular_velocity=as_lanes(falling.angular_velocity, bodies),
        ),
        fat_box=pairs(falling.fat_box),
        contacts=as_lanes(falling.contacts, bodies),
        touched=as_lanes(falling.touched, bodies),
        began=as_lanes(falling.began, bodies),
        overflow=free.overflow | any_of(falling.overflow.reshape(bodies, lanes)),
    )


def _collide_and_solve(
    model: Model,
    solver: Solver,
    grounded: bool,
    free: Moving,
    world: World,
    ground: Ground,
    drive: Drive,
    body: Array,
    lane: Array,
) -> tuple[Moving, Contacts, Array, Array, Array]:
    """Updates the contacts (`b2ContactManager::Collide`), and solves the islands with those that touch.

    Returns:
        The bodies of each lane after the step, and of each item the contacts, the last event, whether a contact has
        begun, and whether there was no room.
    """

    def collide(
        body: Array, lane: Array, center: Vector, angle: Array, fat_box: Box, old: Contacts, touched: Array
    ) -> tuple[Contacts, Manifold, Array, Array, Array]:
        of_lane = jnp.broadcast_to(lane, old.edge.shape)
        ends = edge_ends(ground.edges, of_lane, old.edge)
        boxes = [each[jnp.maximum(old.edge, 0), of_lane] for each in ground.boxes]
        gone = broad_phase.apart(up(fat_box), (boxes[0], boxes[1], boxes[2], boxes[3]))
        live = keep(old.exists & ~gone)
        new, manifolds = update(model, body, ends, center, angle, old, live)
        touched = last_event(old.points, new.points, old.exists, touched)
        return new, manifolds, live, touched, any_of(live & (old.points == 0) & (new.points > 0))

    old, touched, fat_box = as_items(world.contacts), as_items(world.touched), _box_items(world.fat_box)
    center, angle = _items(world.position), as_items(world.angle)
    new, manifolds, live, touched, began = over_items(
        collide, body, lane, center, angle, fat_box, old, touched, together=world.awake.shape[0] > 1
    )
    touches = new.points > 0
    overflow = number_of(touches) > model.touching
    if grounded:
        return _solve_by_lane(model, solver, world, drive, new, manifolds, live, touched, began, overflow)
    places = first_places(touches, model.touching)
    chosen, manifold = at_places((new, manifolds), places)
    impulses = (chosen.impulse[:, 0, 0], chosen.impulse[:, 0, 1], chosen.impulse[:, 1, 0], chosen.impulse[:, 1, 1])
    constraints = contact_solver.constraint(
        model,
        body[None],
        up(center),
        up(angle),
        manifold,
        impulses,
        contact_solver.friction(model, body[None], chosen.edge),
    )
    active = world.awake & any_of(any_of(touches).reshape(len(model.bodies), -1))
    touching = Touching(manifold, constraints)
    moved, solved = island.solve(model, solver, moving_of(world, world.awake), drive, touching, active)
    moved = jax.tree.map(partial(_where, active), moved, free)
    assert solved is not None
    return moved, compacted(_stored(new, places, constraints, solved), live), touched, began, overflow


def _solve_by_lane(
    model: Model,
    solver: Solver,
    world: World,
    drive: Drive,
    contacts: Contacts,
    manifolds: Manifold,
    live: Array,
    touched: Array,
    began: Array,
    overflow: Array,
) -> tuple[Moving, Contacts, Array, Array, Array]:
    """The rest of `_collide_and_solve`, with one list of touching contacts for all bodies of a lane.

    Contacts of different bodies do not affect each other within a pass, so only the order of those of a body matters.
    """
    bodies, pairs = len(model.bodies), contacts.edge.shape[0]

    def of_lanes(x: Array) -> Array:
        """(pairs, ..., items) as (bodies and pairs, ..., lanes)."""
        x = jnp.moveaxis(x.reshape(*x.shape[:-1], bodies, -1), -2, 0)
        return x.reshape(-1, *x.shape[2:])

    flat, manifold = jax.tree.map(of_lanes, (contacts, manifolds))
    touches = flat.points > 0
    rank = jnp.cumsum(touches, 0, dtype=jnp.int32) - 1
    slot = jnp.arange(model.together, dtype=jnp.int32)[:, None, None]
    number = jnp.arange(bodies * pairs, dtype=jnp.int32)[None, :, None]
    here = touches[None] & (rank[None] == slot)
    index = keep(jnp.sum(jnp.where(here, number, 0), 1, dtype=jnp.int32))
    exists = slot[:, 0] < jnp.sum(touches, 0, dtype=jnp.int32)[None]

    def chosen(x: Array) -> Array:
        return jnp.take_along_axis(x, index.reshape(index.shape[0], *(1,) * (x.ndim - 2), -1), 0, mode="clip")

    flat, manifold = jax.tree.map(chosen, (flat, manifold))
    manifold = dataclasses.replace(manifold, points=jnp.where(exists, manifold.points, 0))
    body = index // pairs
    (x, y), angle = (world.position[..., 0].T, world.position[..., 1].T), world.angle.T
    center, angle = at(jax.tree.map(lambda each: each[:, None], ((x, y), angle)), body)
    impulses = (flat.impulse[:, 0, 0], flat.impulse[:, 0, 1], flat.impulse[:, 1, 0], flat.impulse[:, 1, 1])
    friction = contact_solver.friction(model, body, flat.edge)
    constraints = keep(contact_solver.constraint(model, body, center, angle, manifold, impulses, friction))
    touching = Touching(manifold, constraints, body)
    moved, solved = island.solve(model, solver, moving_of(world, world.awake), drive, touching, world.awake)
    assert solved is not None

    # Back to the pairs of items. A second point that the block solver left out keeps what it had.
    place = jnp.clip(rank, 0, model.together - 1)
    both = touches & jnp.take_along_axis(constraints.is_block, place, 0, mode="clip")
    found = [jnp.take_along_axis(each, place, 0, mode="clip") for each in solved]
    found = jnp.stack([jnp.stack(found[:2], 1), jnp.stack(found[2:], 1)], 1)  # (bodies and pairs, 2, 2, lanes)
    solves = jnp.stack([touches, both], 1)[:, :, None]

    def of_items(x: Array) -> Array:
        x = jnp.moveaxis(x.reshape(bodies, pairs, *x.shape[1:]), 0, -2)
        return x.reshape(*x.shape[:-2], -1)

    impulse = jnp.where(of_items(solves), of_items(found), contacts.impulse)
    crowded = jnp.sum(touches, 0, dtype=jnp.int32) > model.together
    overflow = overflow | jnp.tile(crowded, bodies)
    return moved, compacted(contacts.replace(impulse=impulse), live), touched, began, overflow


def _stored(
    contacts: Contacts,
    places: Places,
    constraints: contact_solver.ContactConstraint,
    solved: contact_solver.Impulses,
) -> Contacts:
    """The contacts with the impulses that were found (`b2ContactSolver::StoreImpulses`).

    Args:
        contacts: of the items.
        places: which pairs the contacts are that were solved.
        constraints: of those contacts.
        solved: their impulses, (touching, items).
    """
    stored = [[contacts.impulse[:, point, kind] for kind in (0, 1)] for point in (0, 1)]
    pair = jnp.arange(contacts.edge.shape[0], dtype=jnp.int32)[:, None]
    # A second point that the block solver left out keeps what it had.
    for number, impulse in enumerate(solved):
        point, kind = divmod(number, 2)
        for place, its_pair in enumerate(parts(places)):
            solves = pair == its_pair[None]
            solves = solves & constraints.is_block[place][None] if point else solves
            stored[point][kind] = jnp.where(solves, impulse[place][None], stored[point][kind])
    return contacts.replace(impulse=jnp.stack([jnp.stack(each, 1) for each in stored], 1))
