"""Advantages: how much better a step turned out than the value function expected.

After J. Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation",
2015 (arXiv:1506.02438).
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def estimate_advantages(
    rewards: Array,
    values: Array,
    next_values: Array,
    terminated: Array,
    done: Array,
    *,
    gamma: ArrayLike,
    gae_lambda: ArrayLike,
) -> Array:
    """Generalised advantage estimates, (steps, ...) float32.

    Args:
        rewards: (steps, ...) float32.
        values: (steps, ...) float32, of the observations acted on.
        next_values: (steps, ...) float32, of `final_observation`, which each step led to. It is used unless
            the step terminated; if the step truncated, it replaces the rewards that were cut off.
        terminated: (steps, ...) bool.
        done: (steps, ...) bool, terminated or truncated.
        gamma: discount.
        gae_lambda: weight of longer estimates.
    """
    gamma, gae_lambda = jnp.asarray(gamma, jnp.float32), jnp.asarray(gae_lambda, jnp.float32)
    surprise = rewards + gamma * jnp.where(terminated, 0.0, next_values) - values
    # Later steps count only within the same episode.
    decay = jnp.where(done, 0.0, gamma * gae_lambda)

    def back(later: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        advantage = step[0] + step[1] * later
        return advantage, advantage

    return jax.lax.scan(back, jnp.zeros_like(values[0]), (surprise, decay), reverse=True)[1]
