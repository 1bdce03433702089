"""One step of bodies that are joined, in many worlds at once: velocities, positions, sleep (`b2Island.cpp`)."""

import dataclasses
from functools import partial, reduce
from typing import Any, Literal, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.varying import varying_as
from jaxenvs.simulators.box2d import contact_solver, joints
from jaxenvs.simulators.box2d.collision import Manifold
from jaxenvs.simulators.box2d.contact_solver import ContactConstraint
from jaxenvs.simulators.box2d.joints import JointConstraint, JointImpulses, Motion, Motors, Pose
from jaxenvs.simulators.box2d.lanes import keep, only_where
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import (
    ANGULAR_SLEEP_TOLERANCE,
    BAUMGARTE,
    BLOCK,
    LINEAR_SLEEP_TOLERANCE,
    LINEAR_SLOP,
    MAX_ROTATION,
    MAX_TRANSLATION,
    TIME_TO_SLEEP,
    F,
)
from jaxenvs.simulators.box2d.vectors import Scalar, Vector, add, choose, dot, fold, of, rounded, scale

T = TypeVar("T")

Solver: TypeAlias = Literal["exact", "converged"]
"""When the passes over the velocities stop: at a pass that changes nothing at all, or, in free flight, at one that
changes no velocity by more than `CONVERGED`. Box2D always makes all passes, and contacts can converge so slowly that
small changes add up to large ones."""

CONVERGED = F(2e-7), F(1.2e-7)
"""Absolute (m/s and rad/s) and relative change of velocities below which the passes of "converged" stop."""


class Drive(PyTreeNode):
    """What acts on the bodies during a step.

    Attributes:
        gravity: () float32 in m/s^2, upwards.
        force: (bodies, 2) float32 in N, at the centres of mass.
        torque: (bodies,) float32 in N m.
        motor_speed: (joints,) float32 in rad/s, in the order of the model's joints.
        max_motor_torque: (joints,) float32 in N m.
    """

    gravity: Array
    force: Array
    torque: Array
    motor_speed: Array
    max_motor_torque: Array


class Moving(PyTreeNode):
    """The part of worlds that islands change, with a first axis of lanes.

    Attributes:
        position: (bodies, 2) float32 in m.
        angle: (bodies,) float32 in rad.
        velocity: (bodies, 2) float32 in m/s.
        angular_velocity: (bodies,) float32 in rad/s.
        sleep_time: (bodies,) float32 in s.
        joint_impulse: (joints, 4) float32.
        awake: () bool, whether the bodies are still awake after the step.
    """

    position: Array
    angle: Array
    velocity: Array
    angular_velocity: Array
    sleep_time: Array
    joint_impulse: Array
    awake: Array


def moving_of(state: PyTreeNode, awake: Array) -> Moving:
    """The part of a state that islands change: its fields of the same names, and whether the bodies are awake."""
    names = [field.name for field in dataclasses.fields(Moving) if field.name != "awake"]
    return Moving(**{name: getattr(state, name) for name in names}, awake=awake)


class Touching(PyTreeNode):
    """The touching contacts of all bodies, (capacity for touching contacts, items), as `contacts.as_items` orders them.

    Attributes:
        manifolds: at the start of the step.
        constraints: what the velocity solver needs.
        body: (places, lanes) int32, of which body each contact is, if the items of the others are lanes rather than
            bodies of lanes.
    """

    manifolds: Manifold
    constraints: ContactConstraint
    body: Array | None = None


_FEWEST = 64
"""Lanes are not gathered to make fewer of them than these."""


