"""Gymnasium's stock wrappers around our adapters: what works on its own environments works on ours."""

import copy
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv
from jaxenvs.wrappers import PixelObservation
from tests.adapters.comparing import assert_same

pytestmark = pytest.mark.gymnasium

NUM_ENVS = 2


def double(x):
    return 2 * x


def unit_box(shape):
    return Box(-1, 1, shape, np.float32)


# Name: the wrapped environment's id, and the wrapper. "pixels" is CartPole seen through its picture.
VECTOR_WRAPPERS = {
    "VectorizeTransformObservation": (
        "Acrobot-v1",
        lambda env: vector.VectorizeTransformObservation(
            env, wrappers.TransformObservation, func=double, observation_space=unit_box((6,))
        ),
    ),
    "VectorizeTransformAction": (
        "Pendulum-v1",
        lambda env: vector.VectorizeTransformAction(
            env, wrappers.TransformAction, func=double, action_space=unit_box((1,))
        ),
    ),
    "VectorizeTransformReward": (
        "Acrobot-v1",
        lambda env: vector.VectorizeTransformReward(env, wrappers.TransformReward, func=double),
    ),
    "DictInfoToList": ("Taxi-v4", vector.DictInfoToList),
    "TransformObservation": ("Acrobot-v1", lambda env: vector.TransformObservation(env, double)),
    "FilterObservation": ("Blackjack-v1", lambda env: vector.FilterObservation(env, [0, 2])),
    "FlattenObservation": ("FrozenLake-v1", vector.FlattenObservation),
    "GrayscaleObservation": ("pixels", vector.GrayscaleObservation),
    "ResizeObservation": ("pixels", lambda env: vector.ResizeObservation(env, (30, 40))),
    "ReshapeObservation": ("Acrobot-v1", lambda env: vector.ReshapeObservation(env, (2, 3))),
    "RescaleObservation": ("MountainCar-v0", lambda env: vector.RescaleObservation(env, 0.0, 1.0)),
    "DtypeObservation": ("Acrobot-v1", lambda env: vector.DtypeObservation(env, np.float64)),
    "NormalizeObservation": ("Acrobot-v1", vector.NormalizeObservation),
    "TransformAction": ("Pendulum-v1", lambda env: vector.TransformAction(env, double)),
    "ClipAction": ("Pendulum-v1", vector.ClipAction),
    "RescaleAction": ("Pendulum-v1", lambda env: vector.RescaleAction(env, 0.0, 1.0)),
    "TransformReward": ("Acrobot-v1", lambda env: vector.TransformReward(env, double)),
    "ClipReward": ("Pendulum-v1", lambda env: vector.ClipReward(env, -1, 1)),
    "NormalizeReward": ("Pendulum-v1", vector.NormalizeReward),
    "RecordEpisodeStatistics": ("CartPole-v1", vector.RecordEpisodeStatistics),
    "RecordVideo": ("CartPole-v1", lambda env: vector.RecordVideo(env, "videos", episode_trigger=lambda n: n == 0)),
    "HumanRendering": ("CartPole-v1", vector.HumanRendering),
    "JaxToNumpy": ("CartPole-v1", lambda env: vector.JaxToNumpy(env)),
    "JaxToTorch": ("CartPole-v1", lambda env: vector.JaxToTorch(env)),
    "NumpyToTorch": ("CartPole-v1", lambda env: vector.NumpyToTorch(env)),
    "ArrayConversion": ("CartPole-v1", lambda env: vector.ArrayConversion(env, np, np)),
}


# Older versions lack some, and their SyncVectorEnv raises AssertionError instead of TypeError.
CURRENT = gymnasium.__version__ >= "1.3"
AVAILABLE = [name for name in VECTOR_WRAPPERS if name in vector.__all__]
OF_EPISODES = {"DictInfoToList", "NormalizeObservation", "NormalizeReward", "RecordEpisodeStatistics", "RecordVideo"}
"""Wrappers that see where an episode ends, which depends on the mode; the others do the same to every step."""


def is_quick(name, mode):
    return mode is AutoresetMode.NEXT_STEP or name in OF_EPISODES


def test_no_stock_wrapper_is_left_out():
    """Those of a newer Gymnasium must be added above."""
    abstract = {name for name in vector.__all__ if name.startswith("Vector") and name not in VECTOR_WRAPPERS}
    assert set(vector.__all__) - abstract == set(AVAILABLE)
    assert len(AVAILABLE) >= (26 if CURRENT else 24)


def batches(id, mode):
    """Ours, and SyncVectorEnv over single ones."""
    env, render_mode = jaxenvs.make("CartPole-v1" if id == "pixels" else id, max_episode_steps=3), "rgb_array"
    if id == "pixels":
        env = PixelObservation(env)
    mine = GymnasiumVectorEnv(env, NUM_ENVS, autoreset_mode=mode, render_mode=render_mode)
    sync = SyncVectorEnv([lambda: GymnasiumEnv(env, render_mode=render_mode)] * NUM_ENVS, autoreset_mode=mode)
    return mine, sync


