"""Lanes and rows: in JAX's arrays, the elements of one lane lie together; in a kernel, the lanes of one element."""

import math

from jaxenvs.fusion.llvm import LLVM


def interleaved(w: LLVM, vectors: list[str], kind: str, width: int) -> tuple[str, int]:
    """The numbers of several vectors, lane after lane; `len(vectors)` is a power of 2."""
    if len(vectors) == 1:
        return vectors[0], width
    even, count = interleaved(w, vectors[0::2], kind, width)
    odd, _ = interleaved(w, vectors[1::2], kind, width)
    order = ", ".join(f"i32 {k + offset * count}" for k in range(count) for offset in (0, 1))
    vector = f"<{count} x {kind}>"
    return w.emit(f"shufflevector {vector} {even}, {vector} {odd}, <{2 * count} x i32> <{order}>"), 2 * count


def joined(w: LLVM, first: str, second: str, kind: str, width: int, indices: list[int]) -> str:
    """Numbers of two vectors, those of the second counted after those of the first."""
    order = ", ".join(f"i32 {k}" for k in indices)
    vector = f"<{width} x {kind}>"
    return w.emit(f"shufflevector {vector} {first}, {vector} {second}, <{len(indices)} x i32> <{order}>")


def part(w: LLVM, vector: str, kind: str, width: int, indices: list[int]) -> str:
    """Some of a vector's numbers."""
    order = ", ".join(f"i32 {k}" for k in indices)
    return w.emit(
        f"shufflevector <{width} x {kind}> {vector}, <{width} x {kind}> poison, <{len(indices)} x i32> <{order}>"
    )


def power_of_two_below(n: int) -> int:
    """The largest power of 2 that is at most `n`."""
    return 1 << int(math.log2(n)) if n else 0
