"""What meta-learners are shown of the past: the last action, and how late it is."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def one_hot(index: Array, count: int) -> Array:
    """(count,) float32: 1 at `index`, else 0."""
    return (jnp.arange(count, dtype=jnp.int32) == index).astype(jnp.float32)


def time_feature(
    time: Array, is_normalized: bool, low: ArrayLike = -1.0, high: ArrayLike = 1.0, span: Any = 100
) -> Array:
    """() float32: the steps so far.

    Args:
        time: () int32.
        is_normalized: whether to map them linearly, so that 0 becomes `low` and `span` becomes `high`.
        low: see `is_normalized`.
        high: see `is_normalized`.
        span: see `is_normalized`.
    """
    steps = time.astype(jnp.float32)
    if not is_normalized:
        return steps
    low, high, span = (jnp.asarray(value, jnp.float32) for value in (low, high, span))
    return (high - low) * steps / span + low
