"""Pendulum: swing a pendulum up and hold it there."""

import math
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.trigonometry import cos, sin, wrap_angle
from jaxenvs.core.vector_state import VectorState
from jaxenvs.envs.classic_control._limits import vector, within
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box


class PendulumState(VectorState):
    """State of `Pendulum`.

    Attributes:
        theta: () float32, angle from upright in rad, positive counter-clockwise; it is never wrapped.
        theta_dot: () float32, angular velocity in rad/s.
        torque: () float32, torque of the last step in N m, 0 before the first; for the picture only.
    """

    theta: Array
    theta_dot: Array
    torque: Array

    numbers = ("theta", "theta_dot")


class Pendulum(Env[PendulumState, Array]):
    """A pendulum hangs on a weak motor; swing it up and hold it upright with little torque.

    Observation: (3,) float32.

        | index | meaning                          | min        | max       | unit  |
        |-------|----------------------------------|------------|-----------|-------|
        | 0     | cosine of the angle from upright | -1         | 1         |       |
        | 1     | sine of the angle from upright   | -1         | 1         |       |
        | 2     | angular velocity                 | -max_speed | max_speed | rad/s |

    Action: (1,) float32: the torque in N m, clipped to +-max_torque; positive counter-clockwise.

    Reward: -(angle^2 + 0.1 velocity^2 + 0.001 torque^2), for the angle in [-pi, pi) and the angular velocity before the
        step, and the clipped torque. It ranges from -16.27 to 0.

    Start: the angle uniform within +-max_start_theta, the angular velocity within +-max_start_theta_dot.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Parameters:
        gravity: acceleration of gravity, m/s^2 (Gymnasium's argument `g`).
        mass: mass of the rod, kg.
        length: length of the rod, m.
        tau: duration of a step, s.
        max_speed: greatest angular speed, rad/s.
        max_torque: greatest torque, N m.
        max_start_theta: greatest angle at the start, rad (Gymnasium's reset option `x_init`).
        max_start_theta_dot: greatest angular speed at the start, rad/s (Gymnasium's reset option `y_init`).

    Differences from the reference: start states are float32, so all arithmetic is.

    Source: K. Furuta, M. Yamakita and S. Kobayashi, "Swing-up control of inverted pendulum using pseudo-state
        feedback", 1992; Gymnasium 1.4.0, `Pendulum-v1`.

    Version history:
        v1: simpler equations, same behaviour.
        v0: first version.
    """

    reset_options: ClassVar[Mapping[str, str]] = {"x_init": "max_start_theta", "y_init": "max_start_theta_dot"}

    gravity: ArrayLike = 10.0
    mass: ArrayLike = 1.0
    length: ArrayLike = 1.0
    tau: ArrayLike = 0.05
    max_speed: ArrayLike = 8.0
    max_torque: ArrayLike = 2.0
    max_start_theta: ArrayLike = math.pi
    max_start_theta_dot: ArrayLike = 1.0

    def check_fields(self) -> None:
        """Checks that the start ranges are not negative."""
        for name in ("max_start_theta", "max_start_theta_dot"):
            check_range(self, name, getattr(self, name), 0)

    @property
    def observation_space(self) -> Box:
        high = vector(1.0, 1.0, self.max_speed)
        return Box(-high, high)

    @property
    def action_space(self) -> Box:
        return Box(-1.0 * self.max_torque, self.max_torque, (1,))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """From hanging at full speed and torque to standing still."""
        return -(math.pi**2 + 0.1 * jnp.square(self.max_speed) + 0.001 * jnp.square(self.max_torque)), 0.0

    def reset(self, key: Key) -> tuple[PendulumState, TimeStep[Array]]:
        """Draws the angle and the angular velocity."""
        start = jax.random.uniform(check_key(key), (2,), jnp.float32, -1.0, 1.0)
        state = PendulumState(
            theta=start[0] * jnp.asarray(self.max_start_theta, jnp.float32),
            theta_dot=start[1] * jnp.asarray(self.max_start_theta_dot, jnp.float32),
            torque=jnp.zeros((), jnp.float32),
        )
        return state, restart(self.observe(state))

    def step(self, state: PendulumState, action: Array) -> tuple[PendulumState, TimeStep[Array]]:
        """Applies the torque for `tau` seconds."""
        torque = self.action_space.validate(action)[0].astype(state.theta.dtype)
        torque = within(torque, self.max_torque)
        angle = wrap_angle(state.theta)
        cost = jnp.square(angle) + 0.1 * jnp.square(state.theta_dot) + 0.001 * jnp.square(torque)
        pull = 3 * self.gravity / (2 * self.length) * sin(state.theta)
        push = 3.0 / (self.mass * self.length**2) * torque
        theta_dot = state.theta_dot + (pull + push) * self.tau
        theta_dot = within(theta_dot, self.max_speed)
        state = PendulumState(state.theta + theta_dot * self.tau, theta_dot, torque)
        return state, transition(self.observe(state), -cost, False)

    def observe(self, state: PendulumState) -> Array:
        """(3,) float32: cosine and sine of the angle, angular velocity."""
        return jnp.stack([cos(state.theta), sin(state.theta), state.theta_dot]).astype(jnp.float32)

    def render(self, state: PendulumState) -> Array:
        """(500, 500, 3) uint8: the rod, the upright position, and an arrow for the last torque."""
        theta, torque = (v.astype(jnp.float32) for v in (state.theta, state.torque))
        length = jnp.asarray(self.length, jnp.float32)
        share = torque / jnp.maximum(jnp.asarray(self.max_torque, jnp.float32), 1e-6)
        end = -length * jnp.sin(theta), length * jnp.cos(theta)
        canvas = Canvas.blank(500, 500, palette.PAPER, x_range=(-1.5, 1.5), y_range=(-1.5, 1.5))
        canvas = canvas.circle((0.0, 0.0), length, palette.MIST, stroke=0.02)
        canvas = canvas.circle((0.0, length), 0.13, palette.TEAL_LIGHT, stroke=0.03)
        canvas = canvas.line((0.0, 0.0), end, 0.14, palette.RED)
        canvas = canvas.circle(end, 0.13, palette.RED).circle(end, 0.075, palette.RED_LIGHT)
        # The arrow spans the top of the axle; the stronger the torque, the longer the arrow.
        start, head = math.pi / 2 - share, 0.16 * jnp.minimum(1.0, 4.0 * jnp.abs(share))
        canvas = canvas.arc(
            (0.0, 0.0), 0.42, start, 2.0 * share, 0.05, palette.BLUE, head=head, opacity=20.0 * jnp.abs(share)
        )
        return canvas.circle((0.0, 0.0), 0.07, palette.INK).circle((0.0, 0.0), 0.028, palette.PAPER).to_rgb()
