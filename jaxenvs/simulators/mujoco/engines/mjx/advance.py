"""Advancing the state by one time step, with the velocities that the integrator has computed (`mj_advance`)."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from mujoco.mjx._src import forward as mjx_forward
from mujoco.mjx._src import math, scan
from mujoco.mjx._src.types import JointType


def advance(
    model: Any,
    data: Any,
    acceleration: Array,
    act_dot: Array,
    velocity: Array | None = None,
    *,
    qacc: Array,
    actuator_length: Array,
) -> Any:
    """`data` one time step later.

    Args:
        model: the MJX model.
        data: the data at the beginning of the step.
        acceleration: (nv,) rate of change of the velocity.
        act_dot: (na,) rate of change of the activations, before their limits.
        velocity: (nv,) rate of change of the position; None for the new velocity.
        qacc: (nv,) accelerations of the last evaluation, with which the next search begins.
        actuator_length: (nu,) lengths of the last evaluation, around which activations of angles wrap.
    """
    qvel = data.qvel + acceleration * model.opt.timestep
    qpos = integrate_positions(model, data.qpos, qvel if velocity is None else velocity)
    act = mjx_forward._next_activation(model, data.replace(actuator_length=actuator_length), act_dot)
    time = data.time + model.opt.timestep
    return data.replace(qpos=qpos, qvel=qvel, act=act, time=time, qacc_warmstart=qacc)


def integrate_positions(model: Any, qpos: Array, qvel: Array) -> Array:
    """(nq,) the position after one time step at constant velocity `qvel` (nv,)."""

    def move(*joint: Any) -> Array:
        return _move(*joint, timestep=model.opt.timestep)

    return scan.flat(model, move, "jqv", "q", model.jnt_type, qpos, qvel)


def _move(types: Any, qpos: Array, qvel: Array, timestep: Array) -> Array:
    """The positions of joints after one time step."""
    moved, q, v = [], 0, 0
    for kind in types:
        if kind in (JointType.FREE, JointType.BALL):
            straight = 3 if kind == JointType.FREE else 0
            moved.append(qpos[q : q + straight] + timestep * qvel[v : v + straight])
            q, v = q + straight, v + straight
            moved.append(_turn(qpos[q : q + 4], timestep * qvel[v : v + 3]))
            q, v = q + 4, v + 3
        else:
            moved.append((qpos[q] + timestep * qvel[v])[None])
            q, v = q + 1, v + 1
    return jnp.concatenate(moved)


def _turn(quaternion: Array, rotation: Array) -> Array:
    """(4,) an orientation (4,) after a rotation (3,) rad in its own frame.

    MJX leaves out rotations slower than 1e-8 rad/s, with which a box at rest on a table settles.
    """
    half = 0.5 * rotation
    square = half @ half
    is_zero = square == 0.0
    angle = jnp.sqrt(jnp.where(is_zero, 1.0, square))
    sine = jnp.where(is_zero, 1.0, jnp.sin(angle) / angle)
    turned = math.quat_mul(quaternion, jnp.concatenate([jnp.where(is_zero, 1.0, jnp.cos(angle))[None], sine * half]))
    return turned / jnp.sqrt(turned @ turned)
