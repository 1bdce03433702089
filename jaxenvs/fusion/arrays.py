"""How the emitter holds an array: as single values, in memory, or as a rule for the element at a position."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from jaxenvs.fusion.writer import INDEX, Buffer, Val, Writer

Position: TypeAlias = int | Val
"""Where to read along one axis: known now, or a uniform value."""


@dataclasses.dataclass(eq=False, slots=True)
class Small:
    """Values, one for each element."""

    elements: Any  # a NumPy array of Val
    dtype: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.elements.shape


@dataclasses.dataclass(eq=False, slots=True)
class Memory:
    """Elements in a buffer, with strides.

    Attributes:
        buffer: where they are.
        shape: its shape.
        strides: in elements of the buffer.
        offset: of the first element.
    """

    buffer: Buffer
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def dtype(self) -> str:
        """The type of its elements."""
        return self.buffer.dtype

    @property
    def is_dense(self) -> bool:
        """Whether its elements lie one after another."""
        return self.strides == dense_strides(self.shape)


@dataclasses.dataclass(eq=False, slots=True)
class Lazy:
    """A rule for elements.

    Attributes:
        shape: its shape.
        dtype: the type of its elements.
        rule: the element at some positions.
        cost: about how many operations one element takes, beyond reading.
        uniform: whether all lanes have the same.
        parts: of what the cost consists, so that nothing is counted twice; empty if that is not known.
    """

    shape: tuple[int, ...]
    dtype: str
    rule: Callable[[tuple[Position, ...]], Val]
    cost: int
    uniform: bool
    parts: dict[object, int] = dataclasses.field(default_factory=dict)


Array: TypeAlias = Small | Memory | Lazy | np.ndarray
"""An array of each lane; NumPy's are constants."""


def dense_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of an array whose elements lie one after another, the last axis first."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


_name_of = functools.cache(str)  # NumPy puts the name of a type together at each call


def dtype_of(array: Array) -> str:
    """The type of an array's elements."""
    return _name_of(array.dtype)


def is_uniform(array: Array) -> bool:
    """Whether an array is known to be the same in all lanes."""
    if isinstance(array, Small):
        return all(x.uniform for x in array.elements.flat)
    if isinstance(array, Memory):
        return array.buffer.uniform
    return array.uniform if isinstance(array, Lazy) else True


def small_constant(w: Writer, array: np.ndarray) -> Small:
    """A constant as values."""
    dtype, elements = dtype_of(array), np.empty(array.shape, object)
    for number, value in enumerate(array.reshape(-1).tolist()):  # Python's numbers, which the writer remembers
        elements.flat[number] = w.const(value, dtype)
    return Small(elements, dtype)


def whole(position: Sequence[Position]) -> bool:
    """Whether positions are all known now."""
    return all(isinstance(x, int) for x in position)


def flat(w: Writer, position: Sequence[Position], strides: Sequence[int], offset: int = 0) -> Val:
    """The number of an element, as a value; in 32 bits, if each lane has its own."""
    pairs = list(zip(position, strides, strict=True))
    dtype = INDEX if all(isinstance(x, int) or x.uniform for x in position) else "int32"
    total = w.const(offset + sum(x * stride for x, stride in pairs if isinstance(x, int)), dtype)
    for x, stride in pairs:
        if isinstance(x, Val):
            part = w.op("mul", dtype, w.convert(x, dtype), w.const(stride, dtype))
            total = w.op("add", dtype, total, part)
    return total


def positions(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All positions of an array, the last axis fastest."""
    return itertools.product(*map(range, shape))


def at(w: Writer, array: Array, position: Sequence[Position]) -> Val:
    """One element. A small array must be read at known positions."""
    position = tuple(position)
    if isinstance(array, Lazy):
        return array.rule(position)
    if isinstance(array, Memory):
        return w.load(array.buffer, flat(w, position, array.strides, array.offset))
    if isinstance(array, np.ndarray):
        known = tuple(x for x in position if isinstance(x, int))
        if len(known) == len(position):
            return w.const(array[known].item(), dtype_of(array))
        first = array.reshape(-1)[:1]
        if array.tobytes() == first.tobytes() * array.size:
            return w.const(first[0], dtype_of(array))
        return w.load(w.table(array), flat(w, position, dense_strides(array.shape)))
    return array.elements[position]
