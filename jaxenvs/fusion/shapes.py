"""Operations that move elements and compute nothing: views of memory, and rules for positions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxenvs.fusion.arrays import Array, Lazy, Memory, Position, Small, at, dense_strides, dtype_of, is_uniform
from jaxenvs.fusion.equations import CannotFuse, Equation
from jaxenvs.fusion.writer import INDEX, Val, Writer

if TYPE_CHECKING:
    from jaxenvs.fusion.emitter import Emitter


def _moved(
    e: Emitter,
    array: Array,
    shape: tuple[int, ...],
    of_numpy: Callable[[np.ndarray], np.ndarray],
    strides: Callable[[Memory], Memory | None],
    source: Callable[[tuple[Position, ...]], Sequence[Position]],
) -> Array:
    """A view of an array.

    Args:
        e: the emitter.
        array: what is viewed.
        shape: of the view.
        of_numpy: the operation for NumPy arrays.
        strides: the operation for memory, or None where strides cannot say it.
        source: where an element of the view lies in the array.
    """
    if isinstance(array, np.ndarray):
        return np.array(of_numpy(array), order="C").reshape(shape)
    if isinstance(array, Small) and e.is_small(shape):
        return Small(np.asarray(of_numpy(array.elements), object).reshape(shape), array.dtype)
    array = e.readable(array)
    if isinstance(array, Small):
        value = array.elements.item()
        return Lazy(shape, array.dtype, lambda _: value, 0, value.uniform)
    if isinstance(array, Memory):
        view = strides(array)
        if view is not None:
            return view
    if e.is_small(shape):
        elements = np.empty(shape, object)
        for position in np.ndindex(*shape):
            elements[position] = at(e.w, array, source(position))
        return Small(elements, dtype_of(array))
    cost = array.cost if isinstance(array, Lazy) else 0
    return Lazy(shape, dtype_of(array), lambda p: at(e.w, array, source(p)), cost, is_uniform(array))


def _broadcast_in_dim(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    (array,) = inputs[:1]
    shape, axes = tuple(equation.params["shape"]), equation.params["broadcast_dimensions"]
    stretched = tuple(size != shape[axis] for size, axis in zip(array.shape, axes, strict=True))

    def of_numpy(x: np.ndarray) -> np.ndarray:
        new = [1] * len(shape)
        for size, axis in zip(x.shape, axes, strict=True):
            new[axis] = size
        return np.broadcast_to(x.reshape(new), shape)

    def strides(x: Memory) -> Memory:
        new = [0] * len(shape)
        for axis, stride, is_stretched in zip(axes, x.strides, stretched, strict=True):
            new[axis] = 0 if is_stretched else stride
        return Memory(x.buffer, shape, tuple(new), x.offset)

    def source(position: tuple[Position, ...]) -> list[Position]:
        return [0 if is_stretched else position[axis] for axis, is_stretched in zip(axes, stretched, strict=True)]

    if isinstance(array, Lazy) and math.prod(shape) > math.prod(array.shape):
        array = e.cheap(array)
    return _moved(e, array, shape, of_numpy, strides, source)


def _reshape(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    array, shape = inputs[0], equation.outputs[0].shape
    old = tuple(array.shape)
    kept_old, kept_new = [a for a, n in enumerate(old) if n > 1], [a for a, n in enumerate(shape) if n > 1]
    same = [old[a] for a in kept_old] == [shape[a] for a in kept_new]

    def strides(x: Memory) -> Memory | None:
        if same:
            new = [0] * len(shape)
            for a, b in zip(kept_old, kept_new, strict=True):
                new[b] = x.strides[a]
            return Memory(x.buffer, shape, tuple(new), x.offset)
        dense = dense_strides(old)
        if all(stride == wanted or n == 1 for stride, wanted, n in zip(x.strides, dense, old, strict=True)):
            return Memory(x.buffer, shape, dense_strides(shape), x.offset)
        return None

    def source(position: tuple[Position, ...]) -> list[Position]:
        if same:
            new: list[Position] = [0] * len(old)
            for a, b in zip(kept_old, kept_new, strict=True):
                new[a] = position[b]
            return new
        return unflattened(e.w, flattened(e.w, position, shape), old)

    return _moved(e, array, shape, lambda x: x.reshape(shape), strides, source)


def flattened(w: Writer, position: Sequence[Position], shape: Sequence[int]) -> Position:
    """The number of an element."""
    total: Position = 0
    for x, stride in zip(position, dense_strides(shape), strict=True):
        total = plus(w, total, times(w, x, stride))
    return total


def unflattened(w: Writer, number: Position, shape: Sequence[int]) -> list[Position]:
    """The position of the element with a number."""
    result: list[Position] = []
    for size, stride in zip(shape, dense_strides(shape), strict=True):
        if size == 1:
            result.append(0)
        elif isinstance(number, int):
            result.append(number // stride % size)
        else:
            part = w.op("div", "uint64", w.convert(number, "uint64"), w.const(stride, "uint64"))
            rest = w.op("rem", "uint64", part, w.const(size, "uint64"))
            result.append(w.convert(rest, INDEX))
    return result


def plus(w: Writer, x: Position, y: Position) -> Position:
    """The sum of two positions."""
    if isinstance(x, int) and isinstance(y, int):
        return x + y
    return w.op("add", INDEX, as_value(w, x), as_value(w, y))


def times(w: Writer, x: Position, factor: int) -> Position:
    """A multiple of a position."""
    return x * factor if isinstance(x, int) else w.op("mul", INDEX, x, w.index(factor))


def as_value(w: Writer, x: Position) -> Val:
    """A position as a value."""
    return w.index(x) if isinstance(x, int) else x


def _transpose(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    order = equation.params["permutation"]

    def strides(x: Memory) -> Memory:
        return Memory(x.buffer, equation.outputs[0].shape, tuple(x.strides[a] for a in order), x.offset)

    def source(position: tuple[Position, ...]) -> list[Position]:
        return [position[order.index(a)] for a in range(len(order))]

    return _moved(e, inputs[0], equation.outputs[0].shape, lambda x: x.transpose(order), strides, source)


def _slice(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    starts, limits = equation.params["start_indices"], equation.params["limit_indices"]
    steps = equation.params["strides"] or (1,) * len(starts)

    def strides(x: Memory) -> Memory:
        offset = x.offset + sum(a * b for a, b in zip(starts, x.strides, strict=True))
        new = tuple(a * b for a, b in zip(steps, x.strides, strict=True))
        return Memory(x.buffer, equation.outputs[0].shape, new, offset)

    def source(position: tuple[Position, ...]) -> list[Position]:
        return [plus(e.w, times(e.w, p, k), s) for p, k, s in zip(position, steps, starts, strict=True)]

    cut = tuple(map(slice, starts, limits, steps))
    return _moved(e, inputs[0], equation.outputs[0].shape, lambda x: x[cut], strides, source)


def _rev(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    axes, shape = equation.params["dimensions"], equation.outputs[0].shape

    def strides(x: Memory) -> Memory:
        offset = x.offset + sum((shape[a] - 1) * x.strides[a] for a in axes)
        new = tuple(-s if a in axes else s for a, s in enumerate(x.strides))
        return Memory(x.buffer, shape, new, offset)

    def source(position: tuple[Position, ...]) -> list[Position]:
        return [plus(e.w, times(e.w, p, -1), shape[a] - 1) if a in axes else p for a, p in enumerate(position)]

    return _moved(e, inputs[0], shape, lambda x: np.flip(x, axes), strides, source)


def _joined(e: Emitter, shape: tuple[int, ...], dtype: str, axis: int, parts: list[Array], stacked: bool) -> Array:
    """Arrays one after another along an axis."""
    if stacked:
        parts = [with_axis(e, x, axis) for x in parts]
    if e.is_small(shape):
        return Small(np.concatenate([e.small(x).elements for x in parts], axis), dtype)
    uniform = all(is_uniform(x) for x in parts)
    buffer = e.w.buffer(dtype, math.prod(shape), uniform)
    strides, offset = dense_strides(shape), 0
    for part in parts:
        e.write(Memory(buffer, tuple(part.shape), strides, offset * strides[axis]), part)
        offset += part.shape[axis]
    return Memory(buffer, shape, strides)


def with_axis(e: Emitter, array: Array, axis: int) -> Array:
    """The array with one more axis, of one element."""
    shape = (*array.shape[:axis], 1, *array.shape[axis:])

    def strides(x: Memory) -> Memory:
        return Memory(x.buffer, shape, (*x.strides[:axis], 0, *x.strides[axis:]), x.offset)

    def source(position: tuple[Position, ...]) -> Sequence[Position]:
        return (*position[:axis], *position[axis + 1 :])

    return _moved(e, array, shape, lambda x: x.reshape(shape), strides, source)


def _concatenate(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    output = equation.outputs[0]
    return _joined(e, output.shape, output.dtype, equation.params["dimension"], inputs, stacked=False)


def _stack(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    output = equation.outputs[0]
    return _joined(e, output.shape, output.dtype, equation.params["axis"], inputs, stacked=True)


def _split(e: Emitter, equation: Equation, inputs: list[Array]) -> list[Array]:
    axis, start, results = equation.params["axis"], 0, []
    for output in equation.outputs:
        limits = list(inputs[0].shape)
        starts = [0] * len(limits)
        starts[axis], limits[axis] = start, start + output.shape[axis]
        start = limits[axis]
        params = {"start_indices": tuple(starts), "limit_indices": tuple(limits), "strides": None}
        results.append(_slice(e, Equation("slice", [], [output], params, []), inputs))
    return results


def _unstack(e: Emitter, equation: Equation, inputs: list[Array]) -> list[Array]:
    shape, axis, results = inputs[0].shape, equation.params["axis"], []
    for number, output in enumerate(equation.outputs):
        starts, limits = [0] * len(shape), list(shape)
        starts[axis], limits[axis] = number, number + 1
        part = tuple(b - a for a, b in zip(starts, limits, strict=True))
        params = {"start_indices": tuple(starts), "limit_indices": tuple(limits), "strides": None}
        cut = _slice(e, Equation("slice", [], [type(output)(part, output.dtype)], params, []), inputs)
        results.append(_reshape(e, Equation("reshape", [], [output], {}, []), [cut]))
    return results


def _tile(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    array, shape = inputs[0], equation.outputs[0].shape
    repeats = tuple(a // b for a, b in zip(shape, array.shape, strict=True))

    def source(position: tuple[Position, ...]) -> list[Position]:
        result: list[Position] = []
        for p, size in zip(position, array.shape, strict=True):
            if isinstance(p, int):
                result.append(p % size)
            else:
                rest = e.w.op("rem", "uint64", e.w.convert(p, "uint64"), e.w.const(size, "uint64"))
                result.append(e.w.convert(rest, INDEX))
        return result

    return _moved(e, e.cheap(array), shape, lambda x: np.tile(x, repeats), lambda x: None, source)


def _pad(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    array, filling = inputs
    output, config = equation.outputs[0], equation.params["padding_config"]
    fill = e.small(filling).elements.item()
    if e.is_small(output.shape, array.shape):
        elements = np.full(output.shape, fill, object)
        values = e.small(array).elements
        for position in np.ndindex(*array.shape):
            target = tuple(low + p * (inner + 1) for p, (low, _, inner) in zip(position, config, strict=True))
            if all(0 <= t < n for t, n in zip(target, output.shape, strict=True)):
                elements[target] = values[position]
        return Small(elements, output.dtype)
    buffer = e.w.buffer(output.dtype, output.size, is_uniform(array) and fill.uniform)
    target = Memory(buffer, output.shape, dense_strides(output.shape))
    e.write(target, Lazy(output.shape, output.dtype, lambda _: fill, 0, fill.uniform))
    # The part of the array that lies within the output, which negative padding may cut.
    first = [-(-max(0, -low) // (inner + 1)) for low, _, inner in config]
    last = [
        min(size - 1, (n - 1 - low) // (inner + 1))
        for size, n, (low, _, inner) in zip(array.shape, output.shape, config, strict=True)
    ]
    if any(b < a for a, b in zip(first, last, strict=True)):
        return target
    part = tuple(b - a + 1 for a, b in zip(first, last, strict=True))
    params = {"start_indices": tuple(first), "limit_indices": tuple(b + 1 for b in last), "strides": None}
    cut = _slice(e, Equation("slice", [], [type(output)(part, output.dtype)], params, []), [array])
    strides = tuple(stride * (inner + 1) for stride, (_, _, inner) in zip(target.strides, config, strict=True))
    offset = sum(
        (low + a * (inner + 1)) * stride
        for a, stride, (low, _, inner) in zip(first, target.strides, config, strict=True)
    )
    e.write(Memory(buffer, part, strides, offset), cut)
    return target


def pieces(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    """`bitcast_convert_type` to a smaller type: the pieces of each number, the lowest first, along a new axis."""
    (array,), output = inputs, equation.outputs[0]
    if len(output.shape) < len(array.shape):
        raise CannotFuse("bitcast_convert_type to a larger type is not supported")
    bits, word = 8 * np.dtype(output.dtype).itemsize, f"uint{8 * np.dtype(str(array.dtype)).itemsize}"
    array = e.memory(array) if isinstance(array, Lazy) and array.cost > 1 else e.readable(array)

    def rule(position: tuple[Position, ...]) -> Val:
        whole = at(e.w, array, position[:-1])
        whole = whole if whole.dtype == word else e.w.op("bitcast", word, whole)
        shift = e.w.op("mul", INDEX, as_value(e.w, position[-1]), e.w.index(bits))
        part = e.w.convert(e.w.op("lshr", word, whole, e.w.convert(shift, word)), f"uint{bits}")
        return part if part.dtype == output.dtype else e.w.op("bitcast", output.dtype, part)

    if e.is_small(output.shape) and isinstance(array, Small | np.ndarray):
        elements = np.empty(output.shape, object)
        for position in np.ndindex(*output.shape):
            elements[position] = rule(position)
        return Small(elements, output.dtype)
    return Lazy(output.shape, output.dtype, rule, 3, output.uniform)


def _iota(e: Emitter, equation: Equation, inputs: list[Array]) -> Array:
    output, axis = equation.outputs[0], equation.params["dimension"]

    def rule(position: tuple[Position, ...]) -> Val:
        return e.w.convert(as_value(e.w, position[axis]), output.dtype)

    return Lazy(output.shape, output.dtype, rule, 1, uniform=True)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "broadcast_in_dim": _broadcast_in_dim,
    "reshape": _reshape,
    "squeeze": _reshape,
    "expand_dims": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "rev": _rev,
    "concatenate": _concatenate,
    "stack": _stack,
    "split": _split,
    "unstack": _unstack,
    "tile": _tile,
    "pad": _pad,
    "iota": _iota,
}
"""Functions of (emitter, equation, arrays)."""
