"""Random orders, without sorting pairs, which makes `jax.random.permutation` slow on a CPU."""

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.random import Key

_WORD_BITS = 32


def random_order(key: Key, size: int) -> Array:
    """(size,) int32: the numbers 0 to size - 1 in a random order.

    Each number becomes the low bits of a random word, and the words are sorted: XLA sorts single words
    several times as fast as the pairs that `jax.random.permutation` sorts. Numbers whose random bits are equal
    stay in ascending order; with up to 2**16 numbers, there are at least 16 random bits, so such ties are too
    rare to matter for minibatches. For more numbers, JAX's function is used.
    """
    index_bits = (size - 1).bit_length()
    if 2 * index_bits > _WORD_BITS:
        return jax.random.permutation(key, size).astype(jnp.int32)
    index_mask = jnp.asarray(2**index_bits - 1, jnp.uint32)
    words = jax.random.bits(key, (size,), jnp.uint32) & ~index_mask | jnp.arange(size, dtype=jnp.uint32)
    return (jnp.sort(words) & index_mask).astype(jnp.int32)
