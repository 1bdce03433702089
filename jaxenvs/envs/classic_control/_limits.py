"""Limits of fields and of physical quantities, shared by the classic control environments."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.errors import InvalidField


def check_start_range(owner: str, low: Any, high: Any) -> None:
    """Refuses a range whose ends, where both are Python numbers, are the wrong way round.

    Raises:
        InvalidField: `low` is above `high`.
    """
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise InvalidField(f"{owner}: start_low ({low}) must not be above start_high ({high}); exchange them.")


def check_choice(owner: str, field: str, value: Any, known: tuple[str, ...]) -> None:
    """Refuses a value that is not one of the known strings.

    Raises:
        InvalidField: the value is unknown; the message lists those that are known.
    """
    if value not in known:
        listed = " or ".join(repr(name) for name in known)
        raise InvalidField(f"{owner}: `{field}` must be {listed}, got {value!r}.")


def within(value: Array, limit: Any) -> Array:
    """`value` clipped to [-limit, limit]."""
    return jnp.clip(value, -limit, limit)
