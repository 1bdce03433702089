"""Batches of elements of a space: conversion between arrays on the device and the forms of Gymnasium's vector API."""

from typing import Any

import jax
import numpy as np

from jaxenvs.core.trees import tree_at
from jaxenvs.errors import InvalidAction
from jaxenvs.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Sequence, Space, Text, Tuple

_GYMNASIUM_DTYPES = {Discrete: np.int64, MultiDiscrete: np.int64, MultiBinary: np.int8}
"""Dtypes of Gymnasium's spaces for which the device has another dtype."""


def to_gymnasium_batch(space: Space[Any], batch: Any, num_envs: int) -> Any:
    """A batch in the form of `gymnasium.vector.utils.concatenate`, in fresh writable memory.

    Args:
        space: of one element.
        batch: NumPy arrays, (num_envs, ...) each, as `jax.device_get` returns them.
        num_envs: length of the batch.
    """
    match space:
        case Box() | Discrete() | MultiBinary() | MultiDiscrete():
            return np.array(batch, _GYMNASIUM_DTYPES.get(type(space), batch.dtype))
        case Tuple():
            parts = zip(space.spaces, batch, strict=True)
            return tuple(to_gymnasium_batch(part, values, num_envs) for part, values in parts)
        case Dict():
            return {key: to_gymnasium_batch(part, batch[key], num_envs) for key, part in space.spaces.items()}
        case _:
            elements = tuple(space.element_to_gymnasium(tree_at(batch, lane)) for lane in range(num_envs))
            if isinstance(space, Text | Sequence | Graph):
                return elements
            # The twin of a space of a user's own is a box, whose batches are arrays.
            return np.stack(elements) if all(isinstance(x, np.ndarray) for x in elements) else elements


def from_gymnasium_batch(space: Space[Any], batch: Any, num_envs: int | None, name: str = "actions") -> Any:
    """NumPy arrays of the device's shapes and dtypes; the inverse of `to_gymnasium_batch`.

    Args:
        space: of one element.
        batch: an element of Gymnasium's batched space; with `num_envs=None` a single element.
        num_envs: length of the batch.
        name: name of the batch in messages.

    Raises:
        InvalidAction: the structure, a shape, a dtype or the length is wrong.
    """
    match space:
        case Box() | Discrete() | MultiBinary() | MultiDiscrete():
            return _array(space, batch, num_envs, name)
        case Tuple():
            if not isinstance(batch, tuple | list) or len(batch) != len(space.spaces):
                raise InvalidAction(f"`{name}` must be a tuple of {len(space.spaces)} parts, got {_describe(batch)}.")
            parts = enumerate(zip(space.spaces, batch, strict=True))
            return tuple(from_gymnasium_batch(part, values, num_envs, f"{name}[{i}]") for i, (part, values) in parts)
        case Dict():
            if not isinstance(batch, dict) or batch.keys() != space.spaces.keys():
                raise InvalidAction(f"`{name}` must be a dict with keys {list(space.spaces)}, got {_describe(batch)}.")
            return {
                key: from_gymnasium_batch(part, batch[key], num_envs, f"{name}[{key!r}]")
                for key, part in space.spaces.items()
            }
        case _:
            if num_envs is None:
                return jax.device_get(space.element_from_gymnasium(batch))
            if not isinstance(batch, tuple | list | np.ndarray) or len(batch) != num_envs:
                raise InvalidAction(f"`{name}` must be {num_envs} elements, one per lane, got {_describe(batch)}.")
            elements = [jax.device_get(space.element_from_gymnasium(element)) for element in batch]
            return jax.tree.map(lambda *leaves: np.stack(leaves), *elements)


