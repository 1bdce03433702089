"""Runs all slow tests, and writes how many passed and how long they took to `docs/figures/slow_tests.json`.

    python -m tests.measure_slow

`python -m tests.measure_slow REPORT.xml` writes the figures of a run that was made with
`pytest -m slow --junitxml REPORT.xml`.
"""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any

from jaxenvs.bench.provenance import provenance
from jaxenvs.monitor.atomic import write_json

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "figures" / "slow_tests.json"


def outcome(case: ElementTree.Element) -> str:
    """`"passed"`, `"failed"` or `"skipped"`: what a report says of a test."""
    kinds = {child.tag for child in case}
    return "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"


def place(case: ElementTree.Element) -> str:
    """The folder in `tests/` that a test is in, or its file if that is in none."""
    _, *parts = (case.get("classname") or case.get("name", "")).split(".")  # a skipped module has only a name
    return f"{parts[0]}/" if len(parts) > 1 else f"{parts[0]}.py"


def figures(report: Path) -> dict[str, Any]:
    """The figures of a run: in all, and by folder the numbers of tests and the seconds that they took."""
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    cases = list(suite.iter("testcase"))
    rows = []
    for folder in sorted({place(case) for case in cases}):
        those = [case for case in cases if place(case) == folder]
        counts = Counter(outcome(case) for case in those)
        seconds = round(sum(float(case.get("time", 0)) for case in those))
        rows.append({"tests": folder, **{k: counts[k] for k in ("passed", "failed", "skipped")}, "seconds": seconds})
    return {
        **provenance("pytest -m slow"),
        "date": suite.get("timestamp", "")[:10],
        "minutes": round(float(suite.get("time", 0)) / 60),
        "rows": rows,
    }


def main() -> int:
    """Runs the tests, unless there is a report; returns the exit code of pytest."""
    if len(sys.argv) > 1:
        write_json(FILE, figures(Path(sys.argv[1])))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "slow", f"--junitxml={report}"]
        done = subprocess.run(command, cwd=ROOT, check=False)
        write_json(FILE, figures(report))
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
