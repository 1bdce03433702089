"""Parts: the Parquet files in a run's folders `episodes` and `replays`.

A part is written under a name that begins with a dot, which every reader ignores, and renamed when it is complete. So
`pandas.read_parquet("RUN/episodes")` reads whole records only, at any moment and with any number of writers.

This module does not use JAX, so that processes that only write records start fast.
"""

import importlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from jaxenvs.core.packages import load_package
from jaxenvs.errors import CheckpointError
from jaxenvs.monitor.atomic import write_bytes
from jaxenvs.monitor.recording.packed_bytes import PackedBytes

Kind: TypeAlias = Literal["episodes", "replays"]

FORMAT_VERSION = 1
_METADATA = b"jaxenvs"
_PART = re.compile(r"(?P<writer>.+)-(?P<number>\d{6,})\.parquet")

EPISODE_COLUMNS: dict[str, str] = {
    "writer": "string",
    "episode": "int64",
    "mode": "string",
    "seed": "int32",
    "lane": "int32",
    "episode_return": "float64",
    "length": "int64",
    "terminated": "bool",
    "truncated": "bool",
    "env_steps": "int64",
    "seconds": "float64",
}
"""The columns of `episodes`, one row for each episode, with their types."""

REPLAY_COLUMNS: dict[str, str] = {
    "writer": "string",
    "episode": "int64",
    "key": "binary",
    "key_implementation": "string",
    "actions": "binary",
}
"""The columns of `replays`, one row for each episode whose actions were recorded, with their types."""

COLUMNS: dict[Kind, dict[str, str]] = {"episodes": EPISODE_COLUMNS, "replays": REPLAY_COLUMNS}


class PartName(NamedTuple):
    """What the name of a part says.

    Attributes:
        path: the file.
        writer: the name of the writer.
        number: how many parts of that writer came before.
    """

    path: Path
    writer: str
    number: int


def pyarrow() -> Any:
    """The package `pyarrow`, with `pyarrow.parquet` loaded.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    # Arrow imports pandas with the first array, which fails while Python ends unless this has been imported before.
    importlib.import_module("concurrent.futures.thread")
    purpose, install = "Recording needs pyarrow", '"jaxenvs[record]"'
    load_package("pyarrow.parquet", purpose, install)
    return load_package("pyarrow", purpose, install)


def part_path(folder: Path, writer: str, number: int) -> Path:
    """The file of a writer's part of a given number."""
    return folder / f"{writer}-{number:06d}.parquet"


def parts_in(folder: Path, writer: str | None = None) -> list[PartName]:
    """The parts in a folder, by writer and number; none if there is no folder. Files of other names are left out.

    Args:
        folder: the folder `episodes` or `replays` of a run.
        writer: the writer whose parts are wanted; None for all.
    """
    try:
        names = [path for path in folder.iterdir() if not path.name.startswith((".", "_"))]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for path in names:
        if match := _PART.fullmatch(path.name):
            found.append(PartName(path, match["writer"], int(match["number"])))
    return sorted((part for part in found if writer in (None, part.writer)), key=lambda part: (part[1], part[2]))


def write_part(path: Path, kind: Kind, batches: Sequence[Mapping[str, Any]], environment: str) -> None:
    """Writes a part, or replaces one.

    Args:
        path: the file.
        kind: the folder that it belongs to.
        batches: the rows, by column: NumPy arrays of equal lengths, `PackedBytes`, or a string that all rows have.
        environment: the digest of the run's environment; see `environment_digest`.

    Raises:
        OSError: the file cannot be written. Nothing of it is left.
    """
    part = PartEncoder(kind, environment)
    part.add(batches)
    part.write(path)


class PartEncoder:
    """The content of a part, encoded bit by bit while records arrive.

    Attributes:
        rows: how many it has.
    """

    def __init__(self, kind: Kind, environment: str) -> None:
        """See `write_part`."""
        self.rows = 0
        self._kind: Kind = kind
        self._notes = {_METADATA: json.dumps({"format_version": FORMAT_VERSION, "environment": environment})}
        self._sink, self._writer = pyarrow().BufferOutputStream(), None
        self._content: bytes | None = None

    @property
    def is_open(self) -> bool:
        """Whether it takes more rows."""
        return self._content is None

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return self._sink.tell() if self._content is None else len(self._content)

    def add(self, batches: Sequence[Mapping[str, Any]]) -> None:
        """Encodes further rows; see `write_part`."""
        arrow = pyarrow()
        table = arrow.concat_tables([_table(self._kind, batch) for batch in batches])
        if self._writer is None:
            # The types of Arrow are not stored, since strings are to be read as strings and not as categories.
            layout = _layout(self._kind)
            self._writer = arrow.parquet.ParquetWriter(self._sink, table.schema, store_schema=False, **layout)
        self._writer.write_table(table)
        self.rows += table.num_rows

    def close(self) -> None:
        """Completes the content; nothing can be added any more."""
        if self._writer is not None and self._content is None:
            self._writer.add_key_value_metadata(self._notes)
            self._writer.close()
            self._content = self._sink.getvalue().to_pybytes()

    def write(self, path: Path) -> None:
        """Closes it, and writes the file; see `write_part`."""
        self.close()
        assert self._content is not None
        write_bytes(path, self._content)


