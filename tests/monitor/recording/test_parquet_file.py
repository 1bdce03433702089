"""Parquet files of compact columns: pyarrow and pandas read what was written."""

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from jaxenvs.monitor.recording.compact_columns import Indexed, Runs, compact, expanded
from jaxenvs.monitor.recording.parquet_file import parquet_file

TYPES = {"number": "int64", "flag": "bool", "small": "int32", "value": "float64", "name": "string"}


def compress(data):
    return pyarrow.Codec("lz4_raw").compress(data, asbytes=True)


def written(path, batches):
    buffers = parquet_file(TYPES, batches, {"key": "value"}, statistics=["number"], compress=compress)
    path.write_bytes(b"".join(buffers))
    return pyarrow.parquet.ParquetFile(path)


def batch_of(rows, first=0, **given):
    draw = np.random.default_rng(rows)
    usual = {
        "number": range(first, first + rows),
        "flag": draw.random(rows) < 0.5,
        "small": draw.integers(-5, 100, rows).astype(np.int32),
        "value": draw.normal(size=rows),
        "name": "training",
    }
    return {**usual, **given}


def check(path, batches):
    file = written(path, batches)
    table = file.read()
    assert table.schema.metadata[b"key"] == b"value" and table.num_rows == file.metadata.num_rows
    assert [str(x) for x in table.schema.types] == ["int64", "bool", "int32", "double", "string"]
    assert not any(field.nullable for field in table.schema)
    for name in TYPES:
        rows = [
            [batch[name]] * len(batch["number"]) if isinstance(batch[name], str) else expanded(batch[name])
            for batch in batches
        ]
        expected = np.concatenate([np.asarray(x, object if name == "name" else None) for x in rows])
        found = table.column(name).to_numpy()
        assert found.tolist() == expected.tolist() if name == "name" else found.tobytes() == expected.tobytes(), name
    return file


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 127, 128, 129, 130, 5000, 70_000])
def test_what_was_written_is_read(tmp_path, rows):
    file = check(tmp_path / "file.parquet", [batch_of(rows)])
    bounds = file.metadata.row_group(0).column(0).statistics
    assert (bounds.min, bounds.max) == (0, rows - 1)
    frame = pandas.read_parquet(tmp_path / "file.parquet")
    assert frame.number.tolist() == list(range(rows)) and set(frame.name) == {"training"}


def test_batches_in_different_forms_share_a_column(tmp_path):
    lengths = np.arange(300)[::-1].astype(np.uint16)
    batches = [
        batch_of(
            300, small=Indexed(np.arange(400, dtype=np.int32), lengths), value=Indexed(np.arange(400) / 2, lengths)
        ),
        batch_of(10, 300, small=Runs(np.array([9, 5, 1], np.int32), np.array([3, 0, 7])), value=Runs.of(-0.0, 10)),
        batch_of(300, 310, small=Indexed(np.arange(500, dtype=np.int32), lengths + np.uint16(1))),
        batch_of(20, 7000, number=np.arange(20, 0, -1), name=np.array(["one", "two"] * 10, object)),
        batch_of(300, 900, value=np.where(np.arange(300) % 3 == 0, np.nan, 2.0), flag=np.ones(300, bool)),
    ]
    check(tmp_path / "file.parquet", batches)


def test_many_different_values_have_wide_indices(tmp_path):
    index = np.arange(60_000).astype(np.uint16)
    batches = [
        batch_of(60_000, value=Indexed(np.arange(60_000) * 0.5, index)),
        batch_of(60_000, value=Indexed(np.arange(60_000) * 0.25, index)),
    ]
    check(tmp_path / "file.parquet", batches)


@pytest.mark.parametrize(
    ("column", "form"),
    [
        (np.full(100, 3), Runs),
        (np.repeat(np.arange(50) * 10**10, 20), Runs),
        (np.arange(1000) % 7 + 10**12, Indexed),
        (np.arange(1000.0) % 7 - 3, Indexed),
        (np.arange(1000) * 1000, np.ndarray),
        (np.arange(1000) / 3, np.ndarray),
        (np.where(np.arange(1000) % 2 == 0, 0.0, -0.0), np.ndarray),
        (np.where(np.arange(1000) % 2 == 0, np.inf, 1.0), np.ndarray),
        (np.arange(1000) % 2 == 0, np.ndarray),
    ],
)
def test_columns_take_the_form_that_needs_the_least_room(column, form):
    found = compact(column, len(column))
    assert isinstance(found, form) and found.nbytes <= column.nbytes
    assert expanded(found).tobytes() == column.tobytes() and expanded(found).dtype == column.dtype
