"""Functions of the program that is written: a long block that is called more than once is written once.

What a function is given and what it returns lies in variables of its own: few elements as numbers, many as a pointer to
memory, with the lanes side by side.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from jaxenvs.fusion.arrays import Array, Memory, dense_strides
from jaxenvs.fusion.control import Cell
from jaxenvs.fusion.equations import Block, Equation, Var
from jaxenvs.fusion.flow import Flow
from jaxenvs.fusion.parts import Part
from jaxenvs.fusion.writer import Buffer

if TYPE_CHECKING:
    from jaxenvs.fusion.emitter import Emitter

_Place: TypeAlias = Cell | str
"""Variables for few elements, or one for a pointer to many."""


def call(e: Emitter, equation: Equation, inputs: list[Array]) -> list[Array]:
    """Writes a call of a block, and the block itself if this is the first call."""
    (block,) = equation.blocks
    if not isinstance(e.w, Flow):
        given = [e.shared(x, array) for x, array in zip(equation.inputs, inputs, strict=True)]
        return [e.shared(x, array) for x, array in zip(block.outputs, e.run(block, given), strict=True)]
    if block not in e.functions:
        e.functions[block] = Function(e, e.w, equation.outputs, block)
    return e.functions[block].call(e, e.w, inputs)


class Function:
    """A function with its variables."""

    def __init__(self, e: Emitter, w: Flow, outputs: list[Var], block: Block) -> None:
        self._block, self._outputs = block, outputs
        with w.lasting():  # it may be called from elsewhere
            self._active = w.slot("bool", False)  # for which lanes its values matter
            self._given = [_place(e, w, x) for x in block.inputs]
            self._results = [_place(e, w, x) for x in outputs]
        self._function: list[Part] | None = None

    def call(self, e: Emitter, w: Flow, inputs: list[Array]) -> list[Array]:
        """Writes a call, the first one with the function."""
        w.set(self._active, w.const(True, "bool") if e.active is None else e.active)
        for place, array in zip(self._given, inputs, strict=True):
            if isinstance(place, Cell):
                place.set(array)
            else:
                w.point(place, _side_by_side(e, w, array).buffer.ref)
        memories: list[Memory] = []
        for place, x in zip(self._results, self._outputs, strict=True):
            if isinstance(place, str):
                memories.append(e.own(_memory(w.buffer(x.dtype, x.size, False), x.shape)))
                w.point(place, memories[-1].buffer.ref)
        if self._function is None:
            self._write(e, w)
        else:
            w.call_again(self._function)
        rest = iter(memories)
        return [place.get() if isinstance(place, Cell) else next(rest) for place in self._results]

    def _write(self, e: Emitter, w: Flow) -> None:
        before = e.active
        with w.shared() as self._function:
            e.active = w.get(self._active)
            inputs = [
                place.get() if isinstance(place, Cell) else _pointed(w, place, x)
                for place, x in zip(self._given, self._block.inputs, strict=True)
            ]
            for place, x, array in zip(self._results, self._outputs, e.run(self._block, inputs), strict=True):
                if isinstance(place, Cell):
                    place.set(array)
                else:
                    e.write(_pointed(w, place, x), array)
        e.active = before


def _place(e: Emitter, w: Flow, x: Var) -> _Place:
    return Cell(e, x.shape, x.dtype, False) if e.is_small(x.shape) else w.pointer()


def _memory(buffer: Buffer, shape: tuple[int, ...]) -> Memory:
    return Memory(buffer, shape, dense_strides(shape))


def _pointed(w: Flow, variable: str, x: Var) -> Memory:
    return _memory(Buffer(w.pointed(variable), x.dtype, x.size, w.lanes), x.shape)


def _side_by_side(e: Emitter, w: Flow, array: Array) -> Memory:
    """The array in memory of the form in which functions have it."""
    if isinstance(array, Memory) and array.is_dense and array.offset == 0 and array.buffer.pitch == w.lanes:
        return array
    shape = tuple(array.shape)
    new = _memory(w.buffer(str(array.dtype), math.prod(shape), False), shape)
    e.write(new, array)
    return new