def _table(kind: Kind, rows: Mapping[str, Any]) -> Any:
    """Rows as an Arrow table."""
    arrow, count = pyarrow(), len(rows["episode"])
    columns = {name: _arrow_array(rows[name], type_name, count) for name, type_name in COLUMNS[kind].items()}
    # Columns that say of each value whether it is missing take longer to write.
    schema = arrow.schema([arrow.field(name, column.type, nullable=False) for name, column in columns.items()])
    return arrow.Table.from_arrays(list(columns.values()), schema=schema)


def _layout(kind: Kind) -> dict[str, Any]:
    """How the columns are encoded: what takes little time, and fits each of them.

    Numbers that change little have their bytes of equal rank next to each other, which LZ4 packs in half the time that
    it takes to find differences. Times repeat as a whole.
    """
    types = COLUMNS[kind]
    encodings = {name: "BYTE_STREAM_SPLIT" for name, t in types.items() if t not in ("string", "binary", "bool")}
    return {
        "compression": {name: "zstd" if t == "binary" else "lz4" for name, t in types.items()},
        "use_dictionary": [name for name, t in types.items() if t == "string"],
        "column_encoding": {name: "PLAIN" if name == "seconds" else e for name, e in encodings.items()},
        "write_statistics": ["episode"],
        "write_batch_size": 2**14,
    }


def _arrow_array(values: Any, type_name: str, count: int) -> Any:
    """A column of so many rows; strings as a dictionary and indices."""
    arrow = pyarrow()
    if isinstance(values, PackedBytes):
        buffers = [None, arrow.py_buffer(values.offsets.astype(np.int32)), arrow.py_buffer(values.data)]
        return arrow.Array.from_buffers(arrow.binary(), len(values), buffers)
    if type_name != "string":
        types = {"bool": arrow.bool_(), "binary": arrow.binary()}
        return arrow.array(values, types.get(type_name) or arrow.from_numpy_dtype(np.dtype(type_name)))
    # Arrow converts strings one by one, which takes longer than everything else, and most columns repeat one.
    if isinstance(values, str) or (count and (values == values[0]).all()):
        value = values if isinstance(values, str) else str(values[0])
        indices = arrow.array(np.zeros(count, np.int8))
        return arrow.DictionaryArray.from_arrays(indices, arrow.array([value], arrow.string()))
    return arrow.array(values, arrow.string()).dictionary_encode()


def read_part(
    path: Path, kind: Kind, environment: str, *, episode: int | None = None, columns: Sequence[str] = ()
) -> Any:
    """A part as an Arrow table.

    Args:
        path: the file.
        kind: the folder that it lies in.
        environment: the digest that it must have.
        episode: the number of the episode that is wanted; None for all.
        columns: the columns that are wanted; all if there are none.

    Raises:
        FileNotFoundError: there is no such file (any more).
        TornPart: it is not a whole Parquet file.
        CheckpointError: it is of another environment, or jaxenvs did not write it.
    """
    arrow = pyarrow()
    wanted = None if episode is None else [("episode", "=", episode)]
    try:
        table = arrow.parquet.read_table(
            path, use_threads=False, partitioning=None, filters=wanted, columns=list(columns) or None
        )
    except FileNotFoundError:
        raise
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise TornPart(f"{path} is not a whole Parquet file: {_first_line(error)}.") from error
    notes = _notes(table.schema.metadata)
    if notes is None or not set(columns or COLUMNS[kind]) <= set(table.column_names):
        raise CheckpointError(f"{path} was not written by jaxenvs. Move it out of the run folder.")
    if notes["format_version"] != FORMAT_VERSION:
        raise CheckpointError(
            f"{path} has format version {notes['format_version']!r}, this jaxenvs reads {FORMAT_VERSION}."
            " Read it with the version of jaxenvs that run.json names."
        )
    if environment != notes["environment"]:
        raise CheckpointError(
            f"{path} holds episodes of another environment than its run.json describes. A run folder has one"
            " environment: move the file to a folder of its own, with its own run.json."
        )
    return table


class TornPart(CheckpointError):
    """A part that is damaged."""


def _notes(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any] | None:
    """What `PartEncoder` wrote into the schema; None if it did not write it."""
    try:
        notes = json.loads((metadata or {})[_METADATA])
    except (KeyError, ValueError):
        return None
    return notes if isinstance(notes, dict) and {"format_version", "environment"} <= notes.keys() else None


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


def rows_of(table: Any, kind: Kind) -> dict[str, np.ndarray]:
    """The columns of an Arrow table as NumPy arrays; those of strings and bytes hold Python objects."""
    out = {}
    for name, type_name in COLUMNS[kind].items():
        values = table.column(name).to_numpy()
        out[name] = values if type_name in ("string", "binary") else values.astype(type_name, copy=False)
    return out
