"""The kernel of a scan over many lanes: blocks of lanes, all steps of a block, groups of lanes within each step.

A block's state lies in memory of its own, element after element with the lanes side by side, which fits a processor's
first cache. So the loop over steps reads and writes main memory only for what a step is given and what it puts out.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from jaxenvs.fusion.arrays import Array, Lazy, Memory, Small, dense_strides
from jaxenvs.fusion.emitter import Emitter
from jaxenvs.fusion.equations import Block, Var, count
from jaxenvs.fusion.groups import GROUP as GROUP
from jaxenvs.fusion.layout import Kind, Layout
from jaxenvs.fusion.llvm import LLVM, storage
from jaxenvs.fusion.parts import Part
from jaxenvs.fusion.rows import CHUNK, LINE, columns, copy, interleave, offset
from jaxenvs.fusion.writer import INDEX, Buffer, Val

# The most lanes of a block, and the bytes that a block's state should not exceed.
_MOST_LANES, _BLOCK_BYTES = 192, 32 << 10
# Rows of a group up to this size, in bytes, are put together in the first cache and then copied as a whole. Written
# piece by piece to where they belong, they would be sixteen streams, for each of which the processor waits.
_STAGED = 32 << 10
# Outputs of at least so many bytes are written past the caches, which they would fill without being read from them.
# To write to a line that is in no cache, the processor would have to read it first.
_PAST_CACHES = 8 << 20


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel's text.

    Attributes:
        task: in LLVM's language, a module with `@task(context, number of block, workspace)`.
        parts: of a long task, modules with functions that it calls.
        block_lanes: lanes of a full block.
        workspace: bytes that a task needs.
    """

    task: str
    parts: tuple[str, ...]
    block_lanes: int
    workspace: int


LONG = 6_000
"""A program of so many operations is divided into parts, and written for a short text."""


def is_long(step: Block) -> bool:
    """Whether a program is one that is divided into parts."""
    return count(step) >= LONG


def write(step: Block, layout: Layout, group: int = GROUP, on_part: Callable[[str], None] | None = None) -> Kernel:
    """The kernel of a program.

    Args:
        step: one step of one lane: its outputs are what is carried, then what is put out.
        layout: of its inputs.
        group: lanes of one value.
        on_part: is given each of the parts as soon as it is written.
    """
    return _KernelWriter(step, layout, group, on_part).kernel()


