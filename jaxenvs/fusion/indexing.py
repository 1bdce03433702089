"""Operations that read and write at computed positions. No position is ever outside of its array."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxenvs.fusion import elementwise
from jaxenvs.fusion.arrays import Array, Lazy, Position, Small, at, is_uniform, positions
from jaxenvs.fusion.equations import SCATTERS, Atom, CannotFuse, Equation, Var
from jaxenvs.fusion.shapes import plus
from jaxenvs.fusion.writer import INDEX, Val, Writer

if TYPE_CHECKING:
    from jaxenvs.fusion.emitter import Emitter

LOOK_UPS, COST_OF_LOOK_UP = {"gather", "dynamic_slice"}, 64
"""Operations that read at computed positions, and about how many operations it takes if each lane has its own."""

# A small array is searched for a computed position if it has at most so many elements; else it is put into memory.
_SEARCHED = 16


def _position(w: Writer, x: Val) -> Position:
    """A value as a position; a lane's own is kept in 32 bits."""
    if x.const is not None:
        return int(x.const)
    return w.convert(x, INDEX if x.uniform else "int32")


def _sum(w: Writer, x: Position, y: Position) -> Position:
    if isinstance(x, int) and isinstance(y, int):
        return x + y
    if all(isinstance(z, int) or z.uniform for z in (x, y)):
        return plus(w, x, y)
    return w.op("add", "int32", *(w.const(z, "int32") if isinstance(z, int) else w.convert(z, "int32") for z in (x, y)))


def _count(array: Array) -> int:
    return math.prod(array.shape)


def _clamped(w: Writer, x: Val, largest: int) -> Position:
    """A start in range, and in the range of its type."""
    return 0 if largest <= 0 else _position(w, w.clamp(x, min(largest, int(np.iinfo(x.dtype).max))))


def _is_known(position: Sequence[Position]) -> bool:
    return all(isinstance(x, int) for x in position)


def _is_shared(position: Sequence[Position]) -> bool:
    return all(isinstance(x, int) or x.uniform for x in position)


def ready_to_index(e: Emitter, source: Atom, array: Array, output: Var, *, shared: bool) -> Array:
    """The array in a form that can be read at any position; at positions that lanes share, if `shared`."""
    if isinstance(array, np.ndarray):
        return array
    if isinstance(array, Small):
        return array if array.elements.size <= _SEARCHED else e.memory(array)
    if isinstance(array, Lazy):
        # Not more is computed than there is, and less if not all of it is read.
        once = shared and output.size <= _count(array) and e.reads_last(source)
        return array if once or (shared and array.cost <= 1) else e.memory(array)
    return array


def _cost(array: Array, own: int) -> int:
    """What it costs to compute an element of an array that is read at computed positions, besides `own`."""
    return own + (array.cost if isinstance(array, Lazy) else 0)


def pick(e: Emitter, array: Array, position: Sequence[Position]) -> Val:
    """The element at a position that may differ between lanes; the array has come through `ready_to_index`."""
    if not isinstance(array, Small) or _is_known(position):
        return at(e.w, array, position)
    result: Val | None = None
    for candidate in positions(array.shape):
        hit = _hit(e.w, position, candidate)
        value = array.elements[candidate]
        result = value if result is None else e.w.select(hit, value, result)
    assert result is not None
    return result


def _hit(w: Writer, position: Sequence[Position], candidate: Sequence[int]) -> Val:
    """Whether a position is a certain one."""
    hit = w.const(True, "bool")
    for x, known in zip(position, candidate, strict=True):
        if isinstance(x, int):
            if x != known:
                return w.const(False, "bool")
        else:
            hit = w.op("and", "bool", hit, w.compare("eq", x, w.const(known, x.dtype)))
    return hit


