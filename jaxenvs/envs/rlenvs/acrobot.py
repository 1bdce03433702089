"""Acrobot of rlenvs: it starts at rest, uses Euler's method, and observes angles."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.core.trigonometry import cos, sin, wrap_angle
from jaxenvs.envs._two_links import draw_two_links
from jaxenvs.envs.classic_control.acrobot import AcrobotState
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_MAX_SPEEDS = 4 * math.pi, 9 * math.pi  # rad/s


class Acrobot(Env[AcrobotState, Array]):
    """Two links hang from a fixed joint, and only the joint between them is driven; swing the free end up.

    It differs from `Acrobot-v1` in four ways. The start is always the same. A step is four steps of Euler's method
    rather than one Runge-Kutta step over the same time. The observation holds angles rather than their cosines and
    sines, so it jumps when a link passes the top. The height to reach is in metres rather than in lengths of 1.

    Observation: (4,) float32.

        | index | meaning                                                    | min   | max  | unit  |
        |-------|------------------------------------------------------------|-------|------|-------|
        | 0     | angle of the first link from hanging down                  | -pi   | pi   | rad   |
        | 1     | angle of the second link from the first                    | -pi   | pi   | rad   |
        | 2     | angular velocity of the first link                         | -4 pi | 4 pi | rad/s |
        | 3     | angular velocity of the second link, relative to the first | -9 pi | 9 pi | rad/s |

    Action: () int32. 0, 1 and 2 apply a torque of -1, 0 and 1 N m to the joint between the links.

    Reward: -1 for every step, except 0 for a step that terminates.

    Start: hanging down, at rest.

    Episode end:
        Termination: the free end is above the fixed joint by more than the length of the first link.
        Truncation: none here; `make` adds a time limit of 500 steps.

    Parameters:
        gravity: acceleration of gravity, m/s^2.
        link_mass_1: mass of the first link, kg.
        link_mass_2: mass of the second link, kg.
        link_length_1: length of the first link, m.
        link_length_2: length of the second link, m; it affects the height reached, not the motion.
        link_com_1: distance of the first link's centre of mass from its joint, m.
        link_com_2: distance of the second link's centre of mass from its joint, m.
        link_moi_1: moment of inertia of the first link, kg m^2.
        link_moi_2: moment of inertia of the second link, kg m^2.
        tau: duration of a step of Euler's method, s; it updates the velocities first, then the angles by the new
            velocities.
        euler_steps: number of steps of Euler's method per environment step.

    Differences from the reference: there the acceleration of the first link is -(d2 / a2 + phi1) / d1, where a2 is that
        of the second link; it is infinite at rest without a torque. Here it is -(d2 a2 + phi1) / d1, as in the book.
        Angles beyond +-pi are wrapped by whole turns. In the reference, an angle a little below -pi becomes one a
        little above pi, and one beyond 2 pi is off by half a turn.

    Source: G. DeJong and M. W. Spong, "Swinging up the Acrobot: an example of intelligent control", 1994; R. S. Sutton
        and A. G. Barto, "Reinforcement Learning: An Introduction", 1998, section 11.3; Kaixhin/rlenvs, `Acrobot.lua` of
        commit aab044c.

    Version history:
        v0: first version.
    """

    frames_per_second: ClassVar[int] = 5

    gravity: ArrayLike = 9.8
    link_mass_1: ArrayLike = 1.0
    link_mass_2: ArrayLike = 1.0
    link_length_1: ArrayLike = 1.0
    link_length_2: ArrayLike = 1.0
    link_com_1: ArrayLike = 0.5
    link_com_2: ArrayLike = 0.5
    link_moi_1: ArrayLike = 1.0
    link_moi_2: ArrayLike = 1.0
    tau: ArrayLike = 0.05
    euler_steps: int = static(default=4)

    def check_fields(self) -> None:
        """Checks the number of steps of Euler's method."""
        check_integer(self, "euler_steps", self.euler_steps)

    @property
    def observation_space(self) -> Box:
        high = np.array([math.pi, math.pi, *_MAX_SPEEDS], np.float32)
        return Box(-high, high)

    @property
    def action_space(self) -> Discrete:
        """A torque of -1, 0 or 1."""
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 0.0

    def reset(self, key: Key) -> tuple[AcrobotState, TimeStep[Array]]:
        """Lets the links hang down at rest; the key is not used."""
        check_key(key)
        zero = jnp.zeros((), jnp.float32)
        state = AcrobotState(theta1=zero, theta2=zero, theta1_dot=zero, theta2_dot=zero)
        return state, restart(self.observe(state))

    def step(self, state: AcrobotState, action: Array) -> tuple[AcrobotState, TimeStep[Array]]:
        """Applies the torque for `euler_steps` times `tau` seconds."""
        torque = (self.action_space.validate(action) - 1).astype(state.theta1.dtype)
        for _ in range(self.euler_steps):
            acceleration1, acceleration2 = self._accelerations(state, torque)
            theta1_dot = state.theta1_dot + self.tau * acceleration1
            theta2_dot = state.theta2_dot + self.tau * acceleration2
            state = AcrobotState(
                theta1=state.theta1 + self.tau * theta1_dot,
                theta2=state.theta2 + self.tau * theta2_dot,
                theta1_dot=theta1_dot,
                theta2_dot=theta2_dot,
            )
        state = AcrobotState(
            theta1=_turned_back(state.theta1),
            theta2=_turned_back(state.theta2),
            theta1_dot=jnp.clip(state.theta1_dot, -_MAX_SPEEDS[0], _MAX_SPEEDS[0]),
            theta2_dot=jnp.clip(state.theta2_dot, -_MAX_SPEEDS[1], _MAX_SPEEDS[1]),
        )
        length1, length2 = (jnp.asarray(v, state.theta1.dtype) for v in (self.link_length_1, self.link_length_2))
        terminated = -length1 * cos(state.theta1) - length2 * cos(state.theta1 + state.theta2) > length1
        return state, transition(self.observe(state), jnp.where(terminated, 0.0, -1.0), terminated)

    def _accelerations(self, state: AcrobotState, torque: Array) -> tuple[Array, Array]:
        """The accelerations of the two angles, rad/s^2, by the book's equations and with its names."""
        fields = self.link_mass_1, self.link_mass_2, self.link_length_1, self.link_com_1, self.link_com_2
        m1, m2, l1, c1, c2 = (jnp.asarray(value, torque.dtype) for value in fields)
        sin2, cos2 = sin(state.theta2), cos(state.theta2)
        d1 = m1 * c1**2 + m2 * (l1**2 + c2**2 + 2.0 * l1 * c2 * cos2) + self.link_moi_1 + self.link_moi_2
        d2 = m2 * (c2**2 + l1 * c2 * cos2) + self.link_moi_2
        coupling = m2 * l1 * c2 * sin2
        phi2 = m2 * c2 * self.gravity * sin(state.theta1 + state.theta2)
        phi1 = (
            phi2
            + (m1 * c1 + m2 * l1) * self.gravity * sin(state.theta1)
            - coupling * state.theta2_dot * (state.theta2_dot + 2.0 * state.theta1_dot)
        )
        drive = torque + d2 / d1 * phi1 - coupling * jnp.square(state.theta1_dot) - phi2
        acceleration2 = drive / (m2 * c2**2 + self.link_moi_2 - jnp.square(d2) / d1)
        return -(d2 * acceleration2 + phi1) / d1, acceleration2

    def observe(self, state: AcrobotState) -> Array:
        """(4,) float32: both angles, both angular velocities."""
        parts = state.theta1, state.theta2, state.theta1_dot, state.theta2_dot
        return jnp.stack(parts).astype(jnp.float32)

    def render(self, state: AcrobotState) -> Array:
        """(500, 500, 3) uint8: the two links and the height to reach."""
        lengths = self.link_length_1, self.link_length_2
        return draw_two_links(state.theta1, state.theta2, *lengths, goal=self.link_length_1)


def _turned_back(angle: Array) -> Array:
    """The same angle within [-pi, pi]."""
    return jnp.clip(wrap_angle(angle), -math.pi, math.pi)  # rounding can leave it slightly beyond
