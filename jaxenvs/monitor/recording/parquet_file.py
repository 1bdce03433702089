"""Parquet files of columns whose compact forms are written as they are, which costs little more than copying them.

A library encodes the values of a column one by one. Here the pages of a file are the memory of NumPy arrays: indices of
two bytes are what Parquet calls a bit-packed run of width 16, and other numbers are "plain". Everything that reads
Parquet reads these files.

The numbers of fields, types and encodings are those of
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, and the structures are in Thrift's
compact protocol, https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.

This module does not use JAX.
"""

import dataclasses
import itertools
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from jaxenvs.monitor.recording.compact_columns import Column, Indexed, Runs, bits_of, compact, expanded

_MAGIC = b"PAR1"
_TYPES = {"bool": 0, "int32": 1, "int64": 2, "float64": 5, "string": 6}
_PLAIN, _RLE, _DELTA, _DICTIONARY = 0, 3, 5, 8
_UNCOMPRESSED, _LZ4 = 0, 7
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_DELTA_BLOCK = 128

Compress = Callable[[bytes], bytes]


def parquet_file(
    types: Mapping[str, str],
    batches: Sequence[Mapping[str, Any]],
    notes: Mapping[str, str],
    *,
    statistics: Sequence[str] = (),
    compress: Compress,
) -> list[Any]:
    """The content of a Parquet file with one row group.

    Args:
        types: the columns and their types: bool, int32, int64, float64 or string.
        batches: the rows; columns are NumPy arrays of these types (objects for strings), `Indexed`, `Runs`, a `range`,
            or a string that all rows have.
        notes: the metadata of the file.
        statistics: the columns of integers whose least and greatest value readers may use to leave out the file.
        compress: LZ4, without a frame. It is used for columns that have no compact form.

    Returns:
        Buffers to be written one after the other.
    """
    sizes = [next(len(column) for column in batch.values() if not isinstance(column, str)) for batch in batches]
    rows = sum(sizes)
    buffers, offset, chunks = [_MAGIC], len(_MAGIC), []
    for name, type_name in types.items():
        columns = [compact(batch[name], size) for batch, size in zip(batches, sizes) if size]
        chunk = _chunk(columns, type_name, compress)
        buffers += chunk.buffers
        chunks.append(_column_metadata(name, type_name, chunk, offset, rows, _bounds(columns, name in statistics)))
        offset += chunk.stored
    footer = _struct(
        {
            1: (_I32, 2),
            2: (_LIST, (_STRUCT, [_schema_root(len(types)), *(_schema_column(*item) for item in types.items())])),
            3: (_I64, rows),
            4: (_LIST, (_STRUCT, [_row_group(chunks, offset, rows)])),
            5: (_LIST, (_STRUCT, [_struct({1: (_BINARY, k), 2: (_BINARY, v)}) for k, v in notes.items()])),
            6: (_BINARY, "jaxenvs"),
            7: (_LIST, (_STRUCT, [_struct({1: (_STRUCT, _struct({}))})] * len(types))),
        }
    )
    return [*buffers, footer, struct.pack("<i", len(footer)), _MAGIC]


@dataclasses.dataclass
class _Chunk:
    """The pages of a column.

    Attributes:
        buffers: what is written.
        stored: its bytes.
        plain: its bytes without compression.
        dictionary: the bytes of the page with the table of values; 0 if there is none.
        encodings: those of the pages.
        codec: the compression.
    """

    buffers: list[Any]
    stored: int = 0
    plain: int = 0
    dictionary: int = 0
    encodings: tuple[int, ...] = ()
    codec: int = _UNCOMPRESSED


def _chunk(columns: Sequence[Any], type_name: str, compress: Compress) -> _Chunk:
    if type_name == "bool":
        bits = _bits(columns)
        return _joined([_page([bits], sum(map(len, columns)), _PLAIN)], (_PLAIN, _RLE))
    if columns and all(isinstance(x, range) for x in columns):
        return _joined([_page([_counted(x)], len(x), _DELTA) for x in _merged(columns)], (_DELTA, _RLE))
    columns = [np.asarray(x) if isinstance(x, range) else x for x in columns]
    table, bases = _shared_table([x for x in columns if not isinstance(x, np.ndarray)])
    width, bases = (16 if len(table) <= 2**16 else 32), iter(bases)
    is_plain = any(isinstance(x, np.ndarray) for x in columns)
    page = _page if not is_plain else partial(_page, compress=compress)
    pages = []
    for form, group in itertools.groupby(columns, type):
        group = list(group)
        if form is np.ndarray:
            pages += [page([_plain(x, type_name)], len(x), _PLAIN) for x in group]
        else:
            content = _indices([(x, next(bases)) for x in group], width)
            pages.append(page(content, sum(map(len, group)), _DICTIONARY))
    encodings, codec = (_PLAIN, _RLE, _DICTIONARY), _LZ4 if is_plain else _UNCOMPRESSED
    if not len(table):
        return _joined(pages, encodings[:2], codec=codec)
    first = page([_plain(table, type_name)], len(table), None)
    return _joined([first, *pages], encodings, dictionary=first[1], codec=codec)


