"""Measures how far every id is from its reference, for `tests/parity/measured.json`.

    python -m tests.measure_parity

runs the tests that are marked `measures_parity` and writes the greatest difference that they see, by id.
"""

import argparse
import importlib.metadata
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
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(
        arguments
    )
    status = pytest.main(["-n", "0", "-m", "measures_parity", str(HERE / "parity")])
    if status == pytest.ExitCode.OK:
        write_json(differences.FILE, figures(differences.SEEN))
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main())
