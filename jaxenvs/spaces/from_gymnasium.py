"""from_gymnasium: convert a Gymnasium space to a jaxenvs space."""

from typing import Any

import jax
import numpy as np

from jaxenvs.errors import InvalidSpace
from jaxenvs.spaces._convert import import_gymnasium
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.dict import Dict
from jaxenvs.spaces.discrete import Discrete
from jaxenvs.spaces.graph import Graph
from jaxenvs.spaces.multi_binary import MultiBinary
from jaxenvs.spaces.multi_discrete import MultiDiscrete
from jaxenvs.spaces.sequence import Sequence
from jaxenvs.spaces.space import Space
from jaxenvs.spaces.text import Text
from jaxenvs.spaces.tuple import Tuple


def from_gymnasium(
    space: Any, *, max_length: int | None = None, max_nodes: int | None = None, max_edges: int | None = None
) -> Space[Any]:
    """The space with the same elements as a Gymnasium space.

    A box of 64-bit numbers becomes one of 32 bits unless `jax_enable_x64` is on; finite bounds that 32 bits cannot
    represent are moved to the nearest representable number. Discrete and MultiDiscrete are int32, whatever their
    dtype was.

    Args:
        space: a Gymnasium space.
        max_length: the largest number of items, for every Sequence within.
        max_nodes: the largest number of nodes, for every Graph within.
        max_edges: the largest number of edges, for every Graph within that has an edge space.

    Raises:
        DependencyNotInstalled: Gymnasium is missing.
        InvalidSpace: the space has no counterpart, or a maximum that it needs was not given.
    """
    spaces = import_gymnasium().spaces
    from jaxenvs.spaces._twin import Twin  # needs Gymnasium

    sizes = {"max_length": max_length, "max_nodes": max_nodes, "max_edges": max_edges}
    match space:
        case Twin():
            return space.space
        case spaces.Box():
            return _box(space)
        case spaces.Discrete():
            return Discrete(int(space.n), int(space.start))
        case spaces.MultiDiscrete():
            return MultiDiscrete(space.nvec, space.start)
        case spaces.MultiBinary():
            return MultiBinary(space.n)
        case spaces.Text():
            return Text(space.max_length, space.min_length, "".join(space.character_list))
        case spaces.Dict():
            return Dict([(key, from_gymnasium(part, **sizes)) for key, part in space.spaces.items()])
        case spaces.Tuple():
            return Tuple([from_gymnasium(part, **sizes) for part in space.spaces])
        case spaces.Sequence():
            longest = _given("max_length", max_length, space)
            return Sequence(from_gymnasium(space.feature_space, **sizes), longest, space.stack)
        case spaces.Graph():
            node_space, most_nodes = from_gymnasium(space.node_space, **sizes), _given("max_nodes", max_nodes, space)
            if space.edge_space is None:
                return Graph(node_space, None, most_nodes)
            edge_space = from_gymnasium(space.edge_space, **sizes)
            return Graph(node_space, edge_space, most_nodes, _given("max_edges", max_edges, space))
        case _:
            raise InvalidSpace(
                f"{space!r} of type {type(space).__name__} has no counterpart in jaxenvs; use Box, Discrete,"
                " MultiDiscrete, MultiBinary, Text, Dict, Tuple, Sequence or Graph of Gymnasium."
            )


def _given(name: str, value: int | None, space: Any) -> int:
    if value is None:
        raise InvalidSpace(f"{space!r} has no fixed size: pass `{name}` to `from_gymnasium`.")
    return value


def _box(space: Any) -> Box:
    dtype = np.dtype(jax.dtypes.canonicalize_dtype(space.dtype))
    low, high = space.low, space.high
    below, above = space.bounded_below, space.bounded_above
    if dtype.kind == "f":
        if dtype != space.dtype:
            limits = np.finfo(dtype)
            low = np.where(np.isinf(low), low, np.clip(low, limits.min, limits.max))
            high = np.where(np.isinf(high), high, np.clip(high, limits.min, limits.max))
        return Box(low, high, space.shape, dtype)
    if dtype != space.dtype:
        limits = np.iinfo(dtype)
        low, high = (np.clip(bound, limits.min, limits.max) for bound in (low, high))
    flags = (None if bounded.all() else ~bounded for bounded in (below, above))
    return Box(low, high, space.shape, dtype, *flags)
