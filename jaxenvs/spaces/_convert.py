"""Conversion of arguments, and error messages for those that do not fit."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.errors import DependencyNotInstalled, InvalidAction


def import_gymnasium() -> Any:
    """The module `gymnasium`.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    try:
        import gymnasium
    except ImportError as error:
        raise DependencyNotInstalled(
            'Converting a space needs Gymnasium, which is not installed: run `pip install "jaxenvs[gymnasium]"`.'
        ) from error
    return gymnasium


def as_array(x: Any) -> Array | np.ndarray | None:
    """`x` as an array; traced values and JAX arrays stay on their device. None if it is not an array."""
    if isinstance(x, Array | np.ndarray):
        return x
    try:
        if isinstance(x, list | tuple) and any(isinstance(leaf, Array) for leaf in jax.tree.leaves(x)):
            return jnp.asarray(x)
        array = np.asarray(x)
    except (ValueError, TypeError, OverflowError):
        return None
    return array if array.dtype.kind in "biuf" else None


def fit_host(x: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray | None:
    """`x` in `dtype`, or None if a value does not fit: a fraction, an overflow, an integer that a float rounds."""
    if x.dtype == dtype:
        return x
    if x.dtype.kind not in "biuf" or (x.dtype.kind == "b" and dtype.kind == "f"):
        return None
    if dtype.kind == "f" and x.dtype.kind == "f":
        with np.errstate(over="ignore", under="ignore"):
            cast = x.astype(dtype)
        return cast if np.array_equal(np.isinf(cast), np.isinf(x)) else None
    if dtype.kind != "f" and x.dtype.kind == "f":
        return None
    cast = x.astype(dtype)
    return cast if np.array_equal(cast, x) else None


def describe(x: Any, array: Array | np.ndarray | None) -> str:
    """Describes an argument, for an error message."""
    if array is None:
        text = repr(x)
        return f"{text if len(text) < 60 else text[:57] + '...'} of type {type(x).__name__}"
    if isinstance(x, Array | np.ndarray | np.generic):
        return f"{array.dtype} of shape {array.shape}"
    text = repr(x)
    return f"{text} of type {type(x).__name__}" if len(text) < 60 else f"{type(x).__name__} of shape {array.shape}"


def batch_hint(array: Array | np.ndarray, shape: tuple[int, ...]) -> str:
    """The remedy for a shape that does not fit `shape`."""
    got = tuple(array.shape)
    if len(got) > len(shape) and got[len(got) - len(shape) :] == shape:
        axes = got[: len(got) - len(shape)]
        if len(axes) == 1:
            one = " For a single one, pass `action[0]`." if axes == (1,) else ""
            noun = "action" if axes == (1,) else "actions"
            return f"This is a batch of {axes[0]} {noun}; step a batch with `jax.vmap(env.step)`.{one}"
        return f"This is a batch of actions with the axes {axes}; step it with one `jax.vmap` per axis."
    if got == () and shape:
        return f"Pass an array, such as `jnp.full({shape}, x)`."
    if np.prod(got) == np.prod(shape):
        return f"Reshape it: `action.reshape({shape})`."
    return ""


def misfit(expected: str, x: Any, array: Array | np.ndarray | None, remedy: str) -> InvalidAction:
    """The error for an element that does not fit: what the space expects, what was passed, the remedy."""
    return InvalidAction(f"Expected {expected}; got {describe(x, array)}. {remedy}".rstrip())


def validate_integers(
    x: Any,
    shape: tuple[int, ...],
    dtype: Any,
    expected: str,
    *,
    allow_bool: bool = False,
    bounds: tuple[Any, Any] | None = None,
) -> Array:
    """Returns `x` as integers of `shape` and `dtype`; any integer dtype is accepted.

    Args:
        x: the argument of the caller.
        shape: the shape that it must have.
        dtype: the dtype of the result.
        expected: what is expected, for the error message.
        allow_bool: whether bool is accepted as well.
        bounds: the smallest and the largest value, numbers or arrays of `shape`; None if the values are not checked.

    Raises:
        InvalidAction: a wrong shape or dtype, a value on the host that does not fit `dtype`, or a concrete value out
            of bounds.
    """
    array = as_array(x)
    if array is None:
        raise misfit(expected, x, array, "Use an integer array." if shape else "Use an integer.")
    if array.shape != shape:
        of_box = array.dtype.kind == "f"
        remedy = "Real numbers are actions of a Box; use integers." if of_box else batch_hint(array, shape)
        raise misfit(expected, x, array, remedy)
    if array.dtype.kind not in ("iub" if allow_bool else "iu"):
        remedy = "Use an integer" + (": cast with `.astype(jnp.int32)`" if isinstance(array, Array) else "")
        raise misfit(expected, x, array, f"{remedy}.")
    if isinstance(array, np.ndarray):
        fitted = fit_host(array, np.dtype(dtype))
        if fitted is None:
            raise misfit(expected, x, array, f"A value does not fit {np.dtype(dtype)}.")
        check_range(fitted, bounds, expected)
        return jnp.asarray(fitted)
    check_range(array, bounds, expected)
    return strong(array, dtype)


def check_range(x: Array | np.ndarray, bounds: tuple[Any, Any] | None, expected: str) -> None:
    """Raises `InvalidAction` if an entry of `x` is concrete and out of bounds, naming the first one."""
    if bounds is None or isinstance(x, Tracer) or (isinstance(x, Array) and not x.is_fully_addressable):
        return  # an array that is spread over several hosts has no value on this one
    values = np.asarray(x)
    outside = (values < bounds[0]) | (values > bounds[1])
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        message = f"Expected {expected}; got {values[index]}"
        if index:
            low, high = (np.broadcast_to(bound, values.shape)[index] for bound in bounds)
            message += f" at index {index[0] if len(index) == 1 else index}, where {low} to {high} are valid"
        raise InvalidAction(f"{message}.")


def strong(x: Array, dtype: Any) -> Array:
    """`x` in `dtype`, and not weakly typed."""
    if x.dtype == dtype and not x.weak_type:  # pyright: ignore[reportAttributeAccessIssue]  # jax.Array's stub lacks it
        return x
    return jax.lax.convert_element_type(x, dtype)
