"""Walker2d-v5: walk on two legs in a plane."""

from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._planar_walker import PlanarWalker
from jaxenvs.simulators.mujoco.state import SimulationState


class Walker2d(PlanarWalker, kw_only=True):
    """Two legs under a torso, in a vertical plane, walk to the right.

    Observation: (17,) float32.

        | index | meaning                                       | min  | max | unit  |
        |-------|-----------------------------------------------|------|-----|-------|
        | 0     | height of the torso                           | -inf | inf | m     |
        | 1     | angle of the torso                            | -inf | inf | rad   |
        | 2-4   | angles of the right thigh, leg and foot       | -inf | inf | rad   |
        | 5-7   | angles of the left thigh, leg and foot        | -inf | inf | rad   |
        | 8     | velocity of the torso along x, clipped        | -10  | 10  | m/s   |
        | 9     | velocity of the torso along z, clipped        | -10  | 10  | m/s   |
        | 10    | angular velocity of the torso, clipped        | -10  | 10  | rad/s |
        | 11-16 | angular velocities of the six joints, clipped | -10  | 10  | rad/s |

    With `exclude_current_positions_from_observation=False`, the position along x comes first.

    Action: (6,) float32 in [-1, 1]: torques at thigh, leg and foot, of the right leg and then of the left leg.

    Reward: `forward_reward_weight` times the velocity along x, plus `healthy_reward` while the robot is healthy, minus
        `ctrl_cost_weight` times the squared norm of the action.

    Start: the model's reference pose, with positions and velocities disturbed uniformly within +-reset_noise_scale.

    Episode end:
        Termination: the robot is unhealthy and `terminate_when_unhealthy` is set. It is healthy while its height and
            its angle are within their ranges.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: () float32 each: `x_position`, `z_distance_from_origin` (m, above the reference), `x_velocity` (m/s),
        `reward_forward`, `reward_ctrl`, `reward_survive`.

    Parameters, besides those of `MujocoEnv`:
        forward_reward_weight: reward per velocity, s/m.
        ctrl_cost_weight: cost per squared unit of action.
        healthy_reward: reward per step while healthy.
        terminate_when_unhealthy: whether an unhealthy robot ends the episode.
        healthy_z_range: limits of the height of a healthy torso, m.
        healthy_angle_range: limits of the angle of a healthy torso, rad.
        reset_noise_scale: greatest disturbance of positions (m or rad) and velocities (m/s or rad/s) at the start.
        exclude_current_positions_from_observation: whether to leave out the position along x.

    Source: T. Erez, Y. Tassa and E. Todorov, "Infinite-horizon model predictive control for periodic tasks with
        contacts", RSS 2011; Gymnasium 1.4.0, `Walker2d-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    camera = (("distance", 4.0), ("lookat", (0.0, 0.0, 1.15)), ("elevation", -20.0))

    xml_file: str = static(default="walker2d_v5.xml")
    healthy_z_range: tuple[ArrayLike, ArrayLike] = (0.8, 2.0)
    healthy_angle_range: tuple[ArrayLike, ArrayLike] = (-1.0, 1.0)

    def is_healthy(self, state: SimulationState) -> Array:
        """() bool: whether everything with a range is within it."""
        return self.is_upright(state)
