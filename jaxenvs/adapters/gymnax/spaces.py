"""Conversion between our spaces and those of gymnax 1.0."""

from typing import Any

import jax
import numpy as np
from gymnax.environments import spaces  # pyright: ignore[reportMissingImports]  # an optional package
from jax import Array
from jax.core import Tracer

from jaxenvs.errors import InvalidSpace
from jaxenvs.spaces import Box, Dict, Discrete, Space, Tuple


class GymnaxBox(spaces.Box):
    """A gymnax Box that samples like ours: integers up to `high`, and finite numbers if a bound is infinite."""

    def __init__(self, box: Box) -> None:
        """Args: our Box. Bounds that are the same number everywhere become that number, as in gymnax."""
        low, high = (_one_number(bound) for bound in (box.low, box.high))
        if low is None or high is None:
            low, high = box.low, box.high
        super().__init__(low, high, box.shape, box.dtype)
        self._box = box

    def sample(self, key: Array) -> Array:
        """An element drawn by jaxenvs' Box."""
        return self._box.sample(key)


def to_gymnax(space: Space[Any], what: str) -> Any:
    """The gymnax space with the same elements.

    Args:
        space: a space of jaxenvs.
        what: what the elements are, for the message.

    Raises:
        InvalidSpace: gymnax has no such space.
    """
    match space:
        case Discrete() if space.start == 0:
            return spaces.Discrete(space.n)
        case Box():
            return GymnaxBox(space)
        case Tuple():
            return spaces.Tuple([to_gymnax(part, what) for part in space.spaces])
        case Dict():
            return spaces.Dict({name: to_gymnax(part, what) for name, part in space.spaces.items()})
        case _:
            raise InvalidSpace(
                f"gymnax has no space like {space!r}, the space of {what}: it supports Discrete from 0, Box, Tuple"
                " and Dict. Add a wrapper that converts it to one of these, such as FlattenObservation or"
                " TransformAction."
            )


def from_gymnax_space(space: Any) -> Space[Any]:
    """Our space with the same elements.

    Args:
        space: one of gymnax's. The bounds of a Box may be traced.

    Raises:
        InvalidSpace: jaxenvs has no such space.
    """
    match space:
        case spaces.Discrete():
            return Discrete(int(space.n))
        case spaces.Box():
            shape = (space.shape,) if isinstance(space.shape, int) else tuple(int(n) for n in space.shape)
            return Box(space.low, space.high, shape, np.dtype(jax.dtypes.canonicalize_dtype(space.dtype)))
        case spaces.Tuple():
            return Tuple([from_gymnax_space(part) for part in space.spaces])
        case spaces.Dict():
            return Dict([(name, from_gymnax_space(part)) for name, part in space.spaces.items()])
        case _:
            raise InvalidSpace(
                f"{space!r} of type {type(space).__name__} has no counterpart in jaxenvs;"
                " use Discrete, Box, Tuple or Dict of gymnax."
            )


def _one_number(bound: Any) -> float | int | None:
    if isinstance(bound, Tracer) or not np.size(bound):
        return None
    array = np.asarray(bound)
    return array.flat[0].item() if (array == array.flat[0]).all() else None
