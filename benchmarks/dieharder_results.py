"""Reads what dieharder prints on a stream, and writes its p-values to docs/figures/dieharder.json.

    python -m benchmarks.random_streams raw | dieharder -g 200 -a > raw.txt
    python -m benchmarks.dieharder_results raw < raw.txt

The results of the other streams stay in the file.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jaxenvs.bench.provenance import provenance
from jaxenvs.monitor.atomic import write_bytes

FILE = Path(__file__).parents[1] / "docs" / "figures" / "dieharder.json"
COMMAND = "python -m benchmarks.random_streams STREAM | dieharder -g 200 -a"
RESULT = re.compile(r" *(\w+) *\| *(\d+) *\| *\d+ *\| *\d+ *\| *([\d.]+) *\| *(?:PASSED|WEAK|FAILED)")
VERSION = re.compile(r"dieharder version (\S+)")


def parse(lines: Iterable[str]) -> tuple[str | None, list[tuple[str, int, float]]]:
    """The version of dieharder, and the test, the parameter and the p-value of each result."""
    version, results = None, []
    for line in lines:
        if found := VERSION.search(line):
            version = found[1]
        if found := RESULT.match(line):
            results.append((found[1], int(found[2]), round(float(found[3]), 8)))
    return version, results


def as_text(figures: dict[str, Any]) -> str:
    """The file's text, with one line for each result."""
    head = {key: value for key, value in figures.items() if key != "streams"}
    streams = [
        f"    {json.dumps(name)}: [\n" + ",\n".join(f"      {json.dumps(row)}" for row in rows) + "\n    ]"
        for name, rows in figures["streams"].items()
    ]
    return json.dumps(head, indent=2)[:-2] + ',\n  "streams": {\n' + ",\n".join(streams) + "\n  }\n}\n"


def main(arguments: Sequence[str] | None = None, lines: Iterable[str] = sys.stdin, file: Path = FILE) -> None:
    """Reads until dieharder ends, and replaces the results of the stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stream")
    stream = parser.parse_args(arguments).stream
    version, results = parse(lines)
    if not results:
        raise SystemExit("dieharder printed no result.")
    streams = json.loads(file.read_text())["streams"] if file.exists() else {}
    versions = {} if version is None else {"dieharder": version}
    figures = {**provenance(COMMAND, versions=[versions]), "streams": {**streams, stream: results}}
    write_bytes(file, as_text(figures).encode())


if __name__ == "__main__":
    main()
