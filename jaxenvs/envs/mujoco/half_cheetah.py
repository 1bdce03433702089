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

    Observation: Box (17,), unbounded.

    | index | meaning | unit |
    |---|---|---|
    | 0-1 | height of the torso above the start, its angle | m, rad |
    | 2-7 | angles of thigh, shin and foot, of the back leg and of the front leg | rad |
    | 8-9 | velocity of the torso along x and along z | m/s |
    | 10-16 | angular velocities of the torso and of the six joints | rad/s |

    With `exclude_current_positions_from_observation=False` the position along x comes first.

    Action: Box (6,) in [-1, 1]: torques at thigh, shin and foot, of the back leg and of the front leg.

    Reward: `forward_reward_weight` times the velocity along x, less `ctrl_cost_weight` times the action's squared norm.

    Start: the reference; positions uniform within `reset_noise_scale`, velocities Gaussian of that standard deviation.

    Episode end:
        Truncation: none; `make` adds 1,000 steps.

    Info: `x_position` (m), `x_velocity` (m/s), `reward_forward`, `reward_ctrl`.

    Parameters: those of `MujocoEnv`, and
        forward_reward_weight: reward a m/s.
        ctrl_cost_weight: cost of a squared unit of action.
        reset_noise_scale: of the start.
        exclude_current_positions_from_observation: whether to leave out where the cheetah is along x.

    Source: Wawrzynski, "A cat-like robot real-time learning to run", ICANNGA 2009; Gymnasium 1.4.0 `HalfCheetah-v5`.

    Version history:
        v5: as Gymnasium's.
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
        """It has something to leave out of observations."""
        require("HalfCheetah", model, nq=2)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """None."""
        return ()

    @property
    def tracked_point(self) -> Reading:
        """The torso, along x."""
        return Position("x", 1)

    @property
    def observation_size(self) -> int:
        """17, or 18 with the position along x, for the usual model."""
        return self.model.nq + self.model.nv - int(self.exclude_current_positions_from_observation)

    def start(self, key: Key) -> tuple[Array, Array]:
        """Uniform positions, Gaussian velocities."""
        return noisy_start(self, key, self.reset_noise_scale, gaussian=True)

    def observe(self, state: SimulationState) -> Array:
        """Positions, then velocities."""
        return jnp.concatenate([state.qpos[int(self.exclude_current_positions_from_observation) :], state.qvel])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Speed is good, effort is not; it never ends."""
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
