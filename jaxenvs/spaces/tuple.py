"""Tuple: spaces side by side."""

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.errors import InvalidAction, InvalidMask, InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import _flat
from jaxenvs.spaces._convert import import_gymnasium
from jaxenvs.spaces._draw import check_only_one
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.dict import twin_hint, validate_part
from jaxenvs.spaces.space import Space


class Tuple(Space[tuple[Any, ...]]):
    """The product of spaces; elements are tuples.

    Attributes:
        spaces: the spaces, kept as a tuple.
    """

    spaces: Any

    def __post_init__(self) -> None:
        if isinstance(self.spaces, Space) or not isinstance(self.spaces, Iterable):
            raise InvalidSpace(
                f"Tuple: `spaces` must be a sequence of spaces, got {self.spaces!r}; write `Tuple((space,))`."
            )
        self._set(spaces=tuple(self.spaces))
        for i, space in enumerate(self.spaces):
            if not isinstance(space, Space):
                raise InvalidSpace(f"Tuple: entry {i} must be a jaxenvs space, got {space!r}.{twin_hint(space)}")

    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> tuple[Any, ...]:
        """Draws from each space.

        Args:
            key: a scalar random key.
            mask: a tuple of each space's mask, or None.
            probability: a tuple of each space's probabilities, or None.
        """
        key = check_key(key, name="action_space.sample")
        check_only_one(self, mask, probability)
        for name, given in (("mask", mask), ("probability", probability)):
            if given is not None and (not isinstance(given, tuple) or len(given) != len(self.spaces)):
                raise InvalidMask(f"{self!r}: `{name}` must be a tuple of length {len(self.spaces)}, got {given!r}.")
        keys = jax.random.split(key, max(len(self.spaces), 1))
        nothing = (None,) * len(self.spaces)
        parts = zip(self.spaces, mask or nothing, probability or nothing)
        return tuple(
            space.sample(keys[i], mask=one_mask, probability=one_probability)
            for i, (space, one_mask, one_probability) in enumerate(parts)
        )

    def contains(self, x: Any) -> Array:
        """() bool: whether `x` is a tuple of the same length, and each entry lies in its space."""
        if not isinstance(x, tuple | list) or len(x) != len(self.spaces):
            return jnp.zeros((), bool)
        inside = jnp.ones((), bool)
        for space, part in zip(self.spaces, x):
            inside &= space.contains(part)
        return inside

    def validate(self, x: Any) -> tuple[Any, ...]:
        """Returns `x` as a tuple with each entry validated by its space."""
        if not isinstance(x, tuple | list):
            raise InvalidAction(
                f"Expected a tuple of length {len(self.spaces)}; got something of type {type(x).__name__}."
            )
        if len(x) != len(self.spaces):
            raise InvalidAction(f"Expected a tuple of length {len(self.spaces)}; got one of length {len(x)}.")
        return tuple(validate_part(space, part, f"[{i}]") for i, (space, part) in enumerate(zip(self.spaces, x)))

    def flatten(self, x: tuple[Any, ...]) -> Array:
        """The vectors of all entries, one after the other."""
        return _flat.join([space.flatten(part) for space, part in zip(self.spaces, x)], self.flat_dtype)

    def unflatten(self, x: Array) -> tuple[Any, ...]:
        """The element whose `flatten` is `x`."""
        parts = _flat.split(x, [(space.flat_size, space.flat_dtype) for space in self.spaces])
        return tuple(space.unflatten(part) for space, part in zip(self.spaces, parts))

    def flat_space(self) -> Box:
        """The box that `flatten` maps into."""
        return _flat.join_boxes([space.flat_space() for space in self.spaces], self.flat_dtype)

    @property
    def flat_size(self) -> int:
        return sum(space.flat_size for space in self.spaces)

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        """The widest floating dtype of the entries, or the integer dtype that holds all."""
        return _flat.common_dtype([space.flat_dtype for space in self.spaces])

    def to_gymnasium(self) -> Any:
        return import_gymnasium().spaces.Tuple([space.to_gymnasium() for space in self.spaces])

    def element_to_gymnasium(self, x: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(space.element_to_gymnasium(part) for space, part in zip(self.spaces, x))

    def element_from_gymnasium(self, x: Any) -> tuple[Any, ...]:
        if not isinstance(x, tuple | list) or len(x) != len(self.spaces):
            return self.validate(x)
        return tuple(space.element_from_gymnasium(part) for space, part in zip(self.spaces, x))

    def __getitem__(self, index: Any) -> Any:
        """The space of one entry, or a tuple of some."""
        return self.spaces[index]

    def __iter__(self) -> Iterator[Space[Any]]:
        """The spaces."""
        return iter(self.spaces)

    def __len__(self) -> int:
        """The number of entries."""
        return len(self.spaces)

    def __repr__(self) -> str:
        return "Tuple(" + ", ".join(repr(space) for space in self.spaces) + ")"
