"""Swimmer-v5: swim like an eel."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import noisy_start, norm, require, single, squares, weigh
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import Position, Reading
from jaxenvs.simulators.mujoco.state import SimulationState


class Swimmer(MujocoEnv, kw_only=True):
    """Three links in a viscous plane swim to the right.

    Observation: Box (8,), unbounded.

    | index | meaning | unit |
    |---|---|---|
    | 0 | angle of the front link | rad |
    | 1-2 | angles of the two joints | rad |
    | 3-4 | velocity of the tip along x and along y | m/s |
    | 5-7 | angular velocities of the front link and of the two joints | rad/s |

    With `exclude_current_positions_from_observation=False` the positions along x and y come first.

    Action: Box (2,) in [-1, 1]: torques at the two joints.

    Reward: `forward_reward_weight` times the velocity along x, less `ctrl_cost_weight` times the action's squared norm.

    Start: the reference; positions and velocities uniform within `reset_noise_scale`.

    Episode end:
        Truncation: none; `make` adds 1,000 steps.

    Info: `x_position`, `y_position`, `distance_from_origin` (m), `x_velocity`, `y_velocity` (m/s), `reward_forward`,
    `reward_ctrl`.

    Parameters: those of `MujocoEnv`, and
        forward_reward_weight: reward a m/s.
        ctrl_cost_weight: cost of a squared unit of action.
        reset_noise_scale: of the start.
        exclude_current_positions_from_observation: whether to leave out where the swimmer is.

    Source: Coulom, "Reinforcement learning using neural networks, with applications to motor control", 2002;
    Gymnasium 1.4.0 `Swimmer-v5`.

    Version history:
        v5: as Gymnasium's.
    """

    frames_per_second = 25
    follows = 1

    xml_file: str = static(default="swimmer.xml")
    frame_skip: int = static(default=4)
    forward_reward_weight: ArrayLike = 1.0
    ctrl_cost_weight: ArrayLike = 1e-4
    reset_noise_scale: ArrayLike = 0.1
    exclude_current_positions_from_observation: bool = static(default=True)

    def check_model(self, model: Model) -> None:
        """It moves in a plane."""
        require("Swimmer", model, nq=3)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """None."""
        return ()

    @property
    def tracked_point(self) -> Reading:
        """The tip, in the plane."""
        return Position("xy", 2)

    @property
    def observation_size(self) -> int:
        """8, or 10 with positions, for the usual model."""
        return self.model.nq + self.model.nv - 2 * self.exclude_current_positions_from_observation

    def start(self, key: Key) -> tuple[Array, Array]:
        """Uniform positions and velocities."""
        return noisy_start(self, key, self.reset_noise_scale, gaussian=False)

    def observe(self, state: SimulationState) -> Array:
        """Positions, then velocities."""
        return jnp.concatenate([state.qpos[2 * self.exclude_current_positions_from_observation :], state.qvel])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Speed is good, effort is not; it never ends."""
        x_velocity, y_velocity = single(self.velocity(state))
        forward = weigh(self.forward_reward_weight, x_velocity)
        control = weigh(self.ctrl_cost_weight, squares(action))
        info = {
            "x_position": single(state.qpos[0]),
            "y_position": single(state.qpos[1]),
            "distance_from_origin": norm(state.qpos[:2]),
            "x_velocity": x_velocity,
            "y_velocity": y_velocity,
            "reward_forward": forward,
            "reward_ctrl": -control,
        }
        return forward - control, jnp.zeros((), bool), info
