"""`jaxenvs train --logger`: logs in the run folder, which a resumed run continues."""

import io
import json
import sys

import pytest
from PIL import Image

from jaxenvs.monitor import Run
from tests.cli.trainings import TINY
from tests.monitor.loggers.reading_logs import read_csv, read_json_lines, read_tensorboard


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
    lines, rows = read_json_lines(path / "log.jsonl"), read_csv(elsewhere)
    evaluated = [line for line in lines if "evaluation/mean_return" in line]
    lines = [line for line in lines if line not in evaluated]
    assert [line["step"] for line in evaluated] == [512, 768]
    assert evaluated[1]["evaluation/mean_return"] == json.loads((path / "evaluation.json").read_text())["mean_return"]
    assert [line["step"] for line in lines] == steps
    assert [row["step"] for row in rows] == sorted([*steps, 512, 768])
    figures, events = read_tensorboard(path / "tensorboard")
    seen = {tag: [step for step, _ in series] for tag, series in figures.items()}
    training, evaluations = lines[0].keys() - {"step"}, evaluated[0].keys() - {"step"}
    assert seen == {**dict.fromkeys(training, steps), **{name: [512, 768] for name in evaluations}}
    assert training > {"mean_return", "entropy", "seconds"}
    assert "settings" in events.Tags()["tensors"]


@pytest.mark.slow
def test_a_log_with_pictures_shows_an_evaluated_episode(jaxenvs_command, counter_env, tmp_path):
    path = tmp_path / "run"
    chosen = ("--logger", "tensorboard", "--steps", "256", "-o", path)
    assert jaxenvs_command("train", counter_env, *TINY, *chosen).code == 0
    _, events = read_tensorboard(path / "tensorboard")
    (picture,) = events.Images("evaluation/episode")
    assert picture.step == 256
    with Image.open(io.BytesIO(picture.encoded_image_string)) as image:
        assert image.width >= 40 and image.height >= 20 and len(set(image.getdata())) > 1


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
