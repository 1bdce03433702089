"""Revolute joints with limits and motors (`b2RevoluteJoint.cpp`)."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.box2d.lanes import Keep
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import ANGULAR_SLOP, LINEAR_SLOP, MAX_ANGULAR_CORRECTION, F
from jaxenvs.simulators.box2d.vectors import (
    Scalar,
    Vector,
    add,
    cross,
    dot,
    rotate,
    rotation,
    scale,
    subtract,
    turn,
)

JointImpulses = tuple[Scalar, Scalar, Scalar, Scalar]
"""Of the point (x, y) in N s, of the limit and of the motor in N m s."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class JointConstraint:
    """What the solvers need of a joint at the poses of its bodies.

    Attributes:
        arm_a: from the centre of mass of body A to the anchor, m.
        arm_b: the same of body B.
        at_lower: () bool, whether the joint is at its lower limit at the start of the step.
        at_upper: () bool.
        point_limit: the column of the matrix of point and limit that belongs to the limit, less its last element.
        inverse3: the inverse of that matrix: xx, xy, xz, yy, yz, zz.
        inverse2: the inverse of its part for the point: xx, xy, yy.
    """

    arm_a: Vector
    arm_b: Vector
    at_lower: Array
    at_upper: Array
    point_limit: Vector
    inverse3: tuple[Scalar, ...]
    inverse2: tuple[Scalar, Scalar, Scalar]


def _masses(model: Model, number: int) -> tuple[Any, Any, Any, Any]:
    """The inverse masses of both bodies of a joint, and their inverse moments of inertia."""
    a, b = model.joints[number].body_a, model.joints[number].body_b
    return model.inverse_masses[a], model.inverse_masses[b], model.inverse_inertias[a], model.inverse_inertias[b]


def _arms(model: Model, number: int, angle_a: Scalar, angle_b: Scalar) -> tuple[Vector, Vector]:
    joint = model.joints[number]
    arms = []
    for body, anchor, angle in ((joint.body_a, joint.anchor_a, angle_a), (joint.body_b, joint.anchor_b, angle_b)):
        x, y = (F(coordinate) - center for coordinate, center in zip(anchor, model.local_centers[body], strict=True))
        arms.append(rotate(rotation(angle), (x, y)))
    return arms[0], arms[1]


def _angle(model: Model, number: int, angle_a: Scalar, angle_b: Scalar) -> Scalar:
    return angle_b - angle_a - F(model.joints[number].reference_angle)


def constraint(
    model: Model, keep: Keep, number: int, angle_a: Scalar, angle_b: Scalar, impulses: JointImpulses
) -> tuple[JointConstraint, JointImpulses]:
    """Arms, limits and inverse matrices of a joint, and the impulses to start with (`InitVelocityConstraints`).

    Box2D keeps the impulse of a limit only while the joint stays at the same limit. An impulse whose sign fits the
    present limit comes from it, so which limit it was need not be stored.
    """
    joint = model.joints[number]
    ma, mb, ia, ib = _masses(model, number)
    ra, rb = keep(_arms(model, number, angle_a, angle_b))
    angle = _angle(model, number, angle_a, angle_b)
    at_lower = angle <= F(joint.lower_angle)
    at_upper = (angle >= F(joint.upper_angle)) & ~at_lower
    limit = jnp.where((at_lower & (impulses[2] > 0)) | (at_upper & (impulses[2] < 0)), impulses[2], F(0))
    xx = ma + mb + ra[1] * ra[1] * ia + rb[1] * rb[1] * ib
    xy = -ra[1] * ra[0] * ia - rb[1] * rb[0] * ib
    xz = -ra[1] * ia - rb[1] * ib
    yy = ma + mb + ra[0] * ra[0] * ia + rb[0] * rb[0] * ib
    yz = ra[0] * ia + rb[0] * ib
    zz = ia + ib
    minors = (
        yy * zz - yz * yz,
        yz * xz - xy * zz,
        xy * yz - yy * xz,
        xx * zz - xz * xz,
        xz * xy - xx * yz,
        xx * yy - xy * xy,
    )
    inverse_determinant = 1 / (xx * minors[0] + xy * minors[1] + xz * minors[2])
    inverse_area = 1 / minors[5]
    return JointConstraint(
        arm_a=ra,
        arm_b=rb,
        at_lower=at_lower,
        at_upper=at_upper,
        point_limit=(xz, yz),
        inverse3=tuple(inverse_determinant * minor for minor in minors),
        inverse2=(inverse_area * yy, -inverse_area * xy, inverse_area * xx),
    ), (impulses[0], impulses[1], limit, impulses[3])


Motion = tuple[Vector, Scalar]
"""Velocity in m/s and angular velocity in rad/s."""


def warm_start(
    model: Model, number: int, joint: JointConstraint, impulses: JointImpulses, a: Motion, b: Motion
) -> tuple[Motion, Motion]:
    """Applies the impulses that a joint starts with."""
    ma, mb, ia, ib = _masses(model, number)
    point, torque = (impulses[0], impulses[1]), impulses[3] + impulses[2]
    return (
        (subtract(a[0], scale(ma, point)), a[1] - ia * (cross(joint.arm_a, point) + torque)),
        (add(b[0], scale(mb, point)), b[1] + ib * (cross(joint.arm_b, point) + torque)),
    )


