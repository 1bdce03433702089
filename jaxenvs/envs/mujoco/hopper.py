"""Hopper-v5: hop on one leg."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.core.random import Key
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import clip, height_gain, is_between, noisy_start, require, single, squares, weigh
from jaxenvs.physics.model import Model
from jaxenvs.physics.readings import Position, Reading
from jaxenvs.physics.state import PhysicsState

_SPEED_LIMITS = (-10.0, 10.0)
"""What observed velocities are clipped to, m/s or rad/s."""


class Hopper(MujocoEnv, kw_only=True):
    """A leg of four links in a vertical plane hops to the right.

    Observation: Box (11,), unbounded.

    | index | meaning | unit |
    |---|---|---|
    | 0-1 | height of the torso, its angle | m, rad |
    | 2-4 | angles of thigh, leg and foot | rad |
    | 5-6 | velocity of the torso along x and along z | m/s |
    | 7-10 | angular velocities of the torso and of the three joints | rad/s |

    Velocities are clipped to [-10, 10]. With `exclude_current_positions_from_observation=False` the position along x
    comes first.

    Action: Box (3,) in [-1, 1]: torques at thigh, leg and foot.

    Reward: `forward_reward_weight` times the velocity along x, plus `healthy_reward` while the robot is healthy, less
    `ctrl_cost_weight` times the action's squared norm.

    Start: the reference; positions and velocities uniform within `reset_noise_scale`.

    Episode end:
        Termination: the robot is not healthy: its height or angle, or any other number, has left its range.
        Truncation: none; `make` adds 1,000 steps.

    Info: `x_position`, `z_distance_from_origin` (m, above the reference), `x_velocity` (m/s), `reward_forward`,
    `reward_ctrl`, `reward_survive`.

    Parameters: those of `MujocoEnv`, and
        forward_reward_weight: reward a m/s.
        ctrl_cost_weight: cost of a squared unit of action.
        healthy_reward: reward a step.
        terminate_when_unhealthy: whether an episode ends so.
        healthy_state_range: of all other positions and velocities.
        healthy_z_range: of the torso's height, m.
        healthy_angle_range: of the torso's angle, rad.
        reset_noise_scale: of the start.
        exclude_current_positions_from_observation: whether to leave out where the robot is along x.

    Source: Erez, Tassa and Todorov, "Infinite-horizon model predictive control for periodic tasks with contacts",
    RSS 2011; Gymnasium 1.4.0 `Hopper-v5`.

    Version history:
        v5: as Gymnasium's.
    """

    frames_per_second = 125
    camera = (("distance", 3.0), ("lookat", (0.0, 0.0, 1.15)), ("elevation", -20.0))
    follows = 1

    xml_file: str = static(default="hopper.xml")
    frame_skip: int = static(default=4)
    forward_reward_weight: ArrayLike = 1.0
    ctrl_cost_weight: ArrayLike = 1e-3
    healthy_reward: ArrayLike = 1.0
    terminate_when_unhealthy: bool = static(default=True)
    healthy_state_range: tuple[ArrayLike, ArrayLike] = (-100.0, 100.0)
    healthy_z_range: tuple[ArrayLike, ArrayLike] = (0.7, float("inf"))
    healthy_angle_range: tuple[ArrayLike, ArrayLike] = (-0.2, 0.2)
    reset_noise_scale: ArrayLike = 5e-3
    exclude_current_positions_from_observation: bool = static(default=True)

    def check_model(self, model: Model) -> None:
        """It has a height and an angle."""
        require("Hopper", model, nq=3)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """None."""
        return ()

    @property
    def moving(self) -> Reading:
        """The torso, along x."""
        return Position("x", 1)

    @property
    def observation_size(self) -> int:
        """11, or 12 with the position along x, for the usual model."""
        return self.model.nq + self.model.nv - int(self.exclude_current_positions_from_observation)

    def start(self, key: Key) -> tuple[Array, Array]:
        """Uniform positions and velocities."""
        return noisy_start(self, key, self.reset_noise_scale, gaussian=False)

    def observe(self, state: PhysicsState) -> Array:
        """Positions, then velocities within limits."""
        position = state.qpos[int(self.exclude_current_positions_from_observation) :]
        return jnp.concatenate([position, clip(state.qvel, _SPEED_LIMITS)])

    def is_healthy(self, state: PhysicsState) -> Array:
        """() bool: whether all that has a range is inside it."""
        is_upright = is_between(state.qpos[1], self.healthy_z_range)
        is_upright &= is_between(state.qpos[2], self.healthy_angle_range)
        others = jnp.concatenate([state.qpos, state.qvel])[2:]
        is_upright &= is_between(others, self.healthy_state_range).all()
        return is_upright

    def outcome(self, state: PhysicsState, action: Array) -> Outcome:
        """Speed and health are good, effort is not."""
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
