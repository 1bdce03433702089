"""CartPole as in bsuite: balance a pole on a cart that may also be left alone, against the clock."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.trigonometry import cos
from jaxenvs.envs.bsuite._cart import Cart, CartState


class CartPole(Cart):
    """A pole is hinged on a cart that runs on a rail without friction; keep it upright, and the cart on the rail.

    Observation: (1, 6) float32.

    | index | meaning | min | max |
    |---|---|---|---|
    | 0 | position of the cart / x_threshold | -inf | inf |
    | 1 | velocity of the cart / x_threshold, 1/s | -inf | inf |
    | 2 | sine of the pole's angle from upright | -1 | 1 |
    | 3 | cosine of it | -1 | 1 |
    | 4 | angular velocity of the pole, rad/s | -inf | inf |
    | 5 | time since the start / max_time | 0 | inf |

    Action: 0 pushes the cart to the left, 1 not at all, 2 to the right.

    Reward: 1 for a step after which the cosine is above height_threshold and the cart within +-x_threshold, else 0.

    Start: the pole upright; position, angle and both velocities uniform in [-init_range, init_range).

    Episode end:
        Termination: a step without a reward; or the time is above max_time, which is after 1,001 steps. The time is
            seen, so that is an end of the task, too.
        Truncation: none.

    Attributes:
        height_threshold: least cosine of the pole's angle.
        x_threshold: how far the cart may be from the middle, m.
        timescale: duration of a step, s.
        max_time: duration of an episode, s.
        init_range: see Start.
        gravity: m/s^2.
        cart_mass: kg.
        pole_mass: kg.
        half_length: half the length of the pole, m.
        force: of a push, N.

    Differences from the reference: arithmetic is in float32. The time is the number of steps times `timescale`; bsuite
        adds up, so with another `timescale` its rounding may grant or cost a step.

    Source: A. G. Barto, R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve difficult
        learning control problems", 1983; bsuite 0.3.6, `Cartpole`.

    Version history: v0, as bsuite's.
    """

    height_threshold: ArrayLike = 0.8

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 or 1."""
        return 0.0, 1.0

    @property
    def num_observed(self) -> int:
        """6."""
        return 6

    def outcome(self, state: CartState, action: Array) -> tuple[Array, Array]:
        """1 while all is well; the first step that is not ends the episode."""
        del action
        is_well = (cos(state.theta) > self.height_threshold) & (jnp.abs(state.x) < self.x_threshold)
        return is_well.astype(jnp.float32), ~is_well

    def observe(self, state: CartState) -> Array:
        """(1, 6) float32."""
        return jnp.stack(self.motion(state)).astype(jnp.float32)[None]
