"""Recorded episodes are played again exactly, compared, and drawn."""

import json
import subprocess

import jax.numpy as jnp
import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

import jaxenvs
from jaxenvs.errors import CheckpointError, InvalidField
from jaxenvs.monitor import (
    EpisodeWriter,
    Frames,
    PackedBytes,
    Replayer,
    Replays,
    Run,
    VideoRecorder,
    read_episodes,
    video_schedule,
)
from jaxenvs.monitor import replay as replay_episode
from jaxenvs.monitor.pictures.sized_frames import frames_at
from jaxenvs.monitor.recording.replayer import is_return
from tests.monitor.recording.recorded import record


def balancing(observation, key):
    """Keeps the pole up for long, so that rounding errors would grow by many powers of ten."""
    return (3 * observation[2] + observation[3] + 0.1 * observation[0] > 0).astype(jnp.int32)


@pytest.fixture(scope="module")
def cart_pole(tmp_path_factory):
    env = jaxenvs.make("CartPole-v1", theta_threshold=0.05, max_episode_steps=50)
    return record(tmp_path_factory.mktemp("cart_pole") / "run", env, balancing)


def test_every_recorded_episode_is_replayed_exactly(cart_pole):
    rows, replayer = read_episodes(cart_pole), Replayer(cart_pole)
    assert len(rows["episode"]) >= 8 and rows["length"].max() == 50
    for episode in rows["episode"]:
        played = replayer.play(int(episode))
        assert played.differences == () and played.notes == ()
        assert played.episode.length == rows["length"][episode]
        assert played.episode.episode_return == rows["episode_return"][episode]
        assert played.recorded.lane == rows["lane"][episode]
    assert len(replay_episode(cart_pole, 1).states.elapsed) == rows["length"][1] + 1


OTHER_FAMILIES = {
    "Acrobot-v1": {},
    "Pendulum-v1": {},
    "Taxi-v4": {},
    "KellyCoinflip-v0": {},  # 25,000 actions
    "GuessingGame-v0": {},
    "HeartPole-v1": {},
    "rlenvs/XOWorld-v0": {},
    "MinAtar/Breakout-v1": {},
    "MinAtar/Seaquest-v1": {},
    "gymnax/MetaMaze-v0": {},
    "bsuite/DeepSea-v0": {},
    "bsuite/CartPoleSwingup-v0": {},
    "TicTacToe-v0": {},
    "two_player/TicTacToe-v0": {},
    "Hopper-v5": {"engine": "c"},
    "Copy-v0": {},  # the first episodes of its lanes, before its tapes grow
    "ALE/Pong-v5": {},
}
"""One or two ids of each family, with fields."""


@pytest.mark.slow
@pytest.mark.parametrize("id", OTHER_FAMILIES)
def test_episodes_of_other_families_are_replayed_exactly(tmp_path, id):
    env = jaxenvs.make(id, max_episode_steps=60, **OTHER_FAMILIES[id])
    run = record(tmp_path / "run", env, lambda _, key: env.action_space.sample(key), lanes=16)
    replayer = Replayer(run)
    assert [replayer.play(episode).differences for episode in range(0, 32, 4)] == [()] * 8


