"""Recorded episodes, animations and learning curves."""

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxenvs
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import (
    Frames,
    HtmlAnimation,
    OverlaidFrames,
    contact_sheet,
    draw_learning_curve,
    load_checkpoint,
    record_episode,
    record_episodes,
    replay_actions,
    save_checkpoint,
    show_episodes,
    write_animation,
)
from jaxenvs.monitor.pictures.animation import frame_stride
from jaxenvs.rollouts.policy import RandomPolicy

KEY = jaxenvs.random.key(5)


class DotState(PyTreeNode):
    column: Any


class Dot(jaxenvs.Env):
    """A white column on black that moves right by one per step, and ends at the edge."""

    observation_space = jaxenvs.spaces.Box(np.zeros(1, np.float32), np.full(1, 99, np.float32))
    action_space = jaxenvs.spaces.Discrete(2)

    def reset(self, key):
        return DotState(jnp.zeros((), jnp.int32)), jaxenvs.restart(jnp.zeros(1, jnp.float32))

    def step(self, state, action):
        column = state.column + 1
        return DotState(column), jaxenvs.transition(column.astype(jnp.float32)[None], 1.0, column >= 70)

    def render(self, state):
        white = jnp.arange(100) == state.column
        return jnp.broadcast_to(jnp.where(white, 255, 0).astype(jnp.uint8)[None, :, None], (51, 100, 3))


@pytest.fixture(scope="module")
def episode():
    return record_episode(Dot(), lambda observation, key: jnp.zeros((), jnp.int32), KEY, 100)


def test_episode_is_recorded_up_to_its_end(episode):
    assert episode.length == 70 and episode.episode_return == 70
    assert episode.terminated and not episode.truncated
    assert episode.states.column.tolist() == list(range(71))
    head = episode.first(10)
    assert head.length == 10 and not head.terminated and head.states.column.tolist() == list(range(11))


def test_time_limit_ends_a_recording_as_truncated():
    env = jaxenvs.TimeLimit(Dot(), max_episode_steps=7)
    episodes = record_episodes(env, RandomPolicy(env.action_space), KEY, max_steps=20, min_steps=15)
    assert [(e.length, e.terminated, e.truncated) for e in episodes] == [(7, False, True)] * 3


def test_replayed_actions_give_the_recorded_episode():
    env = jaxenvs.make("CartPole-v1")
    recorded = record_episode(env, RandomPolicy(env.action_space), KEY, 500)
    replayed = replay_actions(env, recorded.actions, KEY)
    assert replayed.terminated and replayed.length == recorded.length < 200
    jax.tree.map(np.testing.assert_array_equal, replayed.states, recorded.states)


def test_recording_needs_a_limit():
    with pytest.raises(InvalidField, match="at least 1"):
        record_episodes(Dot(), lambda o, k: 0, KEY, max_steps=5)
    with pytest.raises(InvalidField, match="at least 1"):
        record_episode(Dot(), lambda o, k: 0, KEY, 0)


def test_frames_are_drawn_in_chunks_and_thinned_to_the_last(episode):
    frames = Frames(Dot(), [episode, episode.first(3)], every=4)
    columns = [int(np.argmax(frame[0, :, 0])) for frame in frames]
    assert columns == [*range(0, 70, 4), 70, 0, 3] and len(frames) == len(columns)
    assert frames.shape == (51, 100, 3)
    assert [int(np.argmax(f[0, :, 0])) for f in frames[-3:]] == [70, 0, 3]
    assert int(np.argmax(frames[1][0, :, 0])) == 4


def test_gif_holds_every_frame_in_true_colours_and_loops(episode, tmp_path):
    write_animation(tmp_path / "dot.gif", Frames(Dot(), [episode]), 30)
    with Image.open(tmp_path / "dot.gif") as image:
        assert image.info["loop"] == 0 and image.size == (100, 51) and image.n_frames == 71
        durations = []
        for i in range(image.n_frames):
            image.seek(i)
            picture = np.asarray(image.convert("RGB"))
            assert int(np.argmax(picture[0, :, 0])) == i and picture[0, i].min() == 255 and picture[0, i - 1].max() == 0
            durations.append(image.info["duration"])
    assert sum(durations[:30]) == 1000, "hundredths of a second must not add up to an error"


@pytest.mark.parametrize(
    ("name", "frames_per_second", "num_frames", "stride"),
    [
        ("a.gif", 50, 200, 2),  # no faster than 25 a second
        ("a.gif", 20, 200, 1),
        ("a.gif", 20, 1001, 2),  # long: as few as 8 a second
        ("a.gif", 50, 10_000, 6),
        ("a.gif", 50, 700, 3),
        ("a.gif", 4, 10_000, 1),
        ("a.mp4", 50, 10_000, 1),
    ],
)
def test_frames_that_are_worth_drawing(name, frames_per_second, num_frames, stride):
    assert frame_stride(Path(name), frames_per_second, num_frames) == stride


@pytest.mark.parametrize("name", ["dot.gif", "dot.mp4"])
def test_every_frame_is_told_of(episode, tmp_path, name):
    told = []
    write_animation(tmp_path / name, Frames(Dot(), [episode]), 30, on_frame=lambda: told.append(1))
    assert len(told) == 71