def _merged(ranges: Sequence[range]) -> list[range]:
    """The same numbers in fewer ranges."""
    out = [ranges[0]]
    for numbers in ranges[1:]:
        if numbers.start == out[-1].stop:
            out[-1] = range(out[-1].start, numbers.stop)
        else:
            out.append(numbers)
    return out


def _joined(pages: Sequence[tuple[list[Any], int, int]], encodings: tuple[int, ...], **fields: int) -> _Chunk:
    buffers = [buffer for page in pages for buffer in page[0]]
    return _Chunk(buffers, sum(p[1] for p in pages), sum(p[2] for p in pages), encodings=encodings, **fields)


def _shared_table(columns: Sequence[Indexed | Runs]) -> tuple[np.ndarray, list[int]]:
    """One table for several columns, and where the values of each begin in it."""
    tables, bases, total = [], [], 0
    for column in columns:
        values = column.values
        if tables:
            first = tables[0]
            common = min(len(first), len(values))
            if np.array_equal(bits_of(first[:common]), bits_of(values[:common])) and (
                len(values) <= len(first) or len(tables) == 1
            ):
                if len(values) > len(first):  # nothing stands behind it
                    tables[0], total = values, len(values)
                bases.append(0)
                continue
        tables.append(values)
        bases.append(total)
        total += len(values)
    return np.concatenate(tables) if tables else np.zeros(0), bases


def _indices(columns: Sequence[tuple[Any, int]], width: int) -> list[Any]:
    """A page of indices of `width` bits, after that number.

    Args:
        columns: columns in one form, each with what is added to its indices.
        width: 16 or 32.
    """
    dtype, head = np.dtype(f"<u{width // 8}"), bytes([width])
    if isinstance(columns[0][0], Runs):
        counts = np.concatenate([x.counts for x, _ in columns])
        index = np.concatenate([np.arange(base, base + len(x.values)) for x, base in columns])
        return [head, _runs(counts, index, dtype)]
    out, rest = [head], np.zeros(0, dtype)
    for column, base in columns:
        index = np.ascontiguousarray(column.index, dtype)
        index = index + dtype.type(base) if base else index
        if len(rest):  # values are packed in groups of eight, whose last may have to wait for the next column
            rest, index = np.concatenate([rest, index[: 8 - len(rest)]]), index[8 - len(rest) :]
            if len(rest) < 8:
                continue
            out += [_varint(1 << 1 | 1), rest]
        groups = len(index) // 8
        out += [_varint(groups << 1 | 1), index[: 8 * groups]] if groups else []
        rest = index[8 * groups :]
    if len(rest):
        out += [_varint(1 << 1 | 1), rest, bytes((8 - len(rest)) * dtype.itemsize)]
    return out


def _runs(counts: np.ndarray, index: np.ndarray, dtype: np.dtype[Any]) -> bytes:
    """Runs of indices: twice the number of rows, and the index."""
    first = np.flatnonzero(np.diff(index, prepend=-1))
    counts, index = np.add.reduceat(counts, first), index[first]
    index, counts = index[counts > 0], counts[counts > 0]
    head = counts << 1
    if (head >= 2**7).all() and (head < 2**14).all():  # numbers of two bytes, as most are
        rows = np.zeros(len(head), np.dtype([("low", "u1"), ("high", "u1"), ("index", dtype)]))
        rows["low"], rows["high"], rows["index"] = head & 127 | 128, head >> 7, index
        return rows.tobytes()
    parts = zip(head.tolist(), index.astype(dtype))
    return b"".join(_varint(count) + number.tobytes() for count, number in parts)


def _plain(values: np.ndarray, type_name: str) -> Any:
    """Values one after the other; strings after their lengths."""
    if type_name == "string":
        strings = [str(value).encode() for value in values.tolist()]
        return b"".join(struct.pack("<i", len(string)) + string for string in strings)
    return np.ascontiguousarray(values, np.dtype(type_name).newbyteorder("<"))


