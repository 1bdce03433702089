"""Floats of all lanes as integers, in LLVM's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxenvs.fusion.llvm import LLVM


def lanes_to_integers(w: LLVM, given: str, dtype: str, ref: str) -> str:
    """Floats as integers: cut off and kept in range, NaN as 0.

    LLVM has a function for that, but computes it for one lane after the other, in ten instructions and two jumps each.

    Args:
        w: the writer.
        given: the type of the floats.
        dtype: of the integers.
        ref: the floats.
    """
    source, kind, flags = w.type(given, False), w.type(dtype, False), w.type("bool", False)
    scalar, scalar_kind = source.split()[-1][:-1], kind.split()[-1][:-1]
    is_signed, limits = dtype[0] == "i", np.iinfo(dtype)
    highest = np.asarray(limits.max).astype(given)[()]
    is_beyond = int(highest) > limits.max
    if is_beyond:
        highest = np.nextafter(highest, 0, dtype=given)
    kept = ref
    for beyond, limit in (("ogt", limits.min), ("olt", highest)):
        bound = f"splat ({scalar} {w.literal(limit, given)})"
        inside = w.emit(flags, f"fcmp {beyond} {source} {kept}, {bound}")
        kept = w.emit(source, f"select {flags} {inside}, {source} {kept}, {source} {bound}")
    result = w.emit(kind, f"fpto{'s' if is_signed else 'u'}i {source} {kept} to {kind}")
    if is_beyond:
        largest = f"splat ({scalar_kind} {limits.max})"
        inside = w.emit(flags, f"fcmp ole {source} {ref}, splat ({scalar} {w.literal(highest, given)})")
        result = w.emit(kind, f"select {flags} {inside}, {kind} {result}, {kind} {largest}")
    if not is_signed and not is_beyond:  # NaN has become the least, 0
        return result
    number = w.emit(flags, f"fcmp ord {source} {ref}, zeroinitializer")
    return w.emit(kind, f"select {flags} {number}, {kind} {result}, {kind} zeroinitializer")
