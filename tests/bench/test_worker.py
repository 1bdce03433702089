"""The worker's side of the protocol."""

import os
import sys

import pytest

from jaxenvs.bench.process import PeerFailed

NOISY = """
    import os
    print("to standard output, at import")
    PACKAGES = ("math", "json")
    calls = []

    def prepare(task, num_envs, steps, **options):
        os.write(1, b"below Python, too")
        if task == "unknown":
            raise KeyError(task)
        device = f"{task} {options}"
        return {"advance": lambda: calls.append(1), "steps": steps, "compile_seconds": None, "device": device}
"""


def test_a_peer_is_found_imported_prepared_and_run(fake_peer):
    with fake_peer("noisy", NOISY).start() as process:
        assert process.ask("find", limit=30) == {"missing": None}
        imported = process.ask("import", modules=None, limit=30)
        assert imported["seconds"] > 0 and imported["versions"]["python"] == sys.version.split()[0]
        prepared = process.ask("prepare", task="pole", options={"length": 2}, num_envs=3, steps=5, limit=30)
        assert prepared == {"compile_seconds": None, "steps": 5, "device": "pole {'length': 2}"}
        answer = process.ask("run", seconds=0.01, limit=30)
        assert (
            answer["seconds"] >= 0.01
            and answer["cpu_seconds"] > 0
            and answer["env_steps"] > 0
            and answer["env_steps"] % 15 == 0
        )


def test_an_exception_is_answered_with_its_traceback_and_the_worker_goes_on(fake_peer):
    with fake_peer("noisy", NOISY).start() as process:
        with pytest.raises(PeerFailed, match=r"(?s)failed in `prepare`: KeyError: 'unknown'.*in prepare"):
            process.ask("prepare", task="unknown", options={}, num_envs=1, steps=1, limit=30)
        with pytest.raises(PeerFailed, match="there is no request 'dance'"):
            process.ask("dance", limit=30)
        assert process.ask("prepare", task="pole", options={}, num_envs=1, steps=1, limit=30)["steps"] == 1


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ('PACKAGES = ("math", "no_such_package.inner")', "no_such_package.inner is not installed"),
        ('PACKAGES = ("math",)\ndef missing(): return "there is no sun"', "there is no sun"),
        ('PACKAGES = ("no_such_package",)\ndef missing(): return None', None),
    ],
)
def test_what_a_peer_lacks_is_said_in_words(fake_peer, source, missing):
    with fake_peer("lacking", source).start() as process:
        assert process.ask("find", limit=30) == {"missing": missing}


@pytest.mark.skipif(os.name != "posix", reason="starts a shell script")
def test_the_worker_needs_nothing_but_the_standard_library(fake_peer, tmp_path, monkeypatch):
    """In an interpreter without site-packages, with packages beside the worker's own file out of sight."""
    bare = tmp_path / "bare-python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    source = """
        import importlib.util
        PACKAGES = ()

        def missing():
            return str([importlib.util.find_spec(name) for name in ("jaxenvs", "jax", "worker", "plot")])
    """
    subject = fake_peer("bare", source)
    with type(subject)(subject.peer, str(bare)).start() as process:
        assert process.ask("find", limit=30) == {"missing": "[None, None, None, None]"}
