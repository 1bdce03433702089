"""One step of bodies that are joined, in many worlds at once: velocities, positions, sleep (`b2Island.cpp`)."""

from functools import reduce
from typing import Any, Literal, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d import contact_solver, joints
from jaxenvs.simulators.box2d.collision import Manifold
from jaxenvs.simulators.box2d.contact_solver import ContactConstraint
from jaxenvs.simulators.box2d.joints import Motion, Pose
from jaxenvs.simulators.box2d.lanes import Keep
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import (
    ANGULAR_SLEEP_TOLERANCE,
    BAUMGARTE,
    LINEAR_SLEEP_TOLERANCE,
    LINEAR_SLOP,
    MAX_ROTATION,
    MAX_TRANSLATION,
    TIME_TO_SLEEP,
    F,
)
from jaxenvs.simulators.box2d.vectors import Scalar, Vector, add, choose, dot, fold, of, scale

T = TypeVar("T")

Solver: TypeAlias = Literal["exact", "converged"]
"""When the passes over the velocities stop: at a pass that changes nothing at all, or, in free flight, at one that
changes no velocity by more than `CONVERGED`. Box2D always makes all passes, and contacts can converge so slowly that
small changes add up to large ones."""

CONVERGED = F(2e-7), F(1.2e-7)
"""Absolute (m/s and rad/s) and relative change of velocities below which the passes of "converged" stop."""

BLOCK = 4
"""Passes between two tests whether they stop. It divides the number of all passes."""


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
    return add(position, scale(time, v)), angle + time * w, v, w


def settled(new: Any, old: Any, solver: Solver) -> Array:
    """Whether passes changed so little that they stop: bool of the shape of the leaves."""
    absolute, relative = CONVERGED if solver == "converged" else (F(0), F(0))
    pairs = zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True)
    return reduce(jnp.logical_and, [jnp.abs(x - y) <= absolute + relative * jnp.abs(x) for x, y in pairs])


def solve(
    model: Model, solver: Solver, keep: Keep, start: Moving, drive: Drive, touching: Touching | None, active: Array
) -> tuple[Moving, contact_solver.Impulses | None]:
    """`b2Island::Solve` for awake bodies.

    Args:
        model: bodies and joints.
        solver: when the passes stop.
        keep: stops recomputation.
        start: the bodies before the step.
        drive: gravity, forces and motors.
        touching: the contacts to solve; None if nothing touches, which makes a smaller program.
        active: (lanes,) bool, which worlds to solve; what is returned for others means nothing.

    Returns:
        The bodies after the step, before continuous collision, and the impulses of the contacts, with their axes.
    """
    used = None if touching is None else contact_solver.used_places(touching.manifolds)
    motions, hinges, hinge_impulses, motors = _set_up(model, keep, start, drive, touching, used)
    motions, hinge_impulses, impulses = _velocity_passes(
        model, solver, keep, motions, hinges, hinge_impulses, motors, touching, used, active
    )
    motions, poses = _integrate_all(model, start, motions)
    poses, solved = _position_passes(model, keep, poses, hinges, touching, used, active)
    return _asleep_or_not(model, start, poses, motions, hinge_impulses, solved), impulses


def _set_up(model: Model, keep: Keep, start: Moving, drive: Drive, touching: Touching | None, used: Any) -> Any:
    """Velocities after forces and warm starts, and the joints' constraints, impulses and motors."""
    dt = model.dt
    motions: list[Motion] = []
    for i, (mass, inertia) in enumerate(zip(model.inverse_masses, model.inverse_inertias, strict=True)):
        x = start.velocity[:, i, 0] + dt * (mass * drive.force[:, i, 0])
        y = start.velocity[:, i, 1] + dt * (drive.gravity + mass * drive.force[:, i, 1])
        motions.append(((x, y), start.angular_velocity[:, i] + dt * (inertia * drive.torque[:, i])))
    if touching is not None:
        velocity, spin = _together(motions, touching)
        masses = _masses(model, touching, start.awake.shape[0])
        if touching.body is None:
            for place in range(model.touching):
                contacts: Any = at_place(touching.constraints, place)
                velocity, spin = contact_solver.warm_start(contacts, *masses, velocity, spin)
        else:
            velocity, spin = contact_solver.warm_start_pass(
                touching.constraints, masses, velocity, spin, used, touching.body
            )
        motions = _each(model, velocity, spin)
    motions = keep(motions)
    angles = [start.angle[:, i] for i in range(len(model.bodies))]
    hinges, impulses, motors = [], [], []
    for number, joint in enumerate(model.joints):
        a, b = joint.body_a, joint.body_b
        before = start.joint_impulse[:, number]
        old = before[:, 0], before[:, 1], before[:, 2], before[:, 3]
        hinge, new = keep(joints.constraint(model, keep, number, angles[a], angles[b], old))
        motions[a], motions[b] = keep(joints.warm_start(model, number, hinge, new, motions[a], motions[b]))
        hinges.append(hinge)
        impulses.append(new)
        motors.append((drive.motor_speed[:, number], dt * drive.max_motor_torque[:, number]))
    return motions, hinges, impulses, motors


