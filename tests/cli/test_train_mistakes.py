"""What `jaxenvs train` and its neighbours refuse, and how they say so."""

import errno
import json
import os
import tempfile
import threading
from pathlib import Path

import pytest

from jaxenvs.monitor import Run
from tests.cli.trainings import TINY, copy_of


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name the environment to train on"),
        (["CartPol-v1"], "Did you mean: `CartPole`?"),
        (["CartPole-v1", "--field", "gravty=3"], "Did you mean: `gravity`?"),
        (["CartPole-v1", "--field", "gravity=nan"], "NaN"),
        (["CartPole-v1", "--set", "learning_rat=3"], "Did you mean: `learning_rate`?"),
        (["CartPole-v1", "--set", "gamma=2"], "gamma"),
        (["CartPole-v1", "--set", "num_envs=0"], "num_envs"),
        (["CartPole-v1", "--algorithm", "sarsa"], "sarsa"),
        (["CartPole-v1", "--algorithm", "sac"], "Use PPO or DQN"),
        (["Pendulum-v1", "--algorithm", "sac", "--devices", "2"], "SAC learns on one device"),
        (["CartPole-v1", "--steps", "0"], "--steps"),
        (["CartPole-v1", "--steps", "1.5"], "1e5"),
        (["CartPole-v1", "--set", "lr=3"], "Did you mean: `learning_rate`?"),
        (["CartPole-v1", "--set", "ent_coef=3"], "Did you mean: `entropy_coefficient`?"),
        (["CartPole-v1", "--set", "learning_rate=[1e-3, 1e-4]"], "is an array of shape (2,)"),
        (["CartPole-v1", "--field", "gravity=[1, 2]"], "does not work with gravity=[1, 2]"),
        (["CartPole-v1", "--field", "gravity=[[1], [1, 2]]"], "it must be a number, or a list of numbers"),
        (["CartPole-v1", "--field", "gravity=[1, null]"], "it must be a number, or a list of numbers"),
        (["FrozenLake-v1", "--field", "desc=[[1], 2]"], "desc"),
        (["CartPole-v1", "--config", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["CartPole-v1", "--seed", str(2**64)], "64 bits"),
        (["CartPole-v1", "--max-episode-steps", "0"], "max_episode_steps"),
        (["CartPole-v1", "--resume", "somewhere", "--seed", "9"], "leave out ID, --seed"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_written(jaxenvs_command, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = jaxenvs_command("train", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err and "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "env_id = 3", "`env_id` must be a string, got 3"),
        ("a.toml", "env_id = ", "is not TOML"),
        ("a.json", "[]", "holds a list"),
        ("a.json", '{"env": "CartPole-v1"}', "no entry `env`. Did you mean: `env_id`?"),
        ("a.json", '{"env_id": "CartPole-v1", "num_seeds": true}', "`num_seeds` must be an integer"),
        ("a.json", '{"env_id": "CartPole-v1", "hyper_parameters": {"lr": 1}}', "Did you mean: `learning_rate`?"),
        ("a.json", '{"env_id": "CartPole-v1", "hyper_parameters": {"gamma": "x"}}', "`gamma` cannot be `x`"),
        ("a.json", '{"env_id": "CartPole-v1", "fields": {"gravty": 1}}', "Did you mean: `gravity`?"),
    ],
)
def test_wrong_config_files_are_refused(jaxenvs_command, tmp_path, monkeypatch, name, text, message):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    result = jaxenvs_command("train", "--config", name)
    assert (result.code, result.out) == (2, "")
    assert message in result.err and "Traceback" not in result.err
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_two_processes_cannot_train_in_one_folder(jaxenvs_command, trained, tmp_path):
    path = copy_of(trained[0], tmp_path)
    before = (path / "run.json").read_bytes()
    refused = []
    with Run.open(path).exclusively():
        thread = threading.Thread(target=lambda: refused.append(jaxenvs_command("train", "--resume", path)))
        thread.start()
        thread.join()
    assert refused[0].code == 1 and "Another process or thread is training in" in refused[0].err
    assert (path / "run.json").read_bytes() == before


def test_a_run_that_diverges_says_so(jaxenvs_command, tmp_path):
    path = tmp_path / "run"
    arguments = ("CartPole-v1", "--steps", "1024", *TINY, "--set", "learning_rate=1e38", "-o", path)
    result = jaxenvs_command("train", *arguments)
    assert result.code == 1 and "Error: Training diverged at update" in result.err and "Traceback" not in result.err
    assert json.loads((path / "run.json").read_text())["status"] == "failed"
    assert (path / "learning_curve.png").exists() and (path / "progress.csv").exists()
    assert not (path / "evaluation.json").exists()


@pytest.mark.parametrize("at", ["checkpoint", "evaluation"])
def test_a_full_disk_is_reported(jaxenvs_command, tmp_path, monkeypatch, at):
    path = tmp_path / "run"

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path / at))

    targets = {
        "checkpoint": "jaxenvs.monitor.run_folder.run.Run.save",
        "evaluation": "jaxenvs.cli.train.evaluation_of",
    }
    monkeypatch.setattr(targets[at], full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = jaxenvs_command("train", "CartPole-v1", "--steps", "1024", *TINY, "--no-animation", "-o", path)
    assert result.code == 1 and "cannot be written: No space left on device" in result.err
    assert "Traceback" not in result.err
    kept = "The state after update 1 is in" if at == "checkpoint" else f"The last checkpoint is {path}"
    assert kept in result.err
    assert json.loads((path / "run.json").read_text())["status"] == "failed"


def test_existing_folder_is_not_overwritten(jaxenvs_command, trained):
    path, _ = trained
    before = {p.name: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    result = jaxenvs_command("train", "CartPole-v1", "--output", path)
    assert result.code == 2 and "exists already" in result.err
    assert {p.name: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("checkpoint.msgpack", lambda data: data[:-9], "truncated"),
        ("checkpoint.msgpack", lambda data: b"PK" + data, "not written by jaxenvs"),
        ("run.json", lambda data: data[:40], "is not JSON"),
        ("run.json", lambda data: data.replace(b'"num_envs": 4', b'"num_envs": 8'), "the run's settings build"),
        ("run.json", lambda data: data.replace(b'"gravity"', b'"grovity"'), "no field `grovity`"),
        (
            "run.json",
            lambda data: data.replace(b'"clip": 0.2', b'"clip": "x"'),
            "settings that this version of jaxenvs does not support",
        ),
        ("run.json", lambda data: data.replace(b'"algorithm": "ppo"', b'"algorithm": "a2c"'), "no algorithm"),
        ("run.json", lambda data: data.replace(b'"CartPole-v1"', b'"CartPole-v7"'), "v7"),
        ("run.json", lambda data: data.replace(b'"CartPole-v1"', b'"Notebook-v1"'), "registers it, do so here first"),
    ],
)
def test_damaged_run_fails_in_one_line(jaxenvs_command, trained, tmp_path, name, change, message):
    path = copy_of(trained[0], tmp_path)
    before = (path / name).read_bytes()
    (path / name).write_bytes(change(before))
    assert (path / name).read_bytes() != before
    result = jaxenvs_command("evaluate", path)
    assert (result.code, result.out) == (1, "")
    assert message in result.err and "Traceback" not in result.err
