"""Lanes and rows: in JAX's arrays, the elements of one lane lie together; in a kernel, the lanes of one element.

Everything is said in shuffles of two vectors of one size, which are single instructions. Of wider ones LLVM makes more
than are needed.
"""

import math
from collections.abc import Sequence

import numpy as np

from jaxenvs.fusion.equations import Var
from jaxenvs.fusion.llvm import LLVM, storage
from jaxenvs.fusion.writer import INDEX, Val

LINE = 64
"""Bytes of a line of the cache, at least."""
CHUNK = 16
"""How many elements of a row are brought together at once, at most."""


def interleaved(w: LLVM, columns: Sequence[str], kind: str, width: int) -> list[str]:
    """Rows, one after another, from vectors of their elements; `len(columns)` is a power of 2."""
    if len(columns) == 1:
        return list(columns)
    even, odd = (interleaved(w, columns[first::2], kind, width) for first in (0, 1))
    halves = 0, width // 2
    order = [[k + offset for k in range(start, start + width // 2) for offset in (0, width)] for start in halves]
    return [joined(w, a, b, kind, width, indices) for a, b in zip(even, odd, strict=True) for indices in order]


def in_fours(w: LLVM, columns: Sequence[str], width: int) -> list[str]:
    """Vectors of 32 bits, each with the bytes of four columns, whose number is a multiple of 4.

    So rows of bytes are interleaved as rows of larger numbers, which takes a quarter of the shuffles.
    """
    results, whole = [], 4 * width
    for first in range(0, len(columns), 4):
        pairs = [joined(w, columns[k], columns[k + 1], "i8", width, list(range(2 * width))) for k in (first, first + 2)]
        four = joined(w, pairs[0], pairs[1], "i8", 2 * width, list(range(whole)))
        order = [number * width + lane for lane in range(width) for number in range(4)]
        results.append(
            w.emit(f"<{width} x i32>", f"bitcast <{whole} x i8> {part(w, four, 'i8', whole, order)} to <{width} x i32>")
        )
    return results


def out_of_fours(w: LLVM, columns: Sequence[str], width: int) -> list[str]:
    """The inverse of `in_fours`."""
    results, whole = [], 4 * width
    order = [lane * 4 + number for number in range(4) for lane in range(width)]
    for column in columns:
        bytes_ = w.emit(f"<{whole} x i8>", f"bitcast <{width} x i32> {column} to <{whole} x i8>")
        planes = part(w, bytes_, "i8", whole, order)
        results += [part(w, planes, "i8", whole, list(range(k, k + width))) for k in range(0, whole, width)]
    return results


def separated(w: LLVM, vectors: Sequence[str], kind: str, width: int) -> list[str]:
    """The inverse of `interleaved`: a vector for each element of the rows."""
    if len(vectors) == 1:
        return list(vectors)
    pairs = list(zip(vectors[0::2], vectors[1::2], strict=True))
    even, odd = (
        separated(w, [joined(w, a, b, kind, width, list(range(k, 2 * width, 2))) for a, b in pairs], kind, width)
        for k in (0, 1)
    )
    return [x for pair in zip(even, odd, strict=True) for x in pair]


def chosen(w: LLVM, vectors: Sequence[str], kind: str, width: int, indices: Sequence[int]) -> list[str]:
    """Some numbers of several vectors, in vectors; `len(indices)` is a multiple of `width`."""
    results = []
    for start in range(0, len(indices), width):
        places = [divmod(k, width) for k in indices[start : start + width]]
        first, *others = sorted({number for number, _ in places})
        result, done = vectors[first], {first}
        order = [k if number == first else -1 for number, k in places]
        for other in others:
            order = [width + k if number == other else x for (number, k), x in zip(places, order, strict=True)]
            result = joined(w, result, vectors[other], kind, width, order)
            done.add(other)
            order = [at if number in done else -1 for at, (number, _) in enumerate(places)]
        if not others and order != list(range(width)):
            result = part(w, result, kind, width, order)
        results.append(result)
    return results


def joined(w: LLVM, first: str, second: str, kind: str, width: int, indices: Sequence[int]) -> str:
    """Numbers of two vectors, those of the second counted after those of the first; -1 is any."""
    order = ", ".join("i32 poison" if k < 0 else f"i32 {k}" for k in indices)
    vector = f"<{width} x {kind}>"
    return w.emit(
        f"<{len(indices)} x {kind}>",
        f"shufflevector {vector} {first}, {vector} {second}, <{len(indices)} x i32> <{order}>",
    )


def part(w: LLVM, vector: str, kind: str, width: int, indices: Sequence[int]) -> str:
    """Some of a vector's numbers."""
    return joined(w, vector, "poison", kind, width, indices)


def power_of_two_below(n: int) -> int:
    """The largest power of 2 that is at most `n`."""
    return 1 << int(math.log2(n)) if n else 0


def as_vector(w: LLVM, ref: str, kind: str, width: int) -> str:
    """A vector that may stand in a shuffle, which takes no `splat`."""
    if not ref.startswith("splat"):
        return ref
    vector = f"<{width} x {kind}>"
    return w.emit(vector, f"shufflevector {vector} {ref}, {vector} poison, <{width} x i32> zeroinitializer")


def offset(w: LLVM, pointer: str, dtype: str, position: Val) -> str:
    """A pointer to an element of an array."""
    return w.emit("ptr", f"getelementptr {storage(dtype)}, ptr {pointer}, i64 {position.ref}")


def columns(w: LLVM, base: str, var: Var, start: int | Val, count: int) -> list[Val]:
    """Some elements of each lane's row, in pieces whose number is a power of 2."""
    kind = storage(var.dtype)
    align, results = np.dtype(var.dtype).itemsize, []
    memory = "uint8" if var.dtype == "bool" else var.dtype
    if count == var.size <= CHUNK:
        vector = f"<{w.lanes} x {kind}>"
        whole = [
            w.emit(vector, f"load {vector}, ptr {address}, align {align}")
            for address in [offset(w, base, var.dtype, w.index(k * w.lanes)) for k in range(count)]
        ]
        if count & (count - 1) == 0:
            refs = separated(w, whole, kind, w.lanes)
        else:
            order = [k + lane * count for k in range(count) for lane in range(w.lanes)]
            refs = chosen(w, whole, kind, w.lanes, order)
        return [w.convert(Val(ref, memory, False), var.dtype) for ref in refs]
    while count:
        width = power_of_two_below(count)
        # Of bytes, four at once.
        in_row, of = (width // 4, "i32") if kind == "i8" and width % 4 == 0 else (width, kind)
        rows = []
        for lane in range(w.lanes):
            shift = w.index(lane * var.size)
            where = w.op("add", INDEX, w.index(start) if isinstance(start, int) else start, shift)
            address = offset(w, base, var.dtype, where)
            rows.append(w.emit(f"<{in_row} x {of}>", f"load <{in_row} x {of}>, ptr {address}, align {align}"))
        length = in_row
        while len(rows) > 1:
            order = list(range(2 * length))
            rows = [joined(w, a, b, of, length, order) for a, b in zip(rows[0::2], rows[1::2], strict=True)]
            length *= 2
        columns = [part(w, rows[0], of, length, list(range(k, length, in_row))) for k in range(in_row)]
        if of != kind:
            columns = out_of_fours(w, columns, w.lanes)
        results += [w.convert(Val(ref, memory, False), var.dtype) for ref in columns]
        start = start + width if isinstance(start, int) else w.op("add", INDEX, start, w.index(width))
        count -= width
    return results


def interleave(w: LLVM, base: str, dtype: str, size: int, start: int | Val, values: list[Val]) -> None:
    """Writes some elements of each lane's row of `size`, in pieces whose number is a power of 2."""
    kind = storage(dtype)
    bytes_each = np.dtype(dtype).itemsize
    if dtype == "bool":
        values = [w.convert(x, "uint8") for x in values]
    if len(values) == size <= CHUNK:
        # Whole rows lie one after another.
        vectors = [as_vector(w, w.spread(x) if x.uniform else x.ref, kind, w.lanes) for x in values]
        count = 1 << (size - 1).bit_length()
        rows = interleaved(w, vectors + vectors[-1:] * (count - size), kind, w.lanes)
        if count != size:
            kept = [lane * count + k for lane in range(w.lanes) for k in range(size)]
            rows = chosen(w, rows, kind, w.lanes, kept)
        for k, row in enumerate(rows):
            target = offset(w, base, dtype, w.index(k * w.lanes))
            w.lines.append(f"  store <{w.lanes} x {kind}> {row}, ptr {target}, align {bytes_each}")
        return
    done = 0
    while done < len(values):
        count = min(power_of_two_below(len(values) - done), CHUNK)
        if count < len(values) - done and 2 * count <= min(CHUNK, len(values)):
            # The last piece begins earlier and is as long as needed, so that there is no smaller one.
            count, done = 2 * count, len(values) - 2 * count
        spread = [w.spread(x) if x.uniform else x.ref for x in values[done : done + count]]
        vectors = [as_vector(w, x, kind, w.lanes) for x in spread]
        in_row, of = count, kind
        if bytes_each == 1 and count % 4 == 0:
            vectors, in_row, of = in_fours(w, vectors, w.lanes), count // 4, "i32"
        rows = interleaved(w, vectors, of, w.lanes)
        position = start + done if isinstance(start, int) else w.op("add", INDEX, start, w.index(done))
        position = position if isinstance(position, Val) else w.index(position)
        for lane in range(w.lanes):
            number, first = divmod(lane * in_row, w.lanes)
            some = rows[number]
            if in_row != w.lanes:
                some = part(w, some, of, w.lanes, list(range(first, first + in_row)))
            target = offset(w, base, dtype, w.op("add", INDEX, position, w.index(lane * size)))
            w.lines.append(f"  store <{in_row} x {of}> {some}, ptr {target}, align {bytes_each}")
        done += count


def copy(w: LLVM, target: str, source: str, size: int, past_caches: Val) -> None:
    """Copies bytes.

    Args:
        w: the writer.
        target: where to, at any address.
        source: where from, at the beginning of a line of the cache.
        size: how many bytes.
        past_caches: whether what is written should not take the place of what the caches hold.
    """
    w.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")

    def plainly(offset: Val, count: Val) -> None:
        ends = [w.emit("ptr", f"getelementptr i8, ptr {x}, i64 {offset.ref}") for x in (target, source)]
        w.lines.append(f"  call void @llvm.memcpy.p0.p0.i64(ptr {ends[0]}, ptr {ends[1]}, i64 {count.ref}, i1 false)")

    if size < 2 * LINE:
        plainly(w.index(0), w.index(size))
        return
    with w.when(past_caches):
        # Whole lines; what is before and after them shares its line with other rows, and goes through the caches.
        number = Val(w.emit("i64", f"ptrtoint ptr {target} to i64"), INDEX, True)
        before = w.op("and", INDEX, w.op("sub", INDEX, w.index(0), number), w.index(LINE - 1))
        rest = w.op("sub", INDEX, w.index(size), before)
        lines = w.op("lshr", INDEX, rest, w.index(LINE.bit_length() - 1))
        partly = w.op("and", INDEX, rest, w.index(LINE - 1))
        with w.when(w.compare("ne", before, w.index(0))):
            plainly(w.index(0), before)
        kind = f"<{LINE} x i8>"
        with w.loop(lines) as k:
            offset = w.op("add", INDEX, before, w.op("mul", INDEX, k, w.index(LINE))).ref
            places = [w.emit("ptr", f"getelementptr i8, ptr {x}, i64 {offset}") for x in (source, target)]
            bytes_ = w.emit(kind, f"load {kind}, ptr {places[0]}, align 1")
            w.lines.append(f"  store {kind} {bytes_}, ptr {places[1]}, align {LINE}, !nontemporal !0")
        with w.when(w.compare("ne", partly, w.index(0))):
            plainly(w.op("sub", INDEX, w.index(size), partly), partly)
    with w.when(w.not_(past_caches)):
        plainly(w.index(0), w.index(size))
