"""MuJoCo's Runge-Kutta step of order four (`mj_RungeKutta`), with one evaluation of the dynamics in the program.

Two things differ from MJX 3.17's. Its four evaluations stand in the program twice; here they are a scan over one, which
halves the time to compile and changes no number. And MuJoCo 4.0 corrects the stages for rotations of free and ball
joints, which MJX does not: quaternions live on a curved space, so the stages' angular velocities belong to different
tangent spaces and are first carried back to that of the step's beginning (Munthe-Kaas 1998, "Runge-Kutta methods on Lie
groups", BIT 38). Without that, Ant's velocity is off by 1 after one environment step.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from mujoco.mjx._src.types import JointType

from jaxenvs.simulators.mujoco.engines.mjx.advance import advance, integrate_positions
from jaxenvs.simulators.mujoco.engines.mjx.forward import forward

_WEIGHTS = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
_NEXT_STAGE = (0.5, 0.5, 1.0, 0.0)
"""How much of the step lies between its beginning and the stage after this one."""


def carried_back(turned: Array, velocity: Array) -> Array:
    """(3,) `velocity` after a rotation by the vector `turned` (3,), as seen from before it.

    The inverse of the exponential map's derivative: with angle θ, v + ½ u×v + (1 - ½θ cot ½θ)/θ² u×(u×v).
    """
    square = jnp.dot(turned, turned)
    small = square < 1e-8  # the series' next term, θ²/720, is below float64's resolution of the result
    safe = jnp.where(small, 1.0, square)
    half = 0.5 * jnp.sqrt(safe)
    factor = jnp.where(small, 1.0 / 12.0, (1.0 - half / jnp.tan(half)) / safe)
    once = jnp.cross(turned, velocity)
    return velocity + 0.5 * once + factor * jnp.cross(turned, once)


def _rotations(model: Any) -> list[int]:
    """Where the angular velocity of each free and ball joint begins in `qvel`."""
    starts = {JointType.FREE: 3, JointType.BALL: 0}
    return [
        int(address) + starts[JointType(kind)]
        for kind, address in zip(model.jnt_type, model.jnt_dofadr)
        if JointType(kind) in starts
    ]


def runge_kutta(model: Any, data: Any, keep: Callable[[Any], Any]) -> tuple[Any, Any]:
    """`data` one step later, and `keep` of the last evaluation of the step, stage four's."""
    step = model.opt.timestep
    rotations = _rotations(model)

    def stage(carry: tuple[Array, ...], numbers: tuple[Array, Array]) -> tuple[tuple[Array, ...], Any]:
        qpos, qvel, act, turned, velocities, accelerations, act_dots = carry
        weight, onward = numbers
        evaluated = forward(model, data.replace(qpos=qpos, qvel=qvel, act=act))
        velocity = qvel
        for at in rotations:
            velocity = velocity.at[at : at + 3].set(carried_back(turned[at : at + 3], velocity[at : at + 3]))
        later = (
            integrate_positions(model, data.qpos, onward * velocity),
            data.qvel + onward * step * evaluated.qacc,
            data.act + onward * step * evaluated.act_dot,
            onward * step * velocity,
            velocities + weight * velocity,
            accelerations + weight * evaluated.qacc,
            act_dots + weight * evaluated.act_dot,
        )
        # MJX's tendons make float64 of float32 with x64 on; a scan's carry must keep its type.
        later = jax.tree.map(lambda new, old: new.astype(old.dtype), later, carry)
        return later, (evaluated.qacc, evaluated.actuator_length, keep(evaluated))

    still = jnp.zeros_like(data.qvel)
    first = (data.qpos, data.qvel, data.act, still, still, still, jnp.zeros_like(data.act))
    numbers = jnp.asarray(_WEIGHTS, data.qvel.dtype), jnp.asarray(_NEXT_STAGE, data.qvel.dtype)
    (*_, velocities, accelerations, act_dots), stages = jax.lax.scan(stage, first, numbers)
    qacc, actuator_length, kept = jax.tree.map(lambda leaf: leaf[-1], stages)
    later = advance(model, data, accelerations, act_dots, velocities, qacc=qacc, actuator_length=actuator_length)
    return later, kept
