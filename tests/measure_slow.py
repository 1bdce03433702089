"""Runs slow tests, and writes how many passed and how long they took to `docs/figures/slow_tests.json`.

    python -m tests.measure_slow adapters/test_attributes.py spaces/test_laws.py

Each argument, a file or a folder in `tests/`, gets a row of its own, which replaces the one that it had. A row that
another command wrote keeps its figures and its date.
"""

import datetime
import json
import re
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxenvs.bench.provenance import provenance
from jaxenvs.monitor.atomic import write_json

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "figures" / "slow_tests.json"
COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?)")


def counts(summary: str) -> dict[str, int]:
    """The numbers in the last line of pytest: `{"passed": 3, "failed": 1}`."""
    return {what.removesuffix("s") if what.startswith("error") else what: int(n) for n, what in COUNT.findall(summary)}


def run(tests: str) -> dict[str, Any]:
    """The row of some tests."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-m", "slow", "--durations", "0", f"tests/{tests}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(done.stdout, flush=True)
    found = counts(done.stdout.strip().rpartition("\n")[2])
    failed = found.get("failed", 0) + found.get("error", 0)
    passed = found.get("passed", 0)
    return {
        "tests": [tests],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "passed": passed,
        "failed": failed,
        "tests_in_all": passed + failed + found.get("skipped", 0),
        "processor_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime),
        "remark": None,
    }


def main(paths: Sequence[str]) -> None:
    """Runs the tests one after the other, and writes each row as it is done."""
    for tests in paths:
        row = run(tests)
        rows = [old for old in json.loads(FILE.read_text())["rows"] if old["tests"] != [tests]]
        write_json(FILE, {**provenance("pytest -m slow TESTS"), "rows": [*rows, row]})


if __name__ == "__main__":
    main(sys.argv[1:])
