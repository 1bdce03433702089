"""Pictures made of pictures: contact sheets of lanes, captions on frames, and animations in notebooks."""

import base64
import io
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import (
    HtmlAnimation,
    LaneFrames,
    OverlaidFrames,
    contact_sheet,
    record_episode,
    show_episodes,
    write_animation,
)
from jaxenvs.monitor.pictures.captions import fitting
from jaxenvs.monitor.pictures.lanes import sheet_columns
from tests.monitor.pictures.toy_pictures import Count, CountState

KEY = jaxenvs.random.key(0)
SMALL = Count()
LANES = CountState(jnp.arange(7, dtype=jnp.int32))


def test_sheet_shows_each_lane_in_reading_order_on_white():
    sheet = contact_sheet(SMALL, LANES, columns=3)
    assert sheet.shape == (3 * 10 - 2, 3 * 10 - 2, 3) and sheet.dtype == np.uint8
    corners = sheet[::10, ::10, 0]
    assert corners.tolist() == [[0, 20, 40], [60, 80, 100], [120, 255, 255]]
    assert (sheet[8:10] == 255).all() and (sheet[:, 8:10] == 255).all()


def test_labels_stand_above_their_pictures():
    sheet = contact_sheet(Count(height=30, width=60), LANES, columns=7, labels=["a"] * 6 + ["long label"])
    above = sheet.shape[0] - 30
    assert above > 5 and (sheet[above:, 62:122] == 20).all()
    inked = [(sheet[:above, 62 * i : 62 * i + 60] < 200).any() for i in range(7)]
    assert all(inked) and (sheet[:above, 6 * 62 + 60 :] == 255).all()
    with pytest.raises(InvalidField, match="as many labels, got 2"):
        contact_sheet(SMALL, LANES, labels=["a", "b"])


def test_pictures_are_shrunk_by_means():
    class Halves(Count):
        def render(self, state):
            return jnp.broadcast_to(jnp.array([[[0], [100]]], jnp.uint8), (9, 2, 3)).repeat(5, axis=1)

    sheet = contact_sheet(Halves(), LANES, columns=7, shrink=2)
    assert sheet.shape == (4, 7 * 7 - 2, 3)
    assert sheet[0, :5, 0].tolist() == [0, 0, 50, 100, 100]


@pytest.mark.parametrize(("count", "height", "width", "columns"), [(1, 8, 8, 1), (16, 400, 600, 4), (12, 8, 8, 4)])
def test_sheets_are_about_as_wide_as_a_screen(count, height, width, columns):
    assert sheet_columns(count, height, width) == columns


@pytest.mark.parametrize(
    ("states", "options", "message"),
    [
        (CountState(jnp.zeros((), jnp.int32)), {}, "a leading axis of lanes"),
        (CountState(jnp.zeros((0,), jnp.int32)), {}, "a leading axis of lanes"),
        (LANES, {"columns": 0}, "at least 1 column"),
        (LANES, {"shrink": 9}, "from 1 to the picture's 8 pixels"),
        (CountState(jnp.zeros((2**20 + 1,), jnp.int32)), {}, "Draw fewer lanes"),
    ],
)
def test_sheets_that_cannot_be_are_refused(states, options, message):
    with pytest.raises(InvalidField, match=message):
        contact_sheet(SMALL, states, **options)


def test_lanes_of_a_rollout_move(tmp_path):
    env = jaxenvs.AutoReset(SMALL)
    _, trajectory = jaxenvs.rollout(env, lambda o, k: jnp.zeros((), jnp.int32), KEY, 12, num_envs=4, keep_states=True)
    frames = LaneFrames(env, trajectory.states, columns=2)
    assert len(frames) == 12 and [int(frame[0, 0, 0]) for frame in frames] == [20 * (i % 9) for i in range(12)]
    np.testing.assert_array_equal(frames[-1], frames[2:][-1])
    write_animation(tmp_path / "lanes.gif", frames, 10)
    with Image.open(tmp_path / "lanes.gif") as image:
        assert image.n_frames >= 12 - 1 and image.size == (18, 18)


