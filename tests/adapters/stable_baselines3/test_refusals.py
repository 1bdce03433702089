"""StableBaselines3VecEnv reports mistakes of the caller, and remains usable."""

import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import error
from stable_baselines3.common.env_util import make_vec_env

import jaxenvs
from jaxenvs.adapters import StableBaselines3VecEnv
from jaxenvs.adapters.stable_baselines3.vec_env import StepOrderError
from jaxenvs.errors import (
    DependencyNotInstalled,
    InvalidAction,
    InvalidField,
    InvalidSpace,
    JaxenvsError,
    WrapperOrderError,
)
from tests.adapters.stable_baselines3.toys import LANES, Bits, Words, actions_for


def test_a_reset_cancels_a_step_under_way():
    env = StableBaselines3VecEnv("CartPole-v1", LANES, seed=0)
    env.reset()
    env.step_async(np.zeros(LANES, int))
    with pytest.raises(StepOrderError, match="is already running"):
        env.step_async(np.zeros(LANES, int))
    env.reset()
    with pytest.raises(StepOrderError, match="Call `step_async` first"):
        env.step_wait()
    assert env.step(np.zeros(LANES, int))[0].shape == (LANES, 4)


CONSTRUCTION = {
    "no environments": (lambda: StableBaselines3VecEnv("CartPole-v1", 0), InvalidField, "`num_envs` must be"),
    "a seed in words": (lambda: StableBaselines3VecEnv("CartPole-v1", seed="a"), ValueError, "non-negative integer"),
    "a negative seed": (lambda: StableBaselines3VecEnv("CartPole-v1", seed=-1), ValueError, "non-negative integer"),
    "a window": (
        lambda: StableBaselines3VecEnv("CartPole-v1", render_mode="human"),
        InvalidField,
        r'"rgb_array" or None.*`render\("human"\)` shows a window',
    ),
    "an unknown id": (lambda: StableBaselines3VecEnv("CartPol-v1"), JaxenvsError, "Did you mean: `CartPole`"),
    "an unknown field": (lambda: StableBaselines3VecEnv("CartPole-v1", gravty=1.0), InvalidField, "`gravity`"),
    "no environment": (lambda: StableBaselines3VecEnv(gymnasium.make("CartPole-v1")), InvalidField, "jaxenvs.Env"),
    "what has an id": (
        lambda: StableBaselines3VecEnv(gymnasium.make("jaxenvs/CartPole-v1")),
        InvalidField,
        "Pass the id",
    ),
    "make_vec_env": (
        lambda: make_vec_env("jaxenvs/CartPole-v1", 2, vec_env_cls=StableBaselines3VecEnv),
        InvalidField,
        r'without `make_vec_env`: `StableBaselines3VecEnv\("CartPole-v1", num_envs=2\)`',
    ),
    "the number of environments of make_vec_env": (
        lambda: StableBaselines3VecEnv("CartPole-v1", n_envs=2),
        InvalidField,
        "no argument `n_envs`.*`num_envs`",
    ),
    "the fields of make_vec_env": (
        lambda: StableBaselines3VecEnv("CartPole-v1", env_kwargs={"gravity": 1.6}),
        InvalidField,
        "after the id: `gravity=1.6`",
    ),
    "a limit beside an environment": (
        lambda: StableBaselines3VecEnv(Bits(), max_episode_steps=3),
        InvalidField,
        r"jaxenvs.TimeLimit\(env, steps\)",
    ),
    "one that resets itself": (
        lambda: StableBaselines3VecEnv(jaxenvs.AutoReset(Bits())),
        WrapperOrderError,
        "without AutoReset",
    ),
    "a space without a policy": (lambda: StableBaselines3VecEnv(Words()), InvalidSpace, "no policy for .* in Text"),
}


@pytest.mark.parametrize("make, kind, message", CONSTRUCTION.values(), ids=CONSTRUCTION)
def test_bad_construction_is_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


@pytest.fixture(scope="module")
def batch():
    env = StableBaselines3VecEnv("CartPole-v1", LANES, seed=0)
    env.reset()
    return env


