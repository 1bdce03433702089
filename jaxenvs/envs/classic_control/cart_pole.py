"""CartPole: balance a pole on a cart by pushing the cart left or right."""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_choice
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.core.vector_state import VectorState
from jaxenvs.envs._cart_pole import accelerations
from jaxenvs.envs.classic_control._limits import check_start_range, vector
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class CartPoleState(VectorState):
    """State of `CartPole`.

    Attributes:
        x: () float32, position of the cart in m.
        x_dot: () float32, velocity of the cart in m/s.
        theta: () float32, angle of the pole from upright in rad, positive to the right.
        theta_dot: () float32, angular velocity of the pole in rad/s.
        fallen: () bool, whether a step of this episode has terminated; steps after that earn nothing.
    """

    x: Array
    x_dot: Array
    theta: Array
    theta_dot: Array
    fallen: Array

    numbers = ("x", "x_dot", "theta", "theta_dot")


class CartPole(Env[CartPoleState, Array]):
    """A pole is hinged on a cart that runs on a rail without friction; keep it upright by pushing the cart.

    Observation: (4,) float32.

        | index | meaning                        | min                | max               | unit  |
        |-------|--------------------------------|--------------------|-------------------|-------|
        | 0     | position of the cart           | -2 x_threshold     | 2 x_threshold     | m     |
        | 1     | velocity of the cart           | -inf               | inf               | m/s   |
        | 2     | angle of the pole from upright | -2 theta_threshold | 2 theta_threshold | rad   |
        | 3     | angular velocity of the pole   | -inf               | inf               | rad/s |

    Action: () int32. 0 pushes the cart to the left, 1 to the right, with the same force.

    Reward: 1 for every step, including the one that terminates; 0 for a step after termination that is out of bounds.
        With `sutton_barto_reward`: -1 for a step that ends out of bounds, else 0.

    Start: position (m), angle (rad) and both velocities (m/s and rad/s) uniform in [start_low, start_high).

    Episode end:
        Termination: the cart's position is beyond +-x_threshold, or the pole's angle is beyond +-theta_threshold. A
            step that ends exactly on a threshold does not terminate.
        Truncation: none here; `make` adds a time limit of 500 steps to v1 and of 200 steps to v0.

    Parameters:
        gravity: acceleration of gravity, m/s^2.
        cart_mass: mass of the cart, kg.
        pole_mass: mass of the pole, kg.
        half_length: half the length of the pole, m.
        force: magnitude of the push, N.
        tau: duration of a step, s.
        x_threshold: position at which the episode ends, m.
        theta_threshold: angle at which the episode ends, rad.
        start_low: lower end of the start range (Gymnasium's reset option `low`).
        start_high: upper end of the start range (Gymnasium's reset option `high`).
        kinematics_integrator: "euler" moves cart and pole by the velocities before the step, "semi-implicit euler" by
            those after it.
        sutton_barto_reward: whether rewards are -1 and 0; see Reward.

    Differences from the reference: start states are float32, so all arithmetic is. Gymnasium treats any string other
        than "euler" as the second integrator; here an unknown string is refused.

    Source: A. G. Barto, R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve difficult
        learning control problems", 1983; R. V. Florian, "Correct equations for the dynamics of the cart-pole system",
        2007; Gymnasium 1.4.0, `CartPole-v1`.

    Version history:
        v1: 500 steps.
        v0: 200 steps.
    """

    frames_per_second: ClassVar[int] = 50
    reset_options: ClassVar[Mapping[str, str]] = {"low": "start_low", "high": "start_high"}

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
        check_start_range("CartPole", self.start_low, self.start_high)
        known = "euler", "semi-implicit euler"
        check_choice(self, "kinematics_integrator", self.kinematics_integrator, known)

    @property
    def observation_space(self) -> Box:
        """(4,) float32: see the class. The bounds are twice the thresholds, so that the last state lies within them."""
        high = 2.0 * vector(self.x_threshold, np.inf, self.theta_threshold, np.inf)
        return Box(-high, high)

    @property
    def action_space(self) -> Discrete:
        """Push left (0) or right (1)."""
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 or 1; with `sutton_barto_reward`, -1 or 0."""
        return (-1.0, 0.0) if self.sutton_barto_reward else (0.0, 1.0)

    def reset(self, key: Key) -> tuple[CartPoleState, TimeStep[Array]]:
        """Draws the four state variables uniformly from [start_low, start_high)."""
        start = jax.random.uniform(check_key(key), (4,), jnp.float32, self.start_low, self.start_high)
        state = CartPoleState(start[0], start[1], start[2], start[3], fallen=jnp.zeros((), bool))
        return state, restart(self.observe(state))

    def step(self, state: CartPoleState, action: Array) -> tuple[CartPoleState, TimeStep[Array]]:
        """Pushes the cart for `tau` seconds."""
        action = self.action_space.validate(action)
        push = jnp.where(action == 1, 1.0, -1.0) * self.force
        x_acc, theta_acc = accelerations(
            state.theta, state.theta_dot, push, self.gravity, self.cart_mass, self.pole_mass, self.half_length
        )
        x_dot = state.x_dot + self.tau * x_acc
        theta_dot = state.theta_dot + self.tau * theta_acc
        explicit = self.kinematics_integrator == "euler"
        x = state.x + self.tau * (state.x_dot if explicit else x_dot)
        theta = state.theta + self.tau * (state.theta_dot if explicit else theta_dot)
        terminated = (jnp.abs(x) > self.x_threshold) | (jnp.abs(theta) > self.theta_threshold)
        # A fallen pole can swing back into bounds, where steps earn their reward again, and out of bounds once
        # more, where they do not. Hence a flag: the last position alone is not enough.
        state_next = CartPoleState(x, x_dot, theta, theta_dot, state.fallen | terminated)
        reward = jnp.where(terminated, -1.0, 0.0) if self.sutton_barto_reward else ~(state.fallen & terminated)
        return state_next, transition(self.observe(state_next), reward, terminated)

    def observe(self, state: CartPoleState) -> Array:
        """(4,) float32: position and velocity of the cart, angle and angular velocity of the pole."""
        return jnp.stack([state.x, state.x_dot, state.theta, state.theta_dot]).astype(jnp.float32)

    def render(self, state: CartPoleState) -> Array:
        """(400, 600, 3) uint8: cart and pole on the rail, with both thresholds; a fallen pole turns red."""
        x, theta = (v.astype(jnp.float32) for v in (state.x, state.theta))
        length = 2.0 * jnp.asarray(self.half_length, jnp.float32)
        edge, tilt = (jnp.asarray(v, jnp.float32) for v in (self.x_threshold, self.theta_threshold))
        up = 0.3
        axle = x, up
        reach = 1.35 * length
        limits = [(x + side * reach * jnp.sin(tilt), up + reach * jnp.cos(tilt)) for side in (-1.0, 1.0)]
        tip = x + length * jnp.sin(theta), up + length * jnp.cos(theta)
        pole = jnp.where(state.fallen, jnp.array(palette.RED, jnp.int32), jnp.array(palette.ORANGE, jnp.int32))
        canvas = Canvas.blank(400, 600, palette.PAPER, x_range=(-2.7, 2.7), y_range=(-1.2, 2.4))
        canvas = canvas.rectangle((0.0, -1.0), (5.8, 1.6), palette.MIST)
        for side in (-1.0, 1.0):
            canvas = canvas.line((side * edge, -0.2), (side * edge, 0.18), 0.06, palette.STEEL)
        canvas = canvas.line((-edge, -0.2), (edge, -0.2), 0.06, palette.STEEL)
        canvas = canvas.polygon([axle, *limits], palette.BLUE_LIGHT, opacity=0.4)
        canvas = canvas.rectangle((x, 0.13), (0.76, 0.38), palette.BLUE, corner_radius=0.07)
        for side in (-0.23, 0.23):
            canvas = canvas.circle((x + side, -0.06), 0.115, palette.INK)
            canvas = canvas.circle((x + side, -0.06), 0.045, palette.SILVER)
        canvas = canvas.line(axle, tip, 0.12, pole)
        return canvas.circle(axle, 0.075, palette.INK).circle(axle, 0.03, palette.PAPER).to_rgb()
