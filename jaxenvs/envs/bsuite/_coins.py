"""Fair coins."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.random import Key

_WORD = 32  # bits


def flip_coins(key: Key, count: int) -> Array:
    """(count,) bool, each True with probability 1/2: the bits of as few random words as possible."""
    words = jax.random.bits(key, (-(-count // _WORD), 1), jnp.uint32)
    bits = (words >> np.arange(_WORD, dtype=np.uint32)[None]) & np.uint32(1)
    return bits.reshape(-1)[:count] == 1
