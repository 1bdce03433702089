"""CartPole of bsuite: balance a pole on a cart for a given time, with an action for not pushing."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.trigonometry import cos
from jaxenvs.envs.bsuite._cart import Cart, CartState


class CartPole(Cart):
    """A pole is hinged on a cart that runs on a rail without friction; keep it upright, and the cart on the rail.

    Observation: (1, 6) float32.

        | index | meaning                                 | min  | max | unit  |
        |-------|-----------------------------------------|------|-----|-------|
        | 0     | position of the cart / x_threshold      | -inf | inf |       |
        | 1     | velocity of the cart / x_threshold      | -inf | inf | 1/s   |
        | 2     | sine of the pole's angle from upright   | -1   | 1   |       |
        | 3     | cosine of the pole's angle from upright | -1   | 1   |       |
        | 4     | angular velocity of the pole            | -inf | inf | rad/s |
        | 5     | time since the start / max_time         | 0    | inf |       |

    Action: () int32. 0 pushes the cart to the left, 1 not at all, 2 to the right.

    Reward: 1 for a step after which the cosine is above `height_threshold` and the cart is within +-x_threshold, else
        0.

    Start: the pole upright; position, angle and both velocities uniform in [-init_range, init_range).

    Episode end:
        Termination: a step earns no reward, or the time exceeds `max_time`, which is after 1,001 steps. The observation
            includes the time, so running out of it is a termination as well.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        height_threshold: least cosine of the pole's angle.
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

    Source: A. G. Barto, R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve difficult
        learning control problems", 1983; bsuite 0.3.6, `Cartpole`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    height_threshold: ArrayLike = 0.8

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    @property
    def num_observed(self) -> int:
        return 6

    def outcome(self, state: CartState, action: Array) -> tuple[Array, Array]:
        """1 while the pole is up and the cart on the rail; the first step without a reward ends the episode."""
        del action
        is_well = (cos(state.theta) > self.height_threshold) & (jnp.abs(state.x) < self.x_threshold)
        return is_well.astype(jnp.float32), ~is_well

    def observe(self, state: CartState) -> Array:
        return jnp.stack(self.motion(state)).astype(jnp.float32)[None]
