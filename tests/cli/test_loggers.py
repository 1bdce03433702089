"""`jaxenvs train --logger`: logs in the run folder, which a resumed run continues."""

import json
import sys

import pytest

from jaxenvs.monitor import Run
from tests.monitor.loggers.reading_logs import read_csv, read_json_lines, read_tensorboard

TINY = ("--set", "num_envs=4", "--set", "num_steps=32", "--set", "hidden_sizes=8", "--eval-episodes", "5")


def test_a_run_and_its_continuation_fill_the_same_logs(jaxenvs_command, tmp_path):
    path, elsewhere = tmp_path / "run", tmp_path / "elsewhere" / "figures.csv"
    chosen = ("--logger", "tensorboard", "-l", "jsonl", "-l", f"csv:{elsewhere}")
    result = jaxenvs_command("train", "CartPole-v1", "--steps", "512", *TINY, *chosen, "--no-animation", "-o", path)
    assert result.code == 0, result.err
    assert json.loads((path / "run.json").read_text())["loggers"] == list(chosen[1::2])
    result = jaxenvs_command("train", "--resume", path, "--steps", "768", "--no-animation", "--eval-episodes", "5")
    assert result.code == 0, result.err
    steps = [row["env_steps"] for row in Run.open(path).read_progress()]
    assert steps == [128.0 * n for n in range(1, 7)]
    lines = read_json_lines(path / "log.jsonl")
    assert [line["step"] for line in lines] == [row["step"] for row in read_csv(elsewhere)] == steps
    figures, events = read_tensorboard(path / "tensorboard")
    assert {tag: [step for step, _ in series] for tag, series in figures.items()} == dict.fromkeys(figures, steps)
    assert figures.keys() == lines[0].keys() - {"step"} > {"mean_return", "entropy", "seconds"}
    assert "settings" in events.Tags()["tensors"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("tensorbord", "There is no logger `tensorbord`. Did you mean: `tensorboard`?"),
        ("csv:", "names nothing after the colon"),
        ("wandb", "run `pip install wandb`"),
    ],
)
def test_a_logger_that_cannot_be_is_refused_before_anything_is_written(
    jaxenvs_command, tmp_path, monkeypatch, choice, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "wandb", None)
    result = jaxenvs_command("train", "CartPole-v1", "--logger", choice)
    assert result.code and message in result.err
    assert list(tmp_path.iterdir()) == []
