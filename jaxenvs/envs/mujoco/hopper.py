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

    camera = (("distance", 3.0), ("lookat", (0.0, 0.0, 1.15)), ("elevation", -20.0))

    xml_file: str = static(default="hopper.xml")
    healthy_state_range: tuple[ArrayLike, ArrayLike] = (-100.0, 100.0)
    healthy_z_range: tuple[ArrayLike, ArrayLike] = (0.7, float("inf"))
    healthy_angle_range: tuple[ArrayLike, ArrayLike] = (-0.2, 0.2)

    def is_healthy(self, state: SimulationState) -> Array:
        """() bool: whether all that has a range is inside it."""
        others = jnp.concatenate([state.qpos, state.qvel])[2:]
        return super().is_healthy(state) & is_between(others, self.healthy_state_range).all()