def _masses(model: Model, touching: Touching, lanes: int) -> tuple[Array, Array]:
    """The inverse masses of items, or of the bodies of contacts, and their inverse moments of inertia."""
    body = bodies_of_items(model, lanes) if touching.body is None else touching.body
    return of(model.inverse_masses, body), of(model.inverse_inertias, body)


def bodies_of_items(model: Model, lanes: int) -> Array:
    """(items,) int32: which body each item is."""
    return jax.lax.broadcasted_iota(jnp.int32, (len(model.bodies), lanes), 0).reshape(-1)


def at_place(tree: T, place: int) -> T:
    """What is at one place of the first axis."""
    return jax.tree.map(lambda x: x[place], tree)


def _each(model: Model, pair: Vector, scalar: Array) -> list[tuple[Vector, Scalar]]:
    """Arrays over items as one entry for each body."""
    x, y, z = (values.reshape(len(model.bodies), -1) for values in (*pair, scalar))
    return [((x[i], y[i]), z[i]) for i in range(len(model.bodies))]


def _together(entries: list[tuple[Vector, Scalar]], touching: Touching) -> tuple[Vector, Array]:
    """The reverse of `_each`; with an axis of bodies if contacts are those of lanes."""
    join = jnp.concatenate if touching.body is None else jnp.stack
    x, y = (join([entry[0][i] for entry in entries]) for i in (0, 1))
    return (x, y), join([entry[1] for entry in entries])


def _integrate_all(model: Model, start: Moving, motions: list[Motion]) -> tuple[list[Motion], list[Pose]]:
    new_motions, poses = [], []
    for i, (v, w) in enumerate(motions):
        at = start.position[:, i, 0], start.position[:, i, 1]
        center, angle, v, w = integrate(at, start.angle[:, i], v, w, model.dt)
        new_motions.append((v, w))
        poses.append((center, angle))
    return new_motions, poses


def _velocity_passes(
    model: Model,
    solver: Solver,
    keep: Keep,
    motions: list[Motion],
    hinges: Any,
    hinge_impulses: Any,
    motors: Any,
    touching: Touching | None,
    used: Any,
    active: Array,
) -> tuple[list[Motion], list[joints.JointImpulses], contact_solver.Impulses | None]:
    """All passes over the velocities: in each, all joints and then all contacts."""
    contacts = None if touching is None else touching.constraints
    solver = solver if contacts is None else "exact"
    bodies, lanes = len(model.bodies), active.shape[0]
    masses = None if touching is None else _masses(model, touching, lanes)

    def one_pass(_: Any, state: Any) -> Any:
        motions, hinge_impulses, impulses = jax.tree.map(lambda x: x, state)
        for number, joint in enumerate(model.joints):
            a, b = joint.body_a, joint.body_b
            motions[a], motions[b], hinge_impulses[number] = joints.solve_velocity(
                model, keep, number, hinges[number], *motors[number], motions[a], motions[b], hinge_impulses[number]
            )
        if touching is not None and masses is not None:
            motion = _together(motions, touching)
            v, w, impulses = contact_solver.velocity_pass(
                keep, touching.constraints, masses, *motion, impulses, used, touching.body
            )
            motions = _each(model, v, w)
        return motions, hinge_impulses, impulses

    def block(loop: Any) -> Any:
        old, blocks, running, change = loop
        new = lax.fori_loop(0, BLOCK, one_pass, old)
        done = settled(new[0], old[0], solver)
        if contacts is not None:
            done = done & fold(jnp.logical_and, settled(new[2], old[2], solver).reshape(-1, lanes))
        if solver == "exact":  # impulses can grow while velocities stay
            done = done & settled(new[1], old[1], solver)
        grown = [now[3] - then[3] for now, then in zip(new[1], old[1], strict=True)]
        if solver == "converged":  # a limit that a motor will pull loose has yet to move the bodies
            later = _left_out(new[1], grown, motors, all_blocks - blocks - 1)
            held = [(now[2] == 0) | (now[2] * then[2] > 0) for now, then in zip(new[1], later, strict=True)]
            done = done & reduce(jnp.logical_and, held)
        of_items = running if touching is None or touching.body is not None else jnp.tile(running, bodies)

        def chosen(new: Array, old: Array) -> Array:
            return jnp.where(running if new.ndim == 1 else of_items[None], new, old)

        blocks = jnp.where(running, blocks + 1, blocks)
        new, change = jax.tree.map(chosen, (new, grown), (old, change))
        return new, blocks, running & ~done & (blocks < all_blocks), change

    all_blocks = model.velocity_iterations // BLOCK
    impulses = None if contacts is None else contacts.impulses
    no_change = [jnp.zeros_like(each[3]) for each in hinge_impulses]
    loop = ((motions, hinge_impulses, impulses), jnp.zeros(active.shape, jnp.int32), active, no_change)
    (motions, hinge_impulses, impulses), blocks, _, change = lax.while_loop(lambda loop: jnp.any(loop[2]), block, loop)
    if solver == "converged":
        hinge_impulses = _left_out(hinge_impulses, change, motors, all_blocks - blocks)
    return motions, hinge_impulses, impulses