@pytest.mark.slow
@pytest.mark.parametrize(("id", "fields"), [("CartPole-v1", {}), ("Hopper-v5", {"engine": "c"})])
def test_videos_are_mp4_files_with_every_frame(tmp_path, id, fields):
    env = jaxenvs.make(id, max_episode_steps=12, **fields)
    run = record(tmp_path / "run", env, lambda _, key: env.action_space.sample(key), steps=24, chunk=24)
    (path,) = VideoRecorder(run, schedule=lambda episode: episode == 2, size=(96, 64)).update()
    read = [get_ffmpeg_exe(), "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(read, check=True, capture_output=True).stdout
    assert path.suffix == ".mp4" and len(data) == (read_episodes(run)["length"][2] + 1) * 96 * 64 * 3


def changed_run(path, env, cart_pole, **changes):
    """A run with one episode, the first of `cart_pole` with other numbers."""
    recorded = Replayer(cart_pole).play(0).recorded
    run = Run.record(env, path=path)
    values = {name: getattr(recorded, name) for name in ("episode_return", "length", "terminated", "truncated")}
    key = np.frombuffer(recorded.key, np.uint32)[None]
    with EpisodeWriter(run) as writer:
        columns = {name: [value] for name, value in {**values, "env_steps": 1, **changes}.items()}
        writer.add(columns, Replays(key, recorded.key_implementation, PackedBytes.of([recorded.actions])))
    return run


def test_what_differs_is_said_exactly(cart_pole, tmp_path):
    env = Replayer(cart_pole).env
    recorded = Replayer(cart_pole).play(0).recorded
    wrong = changed_run(tmp_path / "wrong", env, cart_pole, episode_return=2.5, terminated=not recorded.terminated)
    with pytest.warns(UserWarning, match=r"Episode 0 differs.*recorded 2\.5, replayed .*a difference of .*terminated"):
        replay_episode(wrong, 0)
    other = changed_run(tmp_path / "other", env, cart_pole)
    heavier = jaxenvs.rewrap(env, jaxenvs.unwrap(env).replace(gravity=300.0))
    played = Replayer(other, env=heavier).play(0)
    assert {difference.name for difference in played.differences} >= {"length", "episode_return"}
    assert played.episode.length < recorded.length


def test_another_machine_is_mentioned_if_numbers_differ(cart_pole, tmp_path):
    run = changed_run(tmp_path / "run", Replayer(cart_pole).env, cart_pole, episode_return=0.25)
    run.note(backend="tpu", versions={"jax": "0.1"})
    (note,) = Replayer(run).play(0).notes
    assert "backend tpu (here cpu)" in note and "jax 0.1 (here" in note


def test_returns_are_not_compared_without_the_wrapper_that_made_them(cart_pole, tmp_path):
    scaled = jaxenvs.wrappers.TransformReward(Replayer(cart_pole).env, func=lambda reward: 2 * reward)
    run = changed_run(tmp_path / "run", scaled, cart_pole, episode_return=1234.0)
    played = Replayer(run).play(0)
    assert played.differences == () and "TransformReward is left out" in played.notes[0]


def test_episodes_that_are_not_there_are_reported(cart_pole, tmp_path):
    with pytest.raises(CheckpointError, match=r"has no episode 999\. There are \d+ of `training`, counted from 0\."):
        replay_episode(cart_pole, 999)
    for number in ("1", 1.5, True):
        with pytest.raises(InvalidField, match="number of an episode is an integer"):
            replay_episode(cart_pole, number)
    with pytest.raises(InvalidField, match="replay takes an environment, got the string"):
        replay_episode(cart_pole, 0, env="CartPole-v1")
    with pytest.raises(CheckpointError, match=r"no episode 0 of `mine`. Its writers are training"):
        replay_episode(cart_pole, 0, writer="mine")
    run = Run.record(jaxenvs.make("CartPole-v1"), path=tmp_path / "run")
    with pytest.raises(CheckpointError, match="Nothing has been recorded there"):
        replay_episode(run, 0)
    columns = {"episode_return": [1.0], "length": [1], "terminated": [True], "truncated": [False], "env_steps": [1]}
    actions = Replays(np.zeros((1, 2), np.uint32), "jaxenvs", PackedBytes.of([b"\0"]))
    with EpisodeWriter(run, mode="evaluation") as writer:
        writer.add(columns)
    with pytest.raises(CheckpointError, match="actions of episode 0 were not recorded"):
        replay_episode(run, 0)
    for name in ("b", "a"):
        with EpisodeWriter(run, mode="evaluation", writer=name) as writer:
            writer.add(columns, actions)
    with pytest.raises(InvalidField, match=r"Several writers of .* have an episode 0: a, b"):
        replay_episode(run, 0)
    with EpisodeWriter(run) as writer:
        writer.add({**columns, "terminated": [False]}, actions)
    assert Replayer(run).play(0).recorded.writer == "training"
    for path in run.episodes_path.glob("*.parquet"):
        path.write_bytes(b"PAR1")
    with pytest.raises(CheckpointError, match=r"no episode 0\. .*parquet is not a whole Parquet file"):
        replay_episode(run, 0)


def test_pictures_have_any_size(cart_pole):
    played = Replayer(cart_pole).play(0)
    first = played.episode.first(2)
    own = Frames(played.env, [first])
    assert own.shape == (400, 600, 3) and frames_at(played.env, [first]).shape == own.shape
    for size in ((90, 60), (1200, 800)):
        frames = frames_at(played.env, [first], size)
        assert len(frames) == 3 and [frame.shape for frame in frames] == [(size[1], size[0], 3)] * 3
        assert abs(float(np.mean(frames[0])) - float(np.mean(own[0]))) < 2
    with pytest.raises(InvalidField, match="`height` must be an integer from 1 to 8192"):
        frames_at(played.env, [first], (10, 0))


def test_gyms_schedule_of_videos():
    wanted = [episode for episode in range(4001) if video_schedule(episode)]
    assert wanted == [0, 1, 8, 27, 64, 125, 216, 343, 512, 729, 1000, 2000, 3000, 4000]


def test_videos_come_with_what_they_show(cart_pole):
    videos = VideoRecorder(cart_pole, schedule=lambda episode: episode in (1, 4), suffix=".gif", size=(60, 40))
    made = videos.update()
    assert [path.name for path in made] == ["training-000001.gif", "training-000004.gif"]
    assert all(path.read_bytes().startswith(b"GIF89a") for path in made)
    about = json.loads((cart_pole.videos_path / "training-000004.json").read_text())
    rows = read_episodes(cart_pole)
    assert about["env_id"] == "CartPole-v1" and (about["width"], about["height"]) == (60, 40)
    assert about["length"] == rows["length"][4] and about["episode_return"] == rows["episode_return"][4]
    assert about["video"] == "training-000004.gif" and about["differences"] == []
    assert videos.update() == [] == VideoRecorder(cart_pole, schedule=lambda episode: episode == 1).update()
    with pytest.raises(InvalidField, match="`suffix` must be"):
        VideoRecorder(cart_pole, suffix=".avi")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_return_may_be_added_step_by_step_in_either_precision(dtype):
    rewards = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    total = dtype(0)
    for reward in rewards:
        total += dtype(reward)
    assert is_return(float(total), rewards)
    assert not is_return(float(total) + 1e-3, rewards)
