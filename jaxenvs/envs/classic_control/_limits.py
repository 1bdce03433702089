"""Limits of fields and of physical quantities, shared by the classic control environments."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.errors import InvalidField


def check_start_range(owner: str, low: Any, high: Any) -> None:
    """Refuses a range whose ends, if both are Python numbers, are the wrong way round.

    Raises:
        InvalidField: `low` is above `high`.
    """
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise InvalidField(f"{owner}: start_low ({low}) must not be above start_high ({high}); swap them.")


def vector(*values: Any) -> Any:
    """(len(values),) float32: a NumPy array if none of the values is JAX's.

    So whoever only asks for a space, such as a process that will be forked, does not start JAX's threads.
    """
    module = jnp if any(isinstance(value, Array) for value in values) else np
    return module.stack([module.asarray(value, np.float32) for value in values])


def within(value: Array, limit: Any) -> Array:
    """`value` clipped to [-limit, limit]."""
    return jnp.clip(value, -limit, limit)
