"""What XLA hands to a handler, laid out as its header says."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

from jaxenvs.fusion import handler

POINTER = ctypes.c_void_p
Api = ctypes.CFUNCTYPE(POINTER, ctypes.POINTER(POINTER))
"""A function of XLA's interface."""


def call(
    address: int,
    functions: Mapping[str, Any],
    inputs: Sequence[int],
    outputs: Sequence[int],
    lanes: int,
    steps: int,
) -> int | None:
    """Calls a handler.

    Args:
        address: of the handler.
        functions: by their names in the header, each an `Api`.
        inputs: addresses of the arrays that it reads.
        outputs: addresses of the arrays that it writes.
        lanes: an attribute.
        steps: an attribute.

    Returns:
        The error that it returns.
    """
    offsets, _ = handler.interface()
    api = (ctypes.c_int64 * 64)()
    for name, function in functions.items():
        api[offsets[name] // 8] = ctypes.cast(function, POINTER).value or 0

    def array(*numbers: int) -> Any:
        return (ctypes.c_int64 * max(len(numbers), 1))(*numbers)

    buffers = [array(48, 0, 0, data, 0, 0) for data in (*inputs, *outputs)]
    values = [array(lanes), array(steps)]
    scalars = [array(0, ctypes.addressof(x)) for x in values]
    arguments = array(*map(ctypes.addressof, buffers[: len(inputs)]))
    results = array(*map(ctypes.addressof, buffers[len(inputs) :]))
    attributes = array(*map(ctypes.addressof, scalars))
    frame = array(
        168, 0, ctypes.addressof(api), 777, 0,
        40, 0, len(inputs), 0, ctypes.addressof(arguments),
        40, 0, len(outputs), 0, ctypes.addressof(results),
        48, 0, 2, 0, 0, ctypes.addressof(attributes),
    )  # fmt: skip
    return ctypes.CFUNCTYPE(POINTER, POINTER)(address)(ctypes.addressof(frame))
