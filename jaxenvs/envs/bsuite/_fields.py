"""Checks of the fields of bsuite's tasks."""

from typing import Any

import jax
import numpy as np

from jaxenvs.core.checks import check_integer, named
from jaxenvs.errors import InvalidField


def check_mapping_seed(owner: Any, value: Any) -> None:
    """Refuses what `numpy.random.RandomState` takes for no seed, or for a random one.

    Raises:
        InvalidField: it is none.
    """
    check_integer(owner, "mapping_seed", value, 0, 2**32 - 1)


def check_shape(owner: Any, name: str, value: Any, shape: tuple[int, ...]) -> None:
    """Refuses an array of another shape, but for a batch of those; what has no shape, such as a placeholder, passes.

    Raises:
        InvalidField: the shape is another.
    """
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    if isinstance(value, np.ndarray | jax.Array | int | float) and np.shape(value)[-len(shape) :] != shape:
        raise InvalidField(f"{named(owner)}: `{name}` must have the shape {shape}, got {np.shape(value)}.")