def integrate(
    position: Vector, angle: Scalar, v: Vector, w: Scalar, time: Scalar
) -> tuple[Vector, Scalar, Vector, Scalar]:
    """Moves bodies for `time` seconds, at no more than the greatest speeds; returns its pose and its motion."""
    step = scale(time, v)
    squared = dot(step, step)
    too_far = squared > MAX_TRANSLATION * MAX_TRANSLATION
    v = choose(too_far, scale(MAX_TRANSLATION / jnp.sqrt(jnp.where(too_far, squared, F(1))), v), v)
    turned = time * w
    too_fast = turned * turned > MAX_ROTATION * MAX_ROTATION
    w = jnp.where(too_fast, w * (MAX_ROTATION / jnp.abs(jnp.where(too_fast, turned, F(1)))), w)
    moved, turned = rounded((scale(time, v), time * w))
    return add(position, moved), angle + turned, v, w


def settled(new: Any, old: Any, solver: Solver) -> Array:
    """Whether passes changed so little that they stop: bool of the shape of the leaves."""
    absolute, relative = CONVERGED if solver == "converged" else (F(0), F(0))
    pairs = zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True)
    return reduce(jnp.logical_and, [jnp.abs(x - y) <= absolute + relative * jnp.abs(x) for x, y in pairs])


def solve(
    model: Model, solver: Solver, start: Moving, drive: Drive, touching: Touching | None, active: Array
) -> tuple[Moving, contact_solver.Impulses | None]:
    """`b2Island::Solve` for awake bodies.

    Args:
        model: bodies and joints.
        solver: when the passes stop.
        start: the bodies before the step.
        drive: gravity, forces and motors.
        touching: the contacts to solve; None if nothing touches, which makes a smaller program.
        active: (lanes,) bool, which worlds to solve; what is returned for others means nothing.

    Returns:
        The bodies after the step, before continuous collision, and the impulses of the contacts, with their axes.
    """
    used = None if touching is None else contact_solver.used_places(touching.manifolds)
    motion, hinges, hinge_impulses, motors = _set_up(model, start, drive, touching, used)
    motion, hinge_impulses, impulses = _velocity_passes(
        model, solver, motion, hinges, hinge_impulses, motors, touching, used, active
    )
    center, angle, v, w = integrate(_vectors(start.position), start.angle.T, *motion, model.dt)
    pose, solved = _position_passes(model, (center, angle), hinges, touching, used, active)
    return _asleep_or_not(start, pose, (v, w), hinge_impulses, solved, model.dt), impulses


def _vectors(x: Array) -> Vector:
    """(lanes, bodies, 2) as a pair of (bodies, lanes)."""
    return x[:, :, 0].T, x[:, :, 1].T


def _set_up(model: Model, start: Moving, drive: Drive, touching: Touching | None, used: Any) -> Any:
    """Velocities after forces and warm starts, and the joints' constraints, impulses and motors."""
    dt, lanes = model.dt, start.awake.shape[0]
    mass, inertia = (jnp.asarray(x)[:, None] for x in (model.inverse_masses, model.inverse_inertias))
    (vx, vy), (fx, fy) = _vectors(start.velocity), _vectors(drive.force)
    ax, ay, turning = rounded((mass * fx, mass * fy, inertia * drive.torque.T))
    gained = rounded((dt * ax, dt * (drive.gravity[None] + ay), dt * turning))
    v, w = add((vx, vy), gained[:2]), start.angular_velocity.T + gained[2]
    if touching is not None and touching.body is not None:
        masses = _masses(model, touching, lanes)
        v, w = contact_solver.warm_start_pass(touching.constraints, masses, v, w, used, touching.body)
    elif touching is not None:
        flat = (v[0].reshape(-1), v[1].reshape(-1)), w.reshape(-1)
        masses = _masses(model, touching, lanes)
        for place in range(model.touching):
            contacts: Any = jax.tree.map(lambda x, place=place: x[place], touching.constraints)
            flat = contact_solver.warm_start(contacts, *masses, *flat)
        v, w = jax.tree.map(lambda x: x.reshape(-1, lanes), flat)
    motion = keep((v, w))
    old = jnp.moveaxis(start.joint_impulse, 0, -1)  # (joints, 4, lanes)
    before = old[:, 0], old[:, 1], old[:, 2], old[:, 3]
    hinges, impulses = keep(joints.constraint(model, start.angle.T, before))
    motion = joints.warm_start(model, hinges, impulses, motion)
    motors = drive.motor_speed.T, dt * drive.max_motor_torque.T
    return motion, hinges, impulses, motors


