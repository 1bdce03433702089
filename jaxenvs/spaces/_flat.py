"""Vectors and boxes of spaces made of parts."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.spaces.box import Box


def common_dtype(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """The dtype of a vector with parts of these dtypes: the widest float, else the integer that holds all.

    As in JAX, and unlike in NumPy, integers do not widen floats. It is float32 if there are no parts, or if only a
    64-bit integer would hold all but none of the parts has 64 bits.
    """
    floats = [dtype for dtype in dtypes if dtype.kind == "f"]
    if floats:
        return np.result_type(*floats)
    if not dtypes:
        return np.dtype(np.float32)
    common = np.result_type(*dtypes)
    if common.kind == "f" or (common.itemsize == 8 and all(dtype.itemsize < 8 for dtype in dtypes)):
        return np.dtype(np.float32)
    return common


def join(vectors: Sequence[Array], dtype: np.dtype[Any]) -> Array:
    """The vectors one after the other, in `dtype`."""
    if not vectors:
        return jnp.zeros((0,), dtype)
    return jnp.concatenate([vector.astype(dtype) for vector in vectors])


def split(vector: Array, parts: Sequence[tuple[int, np.dtype[Any]]]) -> list[Array]:
    """The inverse of `join`, for parts of the given sizes and dtypes."""
    stops = np.cumsum([size for size, _ in parts]).tolist()
    return [vector[stop - size : stop].astype(dtype) for stop, (size, dtype) in zip(stops, parts)]


def join_boxes(boxes: Sequence[Box], dtype: np.dtype[Any]) -> Box:
    """The box of the vectors that `join` makes of elements of the boxes."""

    def bounds(name: str) -> Any:
        parts = [getattr(box, name) for box in boxes]
        if any(isinstance(part, Tracer) for part in parts):
            return jnp.concatenate([jnp.asarray(part).astype(dtype) for part in parts])
        return np.concatenate([np.zeros((0,), dtype), *(np.asarray(part).astype(dtype) for part in parts)])

    low, high = bounds("low"), bounds("high")
    below, above = (
        _join_flags([box.open_below for box in boxes], boxes),
        _join_flags([b.open_above for b in boxes], boxes),
    )
    if dtype.kind != "f":
        return Box(low, high, low.shape, dtype, below, above)
    # Next to floats, unbounded ends of integers can be written as infinities.
    low = low if below is None else np.where(below, np.asarray(-np.inf, dtype), low)
    high = high if above is None else np.where(above, np.asarray(np.inf, dtype), high)
    return Box(low, high, low.shape, dtype)


def _join_flags(flags: Sequence[Any], boxes: Sequence[Box]) -> Any:
    if all(flag is None for flag in flags):
        return None
    parts = [np.zeros(box.shape, bool) if flag is None else np.asarray(flag) for flag, box in zip(flags, boxes)]
    return np.concatenate(parts)
