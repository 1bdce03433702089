"""Random keys: `jaxenvs.random.key(seed)` is a typed JAX key that costs a fraction of a threefry key.

The generator is counter-based: word `i` of a key's stream is a hash of `(key, i)`. So it needs no state, vectorises,
and gives the same bits on every backend. Keys are ordinary typed JAX keys, and every environment accepts JAX's own keys
(`jax.random.key(0)`) as well. All functions of `jax.random` accept them except `poisson`, which JAX supports only for
its own threefry keys; draw one of those:

    threefry_key = jax.random.wrap_key_data(jax.random.bits(key, (2,), jnp.uint32), impl="threefry2x32")
    jax.random.poisson(threefry_key, 3.0)

`import jaxenvs` registers the implementation with JAX by its name: `jax.random.key(0, impl="jaxenvs")` gives the same
key, and libraries that read saved keys, such as orbax, find it.

It has two functions. Random bits come from `_word`, a hash of full strength. New keys come from `_child`, a cheaper
step, since the bits of a key are visible only through `_word`. This division of labour is that of G. Steele, D. Lea
and C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. Each word depends only on the key and its
own number, so a compiler that computes the words of one draw in separate loops, as XLA does on a CPU, repeats no work.

The results of the dieharder battery are in docs/randomness.md. The generator is meant for simulation; it is not
cryptographically secure.
"""

# pyright: strict, reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

import math
import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.random import define_prng_impl, threefry_prng_impl

from jaxenvs.errors import InvalidKey

__all__ = ["Key", "check_key", "draw_below", "implementation", "key", "keys", "scale_below"]

Key: TypeAlias = Array
"""A scalar JAX random key."""

# The multipliers and shifts of "lowbias32", a permutation of 32 bits that C. Wellons found by a search for low bias
# (github.com/skeeto/hash-prospector).
_MULTIPLIERS = 0x7FEB352D, 0x846CA68B
_SHIFTS = 16, 15, 16
# Odd numbers that spread the counter over both words of the key: 2^32 divided by the golden ratio and by
# its square, as in M. Roberts' sequence for two dimensions, made odd.
_SPREADS = 0x9E3779B9, 0x61C88647
# The purpose of a hash, so that the streams that `seed`, `split`, `fold_in` and the raw bits draw from one key never
# coincide. Pairs of digits of pi.
_SEED_TAGS = (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344)
_SPLIT_TAG = 0xA4093822, 0x299F31D0
_FOLD_TAG = 0x082EFA98, 0xEC4E6C89
_BITS_TAG = 0x452821E6, 0x38D01377
_LOW_BITS_TAG = 0xBE5466CF, 0x34E90C6C


def _numbered(counter: Any, tag: tuple[int, int]) -> tuple[Any, Any]:
    """The counter and its purpose, spread over two words."""
    return tuple(counter * np.uint32(spread) + np.uint32(part) for spread, part in zip(_SPREADS, tag, strict=True))  # pyright: ignore[reportReturnType]  # two spreads


def _word(high: Any, low: Any, counter: Any, tag: tuple[int, int]) -> Any:
    """A word that looks independent of all others, computed from the key `high`, `low`, a counter and a tag.

    The counter enters twice, so that words can repeat within a stream, as random words do.

    Args:
        high: uint32 array of JAX or NumPy, like all words here.
        low: uint32 array of the same shape.
        counter: uint32 array of the same shape.
        tag: the purpose of the word.
    """
    first, second = _numbered(counter, tag)
    return _mixed(_mixed(high + first) + (low ^ second))


def _mixed(word: Any) -> Any:
    """A permutation of words in which each bit of the result depends on all bits, with little bias."""
    for shift, multiplier in zip(_SHIFTS[:2], _MULTIPLIERS, strict=True):
        word = (word ^ (word >> np.uint32(shift))) * np.uint32(multiplier)
    return word ^ (word >> np.uint32(_SHIFTS[2]))


def _child(key: Array, counter: Array, tag: tuple[int, int]) -> Array:
    """Keys (..., 2) for each entry of `counter` (...). For each counter and tag, it is a permutation of all keys."""
    first, second = _numbered(counter, tag)
    high = (key[0] ^ (key[1] >> np.uint32(15))) * np.uint32(_MULTIPLIERS[0]) + first
    low = (key[1] ^ (high >> np.uint32(16))) * np.uint32(_MULTIPLIERS[1]) + second
    return jnp.stack([high, low], axis=-1)


def _seeded(low: Any, high: Any) -> list[Any]:
    """The two words of a key, from the two words of its seed. All seeds of 32 bits differ in the first word."""
    zero = low ^ low
    return [_word(low, high, zero, _SEED_TAGS[0]), _word(high, low, zero, _SEED_TAGS[1])]


def _seed(seed: Array) -> Array:
    negative = (seed < 0) if jnp.issubdtype(seed.dtype, jnp.signedinteger) else jnp.zeros((), bool)
    low = seed.astype(jnp.uint32)
    if seed.dtype.itemsize == 8:
        high = jax.lax.shift_right_logical(seed, jnp.asarray(32, seed.dtype)).astype(jnp.uint32)
    else:
        high = jnp.where(negative, np.uint32(0xFFFFFFFF), np.uint32(0))
    return jnp.stack(_seeded(low, high))


