"""How far every id is from its reference: the measurement, and the file that it wrote."""

import json
import sys

import numpy as np
import pytest

from jaxenvs.bench.provenance import provenance
from tests import measure_parity
from tests.parity import differences
from tests.parity.differences import assert_close, record, relative
from tests.parity.test_every_id_has_a_row import ROWS

MEASURED = json.loads(differences.FILE.read_text())


@pytest.fixture(autouse=True)
def seen(monkeypatch):
    """Only what a test records itself."""
    monkeypatch.setattr(differences, "SEEN", {})
    return differences.SEEN


def test_differences_are_relative_above_1_and_absolute_below():
    ours, reference = [0.25, 30.0, np.inf, np.nan, -np.inf], [0.5, 20.0, np.inf, np.nan, np.inf]
    np.testing.assert_array_equal(relative(ours, reference), [0.25, 0.5, 0.0, 0.0, np.inf])
    np.testing.assert_array_equal(relative(np.array([True, False]), [True, True]), [0.0, 1.0])


def test_the_greatest_difference_of_an_id_is_kept(seen):
    assert record("a", [1e-7, 3e-7]) == 3e-7
    assert record("a", 2e-7) == 2e-7 and record("b", []) == 0.0
    assert seen == {"a": 3e-7, "b": 0.0}
    record("b", [np.nan])
    record("b", 0.5)
    assert seen["b"] == np.inf, "a number against NaN is no small difference"


def test_a_difference_beyond_the_tolerance_fails_and_is_recorded(seen):
    assert_close("a", [1.0, 2.0], [1.0, 2.0 + 1e-6], 1e-6)
    with pytest.raises(AssertionError, match="position"):
        assert_close("a", np.float32(1.5), 1.0, 1e-6, message="position")
    with pytest.raises(AssertionError, match="shapes"):
        assert_close("a", [1.0, 1.0], [1.0], 0)
    assert seen == {"a": 0.5}


def test_the_file_says_where_it_comes_from_and_knows_only_ids_with_a_row():
    assert set(provenance()) < set(MEASURED) and MEASURED["command"] == measure_parity.COMMAND
    assert MEASURED["date"] and MEASURED["device"] and {"jax", "numpy", "python"} <= set(MEASURED["versions"])
    assert MEASURED["differences"] and set(MEASURED["differences"]) <= {row.id for row in ROWS}


@pytest.mark.parametrize("row", [row for row in ROWS if row.id in MEASURED["differences"]], ids=lambda row: row.id)
def test_a_measured_difference_is_one_that_the_tests_allow(row):
    # `assert_allclose` adds an absolute and a relative tolerance, and the file has two digits.
    assert 0 <= MEASURED["differences"][row.id] <= 2.1 * row.tolerance


@pytest.mark.parametrize("status", [pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED])
def test_the_command_writes_the_file_only_if_the_tests_pass(status, seen, tmp_path, monkeypatch):
    def run(arguments):
        assert arguments[-1].endswith("parity") and "measures_parity" in arguments
        record("CartPole-v1", 1.2345e-7)
        return status

    monkeypatch.setattr(measure_parity.pytest, "main", run)
    monkeypatch.setattr(differences, "FILE", tmp_path / "measured.json")
    monkeypatch.setattr(sys, "argv", ["pytest", "--not-an-option-of-the-command"])
    assert measure_parity.main([]) == int(status)
    assert differences.FILE.exists() == (status == pytest.ExitCode.OK)
    if differences.FILE.exists():
        figures = json.loads(differences.FILE.read_text())
        assert figures["differences"] == {"CartPole-v1": 1.2e-7} and figures["versions"]["gymnasium"]


def test_only_some_tests_keep_the_figures_of_other_ids(seen, tmp_path, monkeypatch):
    def run(arguments):
        assert arguments[-1] == "tests/parity/test_go.py"
        record("CartPole-v1", 3e-7)
        return pytest.ExitCode.OK

    monkeypatch.setattr(measure_parity.pytest, "main", run)
    monkeypatch.setattr(differences, "FILE", tmp_path / "measured.json")
    differences.FILE.write_text(json.dumps({"differences": {"Acrobot-v1": 1.2e-4, "CartPole-v1": 1e-7}}))
    assert measure_parity.main(["tests/parity/test_go.py"]) == 0
    figures = json.loads(differences.FILE.read_text())
    assert figures["differences"] == {"Acrobot-v1": 1.2e-4, "CartPole-v1": 3e-7} and figures["date"]
