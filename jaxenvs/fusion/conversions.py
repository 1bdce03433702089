"""Numbers of one type as numbers of another, in LLVM's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxenvs.fusion.llvm import LLVM


def is_float(dtype: str) -> bool:
    """Whether a type is one of floats."""
    return dtype[0] == "f"


def is_signed(dtype: str) -> bool:
    """Whether a type is one of signed integers."""
    return dtype[0] == "i"


def converted(w: LLVM, given: str, dtype: str, uniform: bool, ref: str) -> str:
    """A value as one of another type.

    Args:
        w: the writer.
        given: the type that the value has.
        dtype: the type that it should have.
        uniform: whether it is one number for all lanes.
        ref: the value.
    """
    source, kind, is_vector = w.type(given, uniform), w.type(dtype, uniform), not uniform and w.lanes > 1
    if dtype == "bool":
        zero = "zeroinitializer" if is_vector else w.literal(0, given)
        return w.emit(kind, f"{'fcmp une' if is_float(given) else 'icmp ne'} {source} {ref}, {zero}")
    if is_float(given) and is_float(dtype):
        return w.emit(kind, f"{'fpext' if dtype == 'float64' else 'fptrunc'} {source} {ref} to {kind}")
    if is_float(given):
        if is_vector:
            return _lanes_to_integers(w, given, dtype, ref)
        name = f"llvm.fpto{'s' if is_signed(dtype) else 'u'}i.sat.{w.suffix(dtype, uniform)}.{w.suffix(given, uniform)}"
        return w.intrinsic(name, kind, f"{source} {ref}")
    if given == "bool" and is_float(dtype) and is_vector:
        # Of the mask of lanes, one instruction; as the conversion of an integer, three.
        one = f"splat ({w.type(dtype, True)} {w.literal(1, dtype)})"
        return w.emit(kind, f"select {source} {ref}, {kind} {one}, {kind} zeroinitializer")
    if is_float(dtype):
        return w.emit(kind, f"{'s' if is_signed(given) else 'u'}itofp {source} {ref} to {kind}")
    if source == kind:
        return ref
    smaller = np.dtype(dtype).itemsize <= np.dtype(given).itemsize and given != "bool"
    word = "trunc" if smaller else "sext" if is_signed(given) else "zext"
    return w.emit(kind, f"{word} {source} {ref} to {kind}")


def _lanes_to_integers(w: LLVM, given: str, dtype: str, ref: str) -> str:
    """Floats as integers: cut off and kept in range, NaN as 0.

    LLVM has a function for that, but computes it for one lane after the other, in ten instructions and two jumps each.
    """
    source, kind, flags = w.type(given, False), w.type(dtype, False), w.type("bool", False)
    scalar, limits = w.type(given, True), np.iinfo(dtype)
    highest = np.asarray(limits.max).astype(given)[()]
    is_beyond = int(highest) > limits.max
    if is_beyond:
        highest = np.nextafter(highest, 0, dtype=given)
    kept = ref
    for beyond, limit in (("ogt", limits.min), ("olt", highest)):
        bound = f"splat ({scalar} {w.literal(limit, given)})"
        inside = w.emit(flags, f"fcmp {beyond} {source} {kept}, {bound}")
        kept = w.emit(source, f"select {flags} {inside}, {source} {kept}, {source} {bound}")
    result = w.emit(kind, f"fpto{'s' if is_signed(dtype) else 'u'}i {source} {kept} to {kind}")
    if is_beyond:
        largest = f"splat ({w.type(dtype, True)} {limits.max})"
        inside = w.emit(flags, f"fcmp ole {source} {ref}, splat ({scalar} {w.literal(highest, given)})")
        result = w.emit(kind, f"select {flags} {inside}, {kind} {result}, {kind} {largest}")
    if not is_signed(dtype) and not is_beyond:  # NaN has become the least, 0
        return result
    number = w.emit(flags, f"fcmp ord {source} {ref}, zeroinitializer")
    return w.emit(kind, f"select {flags} {number}, {kind} {result}, {kind} zeroinitializer")
