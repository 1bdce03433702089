"""Reacher of gymnax: move an arm of unit links, without gravity or inertia, to a goal."""

import itertools
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trigonometry import cos, sin
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box


class ReacherState(PyTreeNode):
    """State of `Reacher`.

    Attributes:
        angles: (num_joints,) float32, angle of each link from the x axis, in rad.
        velocities: (num_joints,) float32, angular velocity of each link, in rad/s.
        goal: (2,) float32, x and y of the goal, in lengths of a link.
    """

    angles: Array
    velocities: Array
    goal: Array


class Reacher(Env[ReacherState, Array]):
    """Hold the tip of an arm at the goal; each of its links turns by itself. For MuJoCo's Reacher, see `Reacher-v5`.

    Observation: (3 num_joints + 2,) float32; n is `num_joints`. Angles are measured from the x axis, not from the
        previous link.

        | index      | meaning                                          | min  | max | unit  |
        |------------|--------------------------------------------------|------|-----|-------|
        | 0 to n-1   | cosine of the angle of each link from the x axis | -1   | 1   |       |
        | n to 2n-1  | sine of the same angles                          | -1   | 1   |       |
        | 2n to 3n-1 | angular velocity of each link                    | -inf | inf | rad/s |
        | 3n         | x of the goal                                    | -n   | n   | links |
        | 3n+1       | y of the goal                                    | -n   | n   | links |

    Action: (num_joints,) float32 in [-1, 1]: the angular acceleration of each link divided by `torque_scale`. Values
        outside are not clipped.

    Reward: exp(-d^2), where d is the distance of the tip from the goal after the step.

    Start: angles uniform in [-pi, pi), velocities in [-1, 1), x and y of the goal in [-num_joints, num_joints). So
        about one goal in five, in the corners, is out of reach.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 100 steps.

    Parameters:
        torque_scale: angular acceleration for an action of 1, rad/s^2.
        dt: duration of a step, s.
        num_joints: number of links.

    Differences from the reference: `num_joints` may be other than 2, which fails in gymnax 1.0.1.

    Source: the reacher of ivy_gym, by way of gymnax 1.0.1, `Reacher-misc`.

    Version history:
        v0: same behaviour as in gymnax.
    """

    frames_per_second: ClassVar[int] = 20

    torque_scale: ArrayLike = 1.0
    dt: ArrayLike = 0.05
    num_joints: int = static(default=2)

    def check_fields(self) -> None:
        check_integer(self, "num_joints", self.num_joints)

    @property
    def observation_space(self) -> Box:
        count = self.num_joints
        high = np.concatenate([np.ones(2 * count), np.full(count, np.inf), np.full(2, count)]).astype(np.float32)
        return Box(-high, high)

    @property
    def action_space(self) -> Box:
        return Box(-1.0, 1.0, (self.num_joints,))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[ReacherState, TimeStep[Array]]:
        """Draws the arm's posture and the goal."""
        count = self.num_joints
        draws = jax.random.uniform(check_key(key), (2 * count + 2,), jnp.float32, -1.0, 1.0)
        state = ReacherState(
            angles=math.pi * draws[:count], velocities=draws[count : 2 * count], goal=count * draws[2 * count :]
        )
        return state, restart(self.observe(state))

    def step(self, state: ReacherState, action: Array) -> tuple[ReacherState, TimeStep[Array]]:
        """Turns the links for `dt` seconds."""
        action = self.action_space.validate(action)
        velocities = state.velocities + self.dt * (self.torque_scale * action)
        state = state.replace(angles=state.angles + self.dt * velocities, velocities=velocities)
        tip = jnp.stack([cos(state.angles).sum(), sin(state.angles).sum()])
        reward = jnp.exp(-jnp.sum(jnp.square(tip - state.goal)))
        return state, transition(self.observe(state), reward, False)

    def observe(self, state: ReacherState) -> Array:
        return jnp.concatenate([cos(state.angles), sin(state.angles), state.velocities, state.goal])

    def render(self, state: ReacherState) -> Array:
        """(480, 480, 3) uint8: the arm, what it can reach, and the goal."""
        reach = self.num_joints + 0.25
        canvas = Canvas.blank(480, 480, palette.PAPER, x_range=(-reach, reach), y_range=(-reach, reach))
        canvas = canvas.circle((0.0, 0.0), float(self.num_joints), palette.MIST)
        unit = self.num_joints / 2  # so that longer arms, which are drawn smaller, are equally thick
        for radius, color in ((0.2, palette.TEAL_LIGHT), (0.13, palette.PAPER), (0.07, palette.TEAL)):
            canvas = canvas.circle(state.goal, radius * unit, color)
        x, y = (jnp.zeros((), jnp.float32),) * 2
        joints = [(x, y)]
        for i in range(self.num_joints):
            x, y = x + cos(state.angles[i]), y + sin(state.angles[i])
            joints.append((x, y))
        for i, (start, end) in enumerate(itertools.pairwise(joints)):
            canvas = canvas.line(start, end, 0.17 * unit, palette.BLUE if i % 2 == 0 else palette.BLUE_LIGHT)
        for joint in joints[:-1]:
            canvas = canvas.circle(joint, 0.06 * unit, palette.INK)
        return canvas.circle(joints[-1], 0.085 * unit, palette.ORANGE).to_rgb()
