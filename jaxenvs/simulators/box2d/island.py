"""One step of bodies that are joined: velocities, positions, sleep (`b2Island.cpp`)."""

from functools import partial, reduce
from typing import Any, Literal, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d import contact_solver, joints
from jaxenvs.simulators.box2d.collision import Manifold
from jaxenvs.simulators.box2d.contact_solver import ContactConstraint
from jaxenvs.simulators.box2d.joints import Motion, Pose
from jaxenvs.simulators.box2d.lanes import walled
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
from jaxenvs.simulators.box2d.vectors import Scalar, Vector, add, choose, dot, scale

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
    """The part of a world that an island changes.

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
    """The touching contacts of all bodies, each with leading axes (bodies, capacity for touching contacts).

    Attributes:
        manifolds: at the start of the step.
        constraints: what the velocity solver needs.
    """

    manifolds: Manifold
    constraints: ContactConstraint


def integrate(
    position: Vector, angle: Scalar, v: Vector, w: Scalar, time: Scalar
) -> tuple[Vector, Scalar, Vector, Scalar]:
    """Moves a body for `time` seconds, at no more than the greatest speeds; returns its pose and its motion."""
    step = scale(time, v)
    squared = dot(step, step)
    too_far = squared > MAX_TRANSLATION * MAX_TRANSLATION
    v = choose(too_far, scale(MAX_TRANSLATION / jnp.sqrt(jnp.where(too_far, squared, F(1))), v), v)
    turned = time * w
    too_fast = turned * turned > MAX_ROTATION * MAX_ROTATION
    w = jnp.where(too_fast, w * (MAX_ROTATION / jnp.abs(jnp.where(too_fast, turned, F(1)))), w)
    return add(position, scale(time, v)), angle + time * w, v, w


def settled(new: Any, old: Any, solver: Solver) -> Array:
    """Whether a pass changed so little that the passes stop."""
    absolute, relative = CONVERGED if solver == "converged" else (F(0), F(0))
    pairs = zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True)
    return reduce(jnp.logical_and, [jnp.all(jnp.abs(x - y) <= absolute + relative * jnp.abs(x)) for x, y in pairs])


def solve(
    model: Model, solver: Solver, start: Moving, drive: Drive, touching: Touching | None
) -> tuple[Moving, contact_solver.Impulses | None]:
    """`b2Island::Solve` for awake bodies.

    Args:
        model: bodies and joints.
        solver: when the passes stop.
        start: the bodies before the step.
        drive: gravity, forces and motors.
        touching: the contacts to solve; None if nothing touches, which makes a smaller program.

    Returns:
        The bodies after the step, before continuous collision, and the impulses of the contacts, with their axes.
    """
    motions, hinges, hinge_impulses, motors = walled(partial(_set_up, model), start, drive, touching)
    constraints = None if touching is None else touching.constraints
    motions, hinge_impulses, impulses = _velocity_passes(
        model, solver, motions, hinges, hinge_impulses, motors, constraints
    )
    motions, poses = walled(partial(_integrate_all, model), start, motions)
    poses, solved = _position_passes(model, poses, hinges, None if touching is None else touching.manifolds)
    return _asleep_or_not(model, start, poses, motions, hinge_impulses, solved), impulses


def _set_up(model: Model, start: Moving, drive: Drive, touching: Touching | None) -> Any:
    """Velocities after forces and warm starts, and the joints' constraints, impulses and motors."""
    dt, masses = model.dt, model.inverse_masses
    velocity = (
        start.velocity[:, 0] + dt * (masses * drive.force[:, 0]),
        start.velocity[:, 1] + dt * (drive.gravity + masses * drive.force[:, 1]),
    )
    spin = start.angular_velocity + dt * (model.inverse_inertias * drive.torque)
    if touching is not None:
        for place in range(model.touching):
            contacts = _at_place(touching.constraints, place)
            velocity, spin = contact_solver.warm_start(contacts, masses, model.inverse_inertias, velocity, spin)
    motions = _each(model, velocity, spin)
    angles = [start.angle[i] for i in range(len(model.bodies))]
    hinges, impulses, motors = [], [], []
    for number, joint in enumerate(model.joints):
        a, b = joint.body_a, joint.body_b
        before = start.joint_impulse[number]
        old = before[0], before[1], before[2], before[3]
        hinge, new = joints.constraint(model, number, angles[a], angles[b], old)
        motions[a], motions[b] = joints.warm_start(model, number, hinge, new, motions[a], motions[b])
        hinges.append(hinge)
        impulses.append(new)
        motors.append((drive.motor_speed[number], dt * drive.max_motor_torque[number]))
    return motions, hinges, impulses, motors


