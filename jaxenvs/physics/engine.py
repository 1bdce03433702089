"""The two functions of every engine: the beginning of a simulation, and its next step."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.physics import c_engine
from jaxenvs.physics.parameters import Parameters
from jaxenvs.physics.physics import Physics
from jaxenvs.physics.readings import DISPLACEMENT, OF_STATE, POINT, Reading
from jaxenvs.physics.state import PhysicsState


def initial(physics: Physics, parameters: Parameters, qpos: Array, qvel: Array) -> PhysicsState:
    """The simulation at time 0 with given positions and velocities, like Gymnasium's `set_state`.

    Args:
        physics: how it is simulated.
        parameters: the numbers of the model.
        qpos: (nq,) positions, of the physics' dtype.
        qvel: (nv,) velocities, of the physics' dtype.
    """
    if physics.engine == "c":
        return c_engine.initial(physics, parameters, qpos, qvel)
    state = _pure(physics).initial(physics.model, parameters, qpos, qvel, physics.fields)
    return _read(physics, parameters, state, None)


def step(physics: Physics, parameters: Parameters, state: PhysicsState, ctrl: Array, frames: int) -> PhysicsState:
    """The simulation `frames` substeps later, like Gymnasium's `do_simulation`.

    Args:
        physics: how it is simulated.
        parameters: the numbers of the model.
        state: what `initial` or `step` returned for the same physics.
        ctrl: (nu,) controls of the actuators, constant for all substeps.
        frames: number of substeps.
    """
    if physics.engine == "c":
        return c_engine.step(physics, parameters, state, ctrl, frames)
    bare = state.replace(derived={})
    after = _pure(physics).step(physics.model, parameters, bare, ctrl, frames, physics.fields)
    return _read(physics, parameters, after, state)


def _pure(physics: Physics) -> Any:
    """The module of an engine that runs on JAX's device."""
    if physics.engine == "warp":
        from jaxenvs.physics import warp_engine as engine  # pyright: ignore[reportMissingImports]
    else:
        from jaxenvs.physics.mjx import engine  # pyright: ignore[reportMissingImports]
    return engine


def _read(physics: Physics, parameters: Parameters, after: PhysicsState, before: PhysicsState | None) -> PhysicsState:
    """Computes the task's readings from the fields that the engine derived."""
    fields = _fields(parameters, after)
    derived = {reading.name: reading.read(fields, jnp) for reading in physics.readings}
    if physics.moving is not None:
        point = physics.moving.read(fields, jnp)
        start = point if before is None else _point(physics.moving, parameters, before)
        derived |= {POINT: point, DISPLACEMENT: point - start}
    return after.replace(derived=derived)


def _point(moving: Reading, parameters: Parameters, state: PhysicsState) -> Array:
    """The previous position of the point. If it follows from positions, it is computed from them: they may be new."""
    from_state = set(moving.fields) <= set(OF_STATE)
    return moving.read(_fields(parameters, state), jnp) if from_state else state.derived[POINT]


def _fields(parameters: Parameters, state: PhysicsState) -> dict[str, Any]:
    of_state = {"qpos": state.qpos, "qvel": state.qvel, "act": state.act, "body_mass": parameters.body_mass}
    return {**state.derived, **of_state}
