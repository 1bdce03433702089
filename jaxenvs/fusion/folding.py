"""Constants that are computed once, while a program is read."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Larger arrays are left to the kernel.
_LARGEST = 1 << 16


def _broadcast(x: np.ndarray, params: dict[str, Any]) -> np.ndarray:
    shape = [1] * len(params["shape"])
    for axis, size in zip(params["broadcast_dimensions"], x.shape, strict=True):
        shape[axis] = size
    return np.broadcast_to(x.reshape(shape), params["shape"])


def _slice(x: np.ndarray, params: dict[str, Any]) -> np.ndarray:
    strides = params["strides"] or [1] * x.ndim
    return x[tuple(map(slice, params["start_indices"], params["limit_indices"], strides))]


_STRUCTURE: dict[str, Callable[..., np.ndarray]] = {
    "broadcast_in_dim": _broadcast,
    "reshape": lambda x, p: x.reshape(p["new_sizes"]),
    "transpose": lambda x, p: x.transpose(p["permutation"]),
    "rev": lambda x, p: np.flip(x, p["dimensions"]),
    "slice": _slice,
}
_INTEGERS: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "max": np.maximum,
    "min": np.minimum,
    "sign": np.sign,
    "div": lambda x, y: (np.abs(x) // np.abs(y)) * np.sign(x) * np.sign(y),
    "rem": np.fmod,
    "shift_left": np.left_shift,
    "shift_right_logical": np.right_shift,
}
_FLOATS: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
    "square": np.square,
}
COMPARISONS: dict[str, Callable[..., np.ndarray]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
"""NumPy's functions for comparisons, by the name of the operation."""


def fold(op: str, inputs: Sequence[np.ndarray], output: Any, params: dict[str, Any]) -> np.ndarray | None:
    """The value of an operation on constants, or None where that is left to the kernel.

    Of floats, only those operations are computed that every processor rounds in the same way, and only where no NaN,
    infinity or number below the least normal one comes in. XLA computes them when it compiles as well. So a division by
    what is known then becomes a product in both.

    Args:
        op: name of the primitive.
        inputs: its operands.
        output: the variable that it defines.
        params: its parameters.
    """
    if output.size > _LARGEST:
        return None
    with np.errstate(all="ignore"):
        value = _value(op, inputs, output, params)
    return None if value is None else np.array(value, output.dtype, order="C").reshape(output.shape)


def _value(op: str, inputs: Sequence[np.ndarray], output: Any, params: dict[str, Any]) -> np.ndarray | None:
    if op == "iota":
        shape = [1] * len(output.shape)
        shape[params["dimension"]] = -1
        number = np.arange(output.shape[params["dimension"]]).astype(output.dtype)
        return np.broadcast_to(number.reshape(shape), output.shape)
    if op == "convert_element_type":
        moves_exactly = inputs[0].dtype.kind in "bui" or inputs[0].dtype == output.dtype
        return inputs[0].astype(output.dtype) if moves_exactly else None
    if op in ("squeeze", "expand_dims"):
        return inputs[0].reshape(output.shape)
    if op == "concatenate":
        return np.concatenate(inputs, params["dimension"])
    if op == "stack":
        return np.stack(inputs, params["axis"])
    if op == "select_n" and len(inputs) == 3 and inputs[0].dtype == bool:
        return np.where(inputs[0], inputs[2], inputs[1])
    if op in _STRUCTURE:
        return _STRUCTURE[op](inputs[0], params)
    if op in COMPARISONS or (op in _INTEGERS and inputs[0].dtype.kind in "bui" and _is_defined(op, inputs)):
        # As arrays, since NumPy warns for scalars that wrap around.
        return (COMPARISONS | _INTEGERS)[op](*(np.atleast_1d(x) if output.shape == () else x for x in inputs))
    if op in _FLOATS and output.dtype in ("float32", "float64"):
        if op in ("max", "min") and np.any((inputs[0] == 0) & (inputs[1] == 0)):
            return None  # which of zeros with two signs it is, NumPy does not say
        value = _FLOATS[op](*inputs)
        return value if all(map(_is_normal, (*inputs, value))) else None
    return None


def _is_normal(x: np.ndarray) -> bool:
    """Whether all numbers are normal ones or zero."""
    size = np.abs(x)
    return bool(np.all((x == 0) | ((size >= np.finfo(x.dtype).tiny) & (size < np.inf))))


def _is_defined(op: str, inputs: Sequence[np.ndarray]) -> bool:
    """Whether NumPy's result is XLA's."""
    x, y = inputs[0], inputs[-1]
    if op in ("div", "rem"):
        return not np.any(y == 0) and not (x.dtype.kind == "i" and np.any(x == np.iinfo(x.dtype).min))
    if op.startswith("shift"):
        return x.dtype.kind == "u" and bool(np.all(y < 8 * x.dtype.itemsize))
    return op != "sign" or x.dtype.kind == "i"
