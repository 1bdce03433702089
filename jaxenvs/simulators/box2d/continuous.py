"""Continuous collision of one body with the ground (`b2World::SolveTOI`, `b2Island::SolveTOI`).

The sub-steps of different bodies do not affect each other, since each moves one body against the static ground and
leaves joints out.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d import broad_phase, contact_solver
from jaxenvs.simulators.box2d.collision import Manifold
from jaxenvs.simulators.box2d.contacts import Contacts, at_places, edge_ends, first_places, last_event, update
from jaxenvs.simulators.box2d.island import Solver, integrate, settled
from jaxenvs.simulators.box2d.lanes import only_where, walled
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import (
    EPSILON,
    LINEAR_SLOP,
    MAX_SUB_STEPS,
    TOI_BAUMGARTE,
    TOI_POSITION_ITERATIONS,
    F,
)
from jaxenvs.simulators.box2d.time_of_impact import Sweep, stays_apart, time_of_impact
from jaxenvs.simulators.box2d.vectors import Scalar, Vector, components, of


class Falling(PyTreeNode):
    """One body at the end of a step.

    Attributes:
        center0: (2,) float32 in m, the centre of mass at the start of the step.
        angle0: () float32 in rad.
        center: (2,) float32 in m, at its end.
        angle: () float32 in rad.
        velocity: (2,) float32 in m/s.
        angular_velocity: () float32 in rad/s.
        fat_box: (4,) float32 in m.
        contacts: its pairs.
        touched: () bool, what its last contact event said.
        began: () bool, whether there has been a begin of contact in this step.
        overflow: () bool.
    """

    center0: Array
    angle0: Array
    center: Array
    angle: Array
    velocity: Array
    angular_velocity: Array
    fat_box: Array
    contacts: Contacts
    touched: Array
    began: Array
    overflow: Array


class _SubSteps(PyTreeNode):
    """The body, and what `SolveTOI` keeps of each contact during a step.

    Attributes:
        body: as far as the sub-steps have brought it; its start is the end of the last sub-step.
        time: () float32, the share of the step that is over (`alpha0`).
        enabled: (pairs,) bool.
        count: (pairs,) int32, sub-steps that each contact caused.
        known: (pairs,) bool, whether `impact` is still valid.
        impact: (pairs,) float32, the share of the step before an impact; 1 if there is none.
        more: () bool, whether to go on.
    """

    body: Falling
    time: Array
    enabled: Array
    count: Array
    known: Array
    impact: Array
    more: Array


def _sweep(body: Falling) -> Sweep:
    return Sweep(components(body.center0), body.angle0, components(body.center), body.angle)


def may_hit(model: Model, number: Scalar, ground: Array, body: Falling) -> Array:
    """() bool: whether a pair of a body might have an impact in this step."""

    def one(edge: Array) -> Array:
        return stays_apart(model, number, *edge_ends(ground, edge), _sweep(body))

    return jnp.any(body.contacts.exists & ~jax.vmap(one)(body.contacts.edge))


def solve(model: Model, solver: Solver, number: Scalar, ground: Array, body: Falling) -> Falling:
    """Takes the body from impact to impact until the end of the step.

    Args:
        model: the bodies.
        solver: when passes over velocities stop.
        number: () int32, which body it is.
        ground: (edges, 2, 2) float32 in m.
        body: at the end of the step, as if it met nothing.
    """
    pairs = body.contacts.edge.shape[0]
    yes, no = jnp.ones(pairs, bool), jnp.zeros(pairs, bool)
    start = _SubSteps(
        body=body,
        time=jnp.zeros((), jnp.float32),
        enabled=yes,
        count=jnp.zeros(pairs, jnp.int32),
        known=no,
        impact=jnp.ones(pairs, jnp.float32),
        more=jnp.ones((), bool),
    )
    end = lax.while_loop(lambda loop: loop.more, lambda loop: _sub_step(model, solver, number, ground, loop), start)
    return end.body


def _impacts(model: Model, number: Scalar, ground: Array, loop: _SubSteps) -> Array:
    """(pairs,) float32: when each pair that can take part meets, as a share of the step; 1 if it does not."""
    body = loop.body

    able = body.contacts.exists & loop.enabled & (loop.count <= MAX_SUB_STEPS)

    def find(_: Array, number: Scalar, ends: tuple[Vector, Vector], sweep: Sweep, time: Array) -> Array:
        hit, share = time_of_impact(model, number, *ends, sweep)
        return jnp.where(hit, jnp.minimum(time + (F(1) - time) * share, F(1)), F(1))

    def one(edge: Array, wanted: Array) -> Array:
        ends = edge_ends(ground, edge)
        wanted = wanted & ~stays_apart(model, number, *ends, _sweep(body))
        return only_where(wanted, find, jnp.ones((), jnp.float32), number, ends, _sweep(body), loop.time, share=4)

    impact = jnp.where(loop.known, loop.impact, jax.vmap(one)(body.contacts.edge, able & ~loop.known))
    return jnp.where(able, impact, F(1))


def _sub_step(model: Model, solver: Solver, number: Scalar, ground: Array, loop: _SubSteps) -> _SubSteps:
    """To the first impact, and from there to the end of the step."""
    body = loop.body
    impact = _impacts(model, number, ground, loop)
    hit = jnp.argmin(impact)
    time = impact[hit]
    done = ~(time <= F(1) - F(10) * EPSILON)
    share = (time - loop.time) / (F(1) - loop.time)
    center = (F(1) - share) * body.center0 + share * body.center
    angle = (F(1) - share) * body.angle0 + share * body.angle

    old = body.contacts
    is_hit = jnp.arange(old.edge.shape[0]) == hit
    new, manifolds = update(model, number, ground, components(center), angle, old, old.exists & ~done)
    missed = new.points[hit] == 0
    # The contact that is hit reports first. If it proves not to touch, the others are not updated at all.
    others = old.exists & ~is_hit & ~missed
    touched = last_event(old.points, new.points, is_hit, body.touched)
    touched = last_event(old.points, new.points, others, touched)
    begins = (is_hit | others) & (old.points == 0) & (new.points > 0)
    body = body.replace(touched=touched, began=body.began | jnp.any(begins))
    count = loop.count + is_hit.astype(jnp.int32)

    def only_hit(new: Array, old: Array) -> Array:
        return jnp.where(is_hit.reshape(is_hit.shape + (1,) * (new.ndim - 1)), new, old)

    without = loop.replace(
        body=body.replace(contacts=jax.tree.map(only_hit, new, old)),
        enabled=loop.enabled & ~is_hit,
        count=count,
        known=~is_hit,
        impact=impact,
    )
    moved, entry = _resolve(model, solver, number, body, new, manifolds, hit, time, center, angle, missed | done)
    contacts, overflow = broad_phase.update_pairs(ground, moved.fat_box, entry, new)
    # Counts move with their pairs, as features of the contacts would.
    count = jnp.sum(
        jnp.where(contacts.edge[:, None] == new.edge[None, :], count[None, :], 0) * contacts.exists[:, None],
        1,
        dtype=jnp.int32,
    )
    pairs = is_hit.shape[0]
    after = _SubSteps(
        body=moved.replace(contacts=contacts, overflow=moved.overflow | overflow),
        time=time,
        enabled=jnp.ones(pairs, bool),
        count=count,
        known=jnp.zeros(pairs, bool),
        impact=jnp.ones(pairs, jnp.float32),
        more=jnp.ones((), bool),
    )
    chosen = jax.tree.map(lambda x, y: jnp.where(missed, x, y), without, after)
    stopped = loop.replace(more=jnp.zeros((), bool))
    return jax.tree.map(lambda x, y: jnp.where(done, x, y), stopped, chosen)


def _resolve(
    model: Model,
    solver: Solver,
    number: Scalar,
    body: Falling,
    contacts: Contacts,
    manifolds: Manifold,
    hit: Array,
    time: Array,
    center: Array,
    angle: Array,
    skipped: Array,
) -> tuple[Falling, Array]:
    """Positions, velocities and the rest of the step of one body after an impact (`b2Island::SolveTOI`).

    Returns:
        The body, and whether its fat box changed.
    """
    slots = jnp.arange(contacts.edge.shape[0], dtype=jnp.int32)
    touching = contacts.points > 0
    # The contact that is hit is the first of the island, and the others follow in the order of the list.
    rank = jnp.where(slots == hit, -1, slots)
    order = jnp.sum(rank[None, :] < rank[:, None], 1, dtype=jnp.int32)
    sorted_touching = jnp.any((order[None, :] == slots[:, None]) & touching[None, :], 1)
    places, exists = first_places(sorted_touching, model.touching)
    source = jnp.sum(jnp.where(order[None, :] == places[:, None], slots[None, :], 0), 1, dtype=jnp.int32)
    overflow = body.overflow | (~skipped & (jnp.sum(touching, dtype=jnp.int32) > model.touching))
    chosen = at_places((manifolds, contacts.edge), source)
    each = [jax.tree.map(lambda x, k=k: x[k], chosen) for k in range(model.touching)]
    used = []
    for k, (manifold, edge) in enumerate(each):
        count = jnp.where(exists[k] & ~skipped, contacts.points[source[k]], 0)
        used.append((_with_points(manifold, count), edge))

    def position_pass(loop: tuple[Vector, Scalar, Array, Array]) -> tuple[Vector, Scalar, Array, Array]:
        center, angle, count, _ = loop
        least = jnp.zeros((), jnp.float32)
        for manifold, _ in used:
            solve_one = partial(contact_solver.solve_position, model)
            center, angle, separation = walled(solve_one, number, manifold, center, angle, TOI_BAUMGARTE)
            least = jnp.minimum(least, separation)
        return center, angle, count + 1, least >= F(-1.5) * LINEAR_SLOP

    start = (components(center), angle, jnp.int32(0), skipped)
    at, turned, _, _ = lax.while_loop(lambda loop: ~loop[3] & (loop[2] < TOI_POSITION_ITERATIONS), position_pass, start)

    nothing = jnp.zeros((2, 2), jnp.float32)

    def constrain(number: Scalar, at: Vector, turned: Scalar, used: Any) -> list[contact_solver.ContactConstraint]:
        frictions = [contact_solver.friction(model, number, edge) for _, edge in used]
        pairs = zip(used, frictions, strict=True)
        make = contact_solver.constraint
        return [make(model, number, at, turned, manifold, nothing, rub) for (manifold, _), rub in pairs]

    constraints = walled(constrain, number, at, turned, used)
    masses = of(model.inverse_masses, number), of(model.inverse_inertias, number)

    def velocity_pass(loop: tuple[Vector, Scalar, list[contact_solver.Impulses], Array, Array]) -> tuple:
        v, w, impulses, count, _ = loop
        before, impulses_before, impulses = (v, w), impulses, list(impulses)
        for k, contact in enumerate(constraints):
            v, w, impulses[k] = walled(contact_solver.solve_velocity, contact, *masses, v, w, impulses[k])
        done = settled((v, w, impulses), (*before, impulses_before), solver)
        return v, w, impulses, count + 1, done

    zeros = [each.impulses for each in constraints]
    start = (components(body.velocity), body.angular_velocity, zeros, jnp.int32(0), skipped)
    v, w, *_ = lax.while_loop(lambda loop: ~loop[4] & (loop[3] < model.velocity_iterations), velocity_pass, start)
    end, end_angle, v, w = integrate(at, turned, v, w, (F(1) - time) * model.dt)
    fat = tuple(body.fat_box)
    fat, entry = broad_phase.move_box(model, number, fat, (at, turned), (end, end_angle))
    return body.replace(
        center0=jnp.stack(at),
        angle0=turned,
        center=jnp.stack(end),
        angle=end_angle,
        velocity=jnp.stack(v),
        angular_velocity=w,
        fat_box=jnp.stack(fat),
        overflow=overflow,
    ), entry


def _with_points(manifold: Manifold, points: Array) -> Manifold:
    return Manifold(
        points, manifold.features, manifold.clip_points, manifold.normal, manifold.plane_point, manifold.edge_is_face
    )
