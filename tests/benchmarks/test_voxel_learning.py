"""The program that measures what PPO learns in worlds of blocks."""

import json

import pytest

from benchmarks import voxel_learning
from docs.generator.figure_tables import learning_voxels, voxel_achievements
from jaxenvs.envs.voxel_craft import _rules as rules
from jaxenvs.training import PPO

TINY = PPO(total_steps=8, num_envs=2, num_steps=4, num_minibatches=2, channels=(4,), hidden_sizes=(4,))


@pytest.mark.slow
@pytest.mark.parametrize("id", voxel_learning.IDS)
def test_a_training_becomes_rows_of_the_page(id, tmp_path, monkeypatch, capsys):
    file = tmp_path / "figures.json"
    monkeypatch.setattr(voxel_learning, "preset", lambda *_, **settings: TINY.replace(**settings))
    monkeypatch.setattr("sys.argv", ["voxel_learning", id, "--episodes", "2", "--steps", "16", "--json", str(file)])
    voxel_learning.main()
    figures = json.loads(file.read_text())
    assert {"command", "date", "device", "versions", "settings", "training"} < set(figures)
    assert figures["env_id"] == id and figures["settings"]["total_steps"] == 16
    assert set(figures["results"]) == {"most likely actions", "drawn actions"}
    for result in figures["results"].values():
        if id.startswith("rlenvs"):
            assert result["reached"] in (0.0, 0.5, 1.0) and result["mean_length"] <= 150
            assert result["mean_return"] == pytest.approx(2000 * result["reached"] - 1000)
        else:
            assert result["mean_length"] == 2000 and list(result["shares"]) == list(rules.ACHIEVEMENTS)
            assert result["mean_return"] == pytest.approx(result["achievements"])
            assert "| collect dirt |" in voxel_achievements(figures)
    assert f"| `{id}` | 16 |" in learning_voxels(figures)
    assert "processor minutes" in capsys.readouterr().out
