"""`jaxenvs replay`: the comparison, its exit code, and pictures."""

import json

import numpy as np
import pytest
from PIL import Image

import jaxenvs
from jaxenvs.cli.replay import read_size
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import EpisodeWriter, PackedBytes, Replayer, Replays, Run
from tests.monitor.recording.recorded import record


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    env = jaxenvs.make("FrozenLake-v1", max_episode_steps=10)
    return record(tmp_path_factory.mktemp("lake") / "run", env, lambda _, key: env.action_space.sample(key), steps=40)


def test_a_replay_that_agrees_says_so(jaxenvs_command, lake):
    result = jaxenvs_command("replay", lake.path, "--episode", "3")
    assert result.code == 0 and result.err == ""
    assert "episode 3 of training (training)" in result.out and "The replay is the recorded episode: " in result.out
    assert all(name in result.out for name in ("episode_return", "length", "terminated", "truncated"))
    assert max(map(len, result.out.splitlines())) <= 80


def test_a_replay_that_differs_says_by_how_much_and_fails(jaxenvs_command, lake, tmp_path):
    recorded = Replayer(lake).play(3).recorded
    run = Run.record(Replayer(lake).env, path=tmp_path / "run")
    columns = {name: [getattr(recorded, name)] for name in ("length", "terminated", "truncated", "env_steps")}
    key = np.frombuffer(recorded.key, np.uint32)[None]
    with EpisodeWriter(run) as writer:
        replays = Replays(key, "jaxenvs", PackedBytes.of([recorded.actions]))
        writer.add({**columns, "episode_return": [recorded.episode_return + 0.25]}, replays)
    result = jaxenvs_command("replay", run.path)
    assert result.code == 1 and "The replay differs in episode_return." in result.out and "-0.25" in result.out


def test_a_replay_is_drawn_at_any_size_or_as_text(jaxenvs_command, lake, tmp_path):
    for size, expected in (("60x40", (60, 40)), ("700", (700, 700)), (None, (256, 256))):
        output = tmp_path / "new" / f"{size}.gif"
        options = [] if size is None else ["--size", size]
        result = jaxenvs_command("replay", lake.path, "--output", output, *options)
        assert result.code == 0 and result.err == f"Wrote {output}\n"
        with Image.open(output) as image:
            assert image.size == expected
    assert "FFFH" in jaxenvs_command("replay", lake.path, "-o", "-").out.replace("\x1b[41mF\x1b[0m", "F")
    assert "\u2580" in jaxenvs_command("replay", lake.path, "-o", "-", "--pixels", "--size", "32x32").out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--episode", "900"], 1, "has no episode 900"),
        (["--writer", "mine"], 1, "Its writers are training"),
        (["--size", "wide"], 2, "--size takes a width"),
        (["--size", "0x4", "-o", "a.gif"], 2, "`width` must be an integer from 1 to 8192"),
        (["-o", "a.txt"], 2, "write an animation to .gif, .mp4"),
    ],
)
def test_what_cannot_be_is_reported(jaxenvs_command, lake, tmp_path, monkeypatch, options, code, message):
    monkeypatch.chdir(tmp_path)
    result = jaxenvs_command("replay", lake.path, *options)
    assert result.code == code and message in result.err


def test_folders_without_runs_or_environments_are_reported(jaxenvs_command, lake, tmp_path):
    assert "is not a run folder" in jaxenvs_command("replay", tmp_path).err
    manifest = lake.manifest()
    manifest["environment"]["class"] = "__main__:Mine"
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    result = jaxenvs_command("replay", tmp_path)
    assert result.code == 1 and "`__main__:Mine` cannot be imported" in result.err


def test_sizes_are_widths_or_pairs():
    assert read_size("640") == (640, None) and read_size(" 640X480") == (640, 480)
    for text in ("", "640x", "-3", "12345"):
        with pytest.raises(InvalidField, match="--size takes"):
            read_size(text)
