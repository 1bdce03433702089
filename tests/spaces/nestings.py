"""Random spaces of every kind, nested in each other, and elements of their Gymnasium twins."""

from typing import Any

import numpy as np
from gymnasium import spaces as gymnasium_spaces

from jaxenvs.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Sequence, Space, Text, Tuple

MOST_ITEMS, MOST_NODES, MOST_EDGES = 4, 3, 4
MAXIMA = {"max_length": MOST_ITEMS, "max_nodes": MOST_NODES, "max_edges": MOST_EDGES}

_SHAPES = ((), (1,), (2,), (2, 3))
_BITS = (2, (2, 3), (1,))
_WHOLE = (np.uint8, np.int8, np.int16, np.int32, np.uint32)
_CHARSETS = ("ab", "zyx", "0123456789abcdef")


def random_space(rng: np.random.Generator, depth: int, *, padded: bool = True) -> Space[Any]:
    """A space drawn by `rng`.

    Args:
        rng: the generator.
        depth: how many structures may be around a simple space.
        padded: whether texts, sequences and graphs may occur, whose elements are padded arrays.
    """
    if depth == 0 or rng.random() < 0.35:
        return _simple(rng, padded)
    kind = rng.integers(4 if padded else 2)
    if kind == 0:
        keys = [str(key) for key in rng.permutation(list("abc"))[: rng.integers(1, 4)]]
        pairs = [(key, random_space(rng, depth - 1, padded=padded)) for key in keys]
        return Dict(dict(pairs) if rng.random() < 0.5 else pairs)
    if kind == 1:
        return Tuple([random_space(rng, depth - 1, padded=padded) for _ in range(rng.integers(1, 3))])
    if kind == 2:
        return Sequence(random_space(rng, depth - 1, padded=False), MOST_ITEMS, stack=bool(rng.integers(2)))
    nodes = (Box(-1, 1, (2,)), Discrete(3, start=1))[rng.integers(2)]
    edges = (None, Discrete(2), Box(0, 1, (1,)))[rng.integers(3)]
    return Graph(nodes, edges, MOST_NODES, MOST_EDGES if edges else 0)


def _simple(rng: np.random.Generator, padded: bool) -> Space[Any]:
    shape = _SHAPES[rng.integers(len(_SHAPES))]
    match rng.integers(7 if padded else 6):
        case 0:
            low = np.where(rng.random(shape) < 0.3, -np.inf, rng.integers(-3, 1, shape))
            high = np.where(rng.random(shape) < 0.3, np.inf, rng.integers(1, 4, shape))
            return Box(low, high, shape, (np.float32, np.float16)[rng.integers(2)])
        case 1:
            return Box(0, int(rng.integers(1, 100)), shape, _WHOLE[rng.integers(len(_WHOLE))])
        case 2:
            return Box(0, 1, shape, bool)
        case 3:
            return Discrete(int(rng.integers(1, 5)), start=int(rng.integers(-3, 4)))
        case 4:
            shape = shape or (2,)
            return MultiDiscrete(rng.integers(1, 4, shape), rng.integers(-3, 4, shape))
        case 5:
            return MultiBinary(_BITS[rng.integers(len(_BITS))])
        case _:
            charset = _CHARSETS[rng.integers(len(_CHARSETS))]
            return Text(int(rng.integers(1, 5)), min_length=int(rng.integers(0, 2)), charset=charset)


def gymnasium_element(twin: gymnasium_spaces.Space[Any]) -> Any:
    """An element that the Gymnasium space draws, and that fits the maxima."""
    match twin:
        case gymnasium_spaces.Dict():
            return {key: gymnasium_element(part) for key, part in twin.spaces.items()}
        case gymnasium_spaces.Tuple():
            return tuple(gymnasium_element(part) for part in twin.spaces)
        case gymnasium_spaces.Sequence():
            # Gymnasium cannot stack nothing, so its stacked sequences have an item.
            return twin.sample(mask=(int(twin.np_random.integers(int(twin.stack), MOST_ITEMS + 1)), None))
        case gymnasium_spaces.Graph():
            edges = None if twin.edge_space is None else MOST_EDGES
            return twin.sample(num_nodes=2) if edges is None else twin.sample(num_nodes=2, num_edges=edges)
        case _:
            return twin.sample()


def same(a: Any, b: Any) -> bool:
    """Whether two elements of Gymnasium are equal: structure, order of keys, types, dtypes, shapes and values."""
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)