def _counter(shape: tuple[int, ...]) -> Array:
    """The numbers 0, 1, ... in an array of the given shape, uint32.

    Raises:
        ValueError: there are more than 2**32 of them, so the numbers would repeat.
    """
    size = math.prod(shape)
    if size > 2**32:
        raise ValueError(
            f"One key gives at most 2**32 numbers or keys in one draw; the shape {shape} has {size}."
            " Split the key, and draw a part from each of the new ones: `jax.random.split(key, n)`."
        )
    return jax.lax.iota(jnp.uint32, size).reshape(shape)


def _split(key: Array, shape: tuple[int, ...]) -> Array:
    return _child(key, _counter(shape), _SPLIT_TAG)


def _fold_in(key: Array, data: Array) -> Array:
    # Without the barrier, XLA's CPU compiler copies the hash into every use of a word. A chain of fold_ins, by which
    # Flax derives the keys of its parameters, would take minutes to compile.
    return jax.lax.optimization_barrier(_child(key, data.astype(jnp.uint32), _FOLD_TAG))


def _random_bits(key: Array, bit_width: int, shape: tuple[int, ...]) -> Array:
    counter = _counter(shape)
    bits = _word(key[0], key[1], counter, _BITS_TAG)
    if bit_width == 32:
        return bits
    if bit_width == 64:
        low = _word(key[0], key[1], counter, _LOW_BITS_TAG)
        return (bits.astype(jnp.uint64) << np.uint64(32)) | low.astype(jnp.uint64)
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
"""The key implementation, accepted by `jax.random.key(seed, impl=...)`, as is its name, `"jaxenvs"`."""


_KIND_IN_EXPORTS = 106
"""What stands for the type of these keys in a program saved by `jax.export`; JAX counts its own from 0 on, to 127."""


def _register() -> None:
    """Lets JAX find the implementation by its name, and `jax.export` by a number; JAX has no public function for that.

    Libraries that write keys to files, such as orbax, write the name, and look it up when they read them.
    """
    # The module moves between versions of JAX, but it always defines the type of an implementation.
    registry = sys.modules[type(threefry_prng_impl).__module__]
    registry.prngs["jaxenvs"] = inner = implementation._impl  # pyright: ignore[reportAttributeAccessIssue]
    # Without flatbuffers, JAX cannot export anything. Readers of an exported program need this number as well. A JAX
    # that has moved the function exports no program with our keys, and `tests/test_random.py` says so.
    exports = sys.modules.get("jax._src.export.serialization")
    if hasattr(exports, "register_dtype_kind"):
        exports.register_dtype_kind(registry.KeyTy(inner), _KIND_IN_EXPORTS)  # pyright: ignore[reportOptionalMemberAccess]


_register()


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
    """(len(seeds),) keys: `key(seed)` for each seed, made on the host in one pass.

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
    # Arrays with at least one entry, since NumPy lets those wrap around silently but warns for scalars.
    low, high = (bits & np.uint64(0xFFFFFFFF)).astype(np.uint32), (bits >> np.uint64(32)).astype(np.uint32)
    return np.stack(_seeded(low, high), axis=-1)


def draw_below(key: Key, n: int, shape: tuple[int, ...] = ()) -> Array:
    """Integers drawn uniformly from {0, ..., n - 1}.

    Each is the upper half of the 64-bit product `n * word` of a random 32-bit word, built from two
    16-bit halves. Every value is drawn with probability 1/n to within 2**-32.

    Args:
        key: a scalar random key.
        n: at least 1 and at most 2**16, so that no partial product overflows.
        shape: shape of the result.

    Returns:
        An int32 array of shape `shape`.

    Raises:
        ValueError: `n` is out of range.
    """
    if not 1 <= n <= 2**16:
        raise ValueError(f"draw_below takes an n from 1 to 65536, got {n}.")
    return scale_below(jax.random.bits(key, shape, jnp.uint32), np.uint32(n))


def scale_below(word: Array, n: Array | np.uint32) -> Array:
    """Maps random words to {0, ..., n - 1}; like `draw_below`, but `n` may be traced.

    Args:
        word: uint32 of any shape, with all bits random.
        n: uint32, of the same shape or a scalar, from 1 to 2**16.

    Returns:
        An int32 array of the shape of `word`.
    """
    high, low = word >> np.uint32(16), word & np.uint32(0xFFFF)
    scaled = high * n + ((low * n) >> np.uint32(16))
    return (scaled >> np.uint32(16)).astype(jnp.int32)


def check_key(key: Any, *, name: str = "reset") -> Key:
    """Returns `key` as a typed scalar key; raw `jax.random.PRNGKey` data is wrapped.

    Args:
        key: the argument of the caller.
        name: the function that was called, for the error message.

    Raises:
        InvalidKey: `key` is not a random key, or is a batch of keys.
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


def __getattr__(name: str) -> Any:
    """Says where functions of `jax.random` are."""
    hint = ""
    if name == "PRNGKey":
        hint = " Write `jaxenvs.random.key(seed)`."
    elif not name.startswith("_") and hasattr(jax.random, name):
        hint = f" It makes keys; draw from them with `jax.random.{name}`."
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{hint}")
