"""Revolute joints with limits and motors (`b2RevoluteJoint.cpp`).

Arrays of bodies are (bodies, lanes) here, and those of joints (joints, lanes).
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.core.varying import varying_as
from jaxenvs.simulators.box2d.lanes import keep
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
    rounded,
    scale,
    subtract,
    turn,
)

T = TypeVar("T")

JointImpulses = tuple[Scalar, Scalar, Scalar, Scalar]
"""Of the point (x, y) in N s, of the limit and of the motor in N m s."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class JointConstraint:
    """What the solvers need of joints at the poses of their bodies.

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


def _arms(anchors: tuple[Vector, Vector], angle_a: Array, angle_b: Array) -> tuple[Vector, Vector]:
    return rotate(rotation(angle_a), anchors[0], steady=True), rotate(rotation(angle_b), anchors[1], steady=True)


def constraint(model: Model, angle: Array, impulses: JointImpulses) -> tuple[JointConstraint, JointImpulses]:
    """Arms, limits and inverse matrices of all joints, and the impulses to start with (`InitVelocityConstraints`).

    Box2D keeps the impulse of a limit only while the joint stays at the same limit. An impulse whose sign fits the
    present limit comes from it, so which limit it was need not be stored.
    """
    angle_a, angle_b = (angle[bodies] for bodies in model.joint_bodies)
    ma, mb, ia, ib, _ = (jnp.asarray(masses)[:, None] for masses in model.joint_masses)
    lower, upper, reference = (jnp.asarray(limits)[:, None] for limits in model.joint_limits)
    anchor_a, anchor_b = ((jnp.asarray(x)[:, None], jnp.asarray(y)[:, None]) for x, y in _columns(model))
    ra, rb = keep(_arms((anchor_a, anchor_b), angle_a, angle_b))
    angle = angle_b - angle_a - reference
    at_lower = angle <= lower
    at_upper = (angle >= upper) & ~at_lower
    limit = jnp.where((at_lower & (impulses[2] > 0)) | (at_upper & (impulses[2] < 0)), impulses[2], F(0))
    # Each product in Box2D's order, rounded.
    (ax, ay), (bx, by) = rounded((scale(ia, ra), scale(ib, rb)))
    (axx, axy, ayy), (bxx, bxy, byy) = (
        rounded(tuple(inertia * x for x in rounded((r[0] * r[0], r[1] * r[0], r[1] * r[1]))))
        for inertia, r in ((ia, ra), (ib, rb))
    )
    xx, xy, xz = ma + mb + ayy + byy, -axy - bxy, -ay - by
    yy, yz = ma + mb + axx + bxx, ax + bx
    zz = ia + ib
    minors = (
        cross((yy, yz), (yz, zz), steady=True),
        cross((yz, xy), (zz, xz), steady=True),
        cross((xy, yy), (xz, yz), steady=True),
        cross((xx, xz), (xz, zz), steady=True),
        cross((xz, xx), (yz, xy), steady=True),
        cross((xx, xy), (xy, yy), steady=True),
    )
    first, second, third = rounded((xx * minors[0], xy * minors[1], xz * minors[2]))
    inverse_determinant = 1 / (first + second + third)
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


def _columns(model: Model) -> list[tuple[Any, Any]]:
    """The coordinates of the anchors on the bodies A and B, (joints,) each."""
    return [(anchors[:, 0], anchors[:, 1]) for anchors in model.joint_anchors]


class _Joint(NamedTuple):
    """What is constant of one joint, as scalars: bodies, inverse masses, and so on as `Model` has them."""

    body_a: Array
    body_b: Array
    masses: tuple[Array, ...]
    limits: tuple[Array, ...]
    anchors: tuple[Vector, Vector]


def _joint(model: Model, number: Array) -> _Joint:
    tables = (
        *model.joint_bodies,
        tuple(model.joint_masses),
        tuple(model.joint_limits),
        tuple(_columns(model)),
    )
    return _Joint(*at_place(jax.tree.map(jnp.asarray, tables), number))


def at_place(tree: T, place: Array) -> T:
    """What is at one place of the first axis of arrays."""
    return jax.tree.map(lambda x: lax.dynamic_index_in_dim(x, place, 0, keepdims=False), tree)


def put_at_place(tree: T, place: Array, new: T) -> T:
    """The arrays with something else at that place."""
    return jax.tree.map(lambda x, y: lax.dynamic_update_index_in_dim(x, y, place, 0), tree, new)


Motion = tuple[Vector, Array]
"""Velocities in m/s and angular velocities in rad/s, (bodies, lanes)."""


def _over_joints(model: Model, function: Callable[[Array, T], T], value: T) -> T:
    """`function(number, value)` of one joint after another; `value` itself for a body that is joined to nothing."""
    return lax.fori_loop(0, len(model.joints), function, value) if model.joints else value


def warm_start(model: Model, joints: JointConstraint, impulses: JointImpulses, motion: Motion) -> Motion:
    """Applies the impulses that the joints start with."""

    def start_one(number: Array, motion: Motion) -> Motion:
        constant = _joint(model, number)
        ma, mb, ia, ib, _ = constant.masses
        arm_a, arm_b, (x, y, limit, motor) = at_place((joints.arm_a, joints.arm_b, impulses), number)
        a, b = at_place(motion, constant.body_a), at_place(motion, constant.body_b)
        torque = motor + limit
        a = keep((subtract(a[0], scale(ma, (x, y))), a[1] - ia * (cross(arm_a, (x, y)) + torque)))
        b = keep((add(b[0], scale(mb, (x, y))), b[1] + ib * (cross(arm_b, (x, y)) + torque)))
        return put_at_place(put_at_place(motion, constant.body_a, a), constant.body_b, b)

    return _over_joints(model, start_one, motion)


Motors = tuple[Array, Array]
"""Speed of each joint's motor in rad/s, and its greatest torque times the time step in N m s, (joints, lanes)."""


