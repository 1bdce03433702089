"""Checks of fields and arguments, each with one message for all of jaxenvs: what belongs there, and what was given.

Every check takes the owner first. That is the object whose field is checked, or the name of the function whose
argument is. Tracers, placeholders and arrays on a device pass, since their values cannot be looked at, or only by
waiting for them.
"""

import math
import numbers
from collections.abc import Iterable
from typing import Any, TypeGuard

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.errors import InvalidField, did_you_mean

INT32_MAX = 2**31 - 1
"""The largest number of the type that steps, updates and elements are counted in."""


def is_integer(value: Any) -> TypeGuard[int | np.integer[Any]]:
    """Whether a value is an integer of Python or NumPy. A bool is not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether a value is a real number, or an array or tracer of real numbers. Bools count, random keys do not."""
    if isinstance(value, Array | np.ndarray | np.generic):
        return any(jnp.issubdtype(value.dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_))
    return isinstance(value, numbers.Real)


def has_nan(value: Any) -> bool:
    """Whether a number, or one of a concrete array, is NaN. False for tracers, and for what is not a number."""
    if isinstance(value, float):
        return value != value
    if not isinstance(value, Array | np.ndarray | np.generic) or isinstance(value, Tracer):
        return False
    return jnp.issubdtype(value.dtype, jnp.floating) and bool(np.isnan(np.asarray(value)).any())


def check_integer(
    owner: Any, name: str, value: Any, least: int = 1, most: int | None = INT32_MAX, *, most_is: str = ""
) -> None:
    """Checks a size or a count.

    Args:
        owner: an object, or the name of a function.
        name: of the field or argument.
        value: what it was given.
        least: the smallest integer that it may be.
        most: the largest; by default that of the type that JAX counts in, None for no limit.
        most_is: the name of the field that `most` is the value of, for the message.

    Raises:
        InvalidField: `value` is not an integer from `least` to `most`.
    """
    if not is_integer(value) or value < least or (most is not None and value > most):
        limit = f"`{most_is}` ({most})" if most_is else most
        is_too_large = is_integer(value) and value > least
        wanted = f"from {least} to {limit}" if most not in (None, INT32_MAX) or is_too_large else f"of at least {least}"
        raise InvalidField(f"{named(owner)}: `{name}` must be an integer {wanted}, got {value!r}.")


def check_range(
    owner: Any,
    name: str,
    value: Any,
    low: float,
    high: float = math.inf,
    *,
    above: bool = False,
    below: bool = False,
    high_is: str = "",
    on_device: bool = False,
) -> None:
    """Checks a number, or each number of an array.

    Args:
        owner: an object, or the name of a function.
        name: of the field or argument.
        value: what it was given.
        low: the smallest number that it may be.
        high: the largest.
        above: whether `low` itself is excluded.
        below: whether `high` itself is excluded.
        high_is: the name of the field that `high` is the value of, for the message.
        on_device: whether concrete arrays on a device are looked at too, which waits for them.

    Raises:
        InvalidField: `value` is known to lie outside, or to be NaN.
    """
    if not _is_known(value, on_device):
        return
    array = np.asarray(value)
    if not np.all((array > low if above else array >= low) & (array < high if below else array <= high)):
        wanted = _interval(low, high, above, below, high_is)
        raise InvalidField(f"{named(owner)}: `{name}` must be {wanted}, got {value!r}.")


def check_probability(owner: Any, name: str, value: Any) -> None:
    """Raises `InvalidField` if a number is known not to lie in [0, 1]."""
    if _is_known(value) and not np.all((np.asarray(value) >= 0) & (np.asarray(value) <= 1)):
        raise InvalidField(f"{named(owner)}: `{name}` must be a probability, from 0 to 1, got {value!r}.")


def check_choice(owner: Any, name: str, value: Any, known: Iterable[Any], advice: str = "") -> None:
    """Checks a value that is one of a few.

    Args:
        owner: an object, or the name of a function.
        name: of the field or argument.
        value: what it was given.
        known: what it may be.
        advice: a sentence for the end of the message, after a space, in place of the nearest choice.

    Raises:
        InvalidField: `value` is none of these.
    """
    known = tuple(known)
    if not any(value is choice or (isinstance(value, type(choice)) and value == choice) for choice in known):
        hint = advice or did_you_mean(str(value), [choice for choice in known if isinstance(choice, str)])
        listed = ", ".join(map(repr, known))
        raise InvalidField(f"{named(owner)}: `{name}` must be one of {listed}, got {value!r}.{hint}")


def check_function(owner: Any, name: str, value: Any) -> None:
    """Raises `InvalidField` if `value` is not a function that a static field can hold."""
    if not callable(value):
        raise InvalidField(f"{named(owner)}: `{name}` must be a function, got {value!r}.")
    if type(value).__hash__ is None:
        kind = type(value).__name__
        raise InvalidField(f"{named(owner)}: `{name}` must be hashable, got a {kind}. Define it with `def`.")


def named(owner: Any) -> str:
    """What messages call the owner: the name of an object's class; a string as it is."""
    return owner if isinstance(owner, str) else type(owner).__name__


def unquoted(name: str, value: Any) -> str:
    """The sentence ` Write it without quotes: name=0.5.` for a string that is a number, else an empty string."""
    if not isinstance(value, str):
        return ""
    try:
        return f" Write it without quotes: {name}={float(value):g}."
    except ValueError:
        return ""


def _is_known(value: Any, on_device: bool = False) -> bool:
    """Whether the values of a number, or of an array, can be looked at."""
    if isinstance(value, Array):
        return on_device and not isinstance(value, Tracer)
    return isinstance(value, int | float | np.integer | np.floating | np.ndarray)


def _interval(low: float, high: float, above: bool, below: bool, high_is: str) -> str:
    """The numbers that a range holds, in words."""
    limit = f"`{high_is}` ({high})" if high_is else high
    least = f"above {low}" if above else f"at least {low}"
    if high == math.inf:
        return f"{least} and finite".removeprefix("above -inf and ") if below else least
    if above or below or high_is:
        return f"{least} and {'less than' if below else 'at most'} {limit}"
    return f"in [{low}, {high}]"
