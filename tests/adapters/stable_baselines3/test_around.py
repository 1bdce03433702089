"""Stable-Baselines3's wrappers around a VecEnv, and its own check of every id."""

import warnings

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import (
    VecCheckNan,
    VecFrameStack,
    VecMonitor,
    VecNormalize,
    VecTransposeImage,
    VecVideoRecorder,
)

import jaxenvs
from jaxenvs.adapters import StableBaselines3VecEnv
from jaxenvs.adapters.gymnasium.registration import gymnasium_id
from jaxenvs.errors import (
    DependencyNotInstalled,
)
from jaxenvs.wrappers import PixelObservation
from tests.adapters.ids import MARKED
from tests.adapters.stable_baselines3.toys import LANES, actions_for


def test_evaluate_policy_counts_whole_episodes_without_a_warning():
    env = StableBaselines3VecEnv("CartPole-v1", 4, max_episode_steps=12, seed=0)
    model = PPO("MlpPolicy", env, device="cpu", n_steps=8, batch_size=8, n_epochs=1)
    returns, lengths = evaluate_policy(model, env, n_eval_episodes=10, return_episode_rewards=True)
    assert len(returns) == 10 and returns == [float(length) for length in lengths]
    assert all(8 <= length <= 12 for length in lengths)


def test_the_learners_statistics_are_monitors():
    env = StableBaselines3VecEnv("MountainCar-v0", 2, max_episode_steps=5)
    model = PPO("MlpPolicy", env, device="cpu", n_steps=10, batch_size=10, n_epochs=1).learn(20)
    assert [(info["r"], info["l"]) for info in model.ep_info_buffer] == [(-5.0, 5)] * 4


def test_vec_monitor_counts_the_same_episodes(tmp_path):
    with pytest.warns(UserWarning, match="already wrapped with a `Monitor`"):
        env = VecMonitor(StableBaselines3VecEnv("CartPole-v1", LANES, seed=0), str(tmp_path))
    plain = StableBaselines3VecEnv("CartPole-v1", LANES, seed=0)
    env.reset(), plain.reset()
    episodes = []
    for action in actions_for(plain, 60):
        *_, infos = env.step(action)
        for mine, other in zip(infos, plain.step(action)[3], strict=True):
            if "episode" in other:
                episodes.append((mine["episode"]["r"], mine["episode"]["l"]))
                assert episodes[-1] == (other["episode"]["r"], other["episode"]["l"])
    assert len(episodes) > 3
    env.close()


def test_stable_baselines3s_wrappers_go_around():
    pixels = PixelObservation(jaxenvs.make("CartPole-v1", max_episode_steps=3), height=40, width=60)
    env = VecTransposeImage(VecFrameStack(StableBaselines3VecEnv(pixels, 2), 4))
    assert env.reset().shape == (2, 12, 40, 60) and env.observation_space.dtype == np.uint8
    for action in actions_for(env, 3):
        observation, _, dones, infos = env.step(action)
    assert dones.all() and infos[0]["terminal_observation"].shape == (12, 40, 60)
    assert (observation[:, :9] == 0).all() and observation[:, 9:].any()

    normalized = VecNormalize(VecCheckNan(StableBaselines3VecEnv("Pendulum-v1", LANES, seed=0), raise_exception=True))
    plain = StableBaselines3VecEnv("Pendulum-v1", LANES, seed=0)
    normalized.reset(), plain.reset()
    for action in actions_for(plain, 4):
        normalized.step(action)
        np.testing.assert_array_equal(normalized.get_original_obs(), plain.step(action)[0])


def test_vec_video_recorder_records(tmp_path):
    pytest.importorskip("moviepy", reason="VecVideoRecorder needs moviepy")
    env = VecVideoRecorder(
        StableBaselines3VecEnv("CartPole-v1", 2, render_mode="rgb_array"), str(tmp_path), lambda step: step == 0, 5
    )
    env.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # moviepy leaves its pipe to the garbage collector
        for action in actions_for(env, 6):
            env.step(action)
        env.close()
    assert [path.suffix for path in tmp_path.iterdir()] == [".mp4"]
    assert env.frames_per_sec == 50


def test_it_is_recorded_and_drawn_without_a_render_mode(tmp_path):
    """`make_vec_env`, which scripts call without one, chooses "rgb_array" as well."""
    pytest.importorskip("moviepy", reason="VecVideoRecorder needs moviepy")
    env = StableBaselines3VecEnv("CartPole-v1", 2)
    assert env.render_mode == "rgb_array" and env.get_attr("render_mode") == ["rgb_array"] * 2
    recorder = VecVideoRecorder(env, str(tmp_path), lambda step: step == 0, 3)
    recorder.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # moviepy leaves its pipe to the garbage collector
        for action in actions_for(recorder, 4):
            recorder.step(action)
        recorder.close()
    assert len(list(tmp_path.iterdir())) == 1


def warnings_of(env):
    """The warnings of Stable-Baselines3's own check for an environment; it raises an error if the check fails."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env)
    return sorted({str(warning.message) for warning in caught})


@pytest.mark.parametrize("id", MARKED)
def test_check_env_has_no_more_to_say_than_of_gymnasiums_twin(id):
    try:
        env = gymnasium.make(gymnasium_id(id))
    except DependencyNotInstalled as missing:
        pytest.skip(f"needs an extra: {missing}")
    if isinstance(env.action_space, gymnasium.spaces.Tuple):  # which `StableBaselines3VecEnv` makes a MultiDiscrete
        with pytest.raises(AssertionError, match="must be a tuple"):
            warnings_of(env)
        return
    found = warnings_of(env)
    if id in gymnasium.registry:
        assert found == warnings_of(gymnasium.make(id))


@pytest.mark.parametrize("id", MARKED)
def test_the_spaces_of_every_id_have_a_form(id):
    try:
        env = StableBaselines3VecEnv(id)
    except DependencyNotInstalled as missing:
        pytest.skip(f"needs an extra: {missing}")
    forms = (gymnasium.spaces.Box, gymnasium.spaces.Discrete, gymnasium.spaces.MultiDiscrete)
    assert isinstance(env.action_space, forms)