def velocity_pass(
    model: Model, joints: JointConstraint, motors: Motors, motion: Motion, impulses: JointImpulses
) -> tuple[Motion, JointImpulses]:
    """One pass over all joints, one after the other."""

    def solve_one(number: Array, state: tuple[Motion, JointImpulses]) -> tuple[Motion, JointImpulses]:
        motion, impulses = state
        constant = _joint(model, number)
        joint, motor, old = at_place((joints, motors, impulses), number)
        a, b = at_place(motion, constant.body_a), at_place(motion, constant.body_b)
        a, b, new = _solve_velocity(constant.masses, joint, *motor, a, b, old)
        motion = put_at_place(put_at_place(motion, constant.body_a, a), constant.body_b, b)
        return motion, put_at_place(impulses, number, new)

    return _over_joints(model, solve_one, (motion, impulses))


def _solve_velocity(
    masses: tuple[Array, ...],
    joint: JointConstraint,
    motor_speed: Array,
    max_impulse: Array,
    a: Motion,
    b: Motion,
    impulses: JointImpulses,
) -> tuple[Motion, Motion, JointImpulses]:
    """The motor, then limit and point together, or the point alone (`SolveVelocityConstraints`)."""
    ma, mb, ia, ib, angular_mass = masses
    (va, wa), (vb, wb) = a, b
    x, y, limit, motor = impulses
    driven = motor - angular_mass * (wb - wa - motor_speed)
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


Pose = tuple[Vector, Array]
"""Centres of mass in m and angles in rad, (bodies, lanes)."""


def position_pass(model: Model, joints: JointConstraint, pose: Pose) -> tuple[Pose, Array]:
    """One pass that mends the limits and points of all joints.

    The last result is whether all were within their slop before, (lanes,) bool.
    """

    def solve_one(number: Array, state: tuple[Pose, Array]) -> tuple[Pose, Array]:
        pose, solved = state
        constant = _joint(model, number)
        at_lower, at_upper = at_place((joints.at_lower, joints.at_upper), number)
        a, b = at_place(pose, constant.body_a), at_place(pose, constant.body_b)
        a, b, good = keep(_solve_position(constant, at_lower, at_upper, a, b))
        return put_at_place(put_at_place(pose, constant.body_a, a), constant.body_b, b), solved & good

    return _over_joints(model, solve_one, varying_as(pose, (pose, jnp.ones(pose[1].shape[1:], bool))))


def _solve_position(constant: _Joint, at_lower: Array, at_upper: Array, a: Pose, b: Pose) -> tuple[Pose, Pose, Array]:
    """`SolvePositionConstraints`."""
    ma, mb, ia, ib, angular_mass = constant.masses
    lower, upper, reference = constant.limits
    (ca, aa), (cb, ab) = a, b
    angle = ab - aa - reference
    below, above = angle - lower, angle - upper
    error = jnp.where(at_lower, -below, jnp.where(at_upper, above, F(0)))
    to_lower = jnp.maximum(-MAX_ANGULAR_CORRECTION, jnp.minimum(below + ANGULAR_SLOP, F(0)))
    to_upper = jnp.maximum(F(0), jnp.minimum(above - ANGULAR_SLOP, MAX_ANGULAR_CORRECTION))
    correction = jnp.where(at_lower, to_lower, jnp.where(at_upper, to_upper, F(0)))
    impulse = -angular_mass * correction
    aa, ab = aa - ia * impulse, ab + ib * impulse

    ra, rb = keep(_arms(constant.anchors, aa, ab))
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