def check_values(space: Space[Any], batch: Any, checked: np.ndarray, name: str = "action") -> None:
    """Raises `InvalidAction` if an integer of a checked lane is out of range, or a float is NaN.

    Floats outside the bounds of a Box pass: the environments clip them or define their meaning, as in Gymnasium.

    Args:
        space: of one element.
        batch: what `from_gymnasium_batch` returned.
        checked: (num_envs,) bool, the lanes whose action will be used.
        name: name of one element in messages.
    """
    match space:
        case Tuple():
            for i, (part, values) in enumerate(zip(space.spaces, batch, strict=True)):
                check_values(part, values, checked, f"{name}[{i}]")
            return
        case Dict():
            for key, part in space.spaces.items():
                check_values(part, batch[key], checked, f"{name}[{key!r}]")
            return
        case Box():
            valid = ~np.isnan(batch) if batch.dtype.kind == "f" else (batch >= space.low) & (batch <= space.high)
        case Discrete():
            valid = (batch >= space.start) & (batch < space.start + space.n)
        case MultiDiscrete():
            valid = (batch >= space.start) & (batch < np.asarray(space.start) + np.asarray(space.nvec))
        case MultiBinary():
            valid = (batch == 0) | (batch == 1)
        case _:
            return
    bad = checked & ~np.asarray(valid).reshape(len(checked), -1).all(axis=1)
    if bad.any():
        lane = int(np.argmax(bad))
        whose = f" of environment {lane}" if len(checked) > 1 else ""
        raise InvalidAction(f"`{name}`{whose} must lie in {space!r}, got {batch[lane]}.")


def to_info_value(value: np.ndarray) -> Any:
    """An array of `info` as in Gymnasium's environments: a Python number for a scalar, else a fresh array."""
    return value.item() if value.ndim == 0 else np.array(value)


def to_info_batch(batch: np.ndarray) -> np.ndarray:
    """An array of `info`, (num_envs, ...), fresh, with the dtype of `to_info_value` batched by SyncVectorEnv."""
    if batch.ndim > 1:
        return np.array(batch)
    kinds = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.bool_}
    return np.array(batch, kinds.get(batch.dtype.kind, batch.dtype))


def _device_dtype(space: Space[Any]) -> np.dtype[Any]:
    if isinstance(space, Box):
        return np.dtype(space.dtype)
    return np.dtype(np.int8 if isinstance(space, MultiBinary) else np.int32)


def _array(space: Any, batch: Any, num_envs: int | None, name: str) -> np.ndarray:
    shape, dtype = () if isinstance(space, Discrete) else space.shape, _device_dtype(space)
    wanted = f"an array of shape {shape}" if shape else "a number"
    if num_envs is not None:
        shape = (num_envs, *shape)
        wanted = f"{num_envs} elements, one for each environment: an array of shape {shape}"
    try:
        array = np.asarray(batch)
    except (ValueError, TypeError) as error:
        raise InvalidAction(f"`{name}` must be {wanted}, got {_describe(batch)}.") from error
    if array.shape != shape:
        raise InvalidAction(f"`{name}` must be {wanted}, got {_describe(batch)}.")
    if array.dtype == dtype:
        return array
    if array.dtype.kind not in ("iub" if dtype.kind in "iu" else "fiu"):
        kind = "integers" if dtype.kind in "iu" else "floats"
        raise InvalidAction(f"`{name}` must be {kind} ({dtype}), got {_describe(batch)}.")
    with np.errstate(over="ignore"):  # a float beyond the dtype is infinite, and clipped like any other
        cast = array.astype(dtype)
    if dtype.kind in "iu" and not (cast == array).all():
        raise InvalidAction(f"`{name}` has integers that {dtype} cannot hold: {_describe(batch)}.")
    return cast


def _describe(batch: Any) -> str:
    if hasattr(batch, "shape") and hasattr(batch, "dtype"):
        return f"shape {tuple(batch.shape)} and dtype {batch.dtype}"
    if isinstance(batch, tuple | list):
        return f"a {type(batch).__name__} of length {len(batch)}"
    return f"{batch!r} of type {type(batch).__name__}"