def _bits(columns: Sequence[Any]) -> Any:
    """A bit for each row."""
    values = [set(x.values.tolist()) if isinstance(x, Runs) else {False, True} for x in columns]
    common = set().union(*values)
    if len(common) == 1:
        return (b"\xff" if common.pop() else b"\0") * -(-sum(map(len, columns)) // 8)
    return np.packbits(np.concatenate([expanded(x) for x in columns]), bitorder="little")


def _counted(numbers: range) -> bytes:
    """Consecutive integers: the first of them, and blocks of differences that do not differ."""
    blocks = -(-(len(numbers) - 1) // _DELTA_BLOCK)
    head = _varint(_DELTA_BLOCK) + _varint(4) + _varint(len(numbers)) + _varint(_zigzag(numbers.start))
    return head + (_varint(_zigzag(numbers.step)) + bytes(4)) * blocks


def _page(
    content: Sequence[Any], count: int, encoding: int | None, *, compress: Compress | None = None
) -> tuple[list[Any], int, int]:
    """A page, or with no encoding one of a table; its buffers, their size, and their size without compression."""
    size = stored = sum(map(_size, content))
    if compress is not None:
        content = [compress(b"".join(content))]
        stored = _size(content[0])
    kind = {1: (_I32, count), 2: (_I32, _PLAIN)}
    if encoding is not None:
        kind = {1: (_I32, count), 2: (_I32, encoding), 3: (_I32, _RLE), 4: (_I32, _RLE)}
    header = _struct(
        {
            1: (_I32, _DICTIONARY_PAGE if encoding is None else _DATA_PAGE),
            2: (_I32, size),
            3: (_I32, stored),
            7 if encoding is None else 5: (_STRUCT, _struct(kind)),
        }
    )
    return [header, *content], len(header) + stored, len(header) + size


def _size(buffer: Any) -> int:
    return memoryview(buffer).nbytes


def _bounds(columns: Sequence[Any], wanted: bool) -> tuple[int, int] | None:
    """The least and the greatest value."""
    if not wanted or not columns:
        return None
    ends = [(min(x[0], x[-1]), max(x[0], x[-1])) if isinstance(x, range) else _least_and_greatest(x) for x in columns]
    return min(end[0] for end in ends), max(end[1] for end in ends)


def _least_and_greatest(column: Column) -> tuple[int, int]:
    values = expanded(column)
    return int(values.min()), int(values.max())


def _column_metadata(
    name: str, type_name: str, chunk: _Chunk, offset: int, rows: int, bounds: tuple[int, int] | None
) -> bytes:
    fields: dict[int, tuple[int, Any]] = {
        1: (_I32, _TYPES[type_name]),
        2: (_LIST, (_I32, [_zigzag_varint(encoding) for encoding in chunk.encodings])),
        3: (_LIST, (_BINARY, [_varint(len(name)) + name.encode()])),
        4: (_I32, chunk.codec),
        5: (_I64, rows),
        6: (_I64, chunk.plain),
        7: (_I64, chunk.stored),
        9: (_I64, offset + chunk.dictionary),
    }
    if chunk.dictionary:
        fields[11] = _I64, offset
    if bounds is not None:
        low, high = (value.to_bytes(np.dtype(type_name).itemsize, "little", signed=True) for value in bounds)
        fields[12] = _STRUCT, _struct({3: (_I64, 0), 5: (_BINARY, high), 6: (_BINARY, low)})
    return _struct({2: (_I64, 0), 3: (_STRUCT, _struct(fields))})


def _row_group(chunks: Sequence[bytes], end: int, rows: int) -> bytes:
    return _struct({1: (_LIST, (_STRUCT, list(chunks))), 2: (_I64, end - len(_MAGIC)), 3: (_I64, rows)})


def _schema_root(columns: int) -> bytes:
    return _struct({4: (_BINARY, "schema"), 5: (_I32, columns)})


def _schema_column(name: str, type_name: str) -> bytes:
    """A column in which no value is missing."""
    fields: dict[int, tuple[int, Any]] = {1: (_I32, _TYPES[type_name]), 3: (_I32, 0), 4: (_BINARY, name)}
    if type_name == "string":
        fields |= {6: (_I32, 0), 10: (_STRUCT, _struct({1: (_STRUCT, _struct({}))}))}
    return _struct(fields)


def _struct(fields: Mapping[int, tuple[int, Any]]) -> bytes:
    """A structure; its fields by number, in that order, with their types."""
    out, before = bytearray(), 0
    for number, (kind, value) in fields.items():
        out.append((number - before) << 4 | kind)
        before = number
        if kind in (_I32, _I64):
            out += _zigzag_varint(value)
        elif kind == _BINARY:
            data = value.encode() if isinstance(value, str) else value
            out += _varint(len(data)) + data
        elif kind == _LIST:
            element, items = value
            out += (
                bytes([len(items) << 4 | element]) if len(items) < 15 else bytes([0xF0 | element]) + _varint(len(items))
            )
            out += b"".join(items)
        else:
            out += value
    return bytes(out) + b"\0"


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _zigzag_varint(number: int) -> bytes:
    return _varint(_zigzag(number))


def _varint(number: int) -> bytes:
    """Seven bits in each byte, the lowest first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
