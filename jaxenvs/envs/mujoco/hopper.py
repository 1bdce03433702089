"""Hopper-v5: hop on one leg."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._planar_walker import PlanarWalker
from jaxenvs.envs.mujoco._terms import is_between
from jaxenvs.simulators.mujoco.state import SimulationState


class Hopper(PlanarWalker, kw_only=True):
    """A leg of four links in a vertical plane hops to the right.

    Observation: (11,) float32.

        | index | meaning                                         | min  | max | unit  |
        |-------|-------------------------------------------------|------|-----|-------|
        | 0     | height of the torso                             | -inf | inf | m     |
        | 1     | angle of the torso                              | -inf | inf | rad   |
        | 2-4   | angles of thigh, leg and foot                   | -inf | inf | rad   |
        | 5     | velocity of the torso along x, clipped          | -10  | 10  | m/s   |
        | 6     | velocity of the torso along z, clipped          | -10  | 10  | m/s   |
        | 7     | angular velocity of the torso, clipped          | -10  | 10  | rad/s |
        | 8-10  | angular velocities of the three joints, clipped | -10  | 10  | rad/s |

    With `exclude_current_positions_from_observation=False`, the position along x comes first.

    Action: (3,) float32 in [-1, 1]: torques at thigh, leg and foot.

    Reward: `forward_reward_weight` times the velocity along x, plus `healthy_reward` while the robot is healthy, minus
        `ctrl_cost_weight` times the squared norm of the action.

    Start: the model's reference pose, with positions and velocities disturbed uniformly within +-reset_noise_scale.

    Episode end:
        Termination: the robot is unhealthy and `terminate_when_unhealthy` is set. It is healthy while its height, its
            angle and all other positions and velocities are within their ranges.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: () float32 each: `x_position`, `z_distance_from_origin` (m, above the reference), `x_velocity` (m/s),
        `reward_forward`, `reward_ctrl`, `reward_survive`.

    Parameters, besides those of `MujocoEnv`:
        forward_reward_weight: reward per velocity, s/m.
        ctrl_cost_weight: cost per squared unit of action.
        healthy_reward: reward per step while healthy.
        terminate_when_unhealthy: whether an unhealthy robot ends the episode.
        healthy_state_range: limits of all other positions (m or rad) and velocities (m/s or rad/s) of a healthy robot.
        healthy_z_range: limits of the height of a healthy torso, m.
        healthy_angle_range: limits of the angle of a healthy torso, rad.
        reset_noise_scale: greatest disturbance of positions (m or rad) and velocities (m/s or rad/s) at the start.
        exclude_current_positions_from_observation: whether to leave out the position along x.

    Source: T. Erez, Y. Tassa and E. Todorov, "Infinite-horizon model predictive control for periodic tasks with
        contacts", RSS 2011; Gymnasium 1.4.0, `Hopper-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    camera = (("distance", 3.0), ("lookat", (0.0, 0.0, 1.15)), ("elevation", -20.0))

    xml_file: str = static(default="hopper.xml")
    healthy_state_range: tuple[ArrayLike, ArrayLike] = (-100.0, 100.0)
    healthy_z_range: tuple[ArrayLike, ArrayLike] = (0.7, float("inf"))
    healthy_angle_range: tuple[ArrayLike, ArrayLike] = (-0.2, 0.2)

    def is_healthy(self, state: SimulationState) -> Array:
        """() bool: whether everything with a range is within it."""
        others = jnp.concatenate([state.qpos, state.qvel])[2:]
        return self.is_upright(state) & is_between(others, self.healthy_state_range).all()
