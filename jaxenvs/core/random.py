"""Random keys: `jaxenvs.random.key(seed)` is a typed JAX key that costs a fraction of threefry's.

The generator is counter-based: word `i` of a key's stream is a hash of `(key, i)`, so it needs no
state, vectorises, and gives the same bits on every backend. Keys are ordinary typed JAX keys:
`jax.random.uniform`, `split`, `fold_in` and everything else take them, and every environment takes
JAX's own keys (`jax.random.key(0)`) just as well.

The hash follows the four-word permutation "pcg4d" of M. Jarzynski and M. Olano, "Hash Functions for
GPU Rendering", Journal of Computer Graphics Techniques 9(3), 2020, with a third round: with two, the
raw stream of one key fails dieharder's dab_monobit2; with three it passes.
It is meant for simulation, never for cryptography.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.random import define_prng_impl

from jaxenvs.core.errors import InvalidKey

Key: TypeAlias = Array
"""A scalar JAX random key."""

# Multiplier and increment of the linear congruential step (Numerical Recipes, section 7.1).
_MULTIPLIER = 1664525
_INCREMENT = 1013904223
_ROUNDS = 3
# The fourth word of the hash says what the output is for, so that the streams that `seed`, `split`,
# `fold_in` and the raw bits draw from one key never coincide. The values are digits of pi.
_SEED_TAG, _SPLIT_TAG, _FOLD_TAG, _BITS_TAG = 0x243F6A88, 0x13198A2E, 0x299F31D0, 0xA4093822


def _hash(*words: Any) -> tuple[Any, Any, Any, Any]:
    """Permutes four uint32 words (JAX or NumPy arrays of one shape) into four that look independent of them."""
    a, b, c, d = (w * np.uint32(_MULTIPLIER) + np.uint32(_INCREMENT) for w in words)
    for _ in range(_ROUNDS):
        a = a + b * d
        b = b + c * a
        c = c + a * b
        d = d + b * c
        a, b, c, d = (w ^ (w >> np.uint32(16)) for w in (a, b, c, d))
    return a, b, c, d


def _hash_counter(key: Array, counter: Array, tag: int) -> tuple[Array, Array, Array, Array]:
    """Hashes raw `key` (2,) with each entry of `counter`; four arrays of the counter's shape."""
    high, low = (jnp.broadcast_to(word, counter.shape) for word in (key[0], key[1]))
    return _hash(high, low, counter, jnp.full(counter.shape, tag, jnp.uint32))


def _seed(seed: Array) -> Array:
    negative = (seed < 0) if jnp.issubdtype(seed.dtype, jnp.signedinteger) else jnp.zeros((), bool)
    low = seed.astype(jnp.uint32)
    if seed.dtype.itemsize == 8:
        high = jax.lax.shift_right_logical(seed, jnp.asarray(32, seed.dtype)).astype(jnp.uint32)
    else:
        high = jnp.where(negative, np.uint32(0xFFFFFFFF), np.uint32(0))
    tags = jnp.full((), _SEED_TAG, jnp.uint32), jnp.full((), _SPLIT_TAG, jnp.uint32)
    return jnp.stack(_hash(low, high, *tags)[:2])


def _split(key: Array, shape: tuple[int, ...]) -> Array:
    counter = jax.lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)
    return jnp.stack(_hash_counter(key, counter, _SPLIT_TAG)[:2], axis=-1)


def _fold_in(key: Array, data: Array) -> Array:
    # Without the barrier XLA's CPU compiler copies the hash into every use of a word, and a chain of
    # fold_ins, such as flax derives its parameters' keys by, takes minutes to compile.
    return jax.lax.optimization_barrier(jnp.stack(_hash_counter(key, data.astype(jnp.uint32), _FOLD_TAG)[:2]))


