"""Continuous collision of bodies with the ground (`b2World::SolveTOI`, `b2Island::SolveTOI`).

The sub-steps of different bodies do not affect each other, since each moves one body against the static ground and
leaves joints out. So a body of a world is an item of its own here, and arrays end with an axis of items.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.varying import varying_as
from jaxenvs.simulators.box2d import broad_phase, contact_solver
from jaxenvs.simulators.box2d.broad_phase import Box
from jaxenvs.simulators.box2d.collision import Manifold
from jaxenvs.simulators.box2d.contacts import (
    Contacts,
    at_places,
    edge_ends,
    first_places,
    last_event,
    number_of,
    update,
)
from jaxenvs.simulators.box2d.island import Solver, integrate, settled
from jaxenvs.simulators.box2d.lanes import keep, over_items
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.polygon_collision import vertices_of_parts
from jaxenvs.simulators.box2d.settings import (
    BLOCK,
    EPSILON,
    LINEAR_SLOP,
    MAX_SUB_STEPS,
    TOI_BAUMGARTE,
    TOI_POSITION_ITERATIONS,
    F,
)
from jaxenvs.simulators.box2d.time_of_impact import Sweep, stays_apart, stays_apart_from_part, time_of_impact
from jaxenvs.simulators.box2d.vectors import Vector, any_of, between, choose, fold, least, of, rounded, up


class Falling(PyTreeNode):
    """Bodies at the end of a step.

    Attributes:
        number: (items,) int32, which body of its world it is.
        lane: (items,) int32, which world it is of.
        sweep: its motion in the step.
        velocity: (items,) float32 in m/s, x and y.
        angular_velocity: (items,) float32 in rad/s.
        fat_box: (items,) float32 in m each.
        contacts: its pairs.
        touched: (items,) bool, what its last contact event said.
        began: (items,) bool, whether there has been a begin of contact in this step.
        overflow: (items,) bool.
    """

    number: Array
    lane: Array
    sweep: Sweep
    velocity: Vector
    angular_velocity: Array
    fat_box: Box
    contacts: Contacts
    touched: Array
    began: Array
    overflow: Array


class _SubSteps(PyTreeNode):
    """The bodies, and what `SolveTOI` keeps of each contact during a step.

    Attributes:
        body: as far as the sub-steps have brought it; its sweep starts at the end of the last sub-step.
        time: (items,) float32, the share of the step that is over (`alpha0`).
        enabled: (pairs, items) bool.
        count: (pairs, items) int32, sub-steps that each contact caused.
        known: (pairs, items) bool, whether `impact` is still valid.
        impact: (pairs, items) float32, the share of the step before an impact; 1 if there is none.
        more: (items,) bool, whether to go on.
    """

    body: Falling
    time: Array
    enabled: Array
    count: Array
    known: Array
    impact: Array
    more: Array


@dataclasses.dataclass(frozen=True)
class Ground:
    """The static edges of each lane.

    Attributes:
        edges: (lanes, edges, 2, 2) float32 in m.
        boxes: their fat boxes, (edges, lanes) float32 in m each.
    """

    edges: Array
    boxes: Box

    def close(self, lane: Array, fat: Box, moved: Array) -> Array:
        """(edges, items) bool: whether a fat box, which has moved, overlaps that of each edge of its lane."""
        left, bottom, right, top = (jnp.take(each, lane, axis=1, mode="clip") for each in self.boxes)
        return moved[None] & ~broad_phase.apart(up(fat), (left, bottom, right, top))


def ground_of(edges: Array) -> Ground:
    """The ground of each lane, from (lanes, edges, 2, 2) float32 in m."""
    left, bottom, right, top = (jnp.transpose(each) for each in broad_phase.edge_boxes(edges))
    return Ground(edges, (left, bottom, right, top))


def _apart(model: Model, number: Array, ends: tuple[Vector, Vector], part: Array, sweep: Sweep) -> Array:
    """Whether each pair of a body and a part of the ground is sure not to meet."""
    vertices, corners = vertices_of_parts(model, ends, part)
    if corners is None:
        return stays_apart(model, number, *ends, sweep)
    return stays_apart_from_part(model, number, vertices, corners, sweep)


def may_hit(model: Model, ground: Ground, body: Falling) -> Array:
    """(items,) bool: whether a pair of a body might have an impact in this step."""

    def are_apart(edge: Array) -> Array:
        ends = edge_ends(ground.edges, jnp.broadcast_to(body.lane, edge.shape), edge)
        return _apart(model, body.number[None], ends, edge, up(body.sweep))

    apart = over_items(are_apart, body.contacts.edge, together=body.lane.shape[0] > 1, axis=0)
    return any_of(body.contacts.exists & ~apart)


def solve(model: Model, solver: Solver, ground: Ground, body: Falling, hits: Array | None = None) -> Falling:
    """Takes bodies from impact to impact until the end of the step.

    Args:
        model: the bodies.
        solver: when passes over velocities stop.
        ground: of the lanes.
        body: at the end of the step, as if they met nothing.
        hits: (items,) bool, which bodies to move; None for all. The others stay as they are.
    """
    shape = body.contacts.edge.shape
    more = any_of(body.contacts.exists)
    start = _SubSteps(
        body=body,
        time=jnp.zeros(shape[1], jnp.float32),
        enabled=jnp.ones(shape, bool),
        count=jnp.zeros(shape, jnp.int32),
        known=jnp.zeros(shape, bool),
        impact=jnp.ones(shape, jnp.float32),
        more=more if hits is None else more & hits,
    )

    def turn(loop: _SubSteps) -> _SubSteps:
        return _sub_step(model, solver, ground, loop)

    return lax.while_loop(lambda loop: jnp.any(loop.more), turn, varying_as(body, start)).body


def _impacts(model: Model, ground: Ground, loop: _SubSteps) -> Array:
    """(pairs, items) float32: when each pair that can take part meets, as a share of the step; 1 if it does not."""
    body = loop.body
    able = body.contacts.exists & loop.enabled & (loop.count <= MAX_SUB_STEPS)
    wanted = able & ~loop.known & loop.more[None]

    def times(edge: Array, wanted: Array) -> tuple[Array, Array]:
        ends = edge_ends(ground.edges, jnp.broadcast_to(body.lane, edge.shape), edge)
        vertices, corners = vertices_of_parts(model, ends, edge)
        return time_of_impact(model, body.number[None], vertices, up(body.sweep), wanted, corners)

    hit, share = over_items(times, body.contacts.edge, wanted, together=wanted.shape[1] > 1, axis=0)
    time = loop.time[None]
    found = jnp.where(hit, jnp.minimum(time + rounded((F(1) - time) * share), F(1)), F(1))
    return jnp.where(able, jnp.where(loop.known, loop.impact, found), F(1))


def _sub_step(model: Model, solver: Solver, ground: Ground, loop: _SubSteps) -> _SubSteps:
    """To the first impact, and from there to the end of the step."""
    body, old = loop.body, loop.body.contacts
    impact = _impacts(model, ground, loop)
    hit, time = least(impact)
    pairs = impact.shape[0]
    is_hit = jnp.arange(pairs, dtype=jnp.int32)[:, None] == hit[None]
    is_hit, time = keep((is_hit, time))
    going = loop.more & (time <= F(1) - F(10) * EPSILON)
    share = (time - loop.time) / (F(1) - loop.time)
    (x0, y0), angle0, (x1, y1), angle1 = body.sweep
    center = between(x0, x1, share), between(y0, y1, share)
    center, angle = keep((center, between(angle0, angle1, share)))

    ends = edge_ends(ground.edges, jnp.broadcast_to(body.lane, old.edge.shape), old.edge)
    live = old.exists & going[None]
    new, manifolds = update(model, body.number, ends, center, angle, old, live)
    missed = keep(~any_of(is_hit & (new.points > 0)))
    # The contact that is hit reports first. If it proves not to touch, the others are not updated at all.
    first, others = live & is_hit, live & ~is_hit & ~missed[None]
    touched = last_event(old.points, new.points, first, body.touched)
    touched = keep(last_event(old.points, new.points, others, touched))
    begins = any_of((first | others) & (old.points == 0) & (new.points > 0))
    body = body.replace(touched=touched, began=body.began | begins)
    count = loop.count + first.astype(jnp.int32)

    on = going & ~missed
    moved, entry = _resolve(model, solver, body, new, manifolds, is_hit, time, center, angle, on)
    close = keep(ground.close(body.lane, moved.fat_box, entry & on))
    contacts, places, overflow = broad_phase.update_pairs(close, new)

    def only_hit(new: Array, old: Array) -> Array:
        return jnp.where(is_hit.reshape(pairs, *(1,) * (new.ndim - 2), -1), new, old)

    kept = jax.tree.map(only_hit, new, old)
    contacts = jax.tree.map(lambda new, old: _where(on, new, old), contacts, kept)
    body = moved.replace(contacts=contacts, overflow=moved.overflow | (on & overflow))
    # Counts move with their pairs, as features of the contacts do.
    after = _SubSteps(
        body=body,
        time=jnp.where(on, time, loop.time),
        enabled=on[None] | (loop.enabled & ~is_hit),
        count=jnp.where(on[None], at_places(count, places), count),
        known=~is_hit & ~on[None],
        impact=impact,
        more=going,
    )
    stopped = loop.replace(more=going)
    return jax.tree.map(lambda x, y: _where(going, x, y), after, stopped)


def _where(condition: Array, new: Array, old: Array) -> Array:
    """`new` for the items for which the condition, (items,) bool, holds."""
    return jnp.where(condition.reshape((1,) * (new.ndim - 1) + (-1,)), new, old)


def _resolve(
    model: Model,
    solver: Solver,
    body: Falling,
    contacts: Contacts,
    manifolds: Manifold,
    is_hit: Array,
    time: Array,
    center: Vector,
    angle: Array,
    on: Array,
) -> tuple[Falling, Array]:
    """Positions, velocities and the rest of the step of bodies after an impact (`b2Island::SolveTOI`).

    Returns:
        The bodies, of which those that are not `on` are as before, and whether their fat boxes changed.
    """
    touching = keep((contacts.points > 0) & on[None])
    # The contact that is hit is the first of the island, and the others follow in the order of the list.
    first, others = first_places(touching & is_hit, 1), first_places(touching & ~is_hit, model.touching - 1)
    places = jnp.concatenate([first, others])
    overflow = number_of(touching) > model.touching
    manifold, edge = at_places((manifolds, contacts.edge), places)  # no points at a place without a contact
    used = contact_solver.used_places(manifold)

    def position_pass(loop: Any) -> Any:
        (center, angle), count, running = loop
        new, turned, deepest = contact_solver.position_pass(
            model, body.number, manifold, center, angle, TOI_BAUMGARTE, used
        )
        pose = choose(running, (new, turned), (center, angle))
        return pose, count + 1, running & ~(deepest >= F(-1.5) * LINEAR_SLOP)

    start = varying_as(on, ((center, angle), jnp.int32(0), on))
    more = lambda loop: jnp.any(loop[2]) & (loop[1] < TOI_POSITION_ITERATIONS)  # noqa: E731
    (center, angle), _, _ = lax.while_loop(more, position_pass, start)

    zeros = jnp.zeros(edge.shape, jnp.float32)
    friction = contact_solver.friction(model, body.number[None], edge)
    constraints = contact_solver.constraint(
        model, body.number[None], up(center), up(angle), manifold, (zeros, zeros, zeros, zeros), friction
    )
    masses = of(model.inverse_masses, body.number), of(model.inverse_inertias, body.number)

    def velocity_pass(_: Any, state: Any) -> Any:
        (v, w), impulses = state
        v, w, impulses = contact_solver.velocity_pass(constraints, masses, v, w, impulses, used)
        return (v, w), impulses

    def block(loop: Any) -> Any:
        old, count, running = loop
        new = lax.fori_loop(0, BLOCK, velocity_pass, old)
        done = settled(new[0], old[0], solver) & fold(jnp.logical_and, settled(new[1], old[1], solver))
        new = choose(running, new[0], old[0]), choose(running[None], new[1], old[1])
        return new, count + 1, running & ~done

    start = ((body.velocity, body.angular_velocity), constraints.impulses), jnp.int32(0), on
    start = varying_as(on, start)
    more = lambda loop: jnp.any(loop[2]) & (loop[1] < model.velocity_iterations // BLOCK)  # noqa: E731
    ((v, w), _), _, _ = lax.while_loop(more, block, start)
    end, end_angle, v, w = keep(integrate(center, angle, v, w, (F(1) - time) * model.dt))
    fat, entry = broad_phase.move_box(model, body.number, body.fat_box, (center, angle), (end, end_angle))
    moved = body.replace(
        sweep=Sweep(center, angle, end, end_angle),
        velocity=v,
        angular_velocity=w,
        fat_box=fat,
        overflow=body.overflow | overflow,
    )
    return choose(on, moved.replace(contacts=None), body.replace(contacts=None)).replace(contacts=contacts), entry
