"""Pusher-v5: push a cylinder to a goal."""

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import norm, require, squares, uniform_noise, weigh
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import BodyPosition, Reading
from jaxenvs.simulators.mujoco.starts import as_rounded
from jaxenvs.simulators.mujoco.state import SimulationState

_JOINTS = 7
_LOW, _HIGH = (-0.3, -0.2), (0.0, 0.2)
"""Corners of the rectangle in which the cylinder starts, relative to the goal, m."""

_LEAST_DISTANCE = 0.17
"""The least distance of the cylinder from the goal at the start, m."""

_CANDIDATES = 32
"""Number of positions drawn for the cylinder, of which the first that is far enough is taken. A position is far enough
with probability 0.62, so that none of them is in one of 10^13 starts."""

_VELOCITY_NOISE = 0.005


class Pusher(MujocoEnv, kw_only=True):
    """An arm with seven joints pushes a cylinder on a table to a goal.

    Observation: (23,) float32.

        | index | meaning                                          | min  | max | unit  |
        |-------|--------------------------------------------------|------|-----|-------|
        | 0-1   | angles of shoulder pan and lift                  | -inf | inf | rad   |
        | 2-4   | angles of upper arm roll, elbow and forearm roll | -inf | inf | rad   |
        | 5-6   | angles of wrist flex and roll                    | -inf | inf | rad   |
        | 7-13  | angular velocities of these joints               | -inf | inf | rad/s |
        | 14-16 | x, y and z of the fingertip                      | -inf | inf | m     |
        | 17-19 | x, y and z of the cylinder                       | -inf | inf | m     |
        | 20-22 | x, y and z of the goal                           | -inf | inf | m     |

    Action: (7,) float32 in [-2, 2]: torques at the joints.

    Reward: minus `reward_dist_weight` times the distance of the cylinder from the goal, minus `reward_near_weight`
        times the distance of the cylinder from the fingertip, minus `reward_control_weight` times the squared norm of
        the action.

    Start: the arm in the model's reference pose, with joint velocities uniform within +-0.005 rad/s; the cylinder at
        rest, uniform in a rectangle but more than 0.17 m from the goal.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 100 steps.

    Info: () float32 each: `reward_dist`, `reward_ctrl`, `reward_near`.

    Parameters, besides those of `MujocoEnv`:
        reward_near_weight: cost of the distance between fingertip and cylinder, 1/m.
        reward_dist_weight: cost of the distance between cylinder and goal, 1/m.
        reward_control_weight: cost per squared unit of action.

    Source: Gymnasium 1.4.0, `Pusher-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    frames_per_second = 20
    camera = (("distance", 4.0),)

    xml_file: str = static(default="pusher_v5.xml")
    frame_skip: int = static(default=5)
    reward_near_weight: ArrayLike = 0.5
    reward_dist_weight: ArrayLike = 1.0
    reward_control_weight: ArrayLike = 0.1

    def check_model(self, model: Model) -> None:
        """Checks that the model has an arm, a cylinder and a goal."""
        require("Pusher", model, nq=_JOINTS + 4, nv=_JOINTS + 4)
        for name in ("tips_arm", "object", "goal"):
            model.body(name)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The positions of fingertip, cylinder and goal, and the cylinder's position relative to the other two."""
        tip, cylinder, goal = (self.model.body(name) for name in ("tips_arm", "object", "goal"))
        return (
            BodyPosition("tip", tip),
            BodyPosition("cylinder", cylinder),
            BodyPosition("goal", goal),
            BodyPosition("from_tip", cylinder, tip),
            BodyPosition("from_goal", cylinder, goal),
        )

    @property
    def tracked_point(self) -> None:
        return None

    @property
    def observation_size(self) -> int:
        return 2 * _JOINTS + 9

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """At most 0, if the weights are not negative."""
        return -math.inf, 0.0

    def start(self, key: Key) -> tuple[Array, Array]:
        """Draws an arm nearly at rest, and a cylinder away from the goal."""
        place_key, velocity_key = jax.random.split(key)
        low, high = jnp.array(_LOW, jnp.float32), jnp.array(_HIGH, jnp.float32)
        places = jax.random.uniform(place_key, (_CANDIDATES, 2), jnp.float32)
        places = as_rounded(low[None] + as_rounded((high - low)[None] * places))
        place = places[jnp.argmax(jnp.square(places).sum(1) > _LEAST_DISTANCE**2)]
        position = jnp.asarray(self.model.qpos0.astype(self.precision))
        position = position.at[-4:].set(jnp.concatenate([place, jnp.zeros_like(place)]).astype(position.dtype))
        return position, uniform_noise(velocity_key, self.model.nv, _VELOCITY_NOISE).at[-4:].set(0.0)

    def observe(self, state: SimulationState) -> Array:
        read = state.derived
        return jnp.concatenate(
            [state.qpos[:_JOINTS], state.qvel[:_JOINTS], read["tip"], read["cylinder"], read["goal"]]
        )

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Rewards closeness, minus the cost of control; it never terminates."""
        near = weigh(self.reward_near_weight, norm(state.derived["from_tip"]))
        distance = weigh(self.reward_dist_weight, norm(state.derived["from_goal"]))
        control = weigh(self.reward_control_weight, squares(action))
        info = {"reward_dist": -distance, "reward_ctrl": -control, "reward_near": -near}
        return -distance - control - near, jnp.zeros((), bool), info
