"""`jaxenvs train` and `jaxenvs evaluate`: the main job end to end, with settings that take a moment."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

import jaxenvs
from jaxenvs.cli.evaluate import evaluation_of, print_evaluation
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.monitor import Run, read_episodes

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
        "episodes",
        "evaluation.json",
        "learning_curve.png",
        "progress.csv",
        "run.json",
    ]
    for name in ("checkpoint.msgpack", "learning_curve.png", "evaluation.json", "episodes", "agent.gif"):
        assert str(path / name) in result.stderr
    assert "not solved" in result.stdout and "20 fresh episodes" in result.stdout
    assert "1.02k/1.02k" in result.stderr, "the progress bar ends where training does"
    for name in ("agent.gif", "learning_curve.png"):
        with Image.open(path / name) as image:
            image.verify()


@pytest.mark.parametrize(
    ("arguments", "advised"),
    [(["BipedalWalker-v3"], True), (["BipedalWalker-v3", "--fuse"], False), (["Taxi-v4"], False)],
)
def test_fusion_is_advised_where_it_pays(jaxenvs_command, tmp_path, monkeypatch, arguments, advised):
    monkeypatch.setattr("jaxenvs.cli.train._train_and_finish", lambda *_, **__: None)
    said = jaxenvs_command("train", *arguments, "-o", tmp_path / "run")
    assert said.code == 0 and ("--fuse makes this several times as fast" in said.out + said.err) == advised


def test_every_episode_is_recorded(trained):
    path, _ = trained
    episodes, progress = read_episodes(path), Run.open(path).read_progress()
    evaluation = json.loads((path / "evaluation.json").read_text())
    for seed in range(2):
        of_seed = episodes["seed"] == seed
        played, evaluated = (of_seed & (episodes["mode"] == mode) for mode in ("training", "evaluation"))
        assert played.sum() == sum(row["episodes"] for row in progress if row["seed"] == seed) > 20
        assert set(episodes["lane"][played]) == {0, 1, 2, 3} and episodes["env_steps"][played].max() <= 1024
        np.testing.assert_array_equal(episodes["episode_return"][evaluated], evaluation["agents"][seed]["returns"])
        assert set(episodes["env_steps"][evaluated]) == {1024}


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
        ("a.toml", "env_id = 3", "`env_id` must be a str"),
        ("a.toml", "env_id = ", "is not TOML"),
        ("a.json", "[]", "holds a list"),
        ("a.json", '{"env": "CartPole-v1"}', "no entry `env`. Did you mean: `env_id`?"),
        ("a.json", '{"env_id": "CartPole-v1", "num_seeds": true}', "`num_seeds` must be a int"),
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


def test_settings_come_from_the_command_then_the_config_file_then_the_preset(jaxenvs_command, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxenvs.cli.train.run_interruptibly", lambda work: None)  # all but training
    config = """
        env_id = "CartPole-v1"
        algorithm = "dqn"
        seed = 3
        [hyper_parameters]
        total_steps = 200_000
        gamma = 0.5
        [fields]
        gravity = 5.0
    """
    (tmp_path / "config.toml").write_text(config)
    arguments = ("--config", tmp_path / "config.toml", "--steps", "1e5", "--set", "num_envs=4", "-F", "half_length=1")
    assert jaxenvs_command("train", *arguments, "-o", tmp_path / "run").code == 0
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (manifest["env_id"], manifest["algorithm"], manifest["seed"]) == ("CartPole-v1", "dqn", 3)
    assert manifest["fields"] == {"gravity": 5.0, "half_length": 1.0}
    chosen = manifest["hyper_parameters"]
    assert (chosen["total_steps"], chosen["gamma"], chosen["num_envs"], chosen["target_rate"]) == (
        100_000,
        0.5,
        4,
        0.02,
    )
    # The manifest of a run is also a config file.
    again = ("--config", tmp_path / "run" / "run.json", "--seed", "4", "--output", tmp_path / "again")
    assert jaxenvs_command("train", *again).code == 0
    copied = json.loads((tmp_path / "again" / "run.json").read_text())
    assert copied["hyper_parameters"] == chosen and (copied["seed"], copied["fields"]) == (4, manifest["fields"])


def test_a_finished_run_is_extended(jaxenvs_command, trained, tmp_path):
    path = copy_of(trained[0], tmp_path)
    result = jaxenvs_command("train", "--resume", path, "--steps", "1024")
    assert result.code == 2 and "has done 1,024 steps already" in result.err and "--steps 2048" in result.err
    before = jaxenvs.load(path)
    result = jaxenvs_command("train", "--resume", path, "--steps", "1_200", "--no-animation", "--eval-episodes", "5")
    assert result.code == 0, result.err
    after = jaxenvs.load(path)
    assert (before.updates, after.updates) == (8, 10) and after.learner.total_steps == 1200
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), before.policy.agent.actor, after.policy.agent.actor)
    assert all(jax.tree.leaves(moved))
    rows = Run.open(path).read_progress()
    assert [row["env_steps"] for row in rows if row["seed"] == 0] == [128.0 * n for n in range(1, 11)]
    episodes = read_episodes(path)
    evaluated = episodes["env_steps"][episodes["mode"] == "evaluation"]
    assert sorted(evaluated) == [1024] * 40 + [1280] * 10
    assert (episodes["mode"] == "training").sum() == sum(row["episodes"] for row in rows)


def test_an_agent_is_loaded_in_one_line(trained):
    path, _ = trained
    agent = jaxenvs.load(str(path))
    assert len(agent.policies) == 2 and float(jaxenvs.unwrap(agent.env).gravity) == 5
    evaluation = json.loads((path / "evaluation.json").read_text())
    key = jax.random.fold_in(jax.random.fold_in(jaxenvs.random.key(7), 1), 0)
    result = jaxenvs.evaluate(agent.env, agent.policy, key, num_episodes=20)
    np.testing.assert_array_equal(result.returns, evaluation["agents"][0]["returns"])


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


def test_numbers_that_are_not_finite_become_json(monkeypatch):
    returns = np.array([np.nan, np.inf, 1], np.float32)
    outcome = jaxenvs.Evaluation(returns, np.array([5, 5, 5]), np.ones(3, bool), np.ones(3, bool), np.zeros(3, bool))
    monkeypatch.setattr("jaxenvs.cli.evaluate.evaluate_policy", lambda *_, **__: outcome)
    result = evaluation_of(jaxenvs.make("CartPole-v1"), [lambda *_: 0], jaxenvs.spec("CartPole-v1"), 0, 3)
    assert result["mean_return"] is None and result["solved"] is False
    assert result["agents"][0]["returns"] == [None, None, 1.0]
    json.dumps(result, allow_nan=False)
    print_evaluation("CartPole-v1", result)


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


GREENHOUSE = """
import jaxenvs
from jaxenvs.envs.classic_control.cart_pole import CartPole

