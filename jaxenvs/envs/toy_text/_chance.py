"""Cheap exact draws, which take one random word each, no division and no second hash."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.random import Key

_LIMBS, _LIMB_BITS = 3, 28
_LARGEST_BASE = 2 ** (32 - _LIMB_BITS)


def draw_side(key: Key, ahead: ArrayLike) -> Array:
    """Draws where a slipping agent goes.

    Args:
        key: a scalar random key.
        ahead: () float32, the probability of going in the chosen direction; both sides are equally likely.

    Returns:
        () int32: -1 for one side, 0 for ahead, 1 for the other side.
    """
    u = jax.random.uniform(key, (), jnp.float32)
    aside = (1.0 - ahead) / 2.0
    return (u >= aside).astype(jnp.int32) + (u >= aside + ahead).astype(jnp.int32) - 1


def draw_digits(key: Key, base: int, count: int) -> list[Array]:
    """Independent integers drawn uniformly from {0, ..., base - 1}, all from one hash.

    They are the leading digits, in that base, of a random fraction of 84 bits. It is kept in three limbs
    of 28 bits, so that a limb times the base, plus a carry, still fits in 32. Every sequence of digits has
    its exact probability to within 2**-84.

    Args:
        key: a scalar random key.
        base: at most 2**4.
        count: number of integers; `base**count` should be far below 2**84.

    Returns:
        () int32 each. They are not stacked: under `vmap`, arrays of just the batch's shape are faster.

    Raises:
        ValueError: `base` is out of range.
    """
    if not 1 <= base <= _LARGEST_BASE:
        raise ValueError(f"draw_digits takes a base from 1 to {_LARGEST_BASE}, got {base}.")
    words = jax.random.bits(key, (_LIMBS,), jnp.uint32) >> np.uint32(32 - _LIMB_BITS)
    limbs = [words[i] for i in range(_LIMBS)]
    digits = []
    for _ in range(count):
        carry = jnp.zeros((), jnp.uint32)
        for i, limb in enumerate(limbs):
            product = limb * np.uint32(base) + carry
            limbs[i], carry = product & np.uint32(2**_LIMB_BITS - 1), product >> np.uint32(_LIMB_BITS)
        digits.append(carry.astype(jnp.int32))
    return digits
