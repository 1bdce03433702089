"""Presets, and that they learn as documented."""

import dataclasses
import functools
import math

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.wrapper import unwrap_state
from jaxenvs.errors import InvalidField
from jaxenvs.preprocessing import make_car_racing
from jaxenvs.training import DQN, PPO, SAC, preset
from jaxenvs.training.learner import training_env
from jaxenvs.training.presets import _PRESETS
from jaxenvs.wrappers import FrameStack
from tests.learning import assert_learns, measured


def marks(id):
    """Box2D takes long to trace."""
    return pytest.mark.slow if id.startswith(("LunarLander", "BipedalWalker", "CarRacing")) else ()


@pytest.mark.parametrize("id, algorithm", [pytest.param(*key, marks=marks(key[0])) for key in _PRESETS])
def test_each_preset_fits_a_registered_environment(id, algorithm):
    learner = preset(id, algorithm)
    # CarRacing's preset is for the vectors that its preprocessing for training makes of pictures.
    env = make_car_racing(id) if id == "CarRacing-v3" else jaxenvs.make(id)
    _, metrics = jax.eval_shape(learner.train, env, jaxenvs.random.key(0))
    assert metrics.episodes.shape == (learner.num_updates,)
    assert learner.num_updates * learner.steps_per_update >= learner.total_steps


def test_settings_replace_those_of_the_preset():
    learner = preset("CartPole-v1", total_steps=7, gamma=0.5)
    assert learner == dataclasses.replace(preset("CartPole-v1"), total_steps=7, gamma=0.5)


def test_families_have_settings_in_common():
    assert preset("MinAtar/Asterix-v0") == preset("MinAtar/Breakout-v1") != PPO()
    assert preset("MinAtar/Asterix-v0", "dqn") == DQN()


def test_other_ids_get_the_defaults():
    assert preset("Taxi-v4") == PPO()
    assert preset("Taxi-v4", "dqn") == DQN()
    assert preset("MountainCarContinuous-v0", "sac") == SAC()


def test_unknown_algorithms_and_settings_are_refused():
    with pytest.raises(InvalidField, match=r"no algorithm 'pqo'. Did you mean: `ppo`"):
        preset("CartPole-v1", "pqo")
    with pytest.raises(InvalidField, match=r"PPO has no setting `learning_rat`. Did you mean: `learning_rate`"):
        preset("CartPole-v1", learning_rat=1.0)


def mean_return(id, algorithm, seed):
    env, learner = jaxenvs.make(id), preset(id, algorithm)
    state, _ = jax.jit(learner.train)(env, jaxenvs.random.key(seed))
    evaluation = jaxenvs.evaluate(env, learner.policy(env, state.agent), jaxenvs.random.key(seed + 1000))
    assert evaluation.finished.all()
    return float(evaluation.mean_return)


def mean_return_at_level(level, id, around, least_level, seed, **settings):
    """At `level`, after training from level 2 on; minus infinity where training did not get to `least_level`."""
    learner = preset(id, "ppo", **settings)
    env, harder = (around(jaxenvs.make(id, level=n)) for n in (2, level))
    state, _ = jax.jit(learner.train)(env, jaxenvs.random.key(seed))
    policy = learner.policy(env, state.agent)
    evaluation = jaxenvs.evaluate(harder, policy, jaxenvs.random.key(seed + 1000), num_episodes=128)
    levels = unwrap_state(training_env(env), state.env_state).level
    return float(evaluation.mean_return) if levels.min() >= least_level else -math.inf


def bare(env):
    return env


def with_memory(env):
    return FrameStack(env, 8, padding_type="custom", padding=np.int32(5))


LEARNS = {
    **{
        f"{algorithm} preset: {id}": functools.partial(mean_return, id, algorithm)
        for id, algorithm in (
            ("CartPole-v1", "ppo"),
            ("CartPole-v1", "dqn"),
            ("Acrobot-v1", "ppo"),
            ("Acrobot-v1", "dqn"),
            ("MountainCarContinuous-v0", "ppo"),
            ("Pendulum-v1", "ppo"),  # without a threshold: what a good controller gets is about -150
            ("Pendulum-v1", "sac"),
            ("MinAtar/Breakout-v1", "ppo"),  # random actions get 0.4
        )
    },
    # In a fifth of the preset's steps the inputs become longer than 10; a perfect return is their length.
    "ppo preset: Copy-v0 to level 6": functools.partial(
        mean_return_at_level, 10, "Copy-v0", bare, 6, total_steps=40_000
    ),
    "ppo preset: Copy-v0 to level 30": functools.partial(mean_return_at_level, 30, "Copy-v0", bare, 30),
    "ppo preset: DuplicatedInput-v0 to level 30": functools.partial(
        mean_return_at_level, 30, "DuplicatedInput-v0", with_memory, 30
    ),
}
"""Row of `tests/learning_rates.json`: the mean return after training with a seed."""

QUICK = {"ppo preset: CartPole-v1"}


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in LEARNS])
def test_presets_learn(name):
    assert_learns(name, LEARNS[name])


def test_the_mark_is_the_threshold_where_there_is_one():
    for name in LEARNS:
        id = name.split(": ")[1]
        threshold = jaxenvs.spec(id).reward_threshold if id in jaxenvs.registry else None
        assert threshold is None or measured(name).mark == threshold, name
