"""Sequence: a variable number of elements of one space, padded to a fixed number."""

import math
from collections.abc import Sequence as AnySequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidAction, InvalidMask, InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import _flat, _padding
from jaxenvs.spaces._convert import as_array, import_gymnasium
from jaxenvs.spaces._draw import check_only_one, uniform_integers
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.dict import twin_hint
from jaxenvs.spaces.space import Space

# Gymnasium draws the length from the geometric distribution with this parameter.
_STOP = 0.25


class SequenceElement(PyTreeNode):
    """An element of `Sequence`.

    Attributes:
        items: elements of the item space, stacked along a first axis of `max_length`; zeros from `length` on.
        length: () int32, the number of items.
    """

    items: Any
    length: Array


class Sequence(Space[SequenceElement]):
    """Sequences of at most `max_length` elements of `space`, including the empty one.

    Elements are `SequenceElement`s; `pad` makes one of a list, `unpad` the reverse. Unlike Gymnasium's,
    which has no longest sequence and does not flatten to a vector, `flatten` gives the vectors of all
    slots, zeros for those not in use, and then the length.

    Attributes:
        space: the space of one item.
        max_length: the largest number of items, at least 1.
        stack: whether the Gymnasium twin stacks the items rather than holding a tuple of them. It has no effect here.
    """

    space: Any
    max_length: int = static()
    stack: bool = static(default=False)

    def __post_init__(self) -> None:
        if not isinstance(self.space, Space):
            raise InvalidSpace(f"Sequence: `space` must be a jaxenvs space, got {self.space!r}.{twin_hint(self.space)}")
        self._set(max_length=_padding.check_size("Sequence", "max_length", self.max_length, 1), stack=bool(self.stack))

    def pad(self, items: AnySequence[Any]) -> SequenceElement:
        """The element that holds the items.

        Raises:
            InvalidAction: there are too many, or one does not fit the space.
        """
        stack = _padding.pad_stack(self.space, items, self.max_length, "items")
        return SequenceElement(items=stack, length=jnp.asarray(len(items), jnp.int32))

    def unpad(self, x: SequenceElement) -> list[Any]:
        """The items of an element, as NumPy arrays."""
        return _padding.unpad(x.items, int(x.length))

    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> SequenceElement:
        """Draws the length, then the items.

        The length is at least 1 and follows Gymnasium's geometric distribution, given that it is at most
        `max_length`.

        Args:
            key: a scalar random key.
            mask: (length, item mask). The length is None, an integer that fixes it, or an array of
                integers to choose from; traced ones are clipped to what fits. The mask applies to all items.
            probability: (length, item probability), in the same form.
        """
        key = check_key(key, name="action_space.sample")
        check_only_one(self, mask, probability)
        given = mask if probability is None else probability
        if given is not None and (not isinstance(given, tuple) or len(given) != 2):
            raise InvalidMask(f"{self!r}: a mask is a tuple (length or None, mask of an item or None), got {given!r}.")
        length_key, item_key = jax.random.split(key)
        length = self._sample_length(length_key, None if given is None else given[0])
        in_use = _padding.used(self.max_length, length)
        masks = (None if mask is None else mask[1]), (None if probability is None else probability[1])
        items = _padding.sample_stack(self.space, item_key, in_use, *masks, each=False)
        return SequenceElement(items=items, length=length)

    def _sample_length(self, key: Key, choices: Any) -> Array:
        if choices is None:
            reach = 1 - (1 - _STOP) ** self.max_length  # the probability of a length that fits
            uniform = jax.random.uniform(key, (), jnp.float32) * np.float32(reach)
            length = 1 + jnp.floor(jnp.log1p(-uniform) / np.float32(math.log(1 - _STOP))).astype(jnp.int32)
            return jnp.clip(length, 1, self.max_length)
        array = as_array(choices)
        if array is not None and array.ndim == 1 and array.size:
            last = jnp.asarray(array.size - 1, jnp.int32)
            index = uniform_integers(key, jnp.zeros_like(last), last)
            if isinstance(array, np.ndarray) and array.dtype.kind in "iu":
                if array.min() < 0 or array.max() > self.max_length:
                    raise InvalidMask(f"{self!r}: lengths lie from 0 to {self.max_length}, got {array.tolist()}.")
                array = array.astype(np.int32)
            choices = jnp.asarray(array)[index]
        return _padding.as_count(self, choices, "length", 0, self.max_length)

    def contains(self, x: Any) -> Array:
        """() bool: whether all items lie in the space, and what follows them is zero."""
        if not isinstance(x, SequenceElement):
            return jnp.zeros((), bool)
        count = _padding.read_count(x.length, self.max_length)
        if count is None:
            return jnp.zeros((), bool)
        fits, length = count
        return fits & _padding.stack_contains(self.space, x.items, _padding.used(self.max_length, length))

    def validate(self, x: Any) -> SequenceElement:
        """Returns `x` with its parts in the space's dtypes; a list or tuple of items is padded."""
        if isinstance(x, list | tuple):
            return self.pad(x)
        if not isinstance(x, SequenceElement):
            raise InvalidAction(
                f"Expected a SequenceElement; got something of type {type(x).__name__}. Make one: `space.pad(items)`."
            )
        items = _padding.validate_stack(self.space, x.items, self.max_length, "items")
        return SequenceElement(items=items, length=_padding.validate_count(x.length, "items"))

    def flatten(self, x: SequenceElement) -> Array:
        """The vectors of all slots, zeros for those not in use, then the length."""
        length = jnp.asarray(x.length, jnp.int32)
        items = _padding.flatten_stack(self.space, x.items, _padding.used(self.max_length, length))
        return _flat.join([items, length.reshape(1)], self.flat_dtype)

    def unflatten(self, x: Array) -> SequenceElement:
        """The element whose `flatten` is `x`."""
        length = x[-1].astype(jnp.int32)
        items = _padding.unflatten_stack(self.space, x[:-1], _padding.used(self.max_length, length))
        return SequenceElement(items=items, length=length)

    def flat_space(self) -> Box:
        """The box that `flatten` maps into."""
        boxes = [_padding.stack_box(self.space, self.max_length), Box(0, self.max_length, (1,), np.int32)]
        return _flat.join_boxes(boxes, self.flat_dtype)

    @property
    def flat_size(self) -> int:
        """`max_length` times the size of an item, and one for the length."""
        return self.max_length * self.space.flat_size + 1

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        """The dtype that holds an item and an int32."""
        return _padding.stack_dtype(self.space)

    def to_gymnasium(self) -> Any:
        """`gymnasium.spaces.Sequence`, which has no longest sequence."""
        return import_gymnasium().spaces.Sequence(self.space.to_gymnasium(), stack=self.stack)

    def element_to_gymnasium(self, x: SequenceElement) -> Any:
        """A tuple, or the stacked items if `stack` is set."""
        items = tuple(self.space.element_to_gymnasium(item) for item in self.unpad(x))
        return stack_gymnasium(self.space.to_gymnasium(), items) if self.stack else items

    def element_from_gymnasium(self, x: Any) -> SequenceElement:
        if self.stack:
            utils = import_gymnasium().vector.utils
            x = tuple(utils.iterate(self.to_gymnasium().stacked_feature_space, x))
        if not isinstance(x, tuple | list):
            raise InvalidAction(f"Expected a tuple of items; got something of type {type(x).__name__}.")
        return self.pad([self.space.element_from_gymnasium(item) for item in x])

    def __repr__(self) -> str:
        return f"Sequence({self.space!r}, max_length={self.max_length}{', stack=True' if self.stack else ''})"


def stack_gymnasium(twin: Any, items: AnySequence[Any]) -> Any:
    """Stacks elements of a Gymnasium space as Gymnasium does."""
    utils = import_gymnasium().vector.utils
    empty = utils.create_empty_array(twin, len(items))
    return utils.concatenate(twin, items, empty) if items else empty
