"""Presets, and that they learn what they say."""

import dataclasses

import jax
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.training import DQN, PPO, SAC, preset
from jaxenvs.training.presets import _PRESETS


@pytest.mark.parametrize("id, algorithm", _PRESETS)
def test_each_preset_fits_a_registered_environment(id, algorithm):
    learner = preset(id, algorithm)
    _, metrics = jax.eval_shape(learner.train, jaxenvs.make(id), jaxenvs.random.key(0))
    assert metrics.mean_return.shape == (learner.num_updates,)
    assert learner.num_updates * learner.steps_per_update >= learner.total_steps


def test_settings_replace_those_of_the_preset():
    learner = preset("CartPole-v1", total_steps=7, gamma=0.5)
    assert learner == dataclasses.replace(preset("CartPole-v1"), total_steps=7, gamma=0.5)


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
    ],
)
def test_presets_learn(id, algorithm, least):
    assert mean_return(id, algorithm, seed=0) >= least


@pytest.mark.slow
def test_dqn_reaches_the_threshold_of_cart_pole_with_most_seeds():
    """One seed in ten or so ends below it, with threefry keys as with our own."""
    returns = [mean_return("CartPole-v1", "dqn", seed) for seed in range(3)]
    assert sorted(returns)[1] >= jaxenvs.spec("CartPole-v1").reward_threshold, returns
