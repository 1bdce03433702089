"""CartPoleSwingup: swing a pole up by pushing its cart; pushes cost, and the reward comes late."""

import math
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.trigonometry import cos
from jaxenvs.envs.bsuite._cart import Cart, CartState


class CartPoleSwingup(Cart):
    """A pole hangs from a cart: swing it up and keep it there, in the middle of the rail. Every push costs a little.

    Observation: (1, 8) float32.

        | index | meaning                                                            | min  | max | unit  |
        |-------|--------------------------------------------------------------------|------|-----|-------|
        | 0     | position of the cart / x_threshold                                 | -inf | inf |       |
        | 1     | velocity of the cart / x_threshold                                 | -inf | inf | 1/s   |
        | 2     | sine of the pole's angle from upright                              | -1   | 1   |       |
        | 3     | cosine of the pole's angle from upright                            | -1   | 1   |       |
        | 4     | angular velocity of the pole                                       | -inf | inf | rad/s |
        | 5     | time since the start / max_time                                    | 0    | inf |       |
        | 6     | 1 if the cart is within +-x_reward_threshold, else -1              | -1   | 1   |       |
        | 7     | 1 if the angular velocity is within +-theta_dot_threshold, else -1 | -1   | 1   |       |

    Action: () int32. 0 pushes the cart to the left, 1 not at all, 2 to the right.

    Reward: 1 for a step after which the cosine is above `height_threshold` and the last two observed numbers are 1,
        else 0; minus `move_cost` for a push.

    Start: the pole hanging down at rest, with position, angle and both velocities disturbed uniformly within
        +-init_range.

    Episode end:
        Termination: the cart is beyond +-x_threshold, or the time exceeds `max_time`, which is after 1,001 steps. The
            observation includes the time, so running out of it is a termination as well.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        height_threshold: cosine of the pole's angle above which the pole counts as up.
        theta_dot_threshold: greatest angular velocity at which it does, rad/s.
        x_reward_threshold: greatest distance from the middle at which it does, m. bsuite's experiment
            `cartpole_swingup` sets it to 1 - height_threshold.
        move_cost: cost of a push.
        x_threshold: greatest distance of the cart from the middle, m.
        timescale: duration of a step, s.
        max_time: duration of an episode, s.
        init_range: at the start, position (m), angle (rad) and both velocities are within +-init_range of rest.
        gravity: acceleration of gravity, m/s^2.
        cart_mass: mass of the cart, kg.
        pole_mass: mass of the pole, kg.
        half_length: half the length of the pole, m.
        force: magnitude of a push, N.

    Differences from the reference: all arithmetic is in float32. The time is the number of steps times `timescale`;
        bsuite adds up the steps, so with another `timescale` its rounding may make an episode one step longer or
        shorter.

    Source: I. Osband et al., "Behaviour Suite for Reinforcement Learning", 2020; bsuite 0.3.6, `CartpoleSwingup`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    start_angle: ClassVar[float] = math.pi

    height_threshold: ArrayLike = 0.5
    theta_dot_threshold: ArrayLike = 1.0
    x_reward_threshold: ArrayLike = 1.0
    move_cost: ArrayLike = 0.1

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """From the cost of a push to the reward for a pole that is up."""
        return jnp.minimum(0.0, -jnp.asarray(self.move_cost)), 1.0

    @property
    def num_observed(self) -> int:
        return 8

    def outcome(self, state: CartState, action: Array) -> tuple[Array, Array]:
        """1 if the pole is up, minus the cost of a push; the end of the rail ends the episode."""
        is_up = (cos(state.theta) > self.height_threshold) & self.is_slow(state) & self.is_central(state)
        cost = jnp.where(action == 1, 0.0, self.move_cost)
        return is_up.astype(jnp.float32) - cost, jnp.abs(state.x) > self.x_threshold

    def is_central(self, state: CartState) -> Array:
        """() bool: whether the cart is near enough to the middle for a reward."""
        return jnp.abs(state.x) < self.x_reward_threshold

    def is_slow(self, state: CartState) -> Array:
        """() bool: whether the pole turns slowly enough for a reward."""
        return jnp.abs(state.theta_dot) < self.theta_dot_threshold

    def observe(self, state: CartState) -> Array:
        signs = [jnp.where(flag, 1.0, -1.0) for flag in (self.is_central(state), self.is_slow(state))]
        return jnp.stack([value.astype(jnp.float32) for value in (*self.motion(state), *signs)])[None]
