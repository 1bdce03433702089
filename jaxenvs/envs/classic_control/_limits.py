"""Limits of fields and of physical quantities, shared by the classic control environments."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.errors import InvalidField


def check_start_range(owner: str, low: Any, high: Any) -> None:
    """Refuses a range whose ends, if both are Python numbers, are the wrong way round.

    Raises:
        InvalidField: `low` is above `high`.
    """
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise InvalidField(f"{owner}: start_low ({low}) must not be above start_high ({high}); swap them.")


def within(value: Array, limit: Any) -> Array:
    """`value` clipped to [-limit, limit]."""
    return jnp.clip(value, -limit, limit)
