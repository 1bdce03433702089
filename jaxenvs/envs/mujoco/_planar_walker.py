"""The base class of the two walkers in a plane: Hopper and Walker2d."""

import abc

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import clip, height_gain, is_between, noisy_start, require, single, squares, weigh
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import Position, Reading
from jaxenvs.simulators.mujoco.state import SimulationState

_SPEED_LIMITS = (-10.0, 10.0)
"""The limit of observed velocities, m/s or rad/s."""


class PlanarWalker(MujocoEnv, kw_only=True):
    """A torso on legs in a vertical plane."""

    frames_per_second = 125
    follows = 1

    frame_skip: int = static(default=4)
    forward_reward_weight: ArrayLike = 1.0
    ctrl_cost_weight: ArrayLike = 1e-3
    healthy_reward: ArrayLike = 1.0
    terminate_when_unhealthy: bool = static(default=True)
    healthy_z_range: tuple[ArrayLike, ArrayLike]
    healthy_angle_range: tuple[ArrayLike, ArrayLike]
    reset_noise_scale: ArrayLike = 5e-3
    exclude_current_positions_from_observation: bool = static(default=True)

    def check_model(self, model: Model) -> None:
        """Checks that the model has a height and an angle."""
        require(type(self).__name__, model, nq=3)

    @property
    def readings(self) -> tuple[Reading, ...]:
        return ()

    @property
    def tracked_point(self) -> Reading:
        return Position("x", 1)

    @property
    def observation_size(self) -> int:
        """The number of positions and velocities, with or without the position along x."""
        return self.model.nq + self.model.nv - int(self.exclude_current_positions_from_observation)

    def start(self, key: Key) -> tuple[Array, Array]:
        return noisy_start(self, key, self.reset_noise_scale, gaussian=False)

    def observe(self, state: SimulationState) -> Array:
        position = state.qpos[int(self.exclude_current_positions_from_observation) :]
        return jnp.concatenate([position, clip(state.qvel, _SPEED_LIMITS)])

    @abc.abstractmethod
    def is_healthy(self, state: SimulationState) -> Array:
        """() bool: whether everything with a range is within it."""

    def is_upright(self, state: SimulationState) -> Array:
        """() bool: whether the height and the angle of the torso are within their ranges."""
        is_high = is_between(state.qpos[1], self.healthy_z_range)
        return is_high & is_between(state.qpos[2], self.healthy_angle_range)

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Rewards speed and health, minus the cost of control."""
        is_healthy = self.is_healthy(state)
        x_velocity = single(self.velocity(state)[0])
        forward = weigh(self.forward_reward_weight, x_velocity)
        survive = weigh(self.healthy_reward, is_healthy)
        control = weigh(self.ctrl_cost_weight, squares(action))
        info = {
            "x_position": single(state.qpos[0]),
            "z_distance_from_origin": height_gain(self, state.qpos[1], 1),
            "x_velocity": x_velocity,
            "reward_forward": forward,
            "reward_ctrl": -control,
            "reward_survive": survive,
        }
        terminated = ~is_healthy & self.terminate_when_unhealthy
        return forward + survive - control, terminated, info
