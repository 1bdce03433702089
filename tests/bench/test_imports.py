"""What `import jaxenvs` costs beside what it cannot do without, in processor time of fresh processes."""

import os
import resource
import subprocess
import sys

import pytest

from jaxenvs.bench.imports import baseline


def processor_seconds(code):
    """Of a process, its own time alone: what else runs on the machine disturbs that less than the clock's."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


@pytest.mark.slow
def test_import_takes_little_more_than_jax_and_gymnasium():
    """The least of several is the one that was disturbed least. All have their bytecode, as any second import has."""
    programs = {"theirs": f"import {', '.join(baseline())}", "ours": "import jaxenvs"}
    for program in programs.values():
        processor_seconds(program)  # compiles to bytecode what has none
    seconds = {name: [] for name in programs}
    for _ in range(6):
        for name, program in programs.items():
            seconds[name].append(processor_seconds(program))
    assert min(seconds["ours"]) < 1.25 * min(seconds["theirs"])
