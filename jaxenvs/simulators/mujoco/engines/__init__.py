"""The engines, and the two functions of each: the beginning of a simulation, and its next step."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.errors import InvalidField, InvalidState
from jaxenvs.simulators.mujoco.engines import c
from jaxenvs.simulators.mujoco.gripper import DOWNWARD, Gripper
from jaxenvs.simulators.mujoco.parameters import Parameters
from jaxenvs.simulators.mujoco.readings import DISPLACEMENT, OF_STATE, POINT, POSE, Reading
from jaxenvs.simulators.mujoco.simulation import Simulation
from jaxenvs.simulators.mujoco.state import SimulationState


def initial(simulation: Simulation, parameters: Parameters, qpos: Array, qvel: Array) -> SimulationState:
    """The simulation at time 0 with given positions and velocities, like Gymnasium's `set_state`.

    Args:
        simulation: how it is simulated.
        parameters: the numbers of the model.
        qpos: (nq,) positions, of the simulation's dtype.
        qvel: (nv,) velocities, of the simulation's dtype.

    Raises:
        InvalidField: these are not the positions and velocities of the model.
    """
    if fault := _misfit(simulation, qpos, qvel):
        raise InvalidField(fault)
    if simulation.engine == "c":
        return c.initial(simulation, parameters, qpos, qvel)
    engine, led = _pure(simulation), simulation.gripper is not None
    state = engine.initial(simulation.model, parameters, qpos, qvel, () if led else simulation.fields)
    if led:
        state = engine.places(simulation.model, parameters, state, simulation.fields)
    return _read(simulation, parameters, state, None)


def step(
    simulation: Simulation, parameters: Parameters, state: SimulationState, ctrl: Array, frames: int
) -> SimulationState:
    """The simulation `frames` substeps later, like Gymnasium's `do_simulation`.

    Args:
        simulation: how it is simulated.
        parameters: the numbers of the model.
        state: what `initial` or `step` returned for the same simulation.
        ctrl: (nu,) controls of the actuators, constant for all substeps; with a gripper, see `Gripper`.
        frames: number of substeps.

    Raises:
        InvalidState: the state has other sizes than the model.
    """
    if fault := _misfit(simulation, state.qpos, state.qvel):
        raise InvalidState(f"This is a state of another environment. {fault}")
    if simulation.engine == "c":
        return c.step(simulation, parameters, state, ctrl, frames)
    bare = state.replace(derived={})
    if simulation.gripper is not None:
        return _read(
            simulation, parameters, _led(simulation, simulation.gripper, parameters, state, ctrl, frames), None
        )
    after = _pure(simulation).step(simulation.model, parameters, bare, ctrl, frames, simulation.fields)
    return _read(simulation, parameters, after, state)


def _misfit(simulation: Simulation, qpos: Array, qvel: Array) -> str:
    """What to say if positions and velocities do not have the sizes of the model; else an empty string."""
    model = simulation.model
    if qpos.shape == (model.nq,) and qvel.shape == (model.nv,):
        return ""
    return (
        f"{model.path} has positions of shape ({model.nq},) and velocities of shape ({model.nv},), but `qpos` has shape"
        f" {qpos.shape} and `qvel` shape {qvel.shape}."
    )


def _led(
    simulation: Simulation, gripper: Gripper, parameters: Parameters, state: SimulationState, ctrl: Array, frames: int
) -> SimulationState:
    """The simulation after a step of a hand that a mocap body leads, on an engine that runs on JAX's device."""
    engine, pose = _pure(simulation), state.derived[POSE]
    change = jnp.concatenate([ctrl[:3].astype(pose.dtype), jnp.asarray(DOWNWARD, pose.dtype)])
    fingers = state.qpos[jnp.asarray(gripper.actuated, jnp.int32)] + ctrl[3:].astype(pose.dtype)
    bare = state.replace(derived={})
    after = engine.step(simulation.model, parameters, bare, fingers, frames, simulation.fields, pose + change)
    if not gripper.held:
        return after
    held = after.qpos.at[jnp.asarray(gripper.held, jnp.int32)].set(0.0)
    return engine.places(simulation.model, parameters, after.replace(qpos=held), simulation.fields)


def _pure(simulation: Simulation) -> Any:
    """The module of an engine that runs on JAX's device."""
    if simulation.engine == "warp":
        from jaxenvs.simulators.mujoco.engines import warp as engine  # pyright: ignore[reportMissingImports]
    else:
        from jaxenvs.simulators.mujoco.engines.mjx import engine  # pyright: ignore[reportMissingImports]
    return engine


def _read(
    simulation: Simulation, parameters: Parameters, after: SimulationState, before: SimulationState | None
) -> SimulationState:
    """Computes the task's readings from the fields that the engine derived."""
    fields = _fields(parameters, after)
    derived = {reading.name: reading.read(fields, jnp) for reading in simulation.readings}
    if simulation.tracked_point is not None:
        point = simulation.tracked_point.read(fields, jnp)
        start = point if before is None else _point(simulation.tracked_point, parameters, before)
        derived |= {POINT: point, DISPLACEMENT: point - start}
    if simulation.gripper is not None:
        derived[POSE] = simulation.gripper.pose.read(fields, jnp)
    return after.replace(derived=derived)


def _point(tracked: Reading, parameters: Parameters, state: SimulationState) -> Array:
    """The previous position of the point. If it follows from positions, it is computed from them: they may be new."""
    from_state = set(tracked.fields) <= set(OF_STATE)
    return tracked.read(_fields(parameters, state), jnp) if from_state else state.derived[POINT]


def _fields(parameters: Parameters, state: SimulationState) -> dict[str, Any]:
    of_state = {"qpos": state.qpos, "qvel": state.qvel, "act": state.act, "body_mass": parameters.body_mass}
    return {**state.derived, **of_state}
