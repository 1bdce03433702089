"""Checks of fields, and bsuite's coins."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.errors import InvalidField
from jaxenvs.core.random import Key

_WORD = 32  # bits


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
    """Refuses an array of another shape; what has no shape, such as a placeholder of JAX's, passes.

    Raises:
        InvalidField: the shape is another.
    """
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    if isinstance(value, np.ndarray | jax.Array | int | float) and np.shape(value) != shape:
        raise InvalidField(f"{owner}: `{field}` must have the shape {shape}, got {np.shape(value)}.")


def check_probability(owner: str, field: str, value: Any) -> None:
    """Refuses a Python number that is no probability."""
    if isinstance(value, int | float) and not 0 <= value <= 1:
        raise InvalidField(f"{owner}: `{field}` must be a probability, from 0 to 1, got {value!r}.")


def flip_coins(key: Key, count: int) -> Array:
    """(count,) bool, each true with probability 1/2: the bits of as few random words as hold them."""
    words = jax.random.bits(key, (-(-count // _WORD), 1), jnp.uint32)
    bits = (words >> np.arange(_WORD, dtype=np.uint32)[None]) & np.uint32(1)
    return bits.reshape(-1)[:count] == 1
