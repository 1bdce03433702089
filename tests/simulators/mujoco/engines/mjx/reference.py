"""Gymnasium's models, C MuJoCo's answers about them, and ours, for the tests of the engine."""

import dataclasses
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.mujoco.engines.mjx import engine
from jaxenvs.simulators.mujoco.state import SimulationState

TASKS = {
    "Ant": ("ant.xml", 5),
    "HalfCheetah": ("half_cheetah.xml", 5),
    "Hopper": ("hopper.xml", 4),
    "Humanoid": ("humanoid.xml", 5),
    "HumanoidStandup": ("humanoidstandup.xml", 5),
    "InvertedDoublePendulum": ("inverted_double_pendulum.xml", 5),
    "InvertedPendulum": ("inverted_pendulum.xml", 2),
    "Pusher": ("pusher_v5.xml", 5),
    "Reacher": ("reacher.xml", 2),
    "Swimmer": ("swimmer.xml", 4),
    "Walker2d": ("walker2d_v5.xml", 4),
}
"""Gymnasium's v5 tasks: the file of the model, and how many time steps a step takes."""

FIELDS = ("xpos", "xipos", "subtree_com", "cinert", "cvel", "qfrc_actuator", "qfrc_constraint", "cfrc_ext")
"""What Gymnasium's tasks read of MuJoCo's data."""


class Handle:
    """The smallest model that the engine accepts."""

    def __init__(self, mj_model: mujoco.MjModel, is_led: bool = False) -> None:
        self.mj_model, self.is_led = mj_model, is_led


class Parameters(PyTreeNode):
    """Some of the fields that may differ from lane to lane."""

    gravity: Any
    body_mass: Any
    geom_friction: Any
    dof_damping: Any
    actuator_gear: Any


def parameters_of(model: mujoco.MjModel) -> Parameters:
    """The model's own."""
    names = [field.name for field in dataclasses.fields(Parameters)]
    values = {name: getattr(model.opt if name == "gravity" else model, name) for name in names}
    return Parameters(**{name: jnp.asarray(value, float) for name, value in values.items()})


@cache
def load(task: str) -> Handle:
    """Gymnasium's model of a task."""
    spec = importlib.util.find_spec("gymnasium")
    assert spec is not None and spec.origin is not None
    file = Path(spec.origin).parent / "envs" / "mujoco" / "assets" / TASKS[task][0]
    return Handle(mujoco.MjModel.from_xml_path(str(file)))


def compile_xml(xml: str) -> Handle:
    """A custom model."""
    return Handle(mujoco.MjModel.from_xml_string(xml))


class Transitions(NamedTuple):
    """States that C MuJoCo visited, and where a step took it from each; all with a leading axis of states."""

    qpos: np.ndarray
    qvel: np.ndarray
    qacc_warmstart: np.ndarray
    ctrl: np.ndarray
    next_qpos: np.ndarray
    next_qvel: np.ndarray
    fields: dict[str, np.ndarray]
    contacts: np.ndarray


def visit(
    model: mujoco.MjModel, frames: int, count: int, seed: int = 0, episode: int = 25, noise: float = 0.01
) -> Transitions:
    """Follows random controls in C MuJoCo, as `do_simulation` does, with a new start every `episode` steps."""
    data, random = mujoco.MjData(model), np.random.default_rng(seed)
    low, high = model.actuator_ctrlrange.T
    rows: list[dict[str, Any]] = []
    for index in range(count):
        if index % episode == 0:
            mujoco.mj_resetData(model, data)
            data.qpos += random.uniform(-noise, noise, model.nq)
            data.qvel += random.normal(size=model.nv) * 10 * noise
            mujoco.mj_forward(model, data)
        data.ctrl[:] = random.uniform(low, high).astype(np.float32)
        row = {name: getattr(data, name).copy() for name in ("qpos", "qvel", "qacc_warmstart", "ctrl")}
        mujoco.mj_step(model, data, nstep=frames)
        mujoco.mj_rnePostConstraint(model, data)
        row |= {"next_qpos": data.qpos.copy(), "next_qvel": data.qvel.copy(), "contacts": data.ncon}
        rows.append(row | {name: getattr(data, name).copy() for name in FIELDS})
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return Transitions(**{name: columns.pop(name) for name in set(columns) - set(FIELDS)}, fields=columns)


def state_at(qpos: Any, qvel: Any, qacc_warmstart: Any) -> SimulationState:
    """A state of the engine's, without activations, at the precision that JAX computes with."""
    qpos, qvel, qacc_warmstart = (jnp.asarray(value, float) for value in (qpos, qvel, qacc_warmstart))
    return SimulationState(qpos, qvel, jnp.zeros(0), qacc_warmstart, jnp.zeros(()), {})


@cache
def batched_step(handle: Handle, frames: int, names: tuple[str, ...]) -> Any:
    """The engine's step, compiled once a model, shape and precision."""

    def step(qpos: Any, qvel: Any, warm_start: Any, ctrl: Any) -> SimulationState:
        parameters = parameters_of(handle.mj_model)
        return engine.step(handle, parameters, state_at(qpos, qvel, warm_start), ctrl, frames, names)

    return jax.jit(jax.vmap(step))


def step_all(handle: Handle, frames: int, transitions: Transitions, names: tuple[str, ...] = FIELDS) -> SimulationState:
    """The engine's step from every state, as one batch."""
    return batched_step(handle, frames, names)(*(jnp.asarray(column, float) for column in transitions[:4]))