class _KernelWriter:
    def __init__(self, step: Block, layout: Layout, group: int, on_part: Callable[[str], None] | None) -> None:
        self.step, self.layout = step, layout
        self.w = LLVM(group, contracts=not step.as_written, is_long=is_long(step))
        self.w.on_part, self.on_part, self.parts = self._has_part, on_part, list[str]()
        self.group = group
        self.num_carried = layout.count(Kind.CARRY)
        held = [x for x, kind in zip(step.inputs, layout, strict=True) if kind in (Kind.OWN, Kind.CARRY)]
        per_lane = sum(x.size * np.dtype(x.dtype).itemsize for x in held)
        lanes = max(1, _BLOCK_BYTES // max(per_lane, 1) // group) * group
        self.block_lanes = min(lanes, _MOST_LANES)

    def kernel(self) -> Kernel:
        """Writes everything."""
        w = self.w
        inputs = self._pointers("inputs", 0, len(self.step.inputs))
        outputs = self._pointers("outputs", 8, len(self.step.outputs))
        lanes, steps = (Val(w.emit("i64", f"load i64, ptr {self._at('%context', k)}"), INDEX, True) for k in (16, 24))
        self.rows_put_out = w.op("mul", INDEX, lanes, steps)
        first, count = self._block_bounds(lanes)
        states = {}
        for number, (pointer, var, kind) in enumerate(zip(inputs, self.step.inputs, self.layout, strict=True)):
            if kind in (Kind.OWN, Kind.CARRY):
                states[number] = self._state(var)
                self._copy(pointer, states[number], var, first, count, into_state=True)
        groups = w.op("lshr", INDEX, count, w.index(self.group.bit_length() - 1))
        with w.loop(steps) as step, w.loop(groups) as number:
            lane = w.op("mul", INDEX, number, w.index(self.group))
            self._group(inputs, outputs, states, lanes, first, step, lane)
        carried = [number for number, kind in enumerate(self.layout) if kind is Kind.CARRY]
        for pointer, number in zip(outputs, carried, strict=False):
            self._copy(pointer, states[number], self.step.inputs[number], first, count, into_state=False)
        task = [
            "define internal void @task(ptr noalias %context, i64 %number, ptr noalias %workspace) #0 {",
            "entry:",
            *(f"  {name} = {instruction}" for name, instruction in w.allocations.items()),
            *w.lines,
            "  ret void",
            "}",
        ]
        return Kernel(w.module(task), tuple(self.parts), self.block_lanes, max(w.workspace, 64))

    def _has_part(self, part: Part) -> None:
        self.parts.append(self.w.module(part.lines))
        if self.on_part is not None:
            self.on_part(self.parts[-1])

    def _at(self, pointer: str, offset: int | str) -> str:
        return self.w.emit("ptr", f"getelementptr i8, ptr {pointer}, i64 {offset}")

    def _pointers(self, name: str, offset: int, count: int) -> list[str]:
        array = self.w.emit("ptr", f"load ptr, ptr {self._at('%context', offset)}")
        return [self.w.emit("ptr", f"load ptr, ptr {self._at(array, 8 * k)}") for k in range(count)]

    def _block_bounds(self, lanes: Val) -> tuple[Val, Val]:
        """The first lane of the block, and how many it has.

        After the full blocks comes one of the remaining full groups, and last one group of the last lanes, some of
        which other blocks compute as well.
        """
        w = self.w
        number, size, group = Val("%number", INDEX, True), w.index(self.block_lanes), w.index(self.group)
        full = w.op("div", INDEX, lanes, size)
        done = w.op("mul", INDEX, full, size)
        rest = w.op("sub", INDEX, lanes, done)
        in_groups = w.op("mul", INDEX, w.op("div", INDEX, rest, group), group)
        is_full = w.compare("lt", number, full)
        is_rest = w.op("and", "bool", w.compare("eq", number, full), w.compare("gt", in_groups, w.index(0)))
        last = w.op("sub", INDEX, lanes, group)
        first = w.select(is_full, w.op("mul", INDEX, number, size), w.select(is_rest, done, last))
        return first, w.select(is_full, size, w.select(is_rest, in_groups, group))

    def _state(self, var: Var) -> Buffer:
        """Memory for an array of all lanes of a block."""
        total = var.size * self.block_lanes * np.dtype(var.dtype).itemsize
        name = "%" + self.w.fresh("state")
        self.w.allocations[name] = f"getelementptr i8, ptr %workspace, i64 {self.w.workspace}"
        self.w.workspace += (total + 127) // 64 * 64
        return Buffer(name, var.dtype, var.size, self.block_lanes)

    def _copy(self, pointer: str, buffer: Buffer, var: Var, first: Val, count: Val, *, into_state: bool) -> None:
        """Copies an array of a block's lanes between JAX's order and the block's."""
        w = self.w
        if var.size == 0:
            return
        if w.is_long:
            self._copy_elements(pointer, buffer, var, first, count, into_state=into_state)
            return
        function = self._copying(np.dtype(var.dtype).itemsize, var.size, into_state=into_state)
        rows = offset(w, pointer, var.dtype, w.op("mul", INDEX, first, w.index(var.size)))
        groups = w.op("lshr", INDEX, count, w.index(self.group.bit_length() - 1))
        w.lines.append(f"  call void {function}(ptr {rows}, ptr {buffer.ref}, i64 {groups.ref})")

    def _copying(self, bytes_each: int, size: int, *, into_state: bool) -> str:
        """A function that copies arrays of a size, of any type: a state has many, and they are copied once a block."""
        name = f"@copy_{'in' if into_state else 'out'}_{bytes_each}_{size}"
        if name not in self.w.functions:
            with self.w.apart() as body:
                self._copy_groups(Var((size,), f"uint{8 * bytes_each}"), into_state=into_state)
            given = "ptr noalias %rows, ptr noalias %state, i64 %groups"
            head = f"define internal void {name}({given}) noinline optsize #0 {{"
            self.w.functions[name] = "\n".join([head, *body, "  ret void", "}"])
        return name

    def _copy_groups(self, var: Var, *, into_state: bool) -> None:
        w = self.w
        with w.loop(Val("%groups", INDEX, True)) as number:
            lane = w.op("mul", INDEX, number, w.index(self.group))
            base = offset(w, "%rows", var.dtype, w.op("mul", INDEX, lane, w.index(var.size)))
            here = Buffer(offset(w, "%state", var.dtype, lane), var.dtype, var.size, self.block_lanes)

            def some(start: Val, length: int) -> None:
                places = [w.op("add", INDEX, start, w.index(k)) for k in range(length)]
                if into_state:
                    for place, value in zip(places, columns(w, base, var, start, length), strict=True):
                        w.store(here, place, value)
                else:
                    interleave(w, base, var.dtype, var.size, start, [w.load(here, place) for place in places])

            whole, rest = divmod(var.size, CHUNK)
            if whole:
                with w.loop(whole) as chunk:
                    some(w.op("mul", INDEX, chunk, w.index(CHUNK)), CHUNK)
            if rest:
                some(w.index(whole * CHUNK), rest)

    def _copy_elements(
        self, pointer: str, buffer: Buffer, var: Var, first: Val, count: Val, *, into_state: bool
    ) -> None:
        """Copies one number after the other, which takes the shortest text."""
        w, kind = self.w, storage(var.dtype)
        with w.loop(count) as lane, w.loop(var.size) as element:
            row = w.op("mul", INDEX, w.op("add", INDEX, first, lane), w.index(var.size))
            outer = w.op("add", INDEX, row, element)
            inner = w.op("add", INDEX, w.op("mul", INDEX, element, w.index(self.block_lanes)), lane)
            ends = [
                w.emit("ptr", f"getelementptr {kind}, ptr {base}, i64 {offset.ref}")
                for base, offset in ((pointer, outer), (buffer.ref, inner))
            ]
            source, target = ends if into_state else ends[::-1]
            value = w.emit(kind, f"load {kind}, ptr {source}")
            w.lines.append(f"  store {kind} {value}, ptr {target}")

    def _group(
        self,
        inputs: Sequence[str],
        outputs: Sequence[str],
        states: dict[int, Buffer],
        lanes: Val,
        first: Val,
        step: Val,
        lane: Val,
    ) -> None:
        """One step of one group of lanes."""
        w, emitter = self.w, Emitter(self.w)
        emitter.prepare(self.step)
        row = w.op("add", INDEX, w.op("mul", INDEX, step, lanes), w.op("add", INDEX, first, lane))
        arrays: list[Array] = []
        memories, before = [], []
        for number, (pointer, var, kind) in enumerate(zip(inputs, self.step.inputs, self.layout, strict=True)):
            if kind is Kind.OWN_STEP:
                base = offset(self.w, pointer, var.dtype, w.op("mul", INDEX, row, w.index(var.size)))
                array = self._rows(base, var, emitter)
            else:
                array = self._dense(self._here(pointer, var, kind, states.get(number), step, lane), var)
            if kind is Kind.CARRY:
                memories.append(array)
            if emitter.is_small(var.shape):
                array = emitter.small(array)
            elif kind in (Kind.CARRY, Kind.OWN_STEP) and isinstance(array, Memory):
                emitter.own(array)
            if kind is Kind.CARRY:
                before.append(array)
            arrays.append(array)
        results = emitter.run(self.step, arrays)
        # What is put out may be read from the state that the step began with.
        for pointer, result in zip(outputs[self.num_carried :], results[self.num_carried :], strict=True):
            self._put_out(emitter, pointer, result, row)
        self._carry(emitter, memories, before, results[: self.num_carried])

    def _here(self, pointer: str, var: Var, kind: Kind, state: Buffer | None, step: Val, lane: Val) -> Buffer:
        """Where the array of this step and group is."""
        if state is not None:
            return Buffer(offset(self.w, state.ref, var.dtype, lane), var.dtype, var.size, self.block_lanes)
        if kind is Kind.SHARED_STEP:
            pointer = offset(self.w, pointer, var.dtype, self.w.op("mul", INDEX, step, self.w.index(var.size)))
        return Buffer(pointer, var.dtype, var.size, None)

    @staticmethod
    def _dense(buffer: Buffer, var: Var) -> Memory:
        return Memory(buffer, var.shape, dense_strides(var.shape))

    def _rows(self, base: str, var: Var, emitter: Emitter) -> Array:
        """An array of each lane from JAX's order, where lanes are rows."""
        w = self.w
        if var.size == 0:
            return np.zeros(var.shape, var.dtype)
        if var.size == 1:
            value = w.load(Buffer(base, var.dtype, 1, self.group), w.index(0))
            elements = np.empty(var.shape, object)
            elements[...] = value
            return Small(elements, var.dtype)
        if emitter.is_small(var.shape):
            elements = np.empty(var.shape, object)
            elements.reshape(-1)[:] = columns(w, base, var, 0, var.size)
            return Small(elements, var.dtype)
        target = w.buffer(var.dtype, var.size, False)
        whole, rest = divmod(var.size, CHUNK)
        if whole:
            with w.loop(whole) as chunk:
                start = w.op("mul", INDEX, chunk, w.index(CHUNK))
                for k, value in enumerate(columns(w, base, var, start, CHUNK)):
                    w.store(target, w.op("add", INDEX, start, w.index(k)), value)
        for k, value in enumerate(columns(w, base, var, whole * CHUNK, rest) if rest else []):
            w.store(target, w.index(whole * CHUNK + k), value)
        return Memory(target, var.shape, dense_strides(var.shape))

    def _carry(self, e: Emitter, memories: list[Memory], old: list[Array], results: list[Array]) -> None:
        """Writes what the next step reads; nothing is written over before all of it is computed."""
        ready = []
        for memory, array in zip(memories, results, strict=True):
            moves = isinstance(array, Memory) and array is not memory and array.buffer in [m.buffer for m in memories]
            ready.append(e.copied(array) if moves or (isinstance(array, Lazy) and memories) else array)
        for memory, before, array in zip(memories, old, ready, strict=True):
            if array is memory or array is before:
                continue
            if isinstance(array, Small) and isinstance(before, Small):
                for position in np.ndindex(*array.shape):
                    if array.elements[position] != before.elements[position]:
                        e.put(memory, position, array.elements[position])
            else:
                e.write(memory, array)

    def _put_out(self, e: Emitter, pointer: str, array: Array, row: Val) -> None:
        """Writes an array of each lane in JAX's order."""
        w, dtype = self.w, str(array.dtype)
        size = math.prod(array.shape)
        if size == 0:
            return
        base = offset(self.w, pointer, dtype, w.op("mul", INDEX, row, w.index(size)))
        small = e.is_small(array.shape)
        if small and size <= CHUNK:
            interleave(w, base, dtype, size, 0, list(e.small(array).elements.flat))
            return
        block, target = size * self.group * np.dtype(dtype).itemsize, base
        if block <= _STAGED and (not small or block >= LINE * self.group):
            base = w.buffer("uint8", block, True).ref
        if small:
            interleave(w, base, dtype, size, 0, list(e.small(array).elements.flat))
        else:
            self._interleave_memory(e, base, array)
        if base != target:
            total = w.op("mul", INDEX, self.rows_put_out, w.index(block // self.group))
            copy(w, target, base, block, w.compare("ge", total, w.index(_PAST_CACHES)))

    def _interleave_memory(self, e: Emitter, base: str, array: Array) -> None:
        """Writes an array of each lane to rows that begin at `base`."""
        w, dtype, size = self.w, str(array.dtype), math.prod(array.shape)
        memory = e.memory(array)
        if not memory.is_dense:
            memory = e.copied(memory)
        whole, rest = divmod(size, CHUNK)

        def elements(start: Val, count: int) -> list[Val]:
            offset = w.op("add", INDEX, start, w.index(memory.offset))
            return [w.load(memory.buffer, w.op("add", INDEX, offset, w.index(k))) for k in range(count)]

        if whole:
            with w.loop(whole) as chunk:
                start = w.op("mul", INDEX, chunk, w.index(CHUNK))
                interleave(w, base, dtype, size, start, elements(start, CHUNK))
        if rest:
            start = w.index(whole * CHUNK)
            interleave(w, base, dtype, size, start, elements(start, rest))
