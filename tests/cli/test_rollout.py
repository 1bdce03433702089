"""`jaxenvs rollout`: files, the terminal, and what it refuses."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxenvs
from jaxenvs.cli.agents import ANIMATION_KEY, key_for
from jaxenvs.cli.rollout import quick_to_draw
from jaxenvs.cli.terminal import frame_text
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.monitor import OverlaidFrames, replay_actions, write_animation


def test_text_environment_is_shown_step_by_step(jaxenvs_command, counter_env):
    result = jaxenvs_command("rollout", counter_env, "--action", "1", "-a", "0.5", "-a", "[2]", "-a", "1")
    assert result.code == 0
    assert result.out.split() == ["count", "0", "count", "1", "count", "1.5", "count", "3.5"]
    assert result.err == "episode 1: return 6, 3 steps, terminated\n"


def test_pixels_are_drawn_as_half_blocks(jaxenvs_command, counter_env):
    result = jaxenvs_command("rollout", counter_env, "--action", "1", "--pixels")
    assert result.code == 0
    assert result.out.count("\u2580") == 2 * 40 * 10  # two frames of 40 x 20 pixels, two rows a line
    assert "48;2;200;200;200m" in result.out


def test_steps_and_episodes_limit_a_recording(jaxenvs_command, counter_env, tmp_path):
    output = tmp_path / "new" / "folder" / "out.gif"
    result = jaxenvs_command("rollout", counter_env, "--steps", "30", "--seed", "3", "-o", output)
    lines = result.err.splitlines()
    assert lines[-1] == f"Wrote {output}"
    assert lines[-2].endswith(("cut here", "terminated", "truncated by the time limit"))
    assert sum(int(line.split(", ")[1].split()[0]) for line in lines[:-1]) == 30
    with Image.open(output) as image:
        assert image.size == (40, 20)
    result = jaxenvs_command("rollout", counter_env, "--episodes", "2")
    assert result.err.count("episode ") == 2


def test_same_seed_gives_the_same_file(jaxenvs_command, counter_env, tmp_path):
    files = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        assert jaxenvs_command("rollout", counter_env, "--seed", seed, "--steps", "9", "-o", file).code == 0
    a, b, c = (file.read_bytes() for file in files)
    assert a == b != c


def test_an_overlay_names_the_actions(jaxenvs_command, tmp_path):
    output, env = tmp_path / "out.png", jaxenvs.make("CartPole-v1")
    assert jaxenvs_command("rollout", "CartPole-v1", "-a", "1", "-a", "0", "--overlay", "-o", output).code == 0
    actions, key = jnp.array([1, 0], jnp.int32), jax.random.fold_in(key_for(0, ANIMATION_KEY), 0)
    episode = replay_actions(env, actions, key)
    with Image.open(output) as image:
        shown = np.asarray(image)
    for names, is_shown in ((["left", "right"], True), (None, False)):
        expected = tmp_path / "expected.png"
        write_animation(expected, OverlaidFrames(env, [episode], action_names=names), 50)
        with Image.open(expected) as image:
            assert np.array_equal(shown, np.asarray(image)) == is_shown


def test_fields_and_time_limit_reach_the_environment(jaxenvs_command, counter_env):
    result = jaxenvs_command("rollout", counter_env, "-a", "1", "--field", "scale=10")
    assert "count 10" in result.out
    result = jaxenvs_command("rollout", counter_env, "-a", "0", "-a", "0", "-a", "0", "--max-episode-steps", "2")
    assert result.err == "episode 1: return 0, 2 steps, truncated by the time limit\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--action", "3"], 2, "lies outside the action space: give numbers of shape (1,) from -1 to 2"),
        (["--action", "[1, 1]"], 2, "does not fit the action space"),
        (["--action", "left"], 2, "does not fit the action space"),
        (["--action", "NaN"], 2, "lies outside the action space"),
        (["--action", "1", "--steps", "3"], 2, "leave out --policy, --steps and --episodes"),
        (["--output", "a.avi"], 2, ".gif, .mp4"),
        (["--field", "scal=3"], 2, "Did you mean: `scale`?"),
        (["--field", "scale=nan"], 2, "NaN"),
        (["--policy", "nowhere"], 1, "nowhere does not exist"),
        (["--seed", str(2**64)], 2, "64 bits"),
        (["--steps", "0"], 2, "--steps"),
    ],
)
def test_bad_input_is_refused_in_one_line(jaxenvs_command, counter_env, arguments, code, message):
    result = jaxenvs_command("rollout", counter_env, *arguments)
    assert (result.code, result.out) == (code, "")
    assert message in result.err and "Traceback" not in result.err


@pytest.mark.parametrize("action", ["2", "-1", "0.5", "[0]", "true"])
def test_action_outside_a_discrete_space_is_refused_with_its_range(jaxenvs_command, action):
    result = jaxenvs_command("rollout", "CartPole-v1", f"--action={action}")
    assert result.code == 2
    assert "a whole number from 0 to 1" in result.err


def test_text_of_an_environment_without_is_refused(jaxenvs_command):
    result = jaxenvs_command("rollout", "CartPole-v1", "--text")
    assert result.code == 2 and "no text form" in result.err


def test_half_blocks_keep_proportions_and_mean_colours():
    frame = np.zeros((80, 160, 3), np.uint8)
    frame[:, 80:] = 255
    frame[:, ::2] //= 2
    lines = frame_text(frame, columns=40, lines=30).splitlines()
    assert len(lines) == 10  # 160 x 80 becomes 40 x 20 pixels
    assert all(line.count("\u2580") == 40 for line in lines)
    assert lines[0].startswith("\x1b[38;2;0;0;0;48;2;0;0;0m") and "38;2;191;191;191" in lines[0]
    assert len(frame_text(frame, columns=400, lines=5).splitlines()) == 5


class Robot(CartPole):
    """Has what a robot of MuJoCo has for its pictures."""

    width: int = jaxenvs.static(default=480)
    height: int = jaxenvs.static(default=480)
    shadow_size: int | None = jaxenvs.static(default=None)


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("a.gif", {}, (256, 256, 1024)),
        ("a.mp4", {}, (480, 480, 1024)),
        ("a.png", {}, (480, 480, None)),
        ("a.gif", {"width": 600}, (600, 480, 1024)),
        ("a.gif", {"shadow_size": 0}, (256, 256, 0)),
    ],
)
def test_animations_of_robots_are_quick_to_draw_unless_told_otherwise(name, fields, expected):
    drawn = quick_to_draw(jaxenvs.TimeLimit(Robot(**fields), max_episode_steps=3), Path(name))
    robot = jaxenvs.unwrap(drawn)
    assert isinstance(drawn, jaxenvs.TimeLimit) and (robot.width, robot.height, robot.shadow_size) == expected


def test_other_environments_are_drawn_as_they_are():
    env = jaxenvs.make("CartPole-v1")
    assert quick_to_draw(env, Path("a.gif")) is env


def test_large_gif_is_told_that_a_video_is_smaller(jaxenvs_command, counter_env, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxenvs.cli.rollout._LARGE_GIF_BYTES", 10)
    assert "An .mp4 of this would be smaller" in jaxenvs_command("rollout", counter_env, "-o", tmp_path / "a.gif").err
    assert "An .mp4" not in jaxenvs_command("rollout", counter_env, "-o", tmp_path / "a.png").err