jaxenvs.register("Greenhouse-v0", CartPole, max_episode_steps=9)
"""


def test_an_environment_of_the_current_folder_is_trained_and_found_again(jaxenvs_command, tmp_path, monkeypatch):
    """By the installed command, whose path does not begin with the current folder."""
    (tmp_path / "greenhouse.py").write_text(GREENHOUSE)
    environment = {**os.environ, "JAXENVS_COMPILATION_CACHE": "0"}

    def command(*arguments):
        script = "import sys; sys.path = [p for p in sys.path if p]; from jaxenvs.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-P", "-c", script, *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
        )

    trained = command("train", "greenhouse:Greenhouse-v0", "--steps", "256", "-o", "run", *TINY, "--no-animation")
    assert trained.returncode == 0, trained.stderr
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (manifest["env_id"], manifest["module"]) == ("Greenhouse-v0", "greenhouse")
    evaluated = command("evaluate", "run", "-n", "5", "--json")
    assert json.loads(evaluated.stdout)["agents"][0]["mean_length"] <= 9, evaluated.stderr
    (tmp_path / "greenhouse.py").unlink()
    monkeypatch.chdir(tmp_path)
    lost = jaxenvs_command("evaluate", "run")
    assert lost.code == 1 and "registered by the module `greenhouse`" in lost.err
    assert "Traceback" not in lost.err


SHAPED = """
import jaxenvs
from jaxenvs.wrappers import ClipReward, ScaleReward


def shaped(spec, **fields):
    return ClipReward(ScaleReward(jaxenvs.make(spec, **fields), 3.0), -0.25, 0.25)
