"""MuJoCo's Runge-Kutta step of order four (`mj_RungeKutta`), with one evaluation of the dynamics in the program.

Two things differ from MJX 3.17. Its four evaluations occur in the program twice; here they are a scan over one, which
halves the compilation time and changes no number. And MuJoCo 4.0 corrects the stages for rotations of free and ball
joints, which MJX does not. Quaternions live in a curved space, so the angular velocities of the stages belong to
different tangent spaces. They are first transported back to that of the step's beginning (Munthe-Kaas 1998,
"Runge-Kutta methods on Lie groups", BIT 38). Without that, Ant's velocity is wrong by 1 after one environment step.
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
"""The fraction of the step between its beginning and the stage after this one."""


def carried_back(turned: Array, velocity: Array) -> Array:
    """(3,) `velocity` after a rotation by the vector `turned` (3,), transported back to before it.

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
    """The index in `qvel` at which the angular velocity of each free and ball joint begins."""
    starts = {JointType.FREE: 3, JointType.BALL: 0}
    return [
        int(address) + starts[JointType(kind)]
        for kind, address in zip(model.jnt_type, model.jnt_dofadr)
        if JointType(kind) in starts
    ]


def runge_kutta(model: Any, data: Any, keep: Callable[[Any], Any]) -> tuple[Any, Any]:
    """`data` one step later, and the fields `keep` of the step's last evaluation, that of stage four."""
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
        # MJX's tendons turn float32 into float64 with x64 on; a scan's carry must keep its type.
        later = jax.tree.map(lambda new, old: new.astype(old.dtype), later, carry)
        return later, (evaluated.qacc, evaluated.actuator_length, keep(evaluated))

    still = jnp.zeros_like(data.qvel)
    first = (data.qpos, data.qvel, data.act, still, still, still, jnp.zeros_like(data.act))
    numbers = jnp.asarray(_WEIGHTS, data.qvel.dtype), jnp.asarray(_NEXT_STAGE, data.qvel.dtype)
    (*_, velocities, accelerations, act_dots), stages = jax.lax.scan(stage, first, numbers)
    qacc, actuator_length, kept = jax.tree.map(lambda leaf: leaf[-1], stages)
    later = advance(model, data, accelerations, act_dots, velocities, qacc=qacc, actuator_length=actuator_length)
    return later, kept