def _dynamic_slice(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    array, indices = inputs[0], inputs[1:]
    output = equation.outputs[0]
    starts = [
        _clamped(e.w, e.small(x).elements.item(), size - part)
        for x, size, part in zip(indices, array.shape, output.shape, strict=True)
    ]
    shared = _is_shared(starts)
    array = ready_to_index(e, equation.inputs[0], array, output, shared=shared)

    def rule(position: tuple[Position, ...]) -> Val:
        return pick(e, array, [_sum(e.w, p, s) for p, s in zip(position, starts, strict=True)])

    if e.is_small(output.shape):
        return _filled(output.shape, output.dtype, rule)
    if isinstance(array, Small):
        array = e.memory(array)
    return Lazy(output.shape, output.dtype, rule, _cost(array, 1 if shared else COST_OF_LOOK_UP), output.uniform)


def _filled(shape: tuple[int, ...], dtype: str, rule: Callable[[tuple[Position, ...]], Val]) -> Small:
    elements = np.empty(shape, object)
    for position in positions(shape):
        elements[position] = rule(position)
    return Small(elements, dtype)


def _dynamic_update_slice(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    array, update, indices = inputs[0], inputs[1], inputs[2:]
    if 0 in update.shape:
        return e.shared(equation.inputs[0], array)
    starts = [
        _clamped(e.w, e.small(x).elements.item(), size - part)
        for x, size, part in zip(indices, array.shape, update.shape, strict=True)
    ]
    if isinstance(array, Small | np.ndarray) and e.is_small(array.shape) and _count(array) * _count(update) <= 256:
        return _small_update(e, e.small(array), e.small(update), starts, None, None)
    update = e.readable(update)
    target = e.writable(equation.inputs[0], array, all(map(is_uniform, (array, update))) and _is_shared(starts))
    with e.loops(update.shape) as position:
        where = [_sum(e.w, p, s) for p, s in zip(position, starts, strict=True)]
        e.put(target, where, at(e.w, update, position), e.mask_for(target))
    return target


def _small_update(
    e: Emitter,
    array: Small,
    update: Small,
    starts: Sequence[Position],
    valid: Val | None,
    combine: Callable[[Val, Val], Val] | None,
) -> Small:
    elements = array.elements.copy()
    for offset in positions(update.elements.shape):
        where = [_sum(e.w, o, s) for o, s in zip(offset, starts, strict=True)]
        value = update.elements[offset]
        for candidate in positions(elements.shape):
            hit = _hit(e.w, where, candidate)
            if valid is not None:
                hit = e.w.op("and", "bool", hit, valid)
            if hit.const is not None and not hit.const:
                continue
            new = value if combine is None else combine(elements[candidate], value)
            elements[candidate] = e.w.select(hit, new, elements[candidate])
    return Small(elements, array.dtype)


def _mode(params: dict[str, Any]) -> str:
    mode = params["mode"]
    return getattr(mode, "name", str(mode)).upper()


def _default_fill(dtype: str) -> Any:
    if dtype == "bool":
        return True
    kind = np.dtype(dtype)
    return np.nan if kind.kind == "f" else np.iinfo(kind).min if kind.kind == "i" else np.iinfo(kind).max


def _starts(
    e: Emitter, indices: Array, batch: Sequence[Position], sizes: Sequence[tuple[int, int]], mode: str
) -> tuple[list[Position], Val]:
    """The first position of each slice, in range, and whether it was in range before.

    Args:
        e: the emitter.
        indices: (*batch, n).
        batch: a position in the batch.
        sizes: of the array and of the slice, along the n axes.
        mode: of the operation.
    """
    starts: list[Position] = []
    valid = e.w.const(True, "bool")
    for number, (size, part) in enumerate(sizes):
        x = e.element(indices, (*batch, number))
        if mode == "FILL_OR_DROP":
            inside = e.w.compare("le", x, e.w.const(_in_range(size - part, x.dtype), x.dtype))
            if x.dtype[0] == "i":
                inside = e.w.op("and", "bool", inside, e.w.compare("ge", x, e.w.const(0, x.dtype)))
            valid = e.w.op("and", "bool", valid, inside)
        starts.append(_clamped(e.w, x, size - part))
    return starts, valid


def _in_range(value: int, dtype: str) -> int:
    return min(value, int(np.iinfo(dtype).max))


def _gather(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    array, indices = inputs
    output, params = equation.outputs[0], equation.params
    numbers, slice_sizes, mode = params["dimension_numbers"], params["slice_sizes"], _mode(params)
    fill = params["fill_value"] if params.get("fill_value") is not None else _default_fill(output.dtype)
    if 0 in array.shape:
        return np.full(output.shape, fill, output.dtype)
    kept = [
        d for d in range(len(array.shape)) if d not in (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
    ]
    batch_axes = [d for d in range(len(output.shape)) if d not in numbers.offset_dims]
    sizes = [(array.shape[d], slice_sizes[d]) for d in numbers.start_index_map]
    shared = is_uniform(indices)
    array = ready_to_index(e, equation.inputs[0], array, output, shared=shared)
    indices = e.memory(indices) if isinstance(indices, Lazy) and indices.cost > 4 else indices

    def source(position: Sequence[Position]) -> tuple[list[Position], Val]:
        batch = [position[d] for d in batch_axes]
        starts, valid = _starts(e, indices, batch, sizes, mode)
        where: list[Position] = [0] * len(array.shape)
        for axis, d in zip(numbers.offset_dims, kept, strict=True):
            where[d] = position[axis]
        for d, axis in zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True):
            where[d] = batch[axis]
        for d, start in zip(numbers.start_index_map, starts, strict=True):
            where[d] = _sum(e.w, where[d], start)
        return where, valid

    def rule(position: tuple[Position, ...]) -> Val:
        where, valid = source(position)
        return e.w.select(valid, pick(e, array, where), e.w.const(fill, output.dtype))

    if e.is_small(output.shape):
        return _filled(output.shape, output.dtype, rule)
    if isinstance(indices, Small):
        indices = e.memory(indices)
    if isinstance(array, Small):
        array = e.memory(array)
    return Lazy(output.shape, output.dtype, rule, _cost(array, 4 if shared else COST_OF_LOOK_UP), output.uniform)


def _combination(e: Emitter, op: str, dtype: str) -> Callable[[Val, Val], Val] | None:
    name = SCATTERS[op]
    if name is None:
        return None
    if dtype == "bool" and name in ("add", "sub", "mul"):
        raise CannotFuse(f"{op} of bool is not supported")
    return lambda old, new: elementwise.OPERATIONS[name](e.w, {}, old, new)


def _scatter(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    array, indices, updates = inputs
    if 0 in updates.shape:
        return e.shared(equation.inputs[0], array)
    params, output = equation.params, equation.outputs[0]
    numbers, mode = params["dimension_numbers"], _mode(params)
    mode = "FILL_OR_DROP" if mode == "PROMISE_IN_BOUNDS" else mode
    combine = _combination(e, equation.op, output.dtype)
    skipped = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
    kept = [d for d in range(len(array.shape)) if d not in skipped]
    batch_axes = [d for d in range(len(updates.shape)) if d not in numbers.update_window_dims]
    window = [1] * len(array.shape)
    for axis, d in zip(numbers.update_window_dims, kept, strict=True):
        window[d] = updates.shape[axis]
    sizes = [(array.shape[d], window[d]) for d in numbers.scatter_dims_to_operand_dims]

    def corner(batch: Sequence[Position]) -> tuple[list[Position], Val]:
        starts, valid = _starts(e, indices, batch, sizes, mode)
        where: list[Position] = [0] * len(array.shape)
        for d, axis in zip(numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, strict=True):
            where[d] = batch[axis]
        for d, start in zip(numbers.scatter_dims_to_operand_dims, starts, strict=True):
            where[d] = _sum(e.w, where[d], start)
        return where, valid

    batch_shape = [updates.shape[d] for d in batch_axes]
    window_shape = [updates.shape[d] for d in numbers.update_window_dims]
    small = isinstance(array, Small | np.ndarray) and e.is_small(array.shape, updates.shape)
    if small and _count(array) * _count(updates) <= 512:
        result = e.small(array)
        for batch in positions(batch_shape):
            where, valid = corner(batch)
            part = np.empty(window, object)
            for offset in positions(window_shape):
                spot = [0] * len(window)
                for d, x in zip(kept, offset, strict=True):
                    spot[d] = x
                part[tuple(spot)] = e.element(updates, _merged(batch_axes, batch, numbers.update_window_dims, offset))
            result = _small_update(e, result, Small(part, output.dtype), where, valid, combine)
        return result
    updates, indices = e.readable(updates), e.readable(indices)
    uniform = all(map(is_uniform, (array, indices, updates)))
    target = e.writable(equation.inputs[0], array, uniform)
    outer = e.mask_for(target)
    with e.loops(batch_shape) as batch:
        where, valid = corner(batch)
        mask = valid if outer is None else e.w.op("and", "bool", valid, outer)
        with e.loops(window_shape) as offset:
            spot = list(where)
            for d, x in zip(kept, offset, strict=True):
                spot[d] = _sum(e.w, spot[d], x)
            value = at(e.w, updates, _merged(batch_axes, batch, numbers.update_window_dims, offset))
            if combine is not None:
                value = combine(at(e.w, target, spot), value)
            e.put(target, spot, value, mask)
    return target


def _merged(
    axes: Sequence[int], batch: Sequence[Position], window_axes: Sequence[int], offset: Sequence[Position]
) -> list[Position]:
    """The position in the updates."""
    result: list[Position] = [0] * (len(axes) + len(window_axes))
    for axis, x in (*zip(axes, batch, strict=True), *zip(window_axes, offset, strict=True)):
        result[axis] = x
    return result


OPERATIONS: dict[str, Callable[..., Any]] = {
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "gather": _gather,
    **dict.fromkeys(SCATTERS, _scatter),
}
"""Functions of (emitter, equation, arrays)."""