def _at_place(tree: T, place: int) -> T:
    """One touching contact of each body."""
    return jax.tree.map(lambda x: x[:, place], tree)


def _each(model: Model, pair: Vector, scalar: Array) -> list[tuple[Vector, Scalar]]:
    """Arrays over bodies as one entry for each body."""
    return [((pair[0][i], pair[1][i]), scalar[i]) for i in range(len(model.bodies))]


def _together(entries: list[tuple[Vector, Scalar]]) -> tuple[Vector, Array]:
    """The reverse of `_each`."""
    x, y = (jnp.stack([entry[0][i] for entry in entries]) for i in (0, 1))
    return (x, y), jnp.stack([entry[1] for entry in entries])


def _integrate_all(model: Model, start: Moving, motions: list[Motion]) -> tuple[list[Motion], list[Pose]]:
    new_motions, poses = [], []
    for i, (v, w) in enumerate(motions):
        at = start.position[i, 0], start.position[i, 1]
        center, angle, v, w = integrate(at, start.angle[i], v, w, model.dt)
        new_motions.append((v, w))
        poses.append((center, angle))
    return new_motions, poses


def _velocity_passes(
    model: Model, solver: Solver, motions: list[Motion], hinges: Any, hinge_impulses: Any, motors: Any, contacts: Any
) -> tuple[list[Motion], list[joints.JointImpulses], contact_solver.Impulses | None]:
    """All passes over the velocities: in each, all joints and then all contacts."""
    solver = solver if contacts is None else "exact"

    def over_joints(motions: list[Motion], impulses: list[joints.JointImpulses]) -> Any:
        motions, impulses = list(motions), list(impulses)
        for number, joint in enumerate(model.joints):
            a, b = joint.body_a, joint.body_b
            speed, most = motors[number]
            motions[a], motions[b], impulses[number] = joints.solve_velocity(
                model, number, hinges[number], speed, most, motions[a], motions[b], impulses[number]
            )
        return motions, impulses

    def over_contacts(place: int, v: Vector, w: Array, impulses: contact_solver.Impulses) -> Any:
        masses = model.inverse_masses, model.inverse_inertias
        contact: Any = _at_place(contacts, place)
        return contact_solver.solve_velocity(contact, *masses, v, w, impulses)

    def one_pass(loop: Any) -> Any:
        before, old_hinges, old_contacts, count, _, _ = loop
        if contacts is None:
            motions, new_hinges = over_joints(before, old_hinges)
            new_contacts = old_contacts
        else:
            motions, new_hinges = walled(over_joints, before, old_hinges)
            v, w = _together(motions)
            new_contacts = list(old_contacts)
            for place in range(model.touching):
                v, w, new_contacts[place] = walled(partial(over_contacts, place), v, w, new_contacts[place])
            motions = _each(model, v, w)
        done = settled((motions, new_contacts), (before, old_contacts), solver)
        if solver == "exact":  # impulses can grow while velocities stay
            done = done & settled(new_hinges, old_hinges, solver)
        change = [new[3] - old[3] for new, old in zip(new_hinges, old_hinges, strict=True)]
        if solver == "converged":  # a limit that a motor will pull loose has yet to move the bodies
            later = _left_out(new_hinges, change, motors, model.velocity_iterations - count - 1)
            held = [(now[2] == 0) | (now[2] * then[2] > 0) for now, then in zip(new_hinges, later, strict=True)]
            done = done & reduce(jnp.logical_and, held)
        return motions, new_hinges, new_contacts, count + 1, done, change

    impulses = [] if contacts is None else [_at_place(contacts.impulses, k) for k in range(model.touching)]
    no_change = [jnp.zeros_like(each[3]) for each in hinge_impulses]
    loop = (motions, hinge_impulses, impulses, jnp.int32(0), jnp.zeros((), bool), no_change)
    loop = lax.while_loop(lambda loop: ~loop[4] & (loop[3] < model.velocity_iterations), one_pass, loop)
    motions, hinge_impulses, impulses, count, _, change = loop
    if solver == "converged":
        hinge_impulses = _left_out(hinge_impulses, change, motors, model.velocity_iterations - count)
    stacked = None if contacts is None else jax.tree.map(lambda *x: jnp.stack(x, 1), *impulses)
    return list(motions), list(hinge_impulses), stacked


