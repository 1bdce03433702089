"""Checks of arguments that several wrappers make."""

from typing import Any

import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidField


def check_integer(env: Env[Any, Any], name: str, value: Any, *, least: int = 1) -> None:
    """Raises `InvalidField` where `value` is no integer of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InvalidField(f"{type(env).__name__}: `{name}` must be an integer of at least {least}, got {value!r}.")


def check_within(env: Env[Any, Any], name: str, value: Any, low: float, high: float) -> None:
    """Raises `InvalidField` if a number, or one of an array, is not in [low, high]; it must be concrete."""
    if not np.all((np.asarray(value) >= low) & (np.asarray(value) <= high)):
        raise InvalidField(f"{type(env).__name__}: `{name}` must lie in [{low}, {high}], got {value}.")


def check_function(env: Env[Any, Any], name: str, value: Any) -> None:
    """Raises `InvalidField` where `value` is no function that a static field can hold."""
    if not callable(value):
        raise InvalidField(f"{type(env).__name__}: `{name}` must be a function, got {value!r}.")
    if type(value).__hash__ is None:
        raise InvalidField(
            f"{type(env).__name__}: `{name}` must be hashable, got a {type(value).__name__}. Define it with `def`."
        )
