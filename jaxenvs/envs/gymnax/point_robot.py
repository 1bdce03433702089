"""PointRobot: find a hidden goal on a half circle, and return to it as often as time allows."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trigonometry import cos, sin
from jaxenvs.envs.gymnax._past import time_feature
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box


class PointRobotState(PyTreeNode):
    """State of `PointRobot`.

    Attributes:
        position: (2,) float32, x and y of the robot.
        goal: (2,) float32, x and y of the goal.
        last_action: (2,) float32, the last action before clipping; 0 at reset.
        last_reward: () float32, the last reward; 0 at reset.
        goals_reached: () int32, how often the goal was reached.
        elapsed: () int32, steps so far.
        key: () key that new places are drawn from.
    """

    position: Array
    goal: Array
    last_action: Array
    last_reward: Array
    goals_reached: Array
    elapsed: Array
    key: Key


class PointRobot(Env[PointRobotState, Array]):
    """A point moves in the plane and has to find a hidden goal on a half circle, which differs between episodes.

    Observation: (6,) float32.

        | index | meaning                                                               | min  | max | unit   |
        |-------|-----------------------------------------------------------------------|------|-----|--------|
        | 0     | x of the robot                                                        | -inf | inf | length |
        | 1     | y of the robot                                                        | -inf | inf | length |
        | 2     | last reward                                                           | -inf | inf |        |
        | 3-4   | last action, before clipping                                          | -inf | inf | length |
        | 5     | (steps so far - 50) / 50 with `normalize_time`, else the steps so far | -1   | inf |        |

    Action: (2,) float32: the move along x and y. Each component is clipped to +-max_force.

    Reward: 1 if the robot *was* within `goal_radius` of the goal, else 0. With `dense_reward`, the negative distance.
        Both refer to the position before the action: as in gymnax, an action affects the reward of the next step. From
        the goal the robot is moved to a new position, whatever the action.

    Start: the robot at a distance from the origin uniform in [0, circle_radius), in a direction uniform in [0, pi);
        with `center_init`, at the origin. The goal on the circle in a direction uniform in [0, pi).

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 100 steps.

    Info: `goals_reached`, () int32: how often the goal was reached in this episode.

    Parameters:
        max_force: greatest move along each axis, length.
        circle_radius: radius of the half circle, length.
        goal_radius: greatest distance from the goal that counts as reaching it, length.
        dense_reward: whether the reward is the negative distance.
        center_init: whether the robot is placed at the origin, at the start and after reaching the goal.
        normalize_time: whether the observed number of steps is scaled. As in gymnax, the scale is that of 100 steps,
            whatever the time limit.

    Differences from the reference: none except the bounds of the observation space.

    Source: R. Dorfman, I. Shenfeld and A. Tamar, "Offline Meta Reinforcement Learning", 2021; gymnax 1.0.1,
        `PointRobot-misc`.

    Version history:
        v0: same behaviour as in gymnax.
    """

    frames_per_second: ClassVar[int] = 10

    max_force: ArrayLike = 0.1
    circle_radius: ArrayLike = 1.0
    goal_radius: ArrayLike = 0.2
    dense_reward: bool = static(default=False)
    center_init: bool = static(default=False)
    normalize_time: bool = static(default=True)

    def check_fields(self) -> None:
        for name in ("max_force", "circle_radius", "goal_radius"):
            check_range(self, name, getattr(self, name), 0)

    @property
    def observation_space(self) -> Box:
        low = np.full(6, -np.inf, np.float32)
        low[5] = -1.0 if self.normalize_time else 0.0
        return Box(low, np.full(6, np.inf, np.float32))

    @property
    def action_space(self) -> Box:
        """(2,) float32: by how much to move."""
        return Box(-1.0 * self.max_force, self.max_force, (2,))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 or 1; with `dense_reward` at most 0."""
        return (-math.inf, 0.0) if self.dense_reward else (0.0, 1.0)

    def reset(self, key: Key) -> tuple[PointRobotState, TimeStep[Array]]:
        """Hides the goal, and puts the robot down."""
        key, goal_key, place_key = jax.random.split(check_key(key), 3)
        direction = math.pi * jax.random.uniform(goal_key, (), jnp.float32)
        radius = jnp.asarray(self.circle_radius, jnp.float32)
        zero = jnp.zeros((), jnp.int32)
        state = PointRobotState(
            position=self._placed(jax.random.uniform(place_key, (2,), jnp.float32)),
            goal=radius * jnp.stack([cos(direction), sin(direction)]),
            last_action=jnp.zeros(2, jnp.float32),
            last_reward=jnp.zeros((), jnp.float32),
            goals_reached=zero,
            elapsed=zero,
            key=key,
        )
        return state, restart(self.observe(state), {"goals_reached": state.goals_reached})

    def step(self, state: PointRobotState, action: Array) -> tuple[PointRobotState, TimeStep[Array]]:
        """Moves the robot, or from the goal to a random position."""
        key, place_key = jax.random.split(state.key)
        draws = jax.random.uniform(place_key, (2,), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), draws)

    def step_with(self, state: PointRobotState, action: Array, draws: Array) -> tuple[PointRobotState, TimeStep[Array]]:
        """A step with given randomness: `draws`, (2,) float32 in [0, 1), for the polar coordinates of a new place."""
        limit = jnp.asarray(self.max_force, jnp.float32)
        distance = jnp.sqrt(jnp.sum(jnp.square(state.goal - state.position)))
        is_there = distance <= self.goal_radius
        reward = -distance if self.dense_reward else is_there.astype(jnp.float32)
        state = state.replace(
            position=jnp.where(is_there, self._placed(draws), state.position + jnp.clip(action, -limit, limit)),
            last_action=action,
            last_reward=reward,
            goals_reached=state.goals_reached + is_there.astype(jnp.int32),
            elapsed=state.elapsed + 1,
        )
        return state, transition(self.observe(state), reward, False, {"goals_reached": state.goals_reached})

    def observe(self, state: PointRobotState) -> Array:
        late = time_feature(state.elapsed, self.normalize_time)
        return jnp.concatenate([state.position, state.last_reward[None], state.last_action, late[None]])

    def render(self, state: PointRobotState) -> Array:
        """(400, 640, 3) uint8: the half circle, the goal, and the robot, gold once rewarded, with its last action."""
        radius, near = (jnp.asarray(value, jnp.float32) for value in (self.circle_radius, self.goal_radius))
        canvas = Canvas.blank(400, 640, palette.PAPER, x_range=(-1.5, 1.5), y_range=(-0.45, 1.4))
        canvas = canvas.line((-1.5, 0.0), (1.5, 0.0), 0.01, palette.SILVER)
        canvas = canvas.arc((0.0, 0.0), radius, 0.0, math.pi, 0.02, palette.STEEL)
        canvas = canvas.circle(state.goal, near, palette.TEAL_LIGHT).circle(state.goal, 0.03, palette.TEAL)
        gold, orange = (jnp.asarray(color, jnp.int32) for color in (palette.YELLOW, palette.ORANGE))
        limit = jnp.asarray(self.max_force, jnp.float32)
        ahead = state.position + 1.5 * jnp.clip(state.last_action, -limit, limit)
        canvas = canvas.line(state.position, ahead, 0.025, palette.SLATE)
        canvas = canvas.circle(state.position, 0.06, palette.INK)
        body = jnp.where(state.goals_reached > 0, gold, orange)
        canvas = canvas.circle(state.position, 0.048, body)
        canvas = canvas.text("goals reached", (-0.3, -0.32), 0.09, palette.SLATE, align="right")
        return canvas.number(state.goals_reached, (-0.26, -0.32), 0.09, palette.INK, digits=3).to_rgb()

    def _placed(self, draws: Array) -> Array:
        """(2,) float32: the position that the robot is moved to, for draws as in `step_with`."""
        if self.center_init:
            return jnp.zeros(2, jnp.float32)
        distance = jnp.asarray(self.circle_radius, jnp.float32) * draws[0]
        direction = math.pi * draws[1]
        return distance * jnp.stack([cos(direction), sin(direction)])
