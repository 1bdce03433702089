"""The program that measures what SAC learns with hindsight."""

import json

import pytest

from benchmarks import goal_learning
from docs.generator.figure_tables import learning_goals
from jaxenvs.training import SAC

TINY = SAC(num_envs=2, num_steps=25, batch_size=4, learning_starts=50, hidden_sizes=(4,), hindsight_goals=4)


@pytest.mark.slow
def test_a_training_becomes_rows_of_the_page(tmp_path, monkeypatch, capsys):
    pytest.importorskip("gymnasium_robotics", reason="needs the extra `robotics`")
    file = tmp_path / "figures.json"
    monkeypatch.setattr(goal_learning, "preset", lambda *_, **settings: TINY.replace(**settings))
    arguments = ["--episodes", "4", "--steps", "800", "--json", str(file)]
    monkeypatch.setattr("sys.argv", ["goal_learning", "FetchReach-v4", *arguments])
    goal_learning.main()
    figures = json.loads(file.read_text())
    assert {"command", "date", "device", "versions", "settings", "training"} < set(figures)
    assert [row["env_steps"] for row in figures["training"]] == [750, 800]
    assert all(row["success"] in (0.0, 0.25, 0.5, 0.75, 1.0) for row in figures["training"])
    assert "| 800 |" in learning_goals(figures)
    assert capsys.readouterr().out.count("success") == 2
