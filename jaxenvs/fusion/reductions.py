"""Operations that combine elements: sums, maxima, scans along an axis, sorting, products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxenvs.fusion import elementwise
from jaxenvs.fusion.arrays import Array, Lazy, Memory, Position, Small, at, dense_strides, is_uniform, positions
from jaxenvs.fusion.equations import CannotFuse, Equation
from jaxenvs.fusion.shapes import plus, times
from jaxenvs.fusion.writer import Slot, Val

if TYPE_CHECKING:
    from jaxenvs.fusion.emitter import Emitter

# Products with at most so many multiplications are written out.
_WRITTEN_OUT = 64
# A rule is written out for elements that take at most so many operations in all; else it is written once, in a loop.
_RULE_WRITTEN_OUT = 2_000
# In a long program, elements that take so many operations each are reduced in a loop, though they are few.
_COST_OF_LOOP = 16
# How many results of a product are added up at once.
_TILE = 8


def _monoid(op: str, dtype: str) -> tuple[str, Any]:
    """The operation of two elements, and its neutral element."""
    name = op.rsplit("_", 1)[1] if op.startswith("reduce_") else op.removeprefix("cum")
    if name == "sum":
        return "add", 0
    if name == "prod":
        return "mul", 1
    if name in ("or", "xor"):
        return name, 0
    if name == "and":
        return name, True if dtype == "bool" else -1
    kind = np.dtype(dtype)
    if dtype == "bool":
        return name, name == "min"
    low, high = (-np.inf, np.inf) if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    return name, low if name == "max" else high


def _combine(e: Emitter, name: str, x: Val, y: Val) -> Val:
    if x.dtype == "bool" and name in ("add", "mul"):
        name = "or" if name == "add" else "and"
    return elementwise.OPERATIONS[name](e.w, {}, x, y)


def _tree(e: Emitter, name: str, values: list[Val]) -> Val:
    """All values combined, in pairs. A sum of several zeros is +0, since XLA begins with it."""
    count = len(values)
    while len(values) > 1:
        pairs = [_combine(e, name, a, b) for a, b in zip(values[0::2], values[1::2], strict=False)]
        values = pairs + values[len(pairs) * 2 :]
    (result,) = values
    if name == "add" and count > 1 and result.dtype[0] == "f":
        return _combine(e, name, result, e.w.const(0, result.dtype))
    return result


def _first_sum(count: int) -> float:
    """What a sum of floats begins with: that of a single number is the number, also if it is -0."""
    return -0.0 if count == 1 else 0.0


def _reduce(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    (array,), output = inputs, equation.outputs[0]
    axes = tuple(equation.params["axes"])
    name, neutral = _monoid(equation.op, output.dtype)
    kept = [d for d in range(len(array.shape)) if d not in axes]
    if any(array.shape[d] == 0 for d in axes):
        return np.full(output.shape, np.asarray(neutral).astype(output.dtype))
    reduced = [array.shape[d] for d in axes]

    def place(out: Sequence[Position], inner: Sequence[Position]) -> list[Position]:
        where: list[Position] = [0] * len(array.shape)
        for d, x in (*zip(kept, out, strict=True), *zip(axes, inner, strict=True)):
            where[d] = x
        return where

    if isinstance(array, Small | np.ndarray) and e.is_small(array.shape):
        values = e.small(array).elements
        elements = np.empty(output.shape, object)
        for out in positions(output.shape):
            elements[out] = _tree(e, name, [values[tuple(place(out, inner))] for inner in positions(reduced)])
        return Small(elements, output.dtype)
    array = e.readable(array)
    # Of a sum of floats, the order matters, which a loop changes.
    is_sum = name in ("add", "mul") and output.dtype[0] == "f"
    in_loop = e.w.is_long and not is_sum and isinstance(array, Lazy) and array.cost >= _COST_OF_LOOP
    if math.prod(reduced) <= 8 and not in_loop:

        def rule(out: tuple[Position, ...]) -> Val:
            return _tree(e, name, [at(e.w, array, place(out, inner)) for inner in positions(reduced)])

        if e.is_small(output.shape) and not (
            isinstance(array, Lazy) and array.cost * math.prod(array.shape) > _RULE_WRITTEN_OUT
        ):
            return _values(output.shape, output.dtype, rule)
        cost = math.prod(reduced) * (1 + (array.cost if isinstance(array, Lazy) else 0))
        lazy = Lazy(output.shape, output.dtype, rule, cost, output.uniform)
        return e.own(e.memory(lazy)) if e.is_small(output.shape) else lazy
    uniform = is_uniform(array)

    def total(out: Sequence[Position]) -> Val:
        slot = e.w.slot(output.dtype, uniform)
        e.w.set(slot, e.w.const(neutral, output.dtype))
        with e.loops(reduced) as inner:
            e.w.set(slot, _combine(e, name, e.w.get(slot), at(e.w, array, place(out, inner))))
        return e.w.get(slot)

    if e.is_small(output.shape) and output.size <= 4:
        return _values(output.shape, output.dtype, total)
    target = _new(e, output.shape, output.dtype, uniform)
    with e.loops(output.shape) as out:
        e.put(target, out, total(out))
    return e.own(target)


def _values(shape: tuple[int, ...], dtype: str, rule: Callable[[tuple[int, ...]], Val]) -> Small:
    elements = np.empty(shape, object)
    for position in positions(shape):
        elements[position] = rule(position)
    return Small(elements, dtype)


def _new(e: Emitter, shape: Sequence[int], dtype: str, uniform: bool) -> Memory:
    size = math.prod(shape)
    return Memory(e.w.buffer(dtype, size, uniform), tuple(shape), dense_strides(shape))


def _arg(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    (array,), output = inputs, equation.outputs[0]
    (axis,) = equation.params["axes"]
    size, op = array.shape[axis], "gt" if equation.op == "argmax" else "lt"

    def better(best: Val, x: Val) -> Val:
        if x.dtype == "bool":
            wins = e.w.op("and", "bool", *((x, e.w.not_(best)) if op == "gt" else (e.w.not_(x), best)))
            return wins
        wins = e.w.compare(op, x, best)
        if x.dtype[0] == "f":  # the first NaN wins
            first_nan = e.w.op("and", "bool", e.w.compare("ne", x, x), e.w.compare("eq", best, best))
            best_is_number = e.w.compare("eq", best, best)
            wins = e.w.op("or", "bool", e.w.op("and", "bool", wins, best_is_number), first_nan)
        return wins

    array = array if isinstance(array, Small | np.ndarray) and size <= 32 else e.readable(array)

    def rule(out: Sequence[Position]) -> Val:
        def value(x: Position) -> Val:
            return e.element(array, [*out[:axis], x, *out[axis:]])

        if size <= 32:
            best, number = value(0), e.w.const(0, output.dtype)
            for k in range(1, size):
                x = value(k)
                wins = better(best, x)
                best, number = e.w.select(wins, x, best), e.w.select(wins, e.w.const(k, output.dtype), number)
            return number
        first, uniform = value(0), is_uniform(array)
        best_slot, number_slot = e.w.slot(first.dtype, uniform), e.w.slot(output.dtype, uniform)
        e.w.set(best_slot, first)
        e.w.set(number_slot, e.w.const(0, output.dtype))
        with e.w.loop(size) as k:
            x, best = value(k), e.w.get(best_slot)
            wins = better(best, x)
            e.w.set(number_slot, e.w.select(wins, e.w.convert(k, output.dtype), e.w.get(number_slot)))
            e.w.set(best_slot, e.w.select(wins, x, best))
        return e.w.get(number_slot)

    if e.is_small(output.shape):
        return _values(output.shape, output.dtype, rule)
    target = _new(e, output.shape, output.dtype, is_uniform(array))
    array = e.readable(array)
    with e.loops(output.shape) as out:
        e.put(target, out, rule(out))
    return e.own(target)


def _cumulative(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    (array,), output = inputs, equation.outputs[0]
    axis, reverse = equation.params["axis"], equation.params["reverse"]
    name, neutral = _monoid(equation.op, output.dtype)
    neutral = _first_sum(array.shape[axis]) if name == "add" else neutral
    if name == "logsumexp":
        raise CannotFuse(f"the primitive `{equation.op}` is not supported")
    size = array.shape[axis]
    if e.is_small(output.shape):
        values, elements = e.small(array).elements, np.empty(output.shape, object)
        for out in positions([n for d, n in enumerate(output.shape) if d != axis]):
            total: Val | None = e.w.const(0, output.dtype) if name == "add" and size > 1 else None
            for k in reversed(range(size)) if reverse else range(size):
                where = (*out[:axis], k, *out[axis:])
                total = values[where] if total is None else _combine(e, name, total, values[where])
                elements[where] = total
        return Small(elements, output.dtype)
    array, uniform = e.readable(array), is_uniform(array)
    target = _new(e, output.shape, output.dtype, uniform)
    slot = e.w.slot(output.dtype, uniform)
    with e.loops([n for d, n in enumerate(output.shape) if d != axis]) as out:
        e.w.set(slot, e.w.const(neutral, output.dtype))
        with e.w.loop(size) as k:
            step = plus(e.w, times(e.w, k, -1), size - 1) if reverse else k
            where = (*out[:axis], step, *out[axis:])
            total = _combine(e, name, e.w.get(slot), at(e.w, array, where))
            e.w.set(slot, total)
            e.put(target, where, total)
    return e.own(target)


def _dot_general(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    left, right = inputs
    output = equation.outputs[0]
    (left_sum, right_sum), (left_batch, right_batch) = equation.params["dimension_numbers"]
    left_free = [d for d in range(len(left.shape)) if d not in (*left_sum, *left_batch)]
    right_free = [d for d in range(len(right.shape)) if d not in (*right_sum, *right_batch)]
    summed = [left.shape[d] for d in left_sum]
    if 0 in summed:
        return np.zeros(output.shape, output.dtype)
    if output.dtype == "bool":
        raise CannotFuse("dot_general of bool is not supported")

    def factors(out: Sequence[Position], inner: Sequence[Position]) -> Val:
        batch, rest = out[: len(left_batch)], out[len(left_batch) :]
        where_left: list[Position] = [0] * len(left.shape)
        where_right: list[Position] = [0] * len(right.shape)
        for d, x in (*zip(left_batch, batch, strict=True), *zip(left_sum, inner, strict=True)):
            where_left[d] = x
        for d, x in (*zip(right_batch, batch, strict=True), *zip(right_sum, inner, strict=True)):
            where_right[d] = x
        for d, x in zip(left_free, rest[: len(left_free)], strict=True):
            where_left[d] = x
        for d, x in zip(right_free, rest[len(left_free) :], strict=True):
            where_right[d] = x
        a = e.w.convert(e.element(left, where_left), output.dtype)
        b = e.w.convert(e.element(right, where_right), output.dtype)
        return e.w.op("mul", output.dtype, a, b)

    if output.size * math.prod(summed) <= _WRITTEN_OUT:
        return _values(
            output.shape,
            output.dtype,
            lambda out: _tree(e, "add", [factors(out, inner) for inner in positions(summed)]),
        )
    left, right = e.cheap(left), e.cheap(right)
    uniform = output.uniform
    target = _new(e, output.shape, output.dtype, uniform)
    axis = len(output.shape) - 1
    last = output.shape[-1] if output.shape else 1

    def tile(first: Position, width: int, before: Sequence[Position]) -> None:
        slots: list[Slot] = [e.w.slot(output.dtype, uniform) for _ in range(width)]
        outs = [(*before, plus(e.w, first, k)) if output.shape else () for k in range(width)]
        for slot in slots:
            e.w.set(slot, e.w.const(_first_sum(math.prod(summed)), output.dtype))
        with e.loops(summed) as inner:
            for slot, out in zip(slots, outs, strict=True):
                e.w.set(slot, e.w.op("add", output.dtype, e.w.get(slot), factors(out, inner)))
        for slot, out in zip(slots, outs, strict=True):
            e.put(target, out, e.w.get(slot))

    whole, rest = divmod(last, _TILE)
    with e.loops(output.shape[:axis] if output.shape else ()) as before:
        if whole:
            with e.w.loop(whole) as k:
                tile(times(e.w, k, _TILE), _TILE, before)
        if rest:
            tile(whole * _TILE, rest, before)
    return e.own(target)


def _sort(e: Emitter, equation: Equation, inputs: list[Array]) -> list[Array]:
    """By insertion, which is stable: the arrays are short."""
    axis, num_keys = equation.params["dimension"], equation.params["num_keys"]
    size = inputs[0].shape[axis]
    if size == 1:
        return [e.shared(x, array) for x, array in zip(equation.inputs, inputs, strict=True)]
    uniform = all(x.uniform for x in equation.outputs)
    targets = []
    for x in inputs:
        new = _new(e, x.shape, str(x.dtype), uniform)
        e.write(new, x)
        targets.append(e.own(new))
    others = [n for d, n in enumerate(inputs[0].shape) if d != axis]

    def place(out: Sequence[Position], k: Position) -> list[Position]:
        return [*out[:axis], k, *out[axis:]]

    # Each pass lets the largest of what is left rise to its end: `size` passes of swaps of neighbours that are out of
    # order, all of them at the same positions in all lanes.
    with e.loops(others) as out, e.w.loop(size - 1), e.w.loop(size - 1) as k:
        after = plus(e.w, k, 1)
        first = [at(e.w, x, place(out, k)) for x in targets]
        second = [at(e.w, x, place(out, after)) for x in targets]
        swap = _is_before(e, second[:num_keys], first[:num_keys])
        for target, a, b in zip(targets, first, second, strict=True):
            e.put(target, place(out, k), e.w.select(swap, b, a))
            e.put(target, place(out, after), e.w.select(swap, a, b))
    return targets


def _is_before(e: Emitter, x: Sequence[Val], y: Sequence[Val]) -> Val:
    """Whether keys come before others; NaN comes last, and -0 is 0."""
    result, equal = e.w.const(False, "bool"), e.w.const(True, "bool")
    for a, b in zip(x, y, strict=True):
        if a.dtype == "bool":
            less, same = e.w.op("and", "bool", e.w.not_(a), b), e.w.not_(e.w.op("xor", "bool", a, b))
        else:
            less, same = e.w.compare("lt", a, b), e.w.compare("eq", a, b)
        if a.dtype[0] == "f":
            nan_a, nan_b = e.w.compare("ne", a, a), e.w.compare("ne", b, b)
            less = e.w.op("or", "bool", less, e.w.op("and", "bool", e.w.not_(nan_a), nan_b))
            same = e.w.op("or", "bool", same, e.w.op("and", "bool", nan_a, nan_b))
        result = e.w.op("or", "bool", result, e.w.op("and", "bool", equal, less))
        equal = e.w.op("and", "bool", equal, same)
    return result


OPERATIONS: dict[str, Callable[..., Any]] = {
    "argmax": _arg,
    "argmin": _arg,
    "dot_general": _dot_general,
    "sort": _sort,
    **{f"reduce_{name}": _reduce for name in ("sum", "prod", "max", "min", "and", "or", "xor")},
    **{f"cum{name}": _cumulative for name in ("sum", "prod", "max", "min")},
}
"""Functions of (emitter, equation, arrays)."""
