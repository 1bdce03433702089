"""The base class of bsuite's two tasks with a pole on a cart: the cart, its clock, and the picture."""

import abc
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.trigonometry import cos, sin, wrap_angle
from jaxenvs.envs._cart_pole import accelerations
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class CartState(PyTreeNode):
    """State of a pole on a cart; each () float32 unless stated otherwise.

    Attributes:
        x: position of the cart, m.
        x_dot: velocity of the cart, m/s.
        theta: angle of the pole from upright, rad, from -pi to pi, positive to the right.
        theta_dot: angular velocity of the pole, rad/s.
        elapsed: () int32, steps since reset.
    """

    x: Array
    x_dot: Array
    theta: Array
    theta_dot: Array
    elapsed: Array


class Cart(Env[CartState, Array]):
    """A pole on a cart. Subclasses define the reward, the end of an episode and what else is observed.

    Parameters:
        x_threshold: greatest distance of the cart from the middle, m.
        timescale: duration of a step, s.
        max_time: duration of an episode, s.
        init_range: at the start, position (m), angle (rad) and both velocities are within +-init_range of rest.
        gravity: acceleration of gravity, m/s^2.
        cart_mass: mass of the cart, kg.
        pole_mass: mass of the pole, kg.
        half_length: half the length of the pole, m.
        force: magnitude of a push, N.
    """

    frames_per_second: ClassVar[int] = 100

    start_angle: ClassVar[float] = 0.0
    """Angle around which the pole starts, rad."""

    x_threshold: ArrayLike = 3.0
    timescale: ArrayLike = 0.01
    max_time: ArrayLike = 10.0
    init_range: ArrayLike = 0.05
    gravity: ArrayLike = 9.8
    cart_mass: ArrayLike = 1.0
    pole_mass: ArrayLike = 0.1
    half_length: ArrayLike = 0.5
    force: ArrayLike = 10.0

    def check_fields(self) -> None:
        """Checks that lengths and times are positive."""
        for name in ("x_threshold", "timescale", "max_time", "half_length"):
            check_range(self, name, getattr(self, name), 0, above=True)

    @property
    def observation_space(self) -> Box:
        """See the class: positions and velocities are unbounded; sines, cosines and signs lie in [-1, 1]."""
        infinity = np.inf
        extra = [1.0] * (self.num_observed - 6)
        high = np.array([[infinity, infinity, 1.0, 1.0, infinity, infinity, *extra]], np.float32)
        low = -high
        low[0, 5] = 0.0
        return Box(low, high)

    @property
    def action_space(self) -> Discrete:
        """Push to the left, not at all, to the right."""
        return Discrete(3)

    def reset(self, key: Key) -> tuple[CartState, TimeStep[Array]]:
        spread = jnp.asarray(self.init_range, jnp.float32)
        start = jax.random.uniform(check_key(key), (4,), jnp.float32, -spread, spread)
        theta = wrap_angle(start[2] + self.start_angle)
        state = CartState(start[0], start[1], theta, start[3], elapsed=jnp.zeros((), jnp.int32))
        return state, restart(self.observe(state))

    def step(self, state: CartState, action: Array) -> tuple[CartState, TimeStep[Array]]:
        """Pushes the cart for `timescale` seconds."""
        action = self.action_space.validate(action)
        push = (action - 1).astype(state.x.dtype) * self.force
        x_acc, theta_acc = accelerations(
            state.theta, state.theta_dot, push, self.gravity, self.cart_mass, self.pole_mass, self.half_length
        )
        state = CartState(
            x=state.x + self.timescale * state.x_dot,
            x_dot=state.x_dot + self.timescale * x_acc,
            theta=wrap_angle(state.theta + self.timescale * state.theta_dot),
            theta_dot=state.theta_dot + self.timescale * theta_acc,
            elapsed=state.elapsed + 1,
        )
        reward, terminated = self.outcome(state, action)
        return state, transition(self.observe(state), reward, terminated | (self.time(state) > self.max_time))

    def time(self, state: CartState) -> Array:
        """() float32: seconds since reset."""
        return state.elapsed.astype(jnp.float32) * self.timescale

    def motion(self, state: CartState) -> list[Array]:
        """() float32 each: the numbers that both tasks observe."""
        return [
            state.x / self.x_threshold,
            state.x_dot / self.x_threshold,
            sin(state.theta),
            cos(state.theta),
            state.theta_dot,
            self.time(state) / self.max_time,
        ]

    @property
    @abc.abstractmethod
    def num_observed(self) -> int:
        """The number of observed values."""

    @abc.abstractmethod
    def outcome(self, state: CartState, action: Array) -> tuple[Array, Array]:
        """The reward of a step that led to `state`, () float32, and whether it ends the episode, () bool."""

    def render(self, state: CartState) -> Array:
        """(400, 600, 3) uint8: cart and pole on the rail."""
        x, theta = (value.astype(jnp.float32) for value in (state.x, state.theta))
        length = 2.0 * jnp.asarray(self.half_length, jnp.float32)
        edge = jnp.asarray(self.x_threshold, jnp.float32)
        axle = x, 0.3
        tip = x + length * jnp.sin(theta), 0.3 + length * jnp.cos(theta)
        canvas = Canvas.blank(400, 600, palette.PAPER, x_range=(-3.4, 3.4), y_range=(-2.0, 2.5))
        canvas = canvas.line((-edge, -0.1), (edge, -0.1), 0.06, palette.STEEL)
        for side in (-1.0, 1.0):
            canvas = canvas.line((side * edge, -0.3), (side * edge, 0.1), 0.06, palette.STEEL)
        # The fraction of the time that has passed.
        width = jnp.clip(self.time(state) / self.max_time, 0.0, 1.0) * 6.0
        canvas = canvas.line((-3.0, -1.8), (3.0, -1.8), 0.1, palette.MIST)
        canvas = canvas.line((-3.0, -1.8), (width - 3.0, -1.8), 0.1, palette.SILVER)
        canvas = canvas.rectangle((x, 0.13), (0.76, 0.38), palette.BLUE, corner_radius=0.07)
        canvas = canvas.line(axle, tip, 0.12, palette.ORANGE)
        return canvas.circle(axle, 0.075, palette.INK).circle(axle, 0.03, palette.PAPER).to_rgb()
