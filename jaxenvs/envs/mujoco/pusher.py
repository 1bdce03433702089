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
from jaxenvs.simulators.mujoco.state import SimulationState

_JOINTS = 7
_LOW, _HIGH = (-0.3, -0.2), (0.0, 0.2)
"""Corners of the rectangle that the cylinder starts in, seen from the goal, m."""

_LEAST_DISTANCE = 0.17
"""Of the cylinder from the goal at the start, m."""

_CANDIDATES = 32
"""Places drawn for the cylinder, of which the first that is far enough is taken. One place is with a probability of
0.62, so that none is once in 10^13 starts."""

_VELOCITY_NOISE = 0.005


class Pusher(MujocoEnv, kw_only=True):
    """An arm of seven joints pushes a cylinder on a table to a goal.

    Observation: Box (23,), unbounded.

    | index | meaning | unit |
    |---|---|---|
    | 0-6 | angles: shoulder pan and lift, upper arm roll, elbow, forearm roll, wrist flex and roll | rad |
    | 7-13 | their angular velocities | rad/s |
    | 14-16 | x, y and z of the fingertip | m |
    | 17-19 | x, y and z of the cylinder | m |
    | 20-22 | x, y and z of the goal | m |

    Action: Box (7,) in [-2, 2]: torques at the joints.

    Reward: less `reward_dist_weight` times the distance of the cylinder from the goal, less `reward_near_weight` times
    its distance from the fingertip, less `reward_control_weight` times the action's squared norm.

    Start: the reference; velocities of the joints uniform within 0.005 rad/s; the cylinder at rest, uniform in a
    rectangle where it is farther than 0.17 m from the goal.

    Episode end:
        Truncation: none; `make` adds 100 steps.

    Info: `reward_dist`, `reward_ctrl`, `reward_near`.

    Parameters: those of `MujocoEnv`, and
        reward_near_weight: cost a m between fingertip and cylinder.
        reward_dist_weight: cost a m between cylinder and goal.
        reward_control_weight: cost of a squared unit of action.

    Source: Gymnasium 1.4.0 `Pusher-v5`.

    Version history:
        v5: as Gymnasium's.
    """

    frames_per_second = 20
    camera = (("distance", 4.0),)

    xml_file: str = static(default="pusher_v5.xml")
    frame_skip: int = static(default=5)
    reward_near_weight: ArrayLike = 0.5
    reward_dist_weight: ArrayLike = 1.0
    reward_control_weight: ArrayLike = 0.1

    def check_model(self, model: Model) -> None:
        """It has an arm, a cylinder and a goal."""
        require("Pusher", model, nq=_JOINTS + 4, nv=_JOINTS + 4)
        for name in ("tips_arm", "object", "goal"):
            model.body(name)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Where fingertip, cylinder and goal are, and how the cylinder lies to the others."""
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
        """Nothing is rewarded for its velocity."""
        return None

    @property
    def observation_size(self) -> int:
        """23."""
        return 2 * _JOINTS + 9

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """At most 0, for weights of at least 0."""
        return -math.inf, 0.0

    def start(self, key: Key) -> tuple[Array, Array]:
        """The arm at rest, nearly, and a cylinder away from the goal."""
        place_key, velocity_key = jax.random.split(key)
        low, high = jnp.array(_LOW, jnp.float32), jnp.array(_HIGH, jnp.float32)
        places = jax.random.uniform(place_key, (_CANDIDATES, 2), jnp.float32)
        places = low[None] + (high - low)[None] * places
        place = places[jnp.argmax(jnp.square(places).sum(1) > _LEAST_DISTANCE**2)]
        position = jnp.asarray(self.model.qpos0.astype(self.precision))
        position = position.at[-4:].set(jnp.concatenate([place, jnp.zeros_like(place)]).astype(position.dtype))
        return position, uniform_noise(velocity_key, self.model.nv, _VELOCITY_NOISE).at[-4:].set(0.0)

    def observe(self, state: SimulationState) -> Array:
        """See the class."""
        read = state.derived
        return jnp.concatenate(
            [state.qpos[:_JOINTS], state.qvel[:_JOINTS], read["tip"], read["cylinder"], read["goal"]]
        )

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Near is good, effort is not; it never ends."""
        near = weigh(self.reward_near_weight, norm(state.derived["from_tip"]))
        distance = weigh(self.reward_dist_weight, norm(state.derived["from_goal"]))
        control = weigh(self.reward_control_weight, squares(action))
        info = {"reward_dist": -distance, "reward_ctrl": -control, "reward_near": -near}
        return -distance - control - near, jnp.zeros((), bool), info
