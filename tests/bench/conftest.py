"""Shared fixtures for the tests of the benchmark: fake peers, started like real ones."""

import textwrap

import pytest

from jaxenvs.bench.subject import AvailablePeer
from jaxenvs.bench.tasks import Peer, Task

TASK = "CartPole-v1"

WELL_BEHAVED = """
    PACKAGES = ("math",)

    def prepare(task, num_envs, steps, **options):
        return {"advance": lambda: None, "steps": steps or 7, "compile_seconds": 0.5, "device": "abacus"}
"""


@pytest.fixture
def fake_peer(tmp_path):
    """Makes a subject of a file's source; `tasks` are by default one that every fake has."""

    def make(name, source=WELL_BEHAVED, tasks=None):
        file = tmp_path / f"{name}_peer.py"
        file.write_text(textwrap.dedent(source))
        tasks = {TASK: Task("pole", {"length": 2})} if tasks is None else tasks
        return AvailablePeer(Peer(name, str(file), name, f"pip install {name}", tasks))

    return make