def solve_velocity(
    model: Model,
    keep: Keep,
    number: int,
    joint: JointConstraint,
    motor_speed: Scalar,
    max_impulse: Scalar,
    a: Motion,
    b: Motion,
    impulses: JointImpulses,
) -> tuple[Motion, Motion, JointImpulses]:
    """One pass: the motor, then limit and point together, or the point alone (`SolveVelocityConstraints`).

    Args:
        model: the joints.
        keep: stops recomputation.
        number: of the joint.
        joint: its constraint.
        motor_speed: () rad/s.
        max_impulse: () N m s, greatest torque of the motor times the time step.
        a: motion of body A.
        b: motion of body B.
        impulses: accumulated so far.
    """
    ma, mb, ia, ib = _masses(model, number)
    (va, wa), (vb, wb) = a, b
    x, y, limit, motor = impulses
    driven = motor - F(1 / (ia + ib)) * (wb - wa - motor_speed)
    driven = keep(jnp.maximum(-max_impulse, jnp.minimum(driven, max_impulse)))
    change = driven - motor
    wa, wb = wa - ia * change, wb + ib * change

    apart = keep(subtract(subtract(add(vb, turn(wb, joint.arm_b)), va), turn(wa, joint.arm_a)))
    spin = wb - wa
    ixx, ixy, ixz, iyy, iyz, izz = joint.inverse3
    full_z = -(ixz * apart[0] + iyz * apart[1] + izz * spin)
    total = limit + full_z
    at_limit = joint.at_lower | joint.at_upper
    released = (joint.at_lower & (total < 0)) | (joint.at_upper & (total > 0))
    use_limit = at_limit & ~released
    # A joint that leaves its limit gives the limit's impulse back.
    returned = jnp.where(at_limit, limit, F(0))
    px, py = returned * joint.point_limit[0] - apart[0], returned * joint.point_limit[1] - apart[1]
    jxx, jxy, jyy = joint.inverse2
    impulse = (
        jnp.where(use_limit, -(ixx * apart[0] + ixy * apart[1] + ixz * spin), jxx * px + jxy * py),
        jnp.where(use_limit, -(ixy * apart[0] + iyy * apart[1] + iyz * spin), jxy * px + jyy * py),
    )
    impulse, turned = keep((impulse, jnp.where(use_limit, full_z, -returned)))
    wa = keep(wa - ia * (cross(joint.arm_a, impulse) + turned))
    wb = keep(wb + ib * (cross(joint.arm_b, impulse) + turned))
    return (
        (subtract(va, scale(ma, impulse)), wa),
        (add(vb, scale(mb, impulse)), wb),
        (x + impulse[0], y + impulse[1], jnp.where(use_limit, total, F(0)), driven),
    )


Pose = tuple[Vector, Scalar]
"""Centre of mass in m and angle in rad."""


def solve_position(
    model: Model, keep: Keep, number: int, joint: JointConstraint, a: Pose, b: Pose
) -> tuple[Pose, Pose, Array]:
    """One pass that mends limit and point (`SolvePositionConstraints`).

    The last result is whether both were within their slop before.
    """
    ma, mb, ia, ib = _masses(model, number)
    (ca, aa), (cb, ab) = a, b
    angle = _angle(model, number, aa, ab)
    below, above = angle - F(model.joints[number].lower_angle), angle - F(model.joints[number].upper_angle)
    error = jnp.where(joint.at_lower, -below, jnp.where(joint.at_upper, above, F(0)))
    to_lower = jnp.maximum(-MAX_ANGULAR_CORRECTION, jnp.minimum(below + ANGULAR_SLOP, F(0)))
    to_upper = jnp.maximum(F(0), jnp.minimum(above - ANGULAR_SLOP, MAX_ANGULAR_CORRECTION))
    correction = jnp.where(joint.at_lower, to_lower, jnp.where(joint.at_upper, to_upper, F(0)))
    impulse = -F(1 / (ia + ib)) * correction
    aa, ab = aa - ia * impulse, ab + ib * impulse

    ra, rb = keep(_arms(model, number, aa, ab))
    gap = subtract(subtract(add(cb, rb), ca), ra)
    k11 = ma + mb + ia * ra[1] * ra[1] + ib * rb[1] * rb[1]
    k12 = -ia * ra[0] * ra[1] - ib * rb[0] * rb[1]
    k22 = ma + mb + ia * ra[0] * ra[0] + ib * rb[0] * rb[0]
    inverse = 1 / (k11 * k22 - k12 * k12)
    push = keep((-inverse * (k22 * gap[0] - k12 * gap[1]), -inverse * (k11 * gap[1] - k12 * gap[0])))
    solved = (jnp.sqrt(dot(gap, gap)) <= LINEAR_SLOP) & (error <= ANGULAR_SLOP)
    return (
        (subtract(ca, scale(ma, push)), aa - ia * cross(ra, push)),
        (add(cb, scale(mb, push)), ab + ib * cross(rb, push)),
        solved,
    )
