"""CartPole: balance a pole on a cart by pushing the cart left or right."""

import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep, restart, static, transition
from jaxenvs.core.errors import InvalidField
from jaxenvs.core.random import Key, check_key
from jaxenvs.core.spaces import Box, Discrete


class CartPoleState(struct.PyTreeNode):
    """State of `CartPole`.

    Attributes:
        x: () float32, position of the cart in m.
        x_dot: () float32, velocity of the cart in m/s.
        theta: () float32, angle of the pole from upright in rad.
        theta_dot: () float32, angular velocity of the pole in rad/s.
        fallen: () bool, whether the episode has already terminated.
    """

    x: Array
    x_dot: Array
    theta: Array
    theta_dot: Array
    fallen: Array


class CartPole(Env[CartPoleState, Array]):
    """(docstring to be written in the form of STYLE.md)"""

    gravity: ArrayLike = 9.8
    cart_mass: ArrayLike = 1.0
    pole_mass: ArrayLike = 0.1
    half_length: ArrayLike = 0.5
    force: ArrayLike = 10.0
    tau: ArrayLike = 0.02
    x_threshold: ArrayLike = 2.4
    theta_threshold: ArrayLike = 12 * 2 * math.pi / 360
    start_low: ArrayLike = -0.05
    start_high: ArrayLike = 0.05
    kinematics_integrator: Literal["euler", "semi-implicit euler"] = static(default="euler")
    sutton_barto_reward: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks the integrator and the start range."""
        if isinstance(self.start_low, float) and isinstance(self.start_high, float) and self.start_low > self.start_high:
            raise InvalidField(f"CartPole: start_low ({self.start_low}) is above start_high ({self.start_high}).")

    @property
    def observation_space(self) -> Box:
        """(4,) float32: see the class."""
        high = jnp.stack([jnp.asarray(v, jnp.float32) for v in (2 * self.x_threshold, np.inf, 2 * self.theta_threshold, np.inf)])
        return Box(-high, high)

    @property
    def action_space(self) -> Discrete:
        """Push left (0) or right (1)."""
        return Discrete(2)

    def reset(self, key: Key) -> tuple[CartPoleState, TimeStep[Array]]:
        """Draws the four state variables uniformly from [start_low, start_high)."""
        start = jax.random.uniform(check_key(key), (4,), jnp.float32, self.start_low, self.start_high)
        state = CartPoleState(start[0], start[1], start[2], start[3], fallen=jnp.zeros((), bool))
        return state, restart(self._observe(state))

    def step(self, state: CartPoleState, action: Array) -> tuple[CartPoleState, TimeStep[Array]]:
        """Pushes the cart for `tau` seconds."""
        action = self.action_space.validate(action)
        sin, cos = jnp.sin(state.theta), jnp.cos(state.theta)
        total_mass = self.cart_mass + self.pole_mass
        force = jnp.where(action == 1, self.force, -self.force)
        thrust = (force + self.pole_mass * self.half_length * state.theta_dot**2 * sin) / total_mass
        theta_acc = (self.gravity * sin - cos * thrust) / (
            self.half_length * (4.0 / 3.0 - self.pole_mass * cos**2 / total_mass)
        )
        x_acc = thrust - self.pole_mass * self.half_length * theta_acc * cos / total_mass
        x = state.x + self.tau * state.x_dot
        theta = state.theta + self.tau * state.theta_dot
        x_dot = state.x_dot + self.tau * x_acc
        theta_dot = state.theta_dot + self.tau * theta_acc
        fallen = (jnp.abs(x) > self.x_threshold) | (jnp.abs(theta) > self.theta_threshold)
        state_next = CartPoleState(x, x_dot, theta, theta_dot, fallen)
        return state_next, transition(self._observe(state_next), ~state.fallen, fallen)

    def _observe(self, state: CartPoleState) -> Array:
        return jnp.stack([state.x, state.x_dot, state.theta, state.theta_dot]).astype(jnp.float32)

    def render(self, state: CartPoleState) -> Array:
        """(400, 600, 3) uint8."""
        return jnp.zeros((400, 600, 3), jnp.uint8)