BAD_CALLS = {
    "too many actions": (lambda env: env.step(np.zeros(4, int)), AssertionError, r"each of 3 environments"),
    "an action out of range": (lambda env: env.step(np.array([0, 2, 0])), InvalidAction, "environment 1"),
    "an unknown option": (lambda env: env.set_options({"lo": 1.0}), InvalidField, "no reset option `lo`"),
    "options for two": (lambda env: env.set_options([{}, {}]), InvalidField, "one dict, or 3"),
    "an option in words": (lambda env: env.set_options({"low": "a"}), InvalidField, "must be a number"),
    "options that clash": (lambda env: env.set_options({"low": 1.0, "high": 0.0}), InvalidField, "low"),
    "options in a number": (lambda env: env.set_options(3), InvalidField, "must be a dict, got 3"),
    "a seed in words": (lambda env: env.seed("1"), JaxenvsError, "non-negative integer"),
    "an index too far": (lambda env: env.get_attr("gravity", 3), IndexError, "no environment 3: there are 3"),
    "an index too far back": (lambda env: env.get_attr("gravity", [0, -4]), IndexError, "no environment -4"),
    "an index in words": (lambda env: env.get_attr("gravity", "01"), InvalidField, "integer or integers"),
    "a half index": (lambda env: env.set_attr("gravity", 1.0, 0.5), InvalidField, "integer or integers"),
    "a mask of indices": (lambda env: env.get_attr("gravity", [True, False]), InvalidField, "integer or integers"),
    "an unknown attribute": (lambda env: env.get_attr("gravty"), AttributeError, "Did you mean: `gravity`"),
    "almost a field": (lambda env: env.set_attr("gravty", 1.0), AttributeError, "Did you mean: `gravity`"),
    "what is computed": (lambda env: env.set_attr("total_mass", 3.0), AttributeError, "the environment computes it"),
    "the list of DummyVecEnv": (lambda env: env.envs[0], AttributeError, "no list `envs`.*`get_attr`"),
    "a value in words": (lambda env: env.set_attr("gravity", "high"), Exception, "gravity|high"),
    "a method": (lambda env: env.env_method("step", 0), AttributeError, "no method `step`.*pure functions"),
    "masks that are not there": (lambda env: env.env_method("action_masks"), AttributeError, "no `action_mask`"),
    "arguments": (lambda env: env.env_method("render", 3), InvalidField, "takes no arguments"),
    "a wrapper's name": (lambda env: env.env_is_wrapped("Monitor"), InvalidField, "must be a class"),
}


@pytest.mark.parametrize("call, kind, message", BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_calls_are_refused_and_change_nothing(batch, call, kind, message):
    twin = StableBaselines3VecEnv("CartPole-v1", LANES, seed=5)
    batch.seed(5)
    batch.reset(), twin.reset()
    with pytest.raises(kind, match=message):
        call(batch)
    for action in actions_for(twin, 3):
        np.testing.assert_array_equal(batch.step(action)[0], twin.step(action)[0])
    batch.seed(5)
    twin.seed(5)
    np.testing.assert_array_equal(batch.reset(), twin.reset())


def test_a_field_that_would_change_the_spaces_is_refused():
    env = StableBaselines3VecEnv("FrozenLake-v1", LANES, seed=0)
    env.reset()
    with pytest.raises(InvalidField, match=r"`map_name` = '8x8' would change the spaces.*Make a new batch"):
        env.set_attr("map_name", "8x8")
    assert env.get_attr("map_name") == ["4x4"] * LANES
    env.set_attr("max_episode_steps", 1)
    assert env.step(np.ones(LANES, int))[2].all()


def test_a_missing_stable_baselines3_is_named_with_its_extra(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "stable_baselines3"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("vec_env", "attributes"):
        monkeypatch.delitem(sys.modules, f"jaxenvs.adapters.stable_baselines3.{name}")
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[sb3\]"'):
        from jaxenvs.adapters import StableBaselines3VecEnv  # noqa: F401


def test_nothing_works_before_the_first_reset():
    env = StableBaselines3VecEnv("Taxi-v4", LANES, render_mode="rgb_array")
    for call in (lambda: env.step(np.zeros(LANES, int)), env.get_images, lambda: env.env_method("action_masks")):
        with pytest.raises(error.ResetNeeded, match=r"before calling env.reset\(\)"):
            call()
    env.reset()
    env.step(np.zeros(LANES, int))


def test_nothing_works_after_close():
    env = StableBaselines3VecEnv("CartPole-v1", LANES)
    env.reset()
    env.close()
    env.close()
    for call in (env.reset, lambda: env.step(np.zeros(LANES, int)), env.step_wait, env.get_images):
        with pytest.raises(error.ClosedEnvironmentError, match="Make a new one"):
            call()
