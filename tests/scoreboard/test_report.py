"""The comparison of one's own runs: what is one row, what counts once, and what is left out."""

import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("pyarrow", reason="needs pyarrow, which the extra monitor has")

import jaxenvs
from jaxenvs.cli.app import app
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import EpisodeWriter, Run
from jaxenvs.monitor.run_folder.settings import Settings
from jaxenvs.scoreboard.report import report


def trained(path, *, algorithm="ppo", seed=0, returns=(), reports=(), rate=1e-3, **more):
    """The folder of a training of one agent, as `jaxenvs train` leaves it."""
    parameters = {"total_steps": 1000, "learning_rate": rate, **more}
    run = Run.create(Settings("CartPole-v1", {}, None, algorithm, parameters, seed), path)
    run.append_progress([{"seed": 0, "env_steps": 100 * i, "mean_return": value} for i, value in enumerate(reports, 1)])
    if len(returns):
        recorded(run, returns)
    return run


def recorded(run, returns, writer="training"):
    count = len(returns)
    with EpisodeWriter(run, writer=writer) as episodes:
        episodes.add(
            {
                "episode_return": np.asarray(returns, np.float32),
                "length": np.full(count, 10),
                "terminated": np.ones(count, bool),
                "truncated": np.zeros(count, bool),
                "env_steps": 10 * np.arange(1, count + 1),
                "lane": np.zeros(count, np.int32),
            }
        )


def test_seeds_are_one_row_and_the_best_comes_first(tmp_path):
    for seed in range(5):
        trained(tmp_path / f"a{seed}", seed=seed, returns=[100.0] * 100 + [480.0 + seed] * 100)
        trained(tmp_path / f"deep/er/b{seed}", seed=seed, returns=[10.0] * 150, rate=1e-2)
    shutil.copytree(tmp_path / "a3", tmp_path / "copy of a3")
    found = report(tmp_path)
    first, second = found.rows
    assert (first.summary.seeds, first.solved, first.summary.mean, first.summary.iqm) == (5, 5, 482.0, 482.0)
    assert first.solved_after is not None and 98 <= first.solved_after <= 99
    assert (second.summary.seeds, second.solved, second.solved_after, second.summary.mean) == (5, 0, None, 10.0)
    assert "learning_rate" in first.label and first.label != second.label and first.threshold == 475.0
    assert found.left_out == []


def test_settings_that_differ_in_steps_alone_say_so(tmp_path):
    """As do those whose label has no room for what differs."""
    for number, steps in enumerate((1000, 2000, 2000)):
        trained(tmp_path / str(number), seed=number, returns=[20.0] * 100, total_steps=steps)
    trained(tmp_path / "dqn", algorithm="dqn", returns=[10.0] * 100)
    labels = {row.label: row.summary.seeds for row in report(tmp_path).rows}
    assert labels == {"PPO · 1,000 steps": 1, "PPO · 2,000 steps": 2, "DQN": 1}
    several = [dict.fromkeys("abc", 1), dict.fromkeys("abc", 0) | {"d": 1}, dict.fromkeys("abc", 0) | {"d": 2}]
    for number, settings in enumerate(several):
        trained(tmp_path / "many" / str(number), returns=[20.0] * 100, **{"d": 0, **settings})
    assert len({row.label for row in report(tmp_path / "many").rows}) == 3


def test_what_was_not_recorded_has_a_row_of_its_own(tmp_path):
    trained(tmp_path / "recorded", returns=[20.0] * 100, reports=[5.0])
    trained(tmp_path / "not", seed=1, reports=[float("nan"), *range(20)])
    found = report(tmp_path)
    assert [(row.is_recorded, row.summary.mean, row.solved) for row in found.rows] == [
        (True, 20.0, 0),
        (False, 18.5, 0),
    ]


def test_runs_without_a_learner_are_named_by_their_folder(tmp_path):
    run = Run.record(jaxenvs.make("CartPole-v1"), path=tmp_path / "own" / "loop")
    recorded(run, [30.0] * 100, "one")
    recorded(run, [50.0] * 100, "two")
    (row,) = report(tmp_path).rows
    assert (row.env_id, row.label, row.summary.seeds, row.summary.mean) == ("CartPole-v1", "own/loop", 2, 40.0)
    assert report(run.path).rows[0].label == "loop"


def test_what_is_left_out_is_said(tmp_path, monkeypatch):
    trained(tmp_path / "good", returns=[20.0] * 100)
    trained(tmp_path / "begun")
    trained(tmp_path / "a damaged", reports=[1.0]).progress_path.write_text("seed,env_steps,mean_return\nx,y\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text("{")
    assert [path.name for path, _ in report(tmp_path).left_out] == ["a damaged", "other", "begun"]
    monkeypatch.setenv("COLUMNS", "80")
    result = CliRunner().invoke(app, ["scoreboard", "report", str(tmp_path)])
    shown = " ".join(result.output.split())
    assert result.exit_code == 0 and "CartPole-v1, solved at 475" in shown
    assert "Left out:" in shown and "No episode has finished." in shown
    with pytest.raises(InvalidField, match="There is no folder"):
        report(tmp_path / "nothing")
    with pytest.raises(InvalidField, match="holds no run with a finished episode"):
        report(tmp_path / "begun")
