"""HalfCheetah-v5: run on two legs in a plane."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import noisy_start, require, single, squares, weigh
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import Position, Reading
from jaxenvs.simulators.mujoco.state import SimulationState


class HalfCheetah(MujocoEnv, kw_only=True):
    """A cat of nine links in a vertical plane runs to the right.

    Observation: (17,) float32.

        | index | meaning                                  | min  | max | unit  |
        |-------|------------------------------------------|------|-----|-------|
        | 0     | height of the torso above the start      | -inf | inf | m     |
        | 1     | angle of the torso                       | -inf | inf | rad   |
        | 2-4   | angles of the back thigh, shin and foot  | -inf | inf | rad   |
        | 5-7   | angles of the front thigh, shin and foot | -inf | inf | rad   |
        | 8     | velocity of the torso along x            | -inf | inf | m/s   |
        | 9     | velocity of the torso along z            | -inf | inf | m/s   |
        | 10    | angular velocity of the torso            | -inf | inf | rad/s |
        | 11-16 | angular velocities of the six joints     | -inf | inf | rad/s |

    With `exclude_current_positions_from_observation=False`, the position along x comes first.

    Action: (6,) float32 in [-1, 1]: torques at thigh, shin and foot, of the back leg and then of the front leg.

    Reward: `forward_reward_weight` times the velocity along x, minus `ctrl_cost_weight` times the squared norm of the
        action.

    Start: the model's reference pose, with positions disturbed uniformly within +-reset_noise_scale and velocities
        drawn from a Gaussian with that standard deviation.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: () float32 each: `x_position` (m), `x_velocity` (m/s), `reward_forward`, `reward_ctrl`.

    Parameters, besides those of `MujocoEnv`:
        forward_reward_weight: reward per velocity, s/m.
        ctrl_cost_weight: cost per squared unit of action.
        reset_noise_scale: greatest disturbance of positions (m or rad), and standard deviation of velocities (m/s or
            rad/s), at the start.
        exclude_current_positions_from_observation: whether to leave out the position along x.

    Source: P. Wawrzynski, "A cat-like robot real-time learning to run", ICANNGA 2009; Gymnasium 1.4.0,
        `HalfCheetah-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    frames_per_second = 20
    camera = (("distance", 4.0),)
    follows = 1

    xml_file: str = static(default="half_cheetah.xml")
    frame_skip: int = static(default=5)
    forward_reward_weight: ArrayLike = 1.0
    ctrl_cost_weight: ArrayLike = 0.1
    reset_noise_scale: ArrayLike = 0.1
    exclude_current_positions_from_observation: bool = static(default=True)

    def check_model(self, model: Model) -> None:
        """Checks that the model has a position to leave out of the observation."""
        require("HalfCheetah", model, nq=2)

    @property
    def readings(self) -> tuple[Reading, ...]:
        return ()

    @property
    def tracked_point(self) -> Reading:
        return Position("x", 1)

    @property
    def observation_size(self) -> int:
        """17, or 18 with the position along x, for the default model."""
        return self.model.nq + self.model.nv - int(self.exclude_current_positions_from_observation)

    def start(self, key: Key) -> tuple[Array, Array]:
        return noisy_start(self, key, self.reset_noise_scale, gaussian=True)

    def observe(self, state: SimulationState) -> Array:
        return jnp.concatenate([state.qpos[int(self.exclude_current_positions_from_observation) :], state.qvel])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Rewards speed, minus the cost of control; it never terminates."""
        x_velocity = single(self.velocity(state)[0])
        forward = weigh(self.forward_reward_weight, x_velocity)
        control = weigh(self.ctrl_cost_weight, squares(action))
        info = {
            "x_position": single(state.qpos[0]),
            "x_velocity": x_velocity,
            "reward_forward": forward,
            "reward_ctrl": -control,
        }
        return forward - control, jnp.zeros((), bool), info