"""


def test_agents_are_evaluated_with_the_rewards_of_the_task(jaxenvs_command, tmp_path, monkeypatch):
    """CartPole pays 1 a step, so a return is the length; the agent is trained on a quarter of that."""
    (tmp_path / "shaped_rewards.py").write_text(SHAPED)
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "run"
    jaxenvs.register("Shaped-v0", CartPole, max_episode_steps=40, training_entry_point="shaped_rewards:shaped")
    trained = jaxenvs_command("train", "Shaped-v0", "--steps", "512", "-o", path, *TINY, "--no-animation")
    assert trained.code == 0, trained.err
    agent = jaxenvs.load(path)
    evaluated = json.loads(jaxenvs_command("evaluate", path, "-n", "20", "--json").out)["agents"][0]
    shown = jaxenvs_command("rollout", "Shaped-v0", "-p", path, "-F", "gravity=5", "-o", tmp_path / "a.png")
    made = jaxenvs.make("Shaped-v0")
    (row,) = Run.open(path).read_progress()[-1:]
    assert row["mean_return"] == pytest.approx(row["mean_length"] / 4)
    assert json.loads((path / "evaluation.json").read_text())["mean_return"] > 4
    assert evaluated["returns"] == [round(value) for value in evaluated["returns"]]
    assert evaluated["mean_return"] == evaluated["mean_length"]
    assert agent.env == made and jaxenvs.evaluation(agent.training_env) == made != agent.training_env
    episode_return, steps = re.search(r"return (\S+), (\d+) steps", shown.err).groups()
    assert float(episode_return) == int(steps)


@pytest.mark.parametrize(("numbers", "code"), [((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGTERM,), 143)])
def test_signals_are_heard_during_a_long_call(tmp_path, numbers, code):
    """The first update takes as long as the host is made to wait in it."""
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxenvs", "train", "slow:Slow-v0", "--steps", "4096", "-o", "run", *TINY],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "JAXENVS_COMPILATION_CACHE": "0"},
    )
    deadline = time.monotonic() + 200
    while not (tmp_path / "stepping").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.5)
    if len(numbers) == 1:
        (tmp_path / "go").touch()  # the update may end
    _, err = process.communicate(timeout=100)
    assert process.returncode == code, err
    assert "Stopping as soon as a checkpoint can be saved" in err and "Traceback" not in err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "interrupted"
    assert (tmp_path / "run" / "checkpoint.msgpack").exists() == (len(numbers) == 1)


SLOW = """
import pathlib, time
import jax, jax.numpy as jnp
import jaxenvs
from jaxenvs.envs.classic_control.cart_pole import CartPole


def wait(x):
    pathlib.Path("stepping").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
    return x


class SlowCartPole(CartPole):
    def step(self, state, action):
        state, timestep = CartPole.step(self, state, action)
        shape = jax.ShapeDtypeStruct((), jnp.float32)
        return state, timestep.replace(reward=jax.pure_callback(wait, shape, timestep.reward, vmap_method="sequential"))


jaxenvs.register("Slow-v0", SlowCartPole, max_episode_steps=9)
"""


@pytest.mark.slow  # the fast tests train PPO by the command, and SAC without it
def test_sac_is_trained_and_evaluated(jaxenvs_command, tmp_path):
    path = tmp_path / "run"
    tiny = [*TINY, "--set", "batch_size=8", "--set", "learning_starts=64", "--set", "target_entropy=-2"]
    result = jaxenvs_command(
        "train", "Pendulum-v1", "-a", "sac", "--steps", "256", *tiny, "--no-animation", "-o", path, "--no-record"
    )
    assert result.code == 0 and "Training SAC on Pendulum-v1" in result.err and not (path / "episodes").exists()
    manifest = json.loads((path / "run.json").read_text())
    assert (manifest["algorithm"], manifest["hyper_parameters"]["target_entropy"]) == ("sac", -2.0)
    evaluation = json.loads((path / "evaluation.json").read_text())
    again = json.loads(jaxenvs_command("evaluate", path, "--episodes", "20", "--json").out)
    assert again["agents"] == evaluation["agents"]


def test_existing_folder_is_not_overwritten(jaxenvs_command, trained):
    path, _ = trained
    before = {p.name: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    result = jaxenvs_command("train", "CartPole-v1", "--output", path)
    assert result.code == 2 and "exists already" in result.err
    assert {p.name: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before


def copy_of(path, tmp_path):
    shutil.copytree(path, tmp_path, dirs_exist_ok=True)
    return tmp_path


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
    """Ctrl-C in a separate process, after the first checkpoint."""
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
    episodes = [{**read_episodes(p), "seconds": None} for p in (path, whole)]
    np.testing.assert_equal(episodes[0], episodes[1])