def _masses(model: Model, touching: Touching, lanes: int) -> tuple[Array, Array]:
    """The inverse masses of items, or of the bodies of contacts, and their inverse moments of inertia."""
    body = bodies_of_items(model, lanes) if touching.body is None else touching.body
    return of(model.inverse_masses, body), of(model.inverse_inertias, body)


def bodies_of_items(model: Model, lanes: int) -> Array:
    """(items,) int32: which body each item is."""
    return jax.lax.broadcasted_iota(jnp.int32, (len(model.bodies), lanes), 0).reshape(-1)


def _velocity_passes(
    model: Model,
    solver: Solver,
    motion: Motion,
    hinges: JointConstraint,
    hinge_impulses: JointImpulses,
    motors: Motors,
    touching: Touching | None,
    used: Any,
    active: Array,
) -> tuple[Motion, JointImpulses, contact_solver.Impulses | None]:
    """All passes over the velocities: in each, all joints and then all contacts."""
    contacts = None if touching is None else touching.constraints
    by_lane = touching is not None and touching.body is not None
    solver = solver if contacts is None else "exact"
    bodies, lanes = len(model.bodies), active.shape[0]

    def one_pass(hinges: JointConstraint, motors: Motors, state: Any) -> Any:
        motion, hinge_impulses, impulses = state
        motion, hinge_impulses = joints.velocity_pass(model, hinges, motors, motion, hinge_impulses)
        if touching is not None:
            masses = _masses(model, touching, lanes)
            v, w = motion if by_lane else jax.tree.map(lambda x: x.reshape(-1), motion)
            v, w, impulses = contact_solver.velocity_pass(
                touching.constraints, masses, v, w, impulses, used, touching.body
            )
            motion = jax.tree.map(lambda x: x.reshape(-1, lanes), (v, w))
        return motion, hinge_impulses, impulses

    def all_settled(new: Any, old: Any, lanes: int) -> Array:
        return fold(jnp.logical_and, settled(new, old, solver).reshape(-1, lanes))

    def block(hinges: JointConstraint, motors: Motors, loop: Any) -> Any:
        old, blocks, running, change = loop
        lanes = running.shape[0]
        new = lax.fori_loop(0, BLOCK, lambda _, state: one_pass(hinges, motors, state), old)
        done = all_settled(new[0], old[0], lanes)
        if contacts is not None:
            done = done & all_settled(new[2], old[2], lanes)
        grown = new[1][3] - old[1][3]
        if model.joints and solver == "exact":  # impulses can grow while velocities stay
            done = done & all_settled(new[1], old[1], lanes)
        elif model.joints:  # a limit that a motor will pull loose has yet to move the bodies
            limit, later = new[1][2], _left_out(new[1], grown, motors, all_blocks - blocks - 1)[2]
            done = done & fold(jnp.logical_and, (limit == 0) | (limit * later > 0))
        of_items = jnp.tile(running, bodies)[None]

        def chosen(new: Array, old: Array) -> Array:
            return jnp.where(running[None] if new.shape[1] == lanes else of_items, new, old)

        blocks = jnp.where(running, blocks + 1, blocks)
        new, change = jax.tree.map(chosen, (new, grown), (old, change))
        return new, blocks, running & ~done & (blocks < all_blocks), change

    all_blocks = model.velocity_iterations // BLOCK
    impulses = None if contacts is None else contacts.impulses
    state = motion, hinge_impulses, impulses
    loop = (state, jnp.zeros(active.shape, jnp.int32), active, jnp.zeros_like(hinge_impulses[3]))
    loop = varying_as(active, loop)
    few = 0 if contacts is not None or lanes < 2 * _FEWEST else max(lanes // 8, _FEWEST)

    def many_run(loop: Any) -> Array:
        return jnp.sum(loop[2], dtype=jnp.int32) > few

    loop = lax.while_loop(many_run, partial(block, hinges, motors), loop)
    if few:  # a few lanes need many more passes

        def rest(loop: Any, hinges: JointConstraint, motors: Motors) -> Any:
            return lax.while_loop(lambda loop: jnp.any(loop[2]), partial(block, hinges, motors), loop)

        loop = only_where(rest, loop, hinges, motors, classes=(loop[2],), size=few, axis=-1)
    (motion, hinge_impulses, impulses), blocks, _, change = loop
    if solver == "converged":
        hinge_impulses = _left_out(hinge_impulses, change, motors, all_blocks - blocks)
    return motion, hinge_impulses, impulses


def _left_out(impulses: JointImpulses, change: Array, motors: Motors, blocks: Array) -> JointImpulses:
    """The impulses of joints after the blocks of passes that were left out.

    While a motor presses against a limit, nothing moves, but in every pass the motor's impulse grows and the limit's
    balances it, until the motor is at its greatest. What the motor has then matters once the joint leaves the limit.
    """
    x, y, limit, motor = impulses
    grown = jnp.clip(motor + change * blocks.astype(jnp.float32)[None], -motors[1], motors[1])
    grown = jnp.where(limit != 0, grown, motor)
    return x, y, jnp.where(limit != 0, limit - (grown - motor), limit), grown


def _position_passes(
    model: Model, pose: Pose, hinges: JointConstraint, touching: Touching | None, used: Any, active: Array
) -> tuple[Pose, Array]:
    """Passes over the positions, contacts and then joints, until all errors are within the slop."""
    lanes = active.shape[0]

    def one_pass(loop: Any) -> Any:
        old, count, running = loop
        new, solved = old, jnp.ones(lanes, bool)
        if touching is not None:
            body, (center, angle) = touching.body, new
            if body is None:
                body = bodies_of_items(model, lanes)
                center, angle = jax.tree.map(lambda x: x.reshape(-1), new)
            center, angle, least = contact_solver.position_pass(
                model, body, touching.manifolds, center, angle, BAUMGARTE, used
            )
            new = jax.tree.map(lambda x: x.reshape(-1, lanes), (center, angle))
            solved = fold(jnp.logical_and, (least >= F(-3.0) * LINEAR_SLOP).reshape(-1, lanes))
        new, good = joints.position_pass(model, hinges, new)
        return choose(running[None], new, old), count + 1, running & ~(solved & good)

    loop = varying_as(active, (pose, jnp.int32(0), active))
    more = lambda loop: jnp.any(loop[2]) & (loop[1] < model.position_iterations)  # noqa: E731
    pose, _, running = lax.while_loop(more, one_pass, loop)
    return pose, ~running


def _asleep_or_not(
    start: Moving, pose: Pose, motion: Motion, impulses: JointImpulses, solved: Array, dt: Scalar
) -> Moving:
    """Counts the time at rest, and stops bodies that have all rested long enough."""
    (center, angle), (v, w) = pose, motion
    slow = w * w <= ANGULAR_SLEEP_TOLERANCE * ANGULAR_SLEEP_TOLERANCE
    slow = slow & (dot(v, v) <= LINEAR_SLEEP_TOLERANCE * LINEAR_SLEEP_TOLERANCE)
    rest = jnp.where(slow, start.sleep_time.T + dt, F(0))
    asleep = keep(solved & fold(jnp.logical_and, rest >= TIME_TO_SLEEP))

    def unless_asleep(x: Array) -> Array:
        return jnp.where(asleep[None], F(0), x)

    return Moving(
        position=jnp.stack([x.T for x in center], 2),
        angle=angle.T,
        velocity=jnp.stack([unless_asleep(x).T for x in v], 2),
        angular_velocity=unless_asleep(w).T,
        sleep_time=unless_asleep(rest).T,
        joint_impulse=jnp.stack([x.T for x in impulses], 2),
        awake=~asleep,
    )
