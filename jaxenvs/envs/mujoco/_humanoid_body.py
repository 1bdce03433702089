"""What the two tasks of the humanoid share: its body, and what is observed of it."""

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

    Observation: Box (348,), unbounded.

    | index | meaning | unit |
    |---|---|---|
    | 0 | height of the torso | m |
    | 1-4 | its orientation, as a quaternion | |
    | 5-21 | angles: abdomen (3), right hip (3) and knee, left ones, right shoulder (2) and elbow, left ones | rad |
    | 22-24 | velocity of the torso along x, y and z | m/s |
    | 25-27 | its angular velocity | rad/s |
    | 28-44 | angular velocities of the joints | rad/s |
    | 45-174 | inertia (6), first moments (3) and mass of 13 bodies about the centre of mass | kg m^2, kg m, kg |
    | 175-252 | angular and linear velocity of each of 13 bodies | rad/s, m/s |
    | 253-269 | torques of the actuators at the joints | N m |
    | 270-347 | torque and force from outside on each of 13 bodies | N m, N |

    Options leave parts out, or put x and y of the torso first.

    Parameters of both tasks: those of `MujocoEnv`, and
        reset_noise_scale: of the start: positions and velocities are uniform within it.
        exclude_current_positions_from_observation: whether to leave out where the humanoid is.
        include_cinert_in_observation: whether inertias are observed.
        include_cvel_in_observation: whether velocities of bodies are.
        include_qfrc_actuator_in_observation: whether torques of actuators are.
        include_cfrc_ext_in_observation: whether forces from outside are.
    """

    reset_is_costly = True

    reset_noise_scale: ArrayLike = 1e-2
    exclude_current_positions_from_observation: bool = static(default=True)
    include_cinert_in_observation: bool = static(default=True)
    include_cvel_in_observation: bool = static(default=True)
    include_qfrc_actuator_in_observation: bool = static(default=True)
    include_cfrc_ext_in_observation: bool = static(default=True)

    def check_model(self, model: Model) -> None:
        """It has a free torso."""
        require(type(self).__name__, model, nq=7, nv=_FREE)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What is observed, forces for the cost of blows, and the tendons."""
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
        """Uniform positions and velocities."""
        return noisy_start(self, key, self.reset_noise_scale, gaussian=False)

    def observe(self, state: SimulationState) -> Array:
        """See the class."""
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
