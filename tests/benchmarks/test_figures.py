"""The scripts that write figures for the pages."""

import json
import runpy
from pathlib import Path

import pytest

from docs.generator.figure_tables import auto_reset_methods, dieharder, slow_tests
from tests import measure_slow

HERE = Path(__file__).parent
PRINTED = """#=============================================================================#
#            dieharder version 3.31.1 Copyright 2003 Robert G. Brown          #
#=============================================================================#
        test_name   |ntup| tsamples |psamples|  p-value |Assessment
#=============================================================================#
   diehard_birthdays|   0|       100|     100|0.59252614|  PASSED
          sts_serial|   7|    100000|     100|0.99950000|   WEAK
"""


def test_what_dieharder_prints_becomes_a_file_of_figures(tmp_path):
    main, file = runpy.run_path(str(HERE / "dieharder_results.py"))["main"], tmp_path / "dieharder.json"
    main(["raw"], PRINTED.splitlines(), file)
    main(["split"], PRINTED.splitlines()[:-1], file)
    figures = json.loads(file.read_text())
    assert figures["versions"]["dieharder"] == "3.31.1" and figures["date"]
    assert figures["streams"]["raw"] == [["diehard_birthdays", 0, 0.59252614], ["sts_serial", 7, 0.9995]]
    assert "| sts_serial | 7 | 0.9995 WEAK |  |" in dieharder(figures)
    with pytest.raises(SystemExit, match="no result"):
        main(["raw"], ["nothing"], file)
    assert json.loads(file.read_text()) == figures


def test_the_methods_of_auto_reset_become_a_file_of_figures(tmp_path, monkeypatch):
    script = runpy.run_path(str(HERE / "auto_reset_methods.py"))
    main, file = script["main"], tmp_path / "methods.json"
    monkeypatch.setitem(main.__globals__, "BATCHES", (1,))
    monkeypatch.setitem(main.__globals__, "measure", lambda *_: {"select": 12.34, "cond": 7.0, "chunked": 1119.6})
    main(["--json", str(file)])
    figures = json.loads(file.read_text())
    assert {"command", "date", "device", "versions"} < set(figures)
    assert "| cheap | 1 | 12.3 | **7** | 1,120 |" in auto_reset_methods(figures)


def test_slow_tests_that_ran_become_rows(tmp_path, monkeypatch):
    file = tmp_path / "slow.json"
    file.write_text(json.dumps({"rows": [{"tests": ["b.py"]}, {"tests": ["a.py"]}]}))
    monkeypatch.setattr(measure_slow, "FILE", file)
    monkeypatch.setattr(
        measure_slow.subprocess, "run", lambda *_, **__: type("Done", (), {"stdout": "x\n3 passed, 1 failed in 2s\n"})
    )
    measure_slow.main(["a.py"])
    figures = json.loads(file.read_text())
    assert [row["tests"] for row in figures["rows"]] == [["b.py"], ["a.py"]]
    row = figures["rows"].pop()
    assert (row["passed"], row["failed"], row["tests_in_all"]) == (3, 1, 4)
    assert "| `a.py` |" in slow_tests({"rows": [row]}) and "4 of 4" in slow_tests({"rows": [row]})
    assert "1 failed" in slow_tests({"rows": [row]})
