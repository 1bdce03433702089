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

    Observation: (8,) float32.

        | index | meaning                              | min  | max | unit  |
        |-------|--------------------------------------|------|-----|-------|
        | 0     | angle of the front link              | -inf | inf | rad   |
        | 1-2   | angles of the two joints             | -inf | inf | rad   |
        | 3     | velocity of the tip along x          | -inf | inf | m/s   |
        | 4     | velocity of the tip along y          | -inf | inf | m/s   |
        | 5     | angular velocity of the front link   | -inf | inf | rad/s |
        | 6-7   | angular velocities of the two joints | -inf | inf | rad/s |

    With `exclude_current_positions_from_observation=False`, the positions along x and y come first.

    Action: (2,) float32 in [-1, 1]: torques at the two joints.

    Reward: `forward_reward_weight` times the velocity along x, minus `ctrl_cost_weight` times the squared norm of the
        action.

    Start: the model's reference pose, with positions and velocities disturbed uniformly within +-reset_noise_scale.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: () float32 each: `x_position`, `y_position`, `distance_from_origin` (m), `x_velocity`, `y_velocity` (m/s),
        `reward_forward`, `reward_ctrl`.

    Parameters, besides those of `MujocoEnv`:
        forward_reward_weight: reward per velocity, s/m.
        ctrl_cost_weight: cost per squared unit of action.
        reset_noise_scale: greatest disturbance of positions (m or rad) and velocities (m/s or rad/s) at the start.
        exclude_current_positions_from_observation: whether to leave out the positions along x and y.

    Source: R. Coulom, "Reinforcement learning using neural networks, with applications to motor control", 2002;
        Gymnasium 1.4.0, `Swimmer-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
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
        require("Swimmer", model, nq=3)

    @property
    def readings(self) -> tuple[Reading, ...]:
        return ()

    @property
    def tracked_point(self) -> Reading:
        return Position("xy", 2)

    @property
    def observation_size(self) -> int:
        """8, or 10 with positions, for the default model."""
        return self.model.nq + self.model.nv - 2 * self.exclude_current_positions_from_observation

    def start(self, key: Key) -> tuple[Array, Array]:
        return noisy_start(self, key, self.reset_noise_scale, gaussian=False)

    def observe(self, state: SimulationState) -> Array:
        return jnp.concatenate([state.qpos[2 * self.exclude_current_positions_from_observation :], state.qvel])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Rewards speed, minus the cost of control; it never terminates."""
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