def play(env, wrap, actions, mode):
    """The results and warnings of the wrapped environment, or the exception that it raises."""
    results = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            wrapped = wrap(env)
            results.append(copy.deepcopy(wrapped.reset(seed=0)))
            for t in range(7):
                results.append(copy.deepcopy(wrapped.step(actions[t])))
                done = np.asarray(results[-1][2]) | np.asarray(results[-1][3])
                if mode is AutoresetMode.DISABLED and done.any():
                    results.append(copy.deepcopy(wrapped.reset(options={"reset_mask": done})))
            wrapped.close()
        except Exception as error:  # noqa: BLE001  # whatever it is, ours must do the same
            results.append(type(error).__name__ if CURRENT else "raised")
    return results, sorted({str(warning.message).replace(type(env).__name__, "env") for warning in caught})


def without_time(value):
    """Wall-clock times in infos differ between any two runs."""
    if isinstance(value, dict):
        return {k: without_time(v) for k, v in value.items() if k not in ("t", "_t")}
    if isinstance(value, tuple | list):
        return type(value)(without_time(v) for v in value)
    return np.asarray(value) if type(value).__module__ == "torch" else value


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param(name, mode, id=f"{name}-{mode.value}", marks=[] if is_quick(name, mode) else [pytest.mark.slow])
        for name in AVAILABLE
        for mode in AutoresetMode
    ],
)
def test_a_vector_wrapper_does_on_ours_what_it_does_on_sync(name, mode, tmp_path, monkeypatch):
    id, wrap = VECTOR_WRAPPERS[name]
    mine, sync = batches(id, mode)
    sync.action_space.seed(0)
    actions = [sync.action_space.sample() for _ in range(7)]
    if name == "JaxToTorch":
        import torch

        actions = [torch.as_tensor(action) for action in actions]
    played = []
    for folder, env in (("mine", mine), ("sync", sync)):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        played.append(play(env, wrap, actions, mode))
    (my_results, my_warnings), (results, expected_warnings) = played
    assert_same(without_time(my_results), without_time(results), name)
    assert my_warnings == expected_warnings


def test_episode_statistics_survive_the_reset_of_other_environments():
    """SyncVectorEnv takes `reset_mask` out of the caller's dict, so that the wrapper forgets all episodes."""
    env = vector.RecordEpisodeStatistics(GymnasiumVectorEnv("Pendulum-v1", 2, autoreset_mode="Disabled"))
    env.reset(seed=0)
    rewards = [env.step(np.zeros((2, 1)))[1] for _ in range(3)]
    options = {"reset_mask": np.array([True, False])}
    env.env.reset(options=options)
    assert "reset_mask" in options
    env.reset(options=options)
    assert env.episode_lengths.tolist() == [0, 3]
    np.testing.assert_allclose(env.episode_returns, [0.0, np.sum(rewards, axis=0)[1]])


SINGLE_WRAPPERS = {
    "RecordEpisodeStatistics": ("CartPole-v1", wrappers.RecordEpisodeStatistics),
    "FrameStackObservation": ("CartPole-v1", lambda env: wrappers.FrameStackObservation(env, 2)),
    "FlattenObservation": ("Blackjack-v1", wrappers.FlattenObservation),
    "AddRenderObservation": ("CartPole-v1", wrappers.AddRenderObservation),
    "TimeAwareObservation": ("CartPole-v1", wrappers.TimeAwareObservation),
    "NormalizeObservation": ("Pendulum-v1", wrappers.NormalizeObservation),
    "RescaleAction": ("Pendulum-v1", lambda env: wrappers.RescaleAction(env, np.float32(-1), np.float32(1))),
    "StickyAction": ("Taxi-v4", lambda env: wrappers.StickyAction(env, 0.5)),
    "Autoreset": ("FrozenLake-v1", wrappers.Autoreset),
    "RecordVideo": ("CartPole-v1", lambda env: wrappers.RecordVideo(env, "videos")),
}


@pytest.mark.parametrize("name", SINGLE_WRAPPERS)
def test_a_wrapper_goes_around_a_single_environment(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    id, wrap = SINGLE_WRAPPERS[name]
    env = wrap(gymnasium.make(f"jaxenvs/{id}", render_mode="rgb_array", max_episode_steps=3))
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space
    env.action_space.seed(0)
    for _ in range(3):
        observation, _, terminated, truncated, info = env.step(env.action_space.sample())
        assert observation in env.observation_space
        if terminated or truncated:
            break
    assert terminated or truncated
    env.close()
    if name == "RecordEpisodeStatistics":
        assert info["episode"]["l"] == 3
    if name == "RecordVideo":
        assert list(tmp_path.glob("videos/*.mp4"))
