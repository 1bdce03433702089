"""`jaxenvs train` and `jaxenvs evaluate`: the main job end to end, with settings that take a moment."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TINY = ("--set", "num_envs=4", "--set", "num_steps=32", "--set", "hidden_sizes=8", "--eval-episodes", "20")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run with two agents, and what the command said."""
    from typer.testing import CliRunner

    from jaxenvs.cli.app import app

    path = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["train", "CartPole-v1", "--steps", "1024", "--seeds", "2", "--seed", "7", "-F", "gravity=5", *TINY]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXENVS_COMPILATION_CACHE", "0")
        result = CliRunner().invoke(app, [*arguments, "-o", str(path)], catch_exceptions=False)
    assert result.exit_code == 0
    return path, result


def test_train_leaves_a_complete_run_folder(trained):
    path, result = trained
    assert sorted(p.name for p in path.iterdir()) == [
        "agent.gif",
        "checkpoint.msgpack",
        "evaluation.json",
        "learning_curve.png",
        "progress.csv",
        "run.json",
    ]
    for name in ("checkpoint.msgpack", "learning_curve.png", "evaluation.json", "agent.gif"):
        assert str(path / name) in result.stderr
    assert "not solved" in result.stdout and "20 fresh episodes" in result.stdout
    assert "1.02k/1.02k" in result.stderr, "the progress bar ends where training does"
    for name in ("agent.gif", "learning_curve.png"):
        with Image.open(path / name) as image:
            image.verify()


def test_run_json_says_what_was_trained(trained):
    path, _ = trained
    manifest = json.loads((path / "run.json").read_text())
    assert manifest["status"] == "finished" and manifest["ended"] >= manifest["started"]
    assert (manifest["env_id"], manifest["fields"], manifest["algorithm"]) == ("CartPole-v1", {"gravity": 5.0}, "ppo")
    assert manifest["hyper_parameters"]["total_steps"] == 1024 and manifest["hyper_parameters"]["hidden_sizes"] == [8]
    assert (manifest["seed"], manifest["num_seeds"]) == (7, 2)


def test_evaluation_holds_every_return(trained):
    path, _ = trained
    evaluation = json.loads((path / "evaluation.json").read_text())
    assert (evaluation["episodes"], evaluation["reward_threshold"], evaluation["solved"]) == (20, 475.0, False)
    for agent in evaluation["agents"]:
        assert len(agent["returns"]) == 20
        assert agent["mean_return"] == pytest.approx(np.mean(agent["returns"]))
    assert len(evaluation["agents"]) == 2


def test_evaluate_reproduces_the_final_evaluation(jaxenvs_command, trained):
    path, _ = trained
    evaluation = json.loads((path / "evaluation.json").read_text())
    again = json.loads(jaxenvs_command("evaluate", path, "--episodes", "20", "--json").out)
    assert again["agents"] == evaluation["agents"]
    assert again["updates"] == 8
    other = json.loads(jaxenvs_command("evaluate", path, "-n", "20", "--seed", "8", "--json").out)
    assert other["agents"] != evaluation["agents"]


def test_trained_policy_is_shown_in_its_own_environment(jaxenvs_command, trained, tmp_path):
    path, _ = trained
    result = jaxenvs_command("rollout", "CartPole-v1", "--policy", path, "--steps", "20", "-o", tmp_path / "a.png")
    assert result.code == 0 and (tmp_path / "a.png").exists()
    result = jaxenvs_command("rollout", "CartPole-v0", "--policy", path)
    assert result.code == 2 and "trained on CartPole-v1, not on CartPole-v0" in result.err


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
        (["CartPole-v1", "--seed", str(2**64)], "64 bits"),
        (["CartPole-v1", "--max-episode-steps", "0"], "max_episode_steps"),
        (["CartPole-v1", "--resume", "somewhere", "--steps", "9"], "leave out ID, --steps"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_written(jaxenvs_command, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = jaxenvs_command("train", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err and "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


def test_sac_is_trained_and_evaluated(jaxenvs_command, tmp_path):
    path = tmp_path / "run"
    tiny = [*TINY, "--set", "batch_size=8", "--set", "learning_starts=64", "--set", "target_entropy=-2"]
    result = jaxenvs_command("train", "Pendulum-v1", "-a", "sac", "--steps", "256", *tiny, "--no-animation", "-o", path)
    assert result.code == 0 and "Training SAC on Pendulum-v1" in result.err
    manifest = json.loads((path / "run.json").read_text())
    assert (manifest["algorithm"], manifest["hyper_parameters"]["target_entropy"]) == ("sac", -2.0)
    evaluation = json.loads((path / "evaluation.json").read_text())
    again = json.loads(jaxenvs_command("evaluate", path, "--episodes", "20", "--json").out)
    assert again["agents"] == evaluation["agents"]


def test_existing_folder_is_not_overwritten(jaxenvs_command, trained):
    path, _ = trained
    before = {p.name: p.read_bytes() for p in path.iterdir()}
    result = jaxenvs_command("train", "CartPole-v1", "--output", path)
    assert result.code == 2 and "exists already" in result.err
    assert {p.name: p.read_bytes() for p in path.iterdir()} == before


def copy_of(path, tmp_path):
    for file in path.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("checkpoint.msgpack", lambda data: data[:-9], "truncated"),
        ("checkpoint.msgpack", lambda data: b"PK" + data, "not written by jaxenvs"),
        ("run.json", lambda data: data[:40], "is no JSON"),
        ("run.json", lambda data: data.replace(b'"num_envs": 4', b'"num_envs": 8'), "the run's settings build"),
        ("run.json", lambda data: data.replace(b'"gravity"', b'"grovity"'), "no field `grovity`"),
        (
            "run.json",
            lambda data: data.replace(b'"clip": 0.2', b'"clip": "x"'),
            "settings that this jaxenvs cannot take",
        ),
        ("run.json", lambda data: data.replace(b'"algorithm": "ppo"', b'"algorithm": "a2c"'), "no algorithm"),
        ("run.json", lambda data: data.replace(b'"CartPole-v1"', b'"CartPole-v7"'), "v7"),
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


def test_interrupted_run_keeps_its_checkpoint_and_resumes_to_the_same_agent(jaxenvs_command, tmp_path):
    """Ctrl-C in a process of its own, after the first checkpoint."""
    path = tmp_path / "run"
    command = [sys.executable, "-m", "jaxenvs", "train", "CartPole-v1", "--steps", "40000", "-o", str(path), *TINY]
    environment = {**os.environ, "JAXENVS_COMPILATION_CACHE": "0"}
    process = subprocess.Popen(
        [*command, "--no-animation"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 120
    while not (path / "checkpoint.msgpack").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert f"The last checkpoint is {path / 'checkpoint.msgpack'}" in err
    assert f"jaxenvs train --resume {path}" in err and "Traceback" not in err
    assert json.loads((path / "run.json").read_text())["status"] == "interrupted"
    assert (path / "learning_curve.png").exists()

    partial = jaxenvs_command("evaluate", path, "-n", "5")
    assert partial.code == 0 and "has not finished" in partial.err

    assert jaxenvs_command("train", "--resume", path, "--no-animation", "--eval-episodes", "20").code == 0
    assert json.loads((path / "run.json").read_text())["status"] == "finished"
    whole = tmp_path / "whole"
    assert jaxenvs_command(*command[3 : -len(TINY) - 1], whole, *TINY, "--no-animation").code == 0
    evaluations = [json.loads(Path(p, "evaluation.json").read_text()) for p in (path, whole)]
    assert evaluations[0]["agents"] == evaluations[1]["agents"]