def _left_out(impulses: Any, change: Any, motors: Any, passes: Array) -> list[joints.JointImpulses]:
    """The impulses of joints after the passes that were left out.

    While a motor presses against a limit, nothing moves, but in every pass the motor's impulse grows and the limit's
    balances it, until the motor is at its greatest. What the motor has then matters once the joint leaves the limit.
    """
    result = []
    for (x, y, limit, motor), step, (_, greatest) in zip(impulses, change, motors, strict=True):
        grown = jnp.clip(motor + step * passes.astype(jnp.float32), -greatest, greatest)
        grown = jnp.where(limit != 0, grown, motor)
        result.append((x, y, jnp.where(limit != 0, limit - (grown - motor), limit), grown))
    return result


def _position_passes(
    model: Model, poses: list[Pose], hinges: Any, manifolds: Manifold | None
) -> tuple[list[Pose], Array]:
    """Passes over the positions, contacts and then joints, until all errors are within the slop."""
    numbers = np.arange(len(model.bodies), dtype=np.int32)

    def over_contacts(place: int, center: Vector, angle: Array) -> tuple[Vector, Array, Array]:
        assert manifolds is not None
        return contact_solver.solve_position(model, numbers, _at_place(manifolds, place), center, angle, BAUMGARTE)

    def over_joints(poses: list[Pose]) -> tuple[list[Pose], Array]:
        poses, solved = list(poses), jnp.ones((), bool)
        for number, joint in enumerate(model.joints):
            a, b = joint.body_a, joint.body_b
            poses[a], poses[b], good = joints.solve_position(model, number, hinges[number], poses[a], poses[b])
            solved = solved & good
        return poses, solved

    def one_pass(loop: Any) -> Any:
        poses, count, _ = loop
        separated = jnp.ones((), bool)
        if manifolds is not None:
            center, angle = _together(poses)
            for place in range(model.touching):
                center, angle, least = walled(partial(over_contacts, place), center, angle)
                separated = separated & jnp.all(least >= F(-3.0) * LINEAR_SLOP)
            poses = _each(model, center, angle)
        poses, solved = walled(over_joints, poses)
        return poses, count + 1, solved & separated

    loop = (poses, jnp.int32(0), jnp.zeros((), bool))
    loop = lax.while_loop(lambda loop: ~loop[2] & (loop[1] < model.position_iterations), one_pass, loop)
    return list(loop[0]), loop[2]


def _asleep_or_not(
    model: Model, start: Moving, poses: list[Pose], motions: list[Motion], impulses: Any, solved: Array
) -> Moving:
    """Counts the time at rest, and stops bodies that have all rested long enough."""
    velocity = jnp.stack([jnp.stack(v) for v, _ in motions])
    spin = jnp.stack([w for _, w in motions])
    slow = spin * spin <= ANGULAR_SLEEP_TOLERANCE * ANGULAR_SLEEP_TOLERANCE
    slow = slow & (jnp.sum(velocity * velocity, 1) <= LINEAR_SLEEP_TOLERANCE * LINEAR_SLEEP_TOLERANCE)
    rest = jnp.where(slow, start.sleep_time + model.dt, F(0))
    asleep = (jnp.min(rest) >= TIME_TO_SLEEP) & solved
    return Moving(
        position=jnp.stack([jnp.stack(center) for center, _ in poses]),
        angle=jnp.stack([angle for _, angle in poses]),
        velocity=jnp.where(asleep, F(0), velocity),
        angular_velocity=jnp.where(asleep, F(0), spin),
        sleep_time=jnp.where(asleep, F(0), rest),
        joint_impulse=jnp.stack([jnp.stack(each) for each in impulses]),
        awake=~asleep,
    )
