"""The engines, and the two functions of each: the beginning of a simulation, and its next step."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.mujoco.engines import c
from jaxenvs.simulators.mujoco.parameters import Parameters
from jaxenvs.simulators.mujoco.readings import DISPLACEMENT, OF_STATE, POINT, Reading
from jaxenvs.simulators.mujoco.simulation import Simulation
from jaxenvs.simulators.mujoco.state import SimulationState


def initial(simulation: Simulation, parameters: Parameters, qpos: Array, qvel: Array) -> SimulationState:
    """The simulation at time 0 with given positions and velocities, like Gymnasium's `set_state`.

    Args:
        simulation: how it is simulated.
        parameters: the numbers of the model.
        qpos: (nq,) positions, of the simulation's dtype.
        qvel: (nv,) velocities, of the simulation's dtype.
    """
    if simulation.engine == "c":
        return c.initial(simulation, parameters, qpos, qvel)
    state = _pure(simulation).initial(simulation.model, parameters, qpos, qvel, simulation.fields)
    return _read(simulation, parameters, state, None)


def step(
    simulation: Simulation, parameters: Parameters, state: SimulationState, ctrl: Array, frames: int
) -> SimulationState:
    """The simulation `frames` substeps later, like Gymnasium's `do_simulation`.

    Args:
        simulation: how it is simulated.
        parameters: the numbers of the model.
        state: what `initial` or `step` returned for the same simulation.
        ctrl: (nu,) controls of the actuators, constant for all substeps.
        frames: number of substeps.
    """
    if simulation.engine == "c":
        return c.step(simulation, parameters, state, ctrl, frames)
    bare = state.replace(derived={})
    after = _pure(simulation).step(simulation.model, parameters, bare, ctrl, frames, simulation.fields)
    return _read(simulation, parameters, after, state)


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
    return after.replace(derived=derived)


def _point(tracked: Reading, parameters: Parameters, state: SimulationState) -> Array:
    """The previous position of the point. If it follows from positions, it is computed from them: they may be new."""
    from_state = set(tracked.fields) <= set(OF_STATE)
    return tracked.read(_fields(parameters, state), jnp) if from_state else state.derived[POINT]


def _fields(parameters: Parameters, state: SimulationState) -> dict[str, Any]:
    of_state = {"qpos": state.qpos, "qvel": state.qvel, "act": state.act, "body_mass": parameters.body_mass}
    return {**state.derived, **of_state}
