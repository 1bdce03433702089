"""Presets, and that they learn what they say."""

import dataclasses

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.wrapper import unwrap_state
from jaxenvs.errors import InvalidField
from jaxenvs.training import DQN, PPO, SAC, preset
from jaxenvs.training.learner import training_env
from jaxenvs.training.presets import _PRESETS
from jaxenvs.wrappers import FrameStack


@pytest.mark.parametrize("id, algorithm", _PRESETS)
def test_each_preset_fits_a_registered_environment(id, algorithm):
    learner = preset(id, algorithm)
    _, metrics = jax.eval_shape(learner.train, jaxenvs.make(id), jaxenvs.random.key(0))
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


def test_ppo_reaches_the_threshold_of_cart_pole():
    assert mean_return("CartPole-v1", "ppo", seed=0) >= jaxenvs.spec("CartPole-v1").reward_threshold


def mean_return_at_level(level, id, around=lambda env: env, **settings):
    """At the given level, after training from level 2 on; and the levels that training came to."""
    learner = preset(id, "ppo", **settings)
    env, harder = (around(jaxenvs.make(id, level=n)) for n in (2, level))
    state, _ = jax.jit(learner.train)(env, jaxenvs.random.key(0))
    policy = learner.policy(env, state.agent)
    evaluation = jaxenvs.evaluate(harder, policy, jaxenvs.random.key(1000), num_episodes=128)
    return float(evaluation.mean_return), unwrap_state(training_env(env), state.env_state).level


def test_ppo_copies():
    """In a fifth of the preset's steps the inputs become longer than 10; a perfect return is their length."""
    mean, levels = mean_return_at_level(10, "Copy-v0", total_steps=40_000)
    assert mean > 10 and levels.min() > 5, (mean, levels)


@pytest.mark.slow
@pytest.mark.parametrize(
    "id, around, least",
    [
        ("Copy-v0", lambda env: env, 30.5),
        ("DuplicatedInput-v0", lambda env: FrameStack(env, 8, padding_type="custom", padding=np.int32(5)), 14.5),
    ],
    ids=["Copy-v0", "DuplicatedInput-v0"],
)
def test_ppo_comes_to_the_highest_level(id, around, least):
    mean, levels = mean_return_at_level(30, id, around)
    assert mean > least and (levels == 30).all(), (mean, levels)


@pytest.mark.slow
@pytest.mark.parametrize(
    "id, algorithm, least",
    [
        ("Acrobot-v1", "ppo", -100.0),
        ("Acrobot-v1", "dqn", -100.0),
        ("MountainCarContinuous-v0", "ppo", 90.0),
        # Pendulum has no threshold; what a good controller gets is about -150.
        ("Pendulum-v1", "ppo", -200.0),
        ("Pendulum-v1", "sac", -200.0),
        # Random actions get 0.4.
        ("MinAtar/Breakout-v1", "ppo", 14.0),
    ],
)
def test_presets_learn(id, algorithm, least):
    assert mean_return(id, algorithm, seed=0) >= least


@pytest.mark.slow
def test_dqn_reaches_the_threshold_of_cart_pole_with_most_seeds():
    """One seed in ten or so ends below it, with threefry keys as with our own."""
    returns = [mean_return("CartPole-v1", "dqn", seed) for seed in range(3)]
    assert sorted(returns)[1] >= jaxenvs.spec("CartPole-v1").reward_threshold, returns
