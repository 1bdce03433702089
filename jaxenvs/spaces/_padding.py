"""Padded stacks: a fixed number of slots, of which the first few are in use and the rest are zero."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.core.checks import is_integer
from jaxenvs.errors import InvalidAction, InvalidMask, InvalidSpace
from jaxenvs.random import Key
from jaxenvs.spaces import _flat
from jaxenvs.spaces._convert import as_array
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.discrete import in_range
from jaxenvs.spaces.space import Space


def check_size(space: str, name: str, value: Any, smallest: int) -> int:
    """Returns a size as a Python integer.

    Raises:
        InvalidSpace: it is not an integer, or is below `smallest`.
    """
    if not is_integer(value) or value < smallest:
        raise InvalidSpace(f"{space}: `{name}` must be a Python integer of at least {smallest}, got {value!r}.")
    return int(value)


def read_count(x: Any, largest: int) -> tuple[Array, Array] | None:
    """Whether a count lies from 0 to `largest`, () bool, and the count, () int32; None if it is not a count."""
    count = as_array(x)
    if count is None or count.shape != () or count.dtype.kind not in "iu":
        return None
    fits = jnp.asarray(in_range(count, np.asarray(0), np.asarray(largest)))
    if isinstance(count, np.ndarray):
        count = np.clip(count, 0, largest).astype(np.int32)
    return fits, jnp.asarray(count).astype(jnp.int32)


def used(size: int, count: Array) -> Array:
    """(size,) bool: which slots are in use."""
    return jnp.arange(size, dtype=jnp.int32) < count


def zero_unused(stack: Any, in_use: Array) -> Any:
    """The stack with zeros in the slots that are not in use."""

    def clear(leaf: Array) -> Array:
        mask = in_use.reshape(in_use.shape + (1,) * (leaf.ndim - 1))
        return jnp.where(mask, leaf, jnp.zeros((), leaf.dtype))

    return jax.tree.map(clear, stack)


def stack_contains(space: Space[Any], stack: Any, in_use: Array) -> Array:
    """() bool: whether the slots in use hold elements of `space`, and the others zeros."""
    size = in_use.shape[0]
    if any(np.shape(leaf)[:1] != (size,) for leaf in jax.tree.leaves(stack)):
        return jnp.zeros((), bool)
    if size == 0:
        return jnp.ones((), bool)
    inside = jnp.all(jax.vmap(space.contains)(stack) | ~in_use)
    for leaf in map(jnp.asarray, jax.tree.leaves(stack)):
        zero = (leaf == jnp.zeros((), leaf.dtype)).reshape(size, -1).all(axis=1)
        inside &= jnp.all(zero | in_use)
    return inside


def validate_stack(space: Space[Any], stack: Any, size: int, what: str) -> Any:
    """Validates all slots at once."""
    for leaf in jax.tree.leaves(stack):
        if np.shape(leaf)[:1] != (size,):
            raise InvalidAction(
                f"Expected {size} {what} along the first axis; got an array of shape {np.shape(leaf)}."
                " Build an element with the space's `pad`."
            )
    return jax.vmap(space.validate)(stack) if size else stack


def validate_count(count: Any, what: str) -> Array:
    """Returns a count as () int32."""
    array = as_array(count)
    if array is None or array.shape != () or array.dtype.kind not in "iu":
        raise InvalidAction(f"Expected the number of {what}, an integer of shape (); got {count!r}.")
    return jnp.asarray(array).astype(jnp.int32)


def pad_stack(space: Space[Any], items: Sequence[Any], size: int, what: str) -> Any:
    """Stacks elements of `space` and pads them to `size` slots with zeros.

    Raises:
        InvalidAction: too many elements, or one that does not fit the space.
    """
    if len(items) > size:
        raise InvalidAction(f"Expected at most {size} {what}; got {len(items)}. Raise the space's maximum.")
    one, structure = jax.tree.flatten(jax.eval_shape(lambda: space.sample(jax.random.key(0))))
    rows = [jax.tree.leaves(space.validate(item)) for item in items]
    xp = jnp if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(rows)) else np

    def fill(i: int) -> Array:
        padding = xp.zeros((size - len(rows), *one[i].shape), one[i].dtype)
        return jnp.asarray(xp.concatenate([*(xp.asarray(row[i])[None] for row in rows), padding]))

    return structure.unflatten([fill(i) for i in range(len(one))])


def unpad(stack: Any, count: int) -> list[Any]:
    """The elements in the first `count` slots, as NumPy arrays."""
    leaves, structure = jax.tree.flatten(jax.tree.map(np.asarray, stack))
    return [structure.unflatten([leaf[i] for leaf in leaves]) for i in range(count)]


def sample_stack(space: Space[Any], key: Key, in_use: Array, mask: Any, probability: Any, *, each: bool) -> Any:
    """Draws an element of `space` for each slot, and clears those not in use.

    Args:
        space: the space of one slot.
        key: a scalar random key.
        in_use: (size,) bool.
        mask: a mask, for all slots or stacked for `each`.
        probability: probabilities, for all slots or stacked for `each`.
        each: whether the masks are stacked.
    """
    size = in_use.shape[0]
    keys = jax.random.split(key, max(size, 1))
    if each:
        drawn = jax.vmap(lambda k, m, p: space.sample(k, m, p))(keys, mask, probability)
    else:
        drawn = jax.vmap(lambda k: space.sample(k, mask, probability))(keys)
    return zero_unused(jax.tree.map(lambda leaf: leaf[:size], drawn), in_use)


def as_count(space: Any, value: Any, name: str, low: int, high: int) -> Array:
    """Checks a number of slots and returns it as () int32; a traced one is clipped.

    Raises:
        InvalidMask: it is not an integer of shape (), or is out of range.
    """
    array = as_array(value)
    if array is None or array.shape != () or array.dtype.kind not in "iu":
        raise InvalidMask(f"{space!r}: the {name} must be an integer of shape (), got {value!r}.")
    if isinstance(array, np.ndarray) and not low <= array <= high:
        raise InvalidMask(f"{space!r}: the {name} lies from {low} to {high}, got {value}.")
    return jnp.clip(jnp.asarray(array).astype(jnp.int32), low, high)


def stack_dtype(space: Space[Any]) -> np.dtype[Any]:
    """The dtype of a vector that holds elements of `space` and an int32."""
    return _flat.common_dtype([space.flat_dtype, np.dtype(np.int32)])


def stack_box(space: Space[Any], size: int) -> Box:
    """The box of `size` flattened elements of `space`, each of which may be padding instead."""
    box = space.flat_space()
    low, high = jnp.minimum, jnp.maximum
    if isinstance(box.low, np.ndarray) and isinstance(box.high, np.ndarray):
        low, high = np.minimum, np.maximum
    zero = np.zeros((), box.dtype)
    lows = np.tile if isinstance(box.low, np.ndarray) else jnp.tile
    box = box.replace(low=low(box.low, zero), high=high(box.high, zero))
    flags = [None if flag is None else np.tile(flag, size) for flag in (box.open_below, box.open_above)]
    return Box(lows(box.low, size), lows(box.high, size), (size * box.flat_size,), box.dtype, *flags)


def flatten_stack(space: Space[Any], stack: Any, in_use: Array) -> Array:
    """The flattened elements one after the other, zeros for the slots not in use."""
    if in_use.shape[0] == 0:
        return jnp.zeros((0,), space.flat_dtype)
    return zero_unused(jax.vmap(space.flatten)(stack), in_use).reshape(-1)


def unflatten_stack(space: Space[Any], x: Array, in_use: Array) -> Any:
    """The inverse of `flatten_stack`."""
    size = in_use.shape[0]
    rows = jnp.asarray(x).astype(space.flat_dtype).reshape(size, space.flat_size)
    if size == 0:
        one = jax.eval_shape(lambda: space.sample(jax.random.key(0)))
        return jax.tree.map(lambda leaf: jnp.zeros((0, *leaf.shape), leaf.dtype), one)
    return zero_unused(jax.vmap(space.unflatten)(rows), in_use)
