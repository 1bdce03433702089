"""`jaxenvs export`: the episodes of a run in the files of another program."""

import datetime
import json

import numpy as np
import pytest

import jaxenvs
from jaxenvs.monitor import EpisodeWriter, Run, read_gym_run


@pytest.fixture
def run(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    run = Run.record(jaxenvs.make("CartPole-v1"), path=tmp_path / "run")
    for mode, lengths in (("training", [9, 12]), ("evaluation", [500])):
        with EpisodeWriter(run, mode=mode) as writer:
            count = len(lengths)
            writer.add(
                {
                    "episode_return": np.array(lengths, float),
                    "length": np.array(lengths),
                    "terminated": np.ones(count, bool),
                    "truncated": np.zeros(count, bool),
                    "env_steps": np.cumsum(lengths),
                    "seconds": np.arange(1.0, count + 1),
                }
            )
    return run


def test_a_run_is_written_as_gym_did(jaxenvs_command, run, tmp_path):
    done = jaxenvs_command("export", run.path, "--gym", tmp_path / "gym")
    assert done.code == 0, done.err
    assert f"Wrote 3 episodes of 2 writers to {tmp_path / 'gym'}" in done.err.replace("\n", "")
    old = read_gym_run(tmp_path / "gym")
    assert old.env_id == "CartPole-v1"
    assert old.started == datetime.datetime.fromisoformat(run.manifest()["started"]).timestamp()
    columns = ("mode", "episode", "episode_return", "length", "seconds")
    rows = zip(*(old.episodes[name].tolist() for name in columns), strict=True)
    assert sorted(rows) == [
        ("evaluation", 0, 500.0, 500, 1.0),
        ("training", 0, 9.0, 9, 1.0),
        ("training", 1, 12.0, 12, 2.0),
    ]
    again = jaxenvs_command("export", run.path, "--gym", tmp_path / "gym")
    assert again.code == 2 and "holds files of Gym's monitor already" in again.err.replace("\n", " ")
    assert jaxenvs_command("export", run.path, "--gym", tmp_path / "gym", "--resume").code == 0
    assert len(read_gym_run(tmp_path / "gym").episodes["length"]) == 6


def test_a_folder_without_recorded_episodes_is_refused(jaxenvs_command, tmp_path):
    absent = jaxenvs_command("export", tmp_path / "absent", "--gym", tmp_path / "gym")
    assert absent.code == 1 and "does not exist" in absent.err
    run = Run.record(jaxenvs.make("CartPole-v1"), path=tmp_path / "run")
    empty = jaxenvs_command("export", run.path, "--gym", tmp_path / "gym")
    assert empty.code == 2 and "holds no recorded episodes" in empty.err.replace("\n", " ")
    assert not (tmp_path / "gym").exists()
    assert json.loads((run.path / "run.json").read_text())["status"] == "running"
