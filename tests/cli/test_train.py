"""`jaxenvs train` and `jaxenvs evaluate`: the main job end to end, with settings that take a moment."""

import json
import os
import re
import subprocess
import sys

import jax
import numpy as np
import pytest
from PIL import Image

import jaxenvs
from jaxenvs.cli.evaluate import evaluation_of, print_evaluation
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.monitor import Run, read_episodes
from tests.cli.trainings import TINY, copy_of
from tests.training.toy_envs import SignedSides


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["num_envs=8"], "a kernel takes 16 environments or more, and 8 step together. Add --set num_envs=16."),
        (["num_envs=4", "--seeds", "2"], "and 8 step together. Add --set num_envs=8."),
        (["num_envs=8", "--seeds", "2"], None),
        (["num_envs=16"], None),
    ],
)
def test_fusing_too_few_environments_is_said_to_change_nothing(jaxenvs_command, tmp_path, monkeypatch, arguments, said):
    pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
    monkeypatch.setattr("jaxenvs.cli.train._train_and_finish", lambda *_, **__: None)
    result = jaxenvs_command("train", "Taxi-v4", "--fuse", "-o", tmp_path / "run", "--set", *arguments)
    text = " ".join((result.out + result.err).split())
    assert result.code == 0 and ("--fuse changes nothing here" in text) == (said is not None)
    assert said is None or said in text


@pytest.mark.parametrize(
    ("id", "said"),
    [("VoxelCraft-v0", "--fuse may gain little here: 97 % of its work is on arrays of 1,000"), ("Taxi-v4", None)],
)
def test_fusing_that_may_gain_little_is_said_to(jaxenvs_command, tmp_path, monkeypatch, id, said):
    pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
    monkeypatch.setattr("jaxenvs.cli.train._train_and_finish", lambda *_, **__: None)
    result = jaxenvs_command("train", id, "--fuse", "-o", tmp_path / "run", "--set", "num_envs=16")
    text = " ".join((result.out + result.err).split())
    assert result.code == 0 and ("--fuse" in text) == (said is not None)
    assert said is None or said in text


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


def test_numbers_that_are_not_finite_become_json(monkeypatch):
    returns = np.array([np.nan, np.inf, 1], np.float32)
    outcome = jaxenvs.Evaluation(returns, np.array([5, 5, 5]), np.ones(3, bool), np.ones(3, bool), np.zeros(3, bool))
    monkeypatch.setattr("jaxenvs.cli.evaluate.evaluate_policy", lambda *_, **__: outcome)
    result = evaluation_of(jaxenvs.make("CartPole-v1"), [lambda *_: 0], jaxenvs.spec("CartPole-v1"), 0, 3)
    assert result["mean_return"] is None and result["solved"] is False
    assert result["agents"][0]["returns"] == [None, None, 1.0]
    json.dumps(result, allow_nan=False)
    print_evaluation("CartPole-v1", result)


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


@pytest.mark.slow  # compiles for long; `tests/training/test_features.py` has what is particular to pictures
@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_an_agent_that_sees_a_picture_and_more_is_trained_and_loaded(jaxenvs_command, tmp_path, algorithm):
    path = tmp_path / "run"
    jaxenvs.register("SignedSides-v0", SignedSides, max_episode_steps=8)
    tiny = TINY if algorithm == "ppo" else [*TINY, "--set", "learning_starts=64", "--set", "buffer_size=256"]
    result = jaxenvs_command("train", "SignedSides-v0", "-a", algorithm, "--steps", "256", *tiny, "-o", path)
    assert result.code == 0, result.err
    agent = jaxenvs.load(path)
    weights = agent.policy.agent.actor if algorithm == "ppo" else agent.policy.agent.network
    assert weights["params"]["Conv_0"]["kernel"].shape == (3, 3, 1, 16)
    evaluation = json.loads((path / "evaluation.json").read_text())
    again = json.loads(jaxenvs_command("evaluate", path, "-n", "20", "--json").out)
    assert again["agents"] == evaluation["agents"]
