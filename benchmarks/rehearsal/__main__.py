"""`python -m benchmarks.rehearsal --out DIR [--small]`: runs every section and writes the JSON."""

import argparse
import datetime
import importlib
import importlib.metadata
import json
import os
import platform
import tempfile
from pathlib import Path

from benchmarks.rehearsal.mnist import write_noise
from benchmarks.rehearsal.report import Report
from benchmarks.rehearsal.runner import Section, python, run
from benchmarks.rehearsal.sizes import FULL, SMALL

SECONDS = {"catalog": 150.0, "host": 30.0, "fused": 50.0, "speed": 110.0, "robots": 80.0, "learning": 50.0}
"""Sections, the most valuable first, with their time limits. Each is a module of this folder with a function `main`."""
LIMIT = 470.0
PACKAGES = (
    "jax",
    "jaxlib",
    "numpy",
    "flax",
    "gymnasium",
    "gymnax",
    "mujoco",
    "mujoco-mjx",
    "warp-lang",
    "ale-py",
    "torch",
)


def versions() -> dict[str, str]:
    """Versions of the relevant packages, if they are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Runs the rehearsal, or with `--section` one section of it in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the folder to write to")
    parser.add_argument("--small", action="store_true", help="small sizes, to rehearse the rehearsal")
    parser.add_argument("--only", nargs="+", choices=SECONDS, default=list(SECONDS), help="leave out other sections")
    parser.add_argument("--patience", type=float, default=1.0, help="multiplies all limits of time")
    parser.add_argument("--section", nargs=2, metavar=("NAME", "REPORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.section:
        name, report = options.section
        module = importlib.import_module(f"benchmarks.rehearsal.{name}")
        module.main(SMALL if options.small else FULL, Report(Path(report)))
        return
    if options.out is None:
        parser.error("name the folder to write to: --out DIR")
    small = ("--small",) if options.small else ()
    sections = [
        Section(name, SECONDS[name] * options.patience, python("-m", "benchmarks.rehearsal", *small, "--section", name))
        for name in options.only
    ]
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several processes share the accelerator
    about = {"date": str(datetime.date.today()), "small": options.small, "versions": versions()}
    with tempfile.TemporaryDirectory() as folder:
        if "JAXENVS_MNIST" not in os.environ:
            write_noise(Path(folder))
            os.environ["JAXENVS_MNIST"] = folder
        results = run(sections, options.out, LIMIT * options.patience, about)
    print(json.dumps({name: section["status"] for name, section in results["sections"].items()}))


if __name__ == "__main__":
    main()
