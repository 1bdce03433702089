"""Measures how far every id is from its reference, for `tests/parity/measured.json`.

    python -m tests.measure_parity

runs the tests that are marked `measures_parity` and writes the greatest difference that they see, by id. Those of
Box2D need `pip install "gymnasium[box2d]"`.

    python -m tests.measure_parity tests/parity/test_bipedal_walker.py

runs only those of a file, and keeps the figures of other ids.
"""

import argparse
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from jaxenvs.bench.provenance import provenance
from jaxenvs.monitor.atomic import write_json
from tests.parity import differences

COMMAND = "python -m tests.measure_parity"
HERE = Path(__file__).parent


def figures(seen: Mapping[str, float]) -> dict[str, Any]:
    """What the file holds: where the figures come from, and the differences with two digits."""
    versions = {package: importlib.metadata.version(package) for package in ("gymnasium", "mujoco", "numpy")}
    rounded = {id: float(f"{difference:.1e}") for id, difference in sorted(seen.items())}
    return {**provenance(COMMAND, versions=[versions]), "differences": rounded}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tests, and writes the file if they pass; returns pytest's exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", help="files or tests; all of them by default")
    tests = parser.parse_args(arguments).tests
    status = pytest.main(["-n", "0", "-m", "measures_parity", *(tests or [str(HERE / "parity")])])
    if status == pytest.ExitCode.OK:
        kept = json.loads(differences.FILE.read_text(encoding="utf-8"))["differences"] if tests else {}
        write_json(differences.FILE, figures({**kept, **differences.SEEN}))
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main())
