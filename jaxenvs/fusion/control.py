"""Branches and loops. Lanes may take different ways: a branch runs if any lane takes it, a loop until all have left."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxenvs.fusion.arrays import Array, Lazy, Memory, Small, at, dense_strides, is_uniform
from jaxenvs.fusion.equations import Atom, Block, Equation, Var
from jaxenvs.fusion.writer import Slot, Val

if TYPE_CHECKING:
    from jaxenvs.fusion.emitter import Emitter

# A branch of at most so many equations is computed for all lanes, without asking whether any takes it.
_SHORT = 6
# A scan is written out if it has at most so many equations in all.
_WRITTEN_OUT = 256


class Cell:
    """A variable that holds an array: slots for few elements, else memory."""

    def __init__(
        self, e: Emitter, shape: tuple[int, ...], dtype: str, uniform: bool, memory: Memory | None = None
    ) -> None:
        self.e, self.shape, self.dtype, self.uniform = e, shape, dtype, uniform
        self.slots: Any = None  # a NumPy array of Slot
        if memory is not None:
            self.memory = memory
        elif e.is_small(shape):
            self.slots = np.empty(shape, object)
            for position in np.ndindex(*shape):
                self.slots[position] = e.w.slot(dtype, uniform)
        else:
            size = math.prod(shape)
            self.memory = Memory(e.w.buffer(dtype, size, uniform), shape, dense_strides(shape))

    def set(self, array: Array, mask: Val | None = None) -> None:
        """Gives it a value, where `mask` is true."""
        if array is self.array:
            return
        if self.slots is None:
            self.e.write(self.memory, array, mask)
            return
        values = self.e.small(array).elements
        for position in np.ndindex(*self.shape):
            slot: Slot = self.slots[position]
            value = values[position]
            self.e.w.set(slot, value if mask is None else self.e.w.select(mask, value, self.e.w.get(slot)))

    def clear(self) -> None:
        """Gives slots a value, so that lanes for which nothing is computed hold a number at all."""
        if self.slots is not None:
            for slot in self.slots.flat:
                self.e.w.set(slot, self.e.w.const(0, self.dtype))

    @property
    def array(self) -> Array | None:
        """The memory, if it has any: what it holds is what is read."""
        return self.memory if self.slots is None else None

    def get(self) -> Array:
        """What it holds now; memory may change afterwards."""
        if self.slots is None:
            return self.memory
        elements = np.empty(self.shape, object)
        for position in np.ndindex(*self.shape):
            elements[position] = self.e.w.get(self.slots[position])
        return Small(elements, self.dtype)


@contextlib.contextmanager
def _only(e: Emitter, mask: Val) -> Iterator[None]:
    """Within, only some lanes matter."""
    before = e.active
    e.active = mask if before is None else e.w.op("and", "bool", before, mask)
    yield
    e.active = before


def matters(e: Emitter, mask: Val) -> Val:
    """Whether the mask holds in any lane that matters: one answer for all."""
    return e.w.any(mask if e.active is None else e.w.op("and", "bool", mask, e.active))


def _length(block: Block) -> int:
    """About how many operations a block has."""
    total = 0
    for equation in block.equations:
        size = max((x.size for x in equation.outputs), default=1)
        total += size + sum(50 + _length(inner) for inner in equation.blocks)
    return total


def _cond(e: Emitter, equation: Equation, inputs: list[Array]) -> list[Array]:
    index, blocks = e.small(inputs[0]).elements.item(), equation.blocks
    last = len(blocks) - 1
    chosen = [
        e.w.compare("le", index, e.w.const(0, index.dtype))
        if number == 0
        else e.w.compare("ge", index, e.w.const(last, index.dtype))
        if number == last
        else e.w.compare("eq", index, e.w.const(number, index.dtype))
        for number in range(len(blocks))
    ]
    results: dict[int, Array] = {}
    differing = []
    for number, output in enumerate(equation.outputs):
        sources = [block.outputs[number] for block in blocks]
        if all(x is sources[0] for x in sources) and not _computed_in(blocks, sources[0]):
            results[number] = e.shared(sources[0], e.array(sources[0]))
        else:
            differing.append((number, output))
    # A branch that only passes on what there is comes first; then each other one replaces what it computes.
    order = sorted(range(len(blocks)), key=lambda k: (len(blocks[k].equations) > 0, -k))
    passed_on = None if blocks[order[0]].equations else blocks[order[0]].outputs
    cells = {}
    for n, x in differing:
        # What is passed on stays where it is, if nobody else reads it, and the other branches write over it.
        memory = None if passed_on is None else e.replaceable(passed_on[n], x.uniform)
        cells[n] = Cell(e, x.shape, x.dtype, x.uniform, memory)
    if passed_on is None or index.uniform:
        for cell in cells.values():
            cell.clear()
    for turn, k in enumerate(order):
        mask, block = chosen[k], blocks[k]
        if turn == 0 and not block.equations and not index.uniform:
            for number, cell in cells.items():
                cell.set(e.array(block.outputs[number]))
            continue
        short = _length(block) <= _SHORT and not index.uniform
        with contextlib.ExitStack() as stack:
            if not short:
                stack.enter_context(e.w.when(matters(e, mask)))
            if not index.uniform:
                stack.enter_context(_only(e, mask))
            outputs = e.run(block, [])
            for number, cell in cells.items():
                # The first to be written needs no mask: what other lanes get from it is written over later.
                cell.set(outputs[number], None if index.uniform or (turn == 0 and short) else mask)
    for number, cell in cells.items():
        array = cell.get()
        results[number] = e.own(array) if isinstance(array, Memory) else array
    return [results[number] for number in range(len(equation.outputs))]


def _computed_in(blocks: Sequence[Block], x: Any) -> bool:
    return isinstance(x, Var) and any(x in equation.outputs for block in blocks for equation in block.equations)


def carry_cells(e: Emitter, variables: Sequence[Var], sources: Sequence[Atom], arrays: Sequence[Array]) -> list[Cell]:
    """Variables for what a loop carries, with its first values, which are those of `sources`."""
    cells = []
    for var, source, array in zip(variables, sources, arrays, strict=True):
        cell = Cell(e, var.shape, var.dtype, var.uniform, e.replaceable(source, var.uniform))
        cell.set(array)
        cells.append(cell)
    return cells


def update_cells(e: Emitter, cells: list[Cell], outputs: list[Array], mask: Val | None) -> None:
    """Gives all cells their next values, none of which may be read from a cell that was already changed."""
    ready: list[Array] = []
    memories = {id(cell.memory.buffer) for cell in cells if cell.slots is None}
    for cell, array in zip(cells, outputs, strict=True):
        unsafe = isinstance(array, Lazy) or (
            isinstance(array, Memory) and array is not cell.array and id(array.buffer) in memories
        )
        ready.append(e.copied(array) if unsafe and len(memories) > 0 else array)
    for cell, array in zip(cells, ready, strict=True):
        cell.set(array, mask)


def _while(e: Emitter, equation: Equation, inputs: list[Array]) -> list[Array]:
    condition, body = equation.blocks
    cells = carry_cells(e, condition.inputs, equation.inputs, inputs)
    with e.w.forever():
        carried = [cell.get() for cell in cells]
        (going,) = (e.small(x).elements.item() for x in e.run(condition, carried))
        if going.uniform:
            e.w.leave_unless(going)
            update_cells(e, cells, _run_owning(e, body, carried, kept=False), None)
        else:
            mask = going if e.active is None else e.w.op("and", "bool", going, e.active)
            e.w.leave_unless(e.w.any(mask))
            with _only(e, going):
                outputs = _run_owning(e, body, carried, kept=True)
                update_cells(e, cells, outputs, mask)
    return [_owned(e, cell) for cell in cells]


def _run_owning(e: Emitter, body: Block, carried: list[Array], *, kept: bool) -> list[Array]:
    for array in carried:
        if isinstance(array, Memory):
            e.own(array, kept=kept)
    return e.run(body, carried)


def _owned(e: Emitter, cell: Cell) -> Array:
    array = cell.get()
    # A new view, since nothing is kept for other lanes any more.
    return e.own(Memory(array.buffer, array.shape, array.strides)) if isinstance(array, Memory) else array


def _scan(e: Emitter, equation: Equation, inputs: list[Array]) -> list[Array]:
    (body,), params = equation.blocks, equation.params
    length, num_carry = params["length"], params["num_carry"]
    carry, xs = inputs[:num_carry], inputs[num_carry:]
    outputs = equation.outputs[num_carry:]
    small = all(e.is_small(x.shape) for x in outputs) and all(e.is_small(x.shape) for x in xs)
    if length == 1 or (small and length * _length(body) <= _WRITTEN_OUT):
        return _written_out(e, equation, carry, xs)
    cells = carry_cells(e, body.inputs[:num_carry], equation.inputs[:num_carry], carry)
    xs = [e.cheap(x) for x in xs]
    results = [Memory(e.w.buffer(x.dtype, x.size, x.uniform), x.shape, dense_strides(x.shape)) for x in outputs]
    with e.w.loop(length) as step:
        if params["reverse"]:
            step = e.w.op("sub", step.dtype, e.w.index(length - 1), step)
        slices = [_row(e, x, var, step) for x, var in zip(xs, body.inputs[num_carry:], strict=True)]
        after = _run_owning(e, body, [*(cell.get() for cell in cells), *slices], kept=False)
        for result, row in zip(results, after[num_carry:], strict=True):
            _write_row(e, result, row, step)
        update_cells(e, cells, after[:num_carry], None)
    return [*(_owned(e, cell) for cell in cells), *(e.own(x) for x in results)]


def _row(e: Emitter, array: Array, var: Var, step: Val) -> Array:
    if e.is_small(var.shape):
        elements = np.empty(var.shape, object)
        for position in np.ndindex(*var.shape):
            elements[position] = e.element(array, (step, *position))
        return Small(elements, var.dtype)
    ready = e.readable(array)
    return Lazy(var.shape, var.dtype, lambda p: at(e.w, ready, (step, *p)), 0, is_uniform(ready))


def _write_row(e: Emitter, target: Memory, row: Array, step: Val) -> None:
    if 0 in row.shape:
        return
    if isinstance(row, Small):
        for position in np.ndindex(*row.shape):
            e.put(target, (step, *position), row.elements[position])
        return
    row = e.readable(row)
    with e.loops(row.shape) as position:
        e.put(target, (step, *position), e.element(row, position))


def _written_out(e: Emitter, equation: Equation, carry: list[Array], xs: list[Array]) -> list[Array]:
    (body,), params = equation.blocks, equation.params
    length, num_carry = params["length"], params["num_carry"]
    rows: dict[int, list[Array]] = {}
    carry = [e.shared(x, array) for x, array in zip(equation.inputs, carry, strict=False)]
    xs = [x if isinstance(x, np.ndarray | Small) else e.cheap(x) for x in xs]
    for step in reversed(range(length)) if params["reverse"] else range(length):
        slices = [_known_row(e, x, var, step) for x, var in zip(xs, body.inputs[num_carry:], strict=True)]
        after = [e.shared(x, y) for x, y in zip(body.outputs, e.run(body, [*carry, *slices]), strict=True)]
        carry, rows[step] = after[:num_carry], after[num_carry:]
    results: list[Array] = []
    for number, output in enumerate(equation.outputs[num_carry:]):
        parts = [rows[step][number] for step in range(length)]
        if e.is_small(output.shape):
            results.append(Small(np.stack([e.small(x).elements for x in parts]), output.dtype))
        else:  # of one step
            results.append(e.with_axis(parts[0]))
    return [*carry, *results]


def _known_row(e: Emitter, array: Array, var: Var, step: int) -> Array:
    if isinstance(array, np.ndarray):
        return np.array(array[step], order="C")
    if isinstance(array, Small):
        return Small(np.asarray(array.elements[step], object).reshape(var.shape), array.dtype)
    if isinstance(array, Memory):
        offset = array.offset + step * array.strides[0]
        return Memory(array.buffer, var.shape, array.strides[1:], offset)
    return Lazy(var.shape, var.dtype, lambda p: at(e.w, array, (step, *p)), array.cost, array.uniform)


OPERATIONS: dict[str, Callable[..., list[Array]]] = {"cond": _cond, "while": _while, "scan": _scan}
"""Functions of (emitter, equation, arrays)."""
