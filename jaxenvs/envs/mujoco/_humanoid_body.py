"""The base class of the two humanoid tasks: its body and its observation."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv
from jaxenvs.envs.mujoco._terms import noisy_start, require
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import Reading
from jaxenvs.simulators.mujoco.state import SimulationState

_FREE = 6
"""Velocities of the free joint, on which no actuator acts."""


class HumanoidBody(MujocoEnv, kw_only=True):
    """A torso with arms and legs, and tendons from hips to knees.

    Parameters:
        reset_noise_scale: greatest disturbance of positions (m or rad) and velocities (m/s or rad/s) at the start.
        exclude_current_positions_from_observation: whether to leave out x and y of the torso.
        include_cinert_in_observation: whether to observe the inertias.
        include_cvel_in_observation: whether to observe the velocities of the bodies.
        include_qfrc_actuator_in_observation: whether to observe the torques of the actuators.
        include_cfrc_ext_in_observation: whether to observe the external forces.
    """

    reset_is_costly = True

    reset_noise_scale: ArrayLike = 1e-2
    exclude_current_positions_from_observation: bool = static(default=True)
    include_cinert_in_observation: bool = static(default=True)
    include_cvel_in_observation: bool = static(default=True)
    include_qfrc_actuator_in_observation: bool = static(default=True)
    include_cfrc_ext_in_observation: bool = static(default=True)

    def check_model(self, model: Model) -> None:
        require(type(self).__name__, model, nq=7, nv=_FREE)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The observed quantities, the external forces for their cost, and the tendons."""
        wanted = {
            "cinert": self.include_cinert_in_observation,
            "cvel": self.include_cvel_in_observation,
            "qfrc_actuator": self.include_qfrc_actuator_in_observation,
            "cfrc_ext": True,
            "ten_length": True,
            "ten_velocity": True,
        }
        return tuple(Reading(name) for name, is_wanted in wanted.items() if is_wanted)

    @property
    def observation_size(self) -> int:
        """348 for the usual model and options."""
        model, bodies = self.model, self.model.mj_model.nbody - 1
        size = model.nq + model.nv - 2 * self.exclude_current_positions_from_observation
        size += 10 * bodies * self.include_cinert_in_observation + 6 * bodies * self.include_cvel_in_observation
        size += (model.nv - _FREE) * self.include_qfrc_actuator_in_observation
        return size + 6 * bodies * self.include_cfrc_ext_in_observation

    def start(self, key: Key) -> tuple[Array, Array]:
        return noisy_start(self, key, self.reset_noise_scale, gaussian=False)

    def observe(self, state: SimulationState) -> Array:
        read = state.derived
        parts = [state.qpos[2 * self.exclude_current_positions_from_observation :], state.qvel]
        if self.include_cinert_in_observation:
            parts.append(read["cinert"][1:].reshape(-1))
        if self.include_cvel_in_observation:
            parts.append(read["cvel"][1:].reshape(-1))
        if self.include_qfrc_actuator_in_observation:
            parts.append(read["qfrc_actuator"][_FREE:])
        if self.include_cfrc_ext_in_observation:
            parts.append(read["cfrc_ext"][1:].reshape(-1))
        return jnp.concatenate(parts)
