"""Walker2d-v5: walk on two legs in a plane."""

from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._planar_walker import PlanarWalker


class Walker2d(PlanarWalker, kw_only=True):
    """Two legs under a torso, in a vertical plane, walk to the right.

    Observation: Box (17,), unbounded.

    | index | meaning | unit |
    |---|---|---|
    | 0-1 | height of the torso, its angle | m, rad |
    | 2-7 | angles of thigh, leg and foot, of the right leg and of the left one | rad |
    | 8-9 | velocity of the torso along x and along z | m/s |
    | 10-16 | angular velocities of the torso and of the six joints | rad/s |

    Velocities are clipped to [-10, 10]. With `exclude_current_positions_from_observation=False` the position along x
    comes first.

    Action: Box (6,) in [-1, 1]: torques at thigh, leg and foot, of the right leg and of the left one.

    Reward: `forward_reward_weight` times the velocity along x, plus `healthy_reward` while the robot is healthy, less
    `ctrl_cost_weight` times the action's squared norm.

    Start: the reference; positions and velocities uniform within `reset_noise_scale`.

    Episode end:
        Termination: the robot is not healthy: its height or angle has left its range.
        Truncation: none; `make` adds 1,000 steps.

    Info: `x_position`, `z_distance_from_origin` (m, above the reference), `x_velocity` (m/s), `reward_forward`,
    `reward_ctrl`, `reward_survive`.

    Parameters: those of `MujocoEnv`, and
        forward_reward_weight: reward a m/s.
        ctrl_cost_weight: cost of a squared unit of action.
        healthy_reward: reward a step.
        terminate_when_unhealthy: whether an episode ends so.
        healthy_z_range: of the torso's height, m.
        healthy_angle_range: of the torso's angle, rad.
        reset_noise_scale: of the start.
        exclude_current_positions_from_observation: whether to leave out where the robot is along x.

    Source: Erez, Tassa and Todorov, "Infinite-horizon model predictive control for periodic tasks with contacts",
    RSS 2011; Gymnasium 1.4.0 `Walker2d-v5`.

    Version history:
        v5: as Gymnasium's.
    """

    camera = (("distance", 4.0), ("lookat", (0.0, 0.0, 1.15)), ("elevation", -20.0))

    xml_file: str = static(default="walker2d_v5.xml")
    healthy_z_range: tuple[ArrayLike, ArrayLike] = (0.8, 2.0)
    healthy_angle_range: tuple[ArrayLike, ArrayLike] = (-1.0, 1.0)