def _random_bits(key: Array, bit_width: int, shape: tuple[int, ...]) -> Array:
    if bit_width == 64:
        high, low = (_random_bits(k, 32, shape) for k in _split(key, (2,)))
        return (high.astype(jnp.uint64) << np.uint64(32)) | low.astype(jnp.uint64)
    size = math.prod(shape)
    counter = jax.lax.iota(jnp.uint32, -(-size // 4))
    words = jnp.stack(_hash_counter(key, counter, _BITS_TAG), axis=-1)
    bits = words.reshape(-1)[:size].reshape(shape)
    if bit_width == 32:
        return bits
    narrow = {8: jnp.uint8, 16: jnp.uint16}[bit_width]
    return (bits >> np.uint32(32 - bit_width)).astype(narrow)


implementation = define_prng_impl(
    key_shape=(2,),
    seed=_seed,
    split=_split,
    random_bits=_random_bits,
    fold_in=_fold_in,  # pyright: ignore[reportArgumentType]  # declared for int, called with an array
    name="jaxenvs",
    tag="jaxenvs",
)
"""The key implementation, accepted by `jax.random.key(seed, impl=...)`."""


def key(seed: Any) -> Key:
    """A typed random key of jaxenvs' own generator.

    Args:
        seed: an integer of at most 64 bits: Python's, NumPy's, or a JAX array of shape (), traced or not.

    Returns:
        A scalar key. The same seed gives the same key with 64-bit types on and off.

    Raises:
        InvalidKey: the seed is not an integer, or an integer outside 64 bits.
    """
    if isinstance(seed, bool | np.bool_) or not isinstance(seed, int | np.integer | np.ndarray | Array):
        raise InvalidKey(f"A seed must be an integer, got {seed!r} of type {type(seed).__name__}.")
    if not isinstance(seed, int | np.integer):
        if not jnp.issubdtype(seed.dtype, jnp.integer) or seed.shape != ():
            raise InvalidKey(
                f"A seed must be an integer of shape (), got {seed.dtype} of shape {seed.shape}."
                " For many keys, split one: `jax.random.split(jaxenvs.random.key(0), n)`."
            )
        if isinstance(seed, Array):
            return jax.random.wrap_key_data(_seed(seed), impl=implementation)
        seed = int(seed)  # jnp.asarray would cut a 64-bit NumPy seed to 32 bits
    return jax.random.wrap_key_data(jnp.asarray(_seed_on_host([int(seed)])[0]), impl=implementation)


def keys(seeds: Sequence[int]) -> Array:
    """(len(seeds),) keys: `key(seed)` for each seed, made on the host in one go.

    Args:
        seeds: Python or NumPy integers of at most 64 bits.

    Raises:
        InvalidKey: a seed is outside 64 bits.
    """
    return jax.random.wrap_key_data(jnp.asarray(_seed_on_host(seeds)), impl=implementation)


def _seed_on_host(seeds: Sequence[int]) -> np.ndarray:
    for seed in seeds:
        if not -(2**63) <= int(seed) < 2**64:
            raise InvalidKey(f"A seed must fit in 64 bits, got {seed}.")
    bits = np.asarray([int(seed) % 2**64 for seed in seeds], np.uint64)
    # Arrays of one entry at least: NumPy lets those wrap around silently, and warns for scalars.
    words = (bits & np.uint64(0xFFFFFFFF)).astype(np.uint32), (bits >> np.uint64(32)).astype(np.uint32)
    tags = np.full_like(words[0], _SEED_TAG), np.full_like(words[0], _SPLIT_TAG)
    return np.stack(_hash(*words, *tags)[:2], axis=-1)


def check_key(key: Any, *, name: str = "reset") -> Key:
    """Returns `key` as a typed scalar key; raw `jax.random.PRNGKey` data is wrapped.

    Args:
        key: what the caller passed.
        name: the function that was called, for the message.

    Raises:
        InvalidKey: `key` is no random key, or a batch of them.
    """
    if not isinstance(key, Array):
        hint = (
            f" Write `jaxenvs.random.key({key})`."
            if isinstance(key, int)
            else " Make one with `jaxenvs.random.key(0)`."
        )
        raise InvalidKey(f"`{name}` takes a JAX random key, got {key!r} of type {type(key).__name__}.{hint}")
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        if key.shape == ():
            return key
        raise InvalidKey(
            f"`{name}` takes one random key, got a batch of shape {key.shape}."
            f" Map over it: `jax.vmap(env.{name})(keys)`."
        )
    if key.dtype == jnp.uint32 and key.shape == jax.random.key_data(jax.random.key(0)).shape:
        return jax.random.wrap_key_data(key)
    hint = " Map over a batch of keys: `jax.vmap(env.reset)(keys)`." if key.dtype == jnp.uint32 else ""
    raise InvalidKey(
        f"`{name}` takes a JAX random key, got an array of dtype {key.dtype} and shape {key.shape}."
        f" Make one with `jaxenvs.random.key(0)`.{hint}"
    )
