"""The table is complete: every id in the catalog has a reference."""

import importlib
from collections import Counter
from pathlib import Path

import pytest

from jaxenvs.registration.catalog import CATALOG

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("rows_*.py"))
ROWS = [row for name in MODULES for row in importlib.import_module(f"tests.parity.{name}").ROWS]


@pytest.mark.parametrize("id", [spec.id for spec in CATALOG])
def test_id_has_exactly_one_row(id):
    count = Counter(row.id for row in ROWS)[id]
    assert count == 1, (
        f"{id} has {count} rows in tests/parity/rows_*.py; give it one, with its reference and tolerance."
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_row_belongs_to_an_id_and_says_why(row):
    assert row.id in {spec.id for spec in CATALOG}, f"{row.id} is not in the catalog."
    assert row.reference and row.reason
    assert row.tolerance >= 0
