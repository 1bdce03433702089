"""The cost of `import jaxenvs` relative to its required packages, in processor time of new processes."""

import os
import resource
import subprocess
import sys

import pytest

from jaxenvs.bench.imports import baseline


def processor_seconds(code):
    """The processor time of a process, which other load disturbs less than wall-clock time."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


@pytest.mark.slow
def test_import_takes_little_more_than_jax_and_gymnasium():
    """The minimum of several runs is the one disturbed least. All have their bytecode, as any second import has."""
    programs = {"theirs": f"import {', '.join(baseline())}", "ours": "import jaxenvs"}
    for program in programs.values():
        processor_seconds(program)  # compiles to bytecode what has none
    seconds = {name: [] for name in programs}
    for _ in range(6):
        for name, program in programs.items():
            seconds[name].append(processor_seconds(program))
    assert min(seconds["ours"]) < 1.25 * min(seconds["theirs"])
