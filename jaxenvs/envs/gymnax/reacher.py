"""Reacher of gymnax: swing an arm of unit links, without gravity or inertia between them, to a goal."""

import itertools
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trigonometry import cos, sin
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box


class ReacherState(PyTreeNode):
    """State of `Reacher`.

    Attributes:
        angles: (num_joints,) float32, of each link from the x axis, in rad.
        velocities: (num_joints,) float32, in rad/s.
        goal: (2,) float32, x and y, in lengths of a link.
    """

    angles: Array
    velocities: Array
    goal: Array


class Reacher(Env[ReacherState, Array]):
    """An arm of links, each turned by itself, is to hold its tip at the goal. Not MuJoCo's: that is `Reacher-v5`.

    Observation: (3 num_joints + 2,) float32: the cosines of the angles, their sines, the velocities, and x and y of the
        goal. An angle is that of the link from the x axis, not from the link before. Velocities have no bounds.

    Action: (num_joints,) float32 in [-1, 1], the angular accelerations over `torque_scale`; what lies outside is not
        clipped.

    Reward: exp(-d^2) for the distance d of the tip from the goal after the step.

    Start: angles uniform in [-pi, pi), velocities in [-1, 1), x and y of the goal in [-num_joints, num_joints). So one
        goal in five, in the corners, is out of reach.

    Episode end:
        Termination: none.
        Truncation: none here; 100 steps in the registered id.

    Attributes:
        torque_scale: rad/s^2 for an action of 1.
        dt: duration of a step, s.
        num_joints: how many links there are.

    Differences from the reference: `num_joints` may be other than 2, which gymnax 1.0.1 fails with.

    Source: the reacher of ivy_gym, by way of gymnax 1.0.1, `Reacher-misc`.

    Version history: v0, as in gymnax.
    """

    frames_per_second: ClassVar[int] = 20

    torque_scale: ArrayLike = 1.0
    dt: ArrayLike = 0.05
    num_joints: int = static(default=2)

    def check_fields(self) -> None:
        """Checks the number of joints."""
        value = self.num_joints
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InvalidField(f"Reacher: `num_joints` must be an integer of at least 1, got {value!r}.")

    @property
    def observation_space(self) -> Box:
        """See the class."""
        count = self.num_joints
        high = np.concatenate([np.ones(2 * count), np.full(count, np.inf), np.full(2, count)]).astype(np.float32)
        return Box(-high, high)

    @property
    def action_space(self) -> Box:
        """(num_joints,) float32: the accelerations."""
        return Box(-1.0, 1.0, (self.num_joints,))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 to 1."""
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
        """(3 num_joints + 2,) float32."""
        return jnp.concatenate([cos(state.angles), sin(state.angles), state.velocities, state.goal])

    def render(self, state: ReacherState) -> Array:
        """(480, 480, 3) uint8: the arm, what it can reach, and the goal."""
        reach = self.num_joints + 0.25
        canvas = Canvas.blank(480, 480, palette.PAPER, x_range=(-reach, reach), y_range=(-reach, reach))
        canvas = canvas.circle((0.0, 0.0), float(self.num_joints), palette.MIST)
        unit = self.num_joints / 2  # so that longer arms, which are drawn smaller, are as thick
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
