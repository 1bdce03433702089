"""Observations, actions and `info` as JSON that a page can show, however large they are."""

import math
from typing import Any

import jax
import numpy as np

_MOST_NUMBERS = 32
"""Larger arrays are described by their shape, range and mean."""

_DIGITS = 5


def reading(tree: Any) -> list[list[Any]]:
    """The leaves of a tree of arrays as `[name, text or numbers]`.

    Args:
        tree: arrays on the host, or numbers; nested as observations and `info` are.

    Returns:
        One pair for each leaf: its path, such as `"image"` or `"1"`, empty for a single array; and its numbers in
        row-major order, or a few words if there are many.
    """
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return [[_name(path), _value(np.asarray(leaf))] for path, leaf in leaves]


def _name(path: tuple[Any, ...]) -> str:
    parts = (getattr(key, "key", getattr(key, "name", getattr(key, "idx", key))) for key in path)
    return ".".join(map(str, parts))


def _value(array: np.ndarray) -> list[Any] | str:
    if array.size <= _MOST_NUMBERS:
        return [_number(value) for value in array.ravel().tolist()]
    shape = " x ".join(map(str, array.shape))
    numbers = array.astype(np.float64)
    return f"{shape} {array.dtype}, {numbers.min():.4g} to {numbers.max():.4g}, mean {numbers.mean():.4g}"


def _number(value: Any) -> Any:
    """A JSON value: JSON has no NaN and no infinity."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)
    return value
