"""Writes a program: each equation becomes values, loops over elements, or a rule that its readers apply.

An array of few elements is held as values, with its operations written out. A larger one is a `Lazy` rule, so that
chains of operations become one loop, until somebody needs it in memory.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from jaxenvs.fusion import calls, control, elementwise, indexing, reductions, shapes
from jaxenvs.fusion.arrays import (
    Array,
    Lazy,
    Memory,
    Position,
    Small,
    at,
    dense_strides,
    dtype_of,
    flat,
    is_uniform,
    positions,
    small_constant,
    whole,
)
from jaxenvs.fusion.demand import WORTHWHILE, cost_of, costs_of_cases, in_one_loop, readers_of
from jaxenvs.fusion.equations import Atom, Block, CannotFuse, Equation, Var
from jaxenvs.fusion.functions import FUNCTIONS
from jaxenvs.fusion.writer import Val, Writer

UNROLL, UNROLL_LESS, UNROLL_LEAST = 32, 16, 11
"""Up to how many elements an array is held as values; in a program with costly choices between longer ones; and in a
long program.

A loop leaves out what no lane needs more thoroughly, as it computes one element after the other, and its text is short.
"""
# How often a loop is taken to read what is outside; and of how many operations a rule is put into memory in any case.
_OFTEN, _COSTLY_RULE = 1_000_000, 400


@dataclasses.dataclass(slots=True)
class _Waiting:
    """A read that is done when its results have been read.

    Attributes:
        read: what was read.
        count: how many results refer to it.
    """

    read: Var
    count: int


class Emitter:
    """Writes equations with a writer.

    Attributes:
        w: the writer.
        active: where a value matters: the lanes that are in the branch or loop which is being written; None for all.
        functions: those that have been written, of blocks that several calls share.
    """

    def __init__(self, writer: Writer) -> None:
        self.w = writer
        self.active: Val | None = None
        self._arrays: dict[Var, Array] = {}
        self._owned: dict[int, Memory] = {}  # by identity: memory that one variable alone refers to
        self._kept: dict[int, Memory] = {}  # of those, the ones that lanes outside of `active` go on to need
        self._unroll = UNROLL
        self._reads: dict[Var, int] = {}
        self._reads_done: dict[Var, int] = {}  # those whose result does not refer to what was read any more
        self._waiting: dict[Var, list[_Waiting]] = {}  # reads whose results refer to what was read, by these results
        self._case_costs: dict[Equation, tuple[int, int]] = {}
        self._in_one_loop: set[Var] = set()
        self._calls: dict[Block, Equation] = {}  # the first call of each shared block
        self.functions: dict[Block, calls.Function] = {}

    def run(self, block: Block, inputs: Sequence[Array]) -> list[Array]:
        """Writes a block; returns its outputs."""
        for var, array in zip(block.inputs, inputs, strict=True):
            self._define(var, array)
        for equation in block.equations:
            results = self.equation(equation)
            for var, array in zip(equation.outputs, results, strict=True):
                self._define(var, self._settled(var, array))
            self._note_reads_done(equation)
        return [self.array(x) for x in block.outputs]

    def prepare(self, block: Block) -> None:
        """Looks at a program before it is written."""
        self._count_reads(block)
        for inner, readers in readers_of(block):
            self._case_costs |= costs_of_cases(inner, readers)
            self._in_one_loop |= in_one_loop(inner, readers)
        costly = [x.outputs[0].size for x, costs in self._case_costs.items() if max(costs) >= WORTHWHILE]
        self._unroll = UNROLL_LESS if max(costly, default=0) > UNROLL_LESS else UNROLL
        if self.w.is_long:
            self._unroll = UNROLL_LEAST

    def _count_reads(self, block: Block, depth: int = 0, defined: dict[Var, int] | None = None) -> None:
        """Notes how often each variable is read. What a loop reads from outside counts as read often.

        Args:
            block: whose equations read.
            depth: how many loops it lies in.
            defined: the depth of each variable that is in scope.
        """
        defined = {} if defined is None else defined
        defined.update(dict.fromkeys(block.inputs, depth))

        def read(x: Atom) -> None:
            if isinstance(x, Var):
                self._reads[x] = self._reads.get(x, 0) + (1 if defined[x] == depth else _OFTEN)

        for equation in block.equations:
            for x in equation.inputs:
                read(x)
            for inner in equation.blocks:
                if equation.op == "call" and self._calls.setdefault(inner, equation) is not equation:
                    continue
                self._count_reads(inner, depth + (equation.op in ("while", "scan")), defined)
            defined.update(dict.fromkeys(equation.outputs, depth))
        for x in block.outputs:
            read(x)

    def _define(self, var: Var, array: Array) -> None:
        self._arrays[var] = array
        self._reads_done[var] = 0
        self._waiting.pop(var, None)

    def _note_reads_done(self, equation: Equation) -> None:
        """Counts the reads of an equation, as soon as nothing that it defines refers to what was read.

        Rules, and views of memory, refer to what they were made of until they have been read for the last time.
        """
        results = [(x, self._arrays[x]) for x in equation.outputs if self._reads.get(x, 0)]
        for x in equation.inputs:
            if isinstance(x, Var):
                array = self._arrays[x]
                buffer = array.buffer if isinstance(array, Memory) else None
                referring = [
                    result
                    for result, made in results
                    if isinstance(made, Lazy) or (isinstance(made, Memory) and made.buffer is buffer)
                ]
                waiting = _Waiting(x, len(referring))
                for result in referring:
                    self._waiting.setdefault(result, []).append(waiting)
                if not referring:
                    self._note_read_done(x)

    def _note_read_done(self, x: Var) -> None:
        self._reads_done[x] += 1
        if self._reads_done[x] == self._reads.get(x, 0):
            for waiting in self._waiting.pop(x, []):
                waiting.count -= 1
                if not waiting.count:
                    self._note_read_done(waiting.read)

    def reads_last(self, x: Atom) -> bool:
        """Whether the reader that is being written is the last one of a variable."""
        return isinstance(x, Var) and self._reads.get(x, 0) - self._reads_done[x] == 1

    def array(self, x: Atom) -> Array:
        """The array of a variable or a constant."""
        return x if isinstance(x, np.ndarray) else self._arrays[x]

    def _settled(self, var: Var, array: Array) -> Array:
        """The array in memory, if it would be computed again and again."""
        if not isinstance(array, Lazy):
            return array
        again = self._reads.get(var, 0) > 1 and var not in self._in_one_loop
        return self.own(self.memory(array)) if (again and array.cost > 1) or array.cost > _COSTLY_RULE else array

    # Changes of form.

    def small(self, array: Array) -> Small:
        """The array as values."""
        if isinstance(array, Small):
            return array
        if isinstance(array, np.ndarray):
            return small_constant(self.w, array)
        elements = np.empty(array.shape, object)
        for position in positions(array.shape):
            elements[position] = at(self.w, array, position)
        return Small(elements, dtype_of(array))

    def _values(self, array: Array, shape: tuple[int, ...]) -> list[Val]:
        """The elements of an array that is stretched to a shape."""
        elements = self.small(array).elements
        return (elements if elements.shape == shape else np.broadcast_to(elements, shape)).ravel().tolist()

    def memory(self, array: Array) -> Memory:
        """The array in memory; where it is there already, the same memory."""
        if isinstance(array, Memory):
            return array
        if isinstance(array, np.ndarray):
            return Memory(self.w.table(array), array.shape, dense_strides(array.shape))
        return self.copied(array)

    def copied(self, array: Array) -> Memory:
        """The array in new memory of its own."""
        size = math.prod(array.shape)
        buffer = self.w.buffer(dtype_of(array), size, is_uniform(array))
        new = Memory(buffer, tuple(array.shape), dense_strides(array.shape))
        self.write(new, array)
        return new

    def write(self, target: Memory, array: Array, mask: Val | None = None) -> None:
        """Writes all elements into memory, where `mask` is true."""
        if 0 in array.shape:
            return
        if isinstance(array, Small):
            for position in positions(array.shape):
                self.put(target, position, array.elements[position], mask)
            return
        if isinstance(array, np.ndarray) and array.size > 1:
            array = self.readable(array)
        with self.loops(target.shape) as position:
            self.put(target, position, at(self.w, array, position), mask)

    def readable(self, array: Array) -> Array:
        """The array in a form that loops can read."""
        return self.memory(array) if isinstance(array, Small) and array.elements.size > 1 else array

    def put(self, target: Memory, position: Sequence[Position], value: Val, mask: Val | None = None) -> None:
        """Writes one element."""
        self.w.store(target.buffer, flat(self.w, position, target.strides, target.offset), value, mask)

    @contextlib.contextmanager
    def loops(self, shape: Sequence[int]) -> Iterator[tuple[Position, ...]]:
        """Loops over all positions of an array. Axes of one element are position 0."""
        with contextlib.ExitStack() as stack:
            yield tuple(stack.enter_context(self.w.loop(size)) if size > 1 else 0 for size in shape)

    # Equations.

    def equation(self, equation: Equation) -> list[Array]:
        """Writes one equation."""
        op, inputs = equation.op, [self.array(x) for x in equation.inputs]
        if op == "call":
            return calls.call(self, equation, inputs)
        if all(0 in x.shape for x in equation.outputs):
            return [np.zeros(x.shape, x.dtype) for x in equation.outputs]
        if op in control.OPERATIONS:
            return control.OPERATIONS[op](self, equation, inputs)
        (output,) = equation.outputs if len(equation.outputs) == 1 else (None,)
        if op == "bitcast_convert_type" and output is not None and len(output.shape) != len(inputs[0].shape):
            return [shapes.pieces(self, equation, inputs)]
        if op in elementwise.OPERATIONS or op == "convert_element_type":
            assert output is not None
            return [self._elementwise(equation, output, inputs)]
        for module in (shapes, indexing, reductions):
            if op in module.OPERATIONS:
                result = module.OPERATIONS[op](self, equation, inputs)
                return result if isinstance(result, list) else [result]
        raise CannotFuse(f"the primitive `{op}` is not supported")

    def is_small(self, *shapes: Sequence[int]) -> bool:
        """Whether arrays of these shapes are held as values."""
        return all(math.prod(shape) <= self._unroll for shape in shapes)

    def _elementwise(self, equation: Equation, output: Var, inputs: list[Array]) -> Array:
        def compute(values: Sequence[Val]) -> Val:
            if equation.op == "convert_element_type":
                return self.w.convert(values[0], output.dtype)
            operation = partial(elementwise.OPERATIONS[equation.op], self.w, params)
            if equation.op in FUNCTIONS:
                return self.w.called(f"{equation.op} {params} {output.dtype}", operation, *values)
            return operation(*values)

        params = equation.params
        if equation.op in ("div", "rem") and isinstance(inputs[0], np.ndarray) and inputs[0].dtype.kind in "iu":
            params = {"small_dividend": bool(np.all(np.abs(inputs[0].astype(np.int64)) < elementwise.SMALL_DIVIDEND))}
        costs = self._case_costs.get(equation, (0, 0))  # of values; rules know their own
        if self.is_small(output.shape):
            elements = np.empty(output.shape, object)
            operands = [self._values(x, output.shape) for x in inputs]
            for number, values in enumerate(zip(*operands, strict=True)):
                if max(costs) >= WORTHWHILE:
                    elements.flat[number] = self._chosen(output, costs, values.__getitem__)
                else:
                    elements.flat[number] = compute(values)
            return Small(elements, output.dtype)
        # A scalar among arrays, as `select_n` and `clamp` have it, is computed once.
        scalars = {n: at(self.w, x, ()) for n, x in enumerate(inputs) if x.shape == ()}
        stretched = [x.shape not in ((), output.shape) for x in inputs]
        ready = [self.cheap(x) if again else self.readable(x) for x, again in zip(inputs, stretched, strict=True)]
        # What several operands need is computed once.
        token = object()
        parts: dict[object, int] = {token: cost_of(equation.op)}
        for x in ready:
            if isinstance(x, Lazy):
                parts |= x.parts or {x: x.cost}

        def element(n: int, position: tuple[Position, ...]) -> Val:
            if n in scalars:
                return scalars[n]
            # An axis of one element is stretched.
            where = [0 if size == 1 else x for x, size in zip(position, ready[n].shape, strict=True)]
            return at(self.w, ready[n], where)

        if equation.op == "select_n" and len(ready) == 3:
            costs = tuple(cost if isinstance(x, Lazy) else 0 for cost, x in zip(costs, ready[1:], strict=True))

        def rule(position: tuple[Position, ...]) -> Val:
            key = token, *(x if isinstance(x, int) else x.ref for x in position)
            known = self.w.known(key)
            if known is None:
                if max(costs) >= WORTHWHILE:
                    known = self._chosen(output, costs, lambda n: element(n, position))
                else:
                    known = compute([element(n, position) for n in range(len(ready))])
                self.w.remember(key, known)
            return known

        return Lazy(output.shape, output.dtype, rule, sum(parts.values()), output.uniform, parts)

    def _chosen(self, output: Var, costs: Sequence[int], operand: Callable[[int], Val]) -> Val:
        """An element of a choice by a condition, whose costlier case is computed only if a lane needs it.

        Args:
            output: of the choice.
            costs: of the two cases.
            operand: computes the element of the condition, 0, or of a case, 1 or 2.
        """
        w, which, costlier = self.w, operand(0), 1 if costs[1] > costs[0] else 0
        if which.const is not None:
            return operand(1 + int(which.const))
        needed, other = which if costlier else w.not_(which), operand(2 - costlier)
        slot = w.slot(output.dtype, output.uniform)
        w.set(slot, other)
        with w.when(control.matters(self, needed)):
            value = operand(1 + costlier)
            w.set(slot, value if needed.uniform else w.select(needed, value, other))
        return w.get(slot)

    def own(self, memory: Memory, *, kept: bool = False) -> Memory:
        """Declares that nothing but one variable refers to this memory, so that its last reader may change it.

        Args:
            memory: what is owned.
            kept: whether lanes outside of `active` will read what it holds now.
        """
        self._owned[id(memory)] = memory
        if kept:
            self._kept[id(memory)] = memory
        return memory

    def writable(self, source: Atom, array: Array, uniform: bool) -> Memory:
        """Memory with the array's elements, to be changed: its own if nobody else will read it, else a copy."""
        if isinstance(array, Memory) and self.may_write(source, array) and array.buffer.uniform == uniform:
            return array
        if not uniform and is_uniform(array):
            size = math.prod(array.shape)
            new = Memory(self.w.buffer(dtype_of(array), size, False), tuple(array.shape), dense_strides(array.shape))
            self.write(new, array)
            return self.own(new)
        return self.own(self.copied(array))

    def may_write(self, source: Atom, memory: Memory) -> bool:
        """Whether the memory of a variable may be changed by the reader that is being written."""
        return self.reads_last(source) and id(memory) in self._owned

    def replaceable(self, source: Atom, uniform: bool) -> Memory | None:
        """The memory of a variable, if lanes for which it is written over have no use for what it holds."""
        array = self._arrays.get(source) if isinstance(source, Var) else None
        if not isinstance(array, Memory) or not self.may_write(source, array) or id(array) in self._kept:
            return None
        return array if array.buffer.uniform == uniform else None

    def shared(self, source: Atom, array: Array) -> Array:
        """An array that is given one more name: only if the old one is not read again, the new one may own it."""
        if not isinstance(array, Memory) or self.reads_last(source):
            return array
        return Memory(array.buffer, array.shape, array.strides, array.offset)

    def mask_for(self, memory: Memory) -> Val | None:
        """Where memory may be changed."""
        return self.active if id(memory) in self._kept else None

    def cheap(self, array: Array) -> Array:
        """The array, in memory unless an element costs next to nothing."""
        return self.memory(array) if isinstance(array, Lazy) and array.cost > 1 else self.readable(array)

    def with_axis(self, array: Array) -> Array:
        """The array with a first axis of one element."""
        return shapes.with_axis(self, array, 0)

    def element(self, array: Array, position: Sequence[Position]) -> Val:
        """One element of any array."""
        if isinstance(array, Small) and not whole(position):
            array = self.memory(array)
        return at(self.w, array, position)