def _left_out(impulses: Any, change: Any, motors: Any, blocks: Array) -> list[joints.JointImpulses]:
    """The impulses of joints after the blocks of passes that were left out.

    While a motor presses against a limit, nothing moves, but in every pass the motor's impulse grows and the limit's
    balances it, until the motor is at its greatest. What the motor has then matters once the joint leaves the limit.
    """
    result = []
    for (x, y, limit, motor), step, (_, greatest) in zip(impulses, change, motors, strict=True):
        grown = jnp.clip(motor + step * blocks.astype(jnp.float32), -greatest, greatest)
        grown = jnp.where(limit != 0, grown, motor)
        result.append((x, y, jnp.where(limit != 0, limit - (grown - motor), limit), grown))
    return result


def _position_passes(
    model: Model, keep: Keep, poses: list[Pose], hinges: Any, touching: Touching | None, used: Any, active: Array
) -> tuple[list[Pose], Array]:
    """Passes over the positions, contacts and then joints, until all errors are within the slop."""
    bodies, lanes = len(model.bodies), active.shape[0]
    by_lane = touching is not None and touching.body is not None
    body = touching.body if touching is not None and touching.body is not None else bodies_of_items(model, lanes)

    def one_pass(loop: Any) -> Any:
        old, count, running = loop
        new, solved = list(old), jnp.ones(lanes, bool)
        if touching is not None:
            center, angle, least = contact_solver.position_pass(
                model, keep, body, touching.manifolds, *_together(new, touching), BAUMGARTE, used
            )
            separated = least >= F(-3.0) * LINEAR_SLOP
            solved = solved & (separated if by_lane else fold(jnp.logical_and, separated.reshape(bodies, lanes)))
            new = _each(model, center, angle)
        for number, joint in enumerate(model.joints):
            a, b = joint.body_a, joint.body_b
            new[a], new[b], good = joints.solve_position(model, keep, number, hinges[number], new[a], new[b])
            new[a], new[b] = keep((new[a], new[b]))
            solved = solved & good
        return choose(running, new, old), count + 1, running & ~solved

    loop = (poses, jnp.int32(0), active)
    more = lambda loop: jnp.any(loop[2]) & (loop[1] < model.position_iterations)  # noqa: E731
    poses, _, running = lax.while_loop(more, one_pass, loop)
    return poses, ~running


def _asleep_or_not(
    model: Model, start: Moving, poses: list[Pose], motions: list[Motion], impulses: Any, solved: Array
) -> Moving:
    """Counts the time at rest, and stops bodies that have all rested long enough."""
    rests, asleep = [], solved
    for number, (v, w) in enumerate(motions):
        slow = w * w <= ANGULAR_SLEEP_TOLERANCE * ANGULAR_SLEEP_TOLERANCE
        slow = slow & (dot(v, v) <= LINEAR_SLEEP_TOLERANCE * LINEAR_SLEEP_TOLERANCE)
        rests.append(jnp.where(slow, start.sleep_time[:, number] + model.dt, F(0)))
        asleep = asleep & (rests[-1] >= TIME_TO_SLEEP)
    velocity, spin = jnp.stack([jnp.stack(v, 1) for v, _ in motions], 1), jnp.stack([w for _, w in motions], 1)
    return Moving(
        position=jnp.stack([jnp.stack(center, 1) for center, _ in poses], 1),
        angle=jnp.stack([angle for _, angle in poses], 1),
        velocity=jnp.where(asleep[:, None, None], F(0), velocity),
        angular_velocity=jnp.where(asleep[:, None], F(0), spin),
        sleep_time=jnp.where(asleep[:, None], F(0), jnp.stack(rests, 1)),
        joint_impulse=jnp.stack([jnp.stack(each, 1) for each in impulses], 1),
        awake=~asleep,
    )
