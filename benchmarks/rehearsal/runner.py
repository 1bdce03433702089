"""Runs sections one after the other, each in its own process, which is ended at its time limit."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rehearsal.report import write_json

_POLL = 0.2


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the rehearsal.

    Attributes:
        name: its name in the JSON.
        seconds: how long it may take.
        command: starts it; the path of its report is added as the last argument.
    """

    name: str
    seconds: float
    command: tuple[str, ...]


def run(sections: Sequence[Section], out: Path, limit: float, about: dict[str, Any]) -> dict[str, Any]:
    """Runs the sections in order and keeps `rehearsal.json` and `rehearsal.log` up to date.

    Args:
        sections: the most valuable first.
        out: the folder to write to; it is created if necessary.
        limit: seconds for all of them together.
        about: additional entries of the JSON.

    Returns:
        The contents of the JSON: `about`, and in `sections` for each its `status` ("finished", "failed", "out of
        time", "not begun" or "running"), `seconds` and `results`.
    """
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    results: dict[str, Any] = {**about, "seconds": 0.0, "sections": {}}
    for section in sections:
        results["sections"][section.name] = {"status": "not begun", "seconds": 0.0, "results": {}}

    def save() -> None:
        results["seconds"] = round(time.monotonic() - started, 1)
        write_json(out / "rehearsal.json", results)

    with tempfile.TemporaryDirectory() as folder, (out / "rehearsal.log").open("w") as log:
        for section in sections:
            left = limit - (time.monotonic() - started)
            if left <= 0:
                break
            _run_section(
                section, min(section.seconds, left), Path(folder), log, results["sections"][section.name], save
            )
            print(f"{section.name}: {results['sections'][section.name]['status']}", flush=True)
    save()
    return results


def _run_section(section: Section, seconds: float, folder: Path, log: Any, result: dict[str, Any], save: Any) -> None:
    report = folder / f"{section.name}.json"
    started = time.monotonic()
    log.write(f"===== {section.name}\n")
    log.flush()
    # Its own process group, so that the processes that it starts end with it.
    process = subprocess.Popen(
        [*section.command, str(report)], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    result["status"], seen = "running", 0.0
    while process.poll() is None and time.monotonic() - started < seconds:
        time.sleep(_POLL)
        if report.exists() and (changed := report.stat().st_mtime) != seen:
            seen = changed
            result["results"] = json.loads(report.read_text())
            result["seconds"] = round(time.monotonic() - started, 1)
            save()
    code = process.poll()
    result["status"] = {None: "out of time", 0: "finished"}.get(code, "failed")
    if code not in (None, 0):
        result["exit_code"] = code
    _end(process)
    if report.exists():
        result["results"] = json.loads(report.read_text())
    result["seconds"] = round(time.monotonic() - started, 1)
    save()


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):  # the whole group has ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def python(*arguments: str) -> tuple[str, ...]:
    """The command that runs this interpreter."""
    return sys.executable, *arguments
