"""Detection of NaN."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def holds_nan(tree: Any) -> Array:
    """() bool: whether a float in a pytree of arrays is NaN."""
    floats = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)]
    return jnp.stack([jnp.isnan(x).any() for x in floats]).any() if floats else jnp.zeros((), bool)