def test_lanes_are_drawn_in_chunks(monkeypatch):
    whole = contact_sheet(SMALL, LANES)
    monkeypatch.setattr("jaxenvs.monitor.pictures.lanes.CHUNK_BYTES", 3 * 8 * 8 * 3)
    np.testing.assert_array_equal(contact_sheet(SMALL, LANES), whole)


def recorded(env, action):
    return record_episode(env, lambda observation, key: action, KEY, 20)


@pytest.fixture
def texts(monkeypatch):
    """What is written, in the order of writing."""
    written = []
    write = jaxenvs.monitor.pictures.captions.write
    for room in ("overlay", "captions"):
        monkeypatch.setattr(
            f"jaxenvs.monitor.pictures.{room}.write",
            lambda picture, text, *rest: (written.append(text), write(picture, text, *rest)),
        )
    return written


def test_overlay_tells_step_action_reward_and_return(texts):
    episode = recorded(SMALL, jnp.asarray(2, jnp.int32))
    frames = OverlaidFrames(SMALL, [episode], every=4, action_names=["A", "B", "CROUCH"])
    pictures = list(frames)
    assert len(pictures) == len(frames) == 4 and {picture.shape for picture in pictures} == {frames.shape}
    assert texts == [
        *("step 0", "action -", "reward -", "return 0"),
        *("step 4", "action CROUCH", "reward 2", "return 5"),
        *("step 8", "action CROUCH", "reward 4", "return 18"),
        *("step 9", "action CROUCH", "reward 4.50", "return 22.50"),
    ]
    np.testing.assert_array_equal(pictures[1], frames[1])
    np.testing.assert_array_equal(pictures[-1], frames[-2:][1])


def test_small_pictures_are_enlarged_crisply_above_the_text():
    class Checks(Count):
        def render(self, state):
            checks = jnp.indices((8, 8)).sum(0) % 2
            return jnp.broadcast_to((255 * checks).astype(jnp.uint8)[..., None], (8, 8, 3))

    env = Checks()
    picture = OverlaidFrames(env, [recorded(env, jnp.asarray(0, jnp.int32))])[1]
    assert picture.shape[1] == 240 and picture.shape[0] > 250
    np.testing.assert_array_equal(picture[15:240:30, 15::30, 0], np.indices((8, 8)).sum(0) % 2 * 255)
    assert set(np.unique(picture[:240])) == {0, 255}
    on = OverlaidFrames(env, [recorded(env, jnp.asarray(0, jnp.int32))], place="on")[1]
    assert on.shape == (240, 240, 3) and (on[:150] == picture[:150]).all() and (on[-3:] != picture[237:240]).any()


def test_a_few_continuous_numbers_are_written_and_many_are_bars(texts):
    env = Count(numbers=2, width=300)
    OverlaidFrames(env, [recorded(env, jnp.array([-0.5, 1.25], jnp.float32))])[1]
    assert "action -0.50 +1.25" in texts
    texts.clear()
    env = Count(numbers=5, width=300)
    action = jnp.array([-2.0, -1.0, 0.0, 1.0, 2.0], jnp.float32)
    picture = OverlaidFrames(env, [recorded(env, action)])[1]
    assert not [text for text in texts if "action" in text]
    strip = picture[8:].astype(int)
    blue, orange = ((strip == color).all(-1) for color in (jaxenvs.canvas.palette.BLUE, jaxenvs.canvas.palette.ORANGE))
    highs, lows = (np.unique(mask.sum(axis=0)) for mask in (blue, orange))
    assert len(lows) == 3 and lows[-1] == pytest.approx(2 * lows[1], abs=2), "none, half way, and to the bound"
    assert highs[-1] == pytest.approx(lows[-1], abs=1)
    assert np.flatnonzero(orange.any(axis=0)).max() < np.flatnonzero(blue.any(axis=0)).min()


