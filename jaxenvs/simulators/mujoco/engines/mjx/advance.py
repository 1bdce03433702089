"""Advancing the state by one time step, with the velocities that the integrator has computed (`mj_advance`)."""

from typing import Any

from jax import Array
from mujoco.mjx._src import forward as mjx_forward
from mujoco.mjx._src import scan


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
        return mjx_forward._integrate_pos(*joint, dt=model.opt.timestep)

    return scan.flat(model, move, "jqv", "q", model.jnt_type, qpos, qvel)