def test_paths_may_be_strings_and_episodes_single(episode, tmp_path):
    frames = Frames(Dot(), episode)
    assert len(frames) == len(Frames(Dot(), [episode])) == len(OverlaidFrames(Dot(), episode))
    write_animation(f"{tmp_path}/a.gif", frames, 10)
    HtmlAnimation(frames, 10).save(f"{tmp_path}/a.html")
    save_checkpoint(f"{tmp_path}/a.msgpack", {"x": jnp.ones(2)})
    assert load_checkpoint(f"{tmp_path}/a.msgpack", {"x": jnp.zeros(2)})[0]["x"].tolist() == [1, 1]
    draw_learning_curve(f"{tmp_path}/a.svg", [], title="nothing")
    assert {path.suffix for path in tmp_path.iterdir()} == {".gif", ".html", ".msgpack", ".svg"}


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda e: Frames("Dot-v0", e), "Frames takes an environment, got the string 'Dot-v0'"),
        (lambda e: OverlaidFrames(Dot, e), "OverlaidFrames takes a jaxenvs.Env, got the class Dot"),
        (lambda e: show_episodes(3, e), "show_episodes takes a jaxenvs.Env, got int"),
        (lambda e: contact_sheet("Dot-v0", e.states), "A contact sheet takes an environment"),
        (lambda e: record_episode("Dot-v0", RandomPolicy(Dot.action_space), KEY, 3), "record_episode takes an env"),
        (lambda e: replay_actions("Dot-v0", e.actions, KEY), "replay_actions takes an environment"),
        (lambda e: Frames(Dot(), []), "got none"),
        (lambda e: OverlaidFrames(Dot(), [e, 3]), "got Episode, int"),
        (lambda e: Frames(Dot(), e, every=0), "must be at least 1, got 0"),
        (lambda e: write_animation("a.gif", Frames(Dot(), e), 0), "must be above 0, got 0"),
        (lambda e: write_animation("a.mp4", Frames(Dot(), e), math.nan), "must be above 0, got nan"),
        (lambda e: HtmlAnimation(Frames(Dot(), e), -1), "must be above 0, got -1"),
        (lambda e: draw_learning_curve("a.png", [{"seed": 0, "env_steps": 1, "loss": 2.0}], title="t", column="los"),
         "no column `los`. Did you mean"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_explained(episode, draw, message):
    with pytest.raises(InvalidField, match=re.escape(message)):
        draw(episode)


def test_wide_gif_is_scaled_down(tmp_path):
    write_animation(tmp_path / "wide.gif", [np.full((200, 960, 3), 90, np.uint8)] * 2, 10)
    with Image.open(tmp_path / "wide.gif") as image:
        assert image.size == (480, 100)


def test_mp4_plays_every_frame_at_an_even_size(episode, tmp_path):
    from imageio_ffmpeg import get_ffmpeg_exe

    write_animation(tmp_path / "dot.mp4", Frames(Dot(), [episode]), 30)
    read = [get_ffmpeg_exe(), "-v", "error", "-i", tmp_path / "dot.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(read, capture_output=True, check=True).stdout
    frames = np.frombuffer(data, np.uint8).reshape(-1, 52, 100, 3)
    assert len(frames) == 71
    # Chroma is stored at half resolution and compressed, so only the brightest column is exact.
    assert [int(np.argmax(frame[10].sum(axis=-1, dtype=int))) for frame in frames] == list(range(71))


def test_contact_sheet_shows_frames_up_to_the_last(episode, tmp_path):
    write_animation(tmp_path / "dot.png", Frames(Dot(), [episode]), 30)
    with Image.open(tmp_path / "dot.png") as image:
        sheet = np.asarray(image)
    assert sheet.shape == (3 * 53 - 2, 4 * 102 - 2, 3)
    assert sheet[-1, 3 * 102 + 70].min() == 255 or sheet[-1, 2 * 102 + 70].min() == 255


@pytest.mark.parametrize(
    ("name", "frames", "message"),
    [
        ("a.avi", [np.zeros((2, 2, 3), np.uint8)], r"ends in '\.avi'; write an animation to \.gif, \.mp4"),
        ("a", [np.zeros((2, 2, 3), np.uint8)], "no suffix"),
        ("a.gif", [], "no frames"),
        ("a.gif", [np.zeros((2, 2, 3), np.float32)], "uint8"),
        ("a.gif", [np.zeros((2, 2), np.uint8)], "uint8"),
    ],
)
def test_what_is_no_animation_is_refused(tmp_path, name, frames, message):
    with pytest.raises(InvalidField, match=message):
        write_animation(tmp_path / name, frames, 10)
    assert list(tmp_path.iterdir()) == []


def rows(seed, returns):
    return [{"env_steps": 100.0 * i, "seed": seed, "mean_return": r} for i, r in enumerate(returns)]


@pytest.mark.parametrize(
    "curve",
    [rows(0, range(50)), rows(0, [math.nan, 1.0]), rows(0, range(9)) + rows(1, range(5)), rows(0, [math.nan]), []],
    ids=["one seed", "a gap", "two seeds", "no episode", "no report"],
)
def test_learning_curve_is_drawn_from_any_rows(tmp_path, curve):
    draw_learning_curve(tmp_path / "curve.png", curve, title="T", subtitle="S", threshold=4.0)
    with Image.open(tmp_path / "curve.png") as image:
        assert image.size == (1350, 750)
        assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_learning_curve_leaves_matplotlib_as_it_was(tmp_path):
    program = f"""
import sys, matplotlib
before = dict(matplotlib.rcParams)
from pathlib import Path
from jaxenvs.monitor import draw_learning_curve
draw_learning_curve(Path({str(tmp_path / "c.png")!r}), [], title="t")
assert dict(matplotlib.rcParams) == before
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
