"""Sets of small integers as bits of words of 32, for loops over the few members of each of many sets."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

WORD = 32


def packed(members: Array) -> Array:
    """(..., n / 32) uint32: the sets of (..., n) bool, n a multiple of 32."""
    bits = members.reshape(*members.shape[:-1], -1, WORD).astype(jnp.uint32)
    powers = (np.uint32(1) << np.arange(WORD, dtype=np.uint32)).reshape((1,) * members.ndim + (WORD,))
    return jnp.sum(bits * powers, -1, dtype=jnp.uint32)


def pop_greatest(words: Array) -> tuple[Array, Array]:
    """Takes the greatest member from each set.

    Args:
        words: (..., w) uint32.

    Returns:
        The member, (...) int32, -1 for an empty set, and the sets without it.
    """
    number = np.arange(words.shape[-1], dtype=np.int32).reshape((1,) * (words.ndim - 1) + (-1,))
    greatest = WORD - 1 - lax.clz(words).astype(jnp.int32)
    member = jnp.max(jnp.where(words != 0, number * WORD + greatest, -1), -1)
    taken = (member[..., None] // WORD == number) & (member >= 0)[..., None]
    bit = jnp.uint32(1) << (member[..., None] % WORD).astype(jnp.uint32)
    return member, jnp.where(taken, words & ~bit, words)


def size(words: Array) -> Array:
    """(...) int32: how many members each set has."""
    return jnp.sum(lax.population_count(words).astype(jnp.int32), -1)
