"""Checks of fields that bsuite's tasks have in common."""

from typing import Any

import jax
import numpy as np

from jaxenvs.errors import InvalidField


def check_integer(owner: str, field: str, value: Any, least: int, most: int = 2**31 - 1) -> None:
    """Refuses what is no integer from `least` to `most`.

    Raises:
        InvalidField: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidField(f"{owner}: `{field}` must be an integer from {least} to {most}, got {value!r}.")


def check_mapping_seed(owner: str, value: Any) -> None:
    """Refuses what `numpy.random.RandomState` takes for no seed, or for a random one.

    Raises:
        InvalidField: it is none.
    """
    check_integer(owner, "mapping_seed", value, 0, 2**32 - 1)


def check_shape(owner: str, field: str, value: Any, shape: tuple[int, ...]) -> None:
    """Refuses an array of another shape, but for a batch of those; what has no shape, such as a placeholder, passes.

    Raises:
        InvalidField: the shape is another.
    """
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    if isinstance(value, np.ndarray | jax.Array | int | float) and np.shape(value)[-len(shape) :] != shape:
        raise InvalidField(f"{owner}: `{field}` must have the shape {shape}, got {np.shape(value)}.")
