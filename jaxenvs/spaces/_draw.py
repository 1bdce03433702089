"""Drawing integers, and masks."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.errors import InvalidMask
from jaxenvs.random import Key


@functools.partial(jax.jit, inline=True)
def uniform_integers(key: Key, low: Array, high: Array) -> Array:
    """Draws integers uniformly from `low` to `high`, both included.

    The relative error of each value's probability is less than 2^-32 times the number of values, for any range.
    Nothing overflows, not even for the whole range of the dtype.

    Args:
        key: a scalar random key.
        low: integers of any shape and dtype.
        high: integers of the same shape and dtype, nowhere below `low`.
    """
    dtype, wide = low.dtype, low.dtype.itemsize == 8
    word, signed = (jnp.uint64, jnp.int64) if wide else (jnp.uint32, jnp.int32)
    if dtype.itemsize < 4:
        low, high = low.astype(signed), high.astype(signed)
    low, high = (jax.lax.bitcast_convert_type(bound, word) for bound in (low, high))
    count = high - low + np.ones((), word)  # 0 where all values of the word are in range
    first, second = jax.random.bits(key, (2, *low.shape), word)
    # The random number is the fraction `first:second`, two words long; times `count`, its integer part.
    product = first * count
    carry = product + _multiply_high(second, count) < product
    offset = jnp.where(count == 0, first, _multiply_high(first, count) + carry.astype(word))
    drawn = low + offset
    if dtype.itemsize < 4:
        return jax.lax.bitcast_convert_type(drawn, signed).astype(dtype)
    return jax.lax.bitcast_convert_type(drawn, dtype)


def _multiply_high(a: Array, b: Array) -> Array:
    """The upper word of the product of two unsigned words."""
    half = np.asarray(a.dtype.itemsize * 4, a.dtype)
    ones = np.asarray((1 << (a.dtype.itemsize * 4)) - 1, a.dtype)
    a_low, a_high, b_low, b_high = a & ones, a >> half, b & ones, b >> half
    middle = a_high * b_low + (a_low * b_low >> half)
    other = a_low * b_high + (middle & ones)
    return a_high * b_high + (middle >> half) + (other >> half)


@functools.partial(jax.jit, inline=True)
def choose_valid(key: Key, valid: Array) -> Array:
    """() int32: the index of one of the True entries of `valid`, (n,) bool; 0 if there is none."""
    rank = jnp.cumsum(valid, dtype=jnp.int32)
    zero = jnp.zeros((), jnp.int32)
    chosen = uniform_integers(key, zero, jnp.maximum(rank[-1] - 1, zero))
    return jnp.argmax(rank > chosen).astype(jnp.int32)


@functools.partial(jax.jit, inline=True)
def choose_weighted(key: Key, weight: Array) -> Array:
    """() int32: an index drawn in proportion to `weight`, (n,) float32; 0 if all weights are 0."""
    total = jnp.cumsum(weight)
    threshold = jax.random.uniform(key, (), jnp.float32) * jnp.max(total)
    positive = weight > 0
    above = positive & (total > threshold)
    # Because of rounding, no sum may be above the threshold; then the last positive entry is drawn.
    last = jnp.where(positive.any(), weight.size - 1 - jnp.argmax(positive[::-1]), 0)
    return jnp.where(above.any(), jnp.argmax(above), last).astype(jnp.int32)


def check_only_one(space: Any, mask: Any, probability: Any) -> None:
    """Raises `InvalidMask` if both `mask` and `probability` are given."""
    if mask is not None and probability is not None:
        raise InvalidMask(f"{space!r}: give `mask` or `probability`, not both.")


def as_mask(space: Any, mask: Any, shape: tuple[int, ...], largest: int = 1) -> Array:
    """Checks a mask of values 0 to `largest` and returns it as int8."""
    mask = _as_array(space, mask, "mask", shape, (np.int8, np.bool_), "int8 or bool")
    if isinstance(mask, np.ndarray) and not np.isin(mask, range(largest + 1)).all():
        raise InvalidMask(f"{space!r}: the values of a mask lie from 0 to {largest}, got {mask}.")
    return jnp.asarray(mask).astype(jnp.int8)


def as_probability(space: Any, probability: Any, shape: tuple[int, ...], *, sums_to_one: bool = True) -> Array:
    """Checks an array of probabilities and returns it as float32."""
    kinds = (np.float16, np.float32, np.float64)
    probability = _as_array(space, probability, "probability", shape, kinds, "floating")
    if isinstance(probability, np.ndarray):
        if not ((probability >= 0) & (probability <= 1)).all():
            raise InvalidMask(f"{space!r}: probabilities lie from 0 to 1, got {probability}.")
        if sums_to_one and not np.isclose(probability.sum(), 1):
            raise InvalidMask(f"{space!r}: the probabilities sum to {probability.sum()}; divide them by their sum.")
        probability = probability.astype(np.float32)
    return jnp.asarray(probability).astype(jnp.float32)


def _as_array(
    space: Any, value: Any, name: str, shape: tuple[int, ...], dtypes: tuple[Any, ...], dtype_name: str
) -> Array | np.ndarray:
    if not isinstance(value, Array | np.ndarray):
        raise InvalidMask(
            f"{space!r}: `{name}` must be an array of shape {shape}, got {value!r} of type {type(value).__name__}."
        )
    if value.shape != shape:
        raise InvalidMask(f"{space!r}: `{name}` must have shape {shape}, got {value.shape}.")
    if value.dtype not in dtypes:
        raise InvalidMask(f"{space!r}: `{name}` must be of dtype {dtype_name}, got {value.dtype}; cast it.")
    return value
