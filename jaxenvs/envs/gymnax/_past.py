"""The past as meta-learners observe it: the last action, and the time."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def one_hot(index: Array, count: int) -> Array:
    """(count,) float32: 1 at `index`, else 0."""
    return (jnp.arange(count, dtype=jnp.int32) == index).astype(jnp.float32)


def time_feature(
    elapsed: Array, is_normalized: bool, low: ArrayLike = -1.0, high: ArrayLike = 1.0, span: Any = 100
) -> Array:
    """() float32: the steps so far.

    Args:
        elapsed: () int32, the steps so far.
        is_normalized: whether to map them linearly, so that 0 becomes `low` and `span` becomes `high`.
        low: the normalized value of step 0.
        high: the normalized value of step `span`.
        span: the step that becomes `high`.
    """
    steps = elapsed.astype(jnp.float32)
    if not is_normalized:
        return steps
    low, high, span = (jnp.asarray(value, jnp.float32) for value in (low, high, span))
    return (high - low) * steps / span + low
