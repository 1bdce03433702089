"""Checks of the fields of bsuite's tasks."""

from typing import Any

import jax
import numpy as np

from jaxenvs.core.checks import check_integer, named
from jaxenvs.errors import InvalidField


def check_mapping_seed(owner: Any, value: Any) -> None:
    """Checks that `mapping_seed` is a seed of `numpy.random.RandomState`.

    Raises:
        InvalidField: it is not an integer from 0 to 2**32 - 1.
    """
    check_integer(owner, "mapping_seed", value, 0, 2**32 - 1)


def check_shape(owner: Any, name: str, value: Any, shape: tuple[int, ...]) -> None:
    """Checks the shape of an array, which may have further axes in front. What has no shape, such as None, passes.

    Raises:
        InvalidField: the last axes do not have the shape.
    """
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    if isinstance(value, np.ndarray | jax.Array | int | float) and np.shape(value)[-len(shape) :] != shape:
        raise InvalidField(f"{named(owner)}: `{name}` must have the shape {shape}, got {np.shape(value)}.")