def test_text_is_cut_and_other_characters_are_replaced():
    assert fitting("abcdef", 40, 10) == "ab.." and fitting("abc", 40, 10) == "abc" and fitting("abc", 10, 10) == "."
    assert fitting("née", 90, 10) == "n?e"


def test_overlays_that_cannot_be_are_refused():
    episode = recorded(SMALL, jnp.asarray(0, jnp.int32))
    with pytest.raises(InvalidField, match="3 actions, but 2 names"):
        OverlaidFrames(SMALL, [episode], action_names=["A", "B"])
    with pytest.raises(InvalidField, match="'under' or 'on'"):
        OverlaidFrames(SMALL, [episode], place="over")  # type: ignore[arg-type]


def pictures_of(html):
    addresses = json.loads(re.search(r"const frames = (\[.*?\]), pause", html)[1])
    pictures = []
    for address in addresses:
        kind, data = re.fullmatch(r"data:image/(png|jpeg);base64,(.*)", address).groups()
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            pictures.append((kind, np.asarray(image.convert("RGB"))))
    return pictures


def test_a_notebook_shows_every_frame_with_nothing_from_elsewhere(tmp_path):
    episode = recorded(SMALL, jnp.asarray(0, jnp.int32))
    shown = show_episodes(SMALL, episode)
    html = shown._repr_html_()
    pictures = pictures_of(html)
    assert [(kind, int(picture[0, 0, 0])) for kind, picture in pictures] == [("png", 20 * i) for i in range(10)]
    assert "pause = 33.3;" in html and not re.search(r"(?:src|href)=\"(?!data:)|url\(|@[A-Z]+@", html)
    without_scripts = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert 'alt="1 episode of Count, return 22.5"' in without_scripts
    assert re.search(r'<img src="(data:[^"]*)"', without_scripts)[1] in html.split("const frames")[1]
    assert 'style="display:none' in without_scripts, "controls that would do nothing are not seen"
    shown.save(tmp_path / "a.html")
    assert html in (tmp_path / "a.html").read_text()
    assert shown._repr_html_() == show_episodes(SMALL, [episode])._repr_html_()


def test_pictures_like_photographs_are_stored_as_jpeg():
    noise = np.random.default_rng(0).normal(128, 20, (3, 64, 64, 3)).clip(0, 255).astype(np.uint8)
    pictures = pictures_of(HtmlAnimation(list(noise), 10)._repr_html_())
    assert [kind for kind, _ in pictures] == ["jpeg"] * 3
    errors = np.array([[abs(picture - frame.astype(float)).mean() for frame in noise] for _, picture in pictures])
    assert (errors.argmin(axis=1) == np.arange(3)).all()


def test_an_animation_that_is_too_large_for_a_notebook_says_what_to_do():
    frames = [np.random.default_rng(i).integers(0, 255, (40, 40, 3), np.uint8) for i in range(20)]
    whole = len(HtmlAnimation(frames, 10)._repr_html_())
    with pytest.raises(InvalidField, match=r"20 frames of 40 x 40 pixels .* Show fewer: `frames\[::(\d)\]`") as error:
        HtmlAnimation(frames, 10, max_bytes=whole // 3)
    step = int(re.search(r"\[::(\d)\]", str(error.value))[1])
    assert HtmlAnimation(frames[::step], 10, max_bytes=whole // 3)
    with pytest.raises(InvalidField, match="no frames to show"):
        HtmlAnimation([], 10)


def test_overlays_are_shown_in_notebooks():
    episode = recorded(SMALL, jnp.asarray(0, jnp.int32))
    pictures = pictures_of(show_episodes(SMALL, episode, overlay=True)._repr_html_())
    expected = OverlaidFrames(SMALL, [episode])[3]
    difference = np.abs(pictures[3][1].astype(int) - expected)
    assert pictures[3][1].shape == expected.shape and difference.mean() < 3
    assert jax.tree.leaves(episode.states)[0].shape == (10,)
