"""PPO's standard deviations: learnt, or scheduled by `final_log_std`."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.cli.values import read_assignments
from jaxenvs.errors import InvalidField
from jaxenvs.training import PPO
from tests.training.test_learners import KEY, program
from tests.training.toy_envs import Reach

LEARNT = PPO(total_steps=192, num_envs=3, num_steps=16, num_minibatches=2, num_epochs=2, hidden_sizes=(8,))
SCHEDULED = LEARNT.replace(initial_log_std=math.log(0.8), final_log_std=math.log(0.1))


def entropies(stds):
    """Of two independent normal variables with equal standard deviations."""
    return 2 * (np.log(stds) + 0.5 * math.log(2 * math.pi * math.e))


@functools.cache
def trained():
    """With final standard deviations of 0.1 and 0.4."""
    train = jax.vmap(lambda final_log_std: SCHEDULED.replace(final_log_std=final_log_std).train(Reach(), KEY))
    return jax.jit(train)(jnp.log(jnp.array([0.1, 0.4], jnp.float32)))


@pytest.mark.parametrize("lane, final", [(0, 0.1), (1, 0.4)])
def test_the_standard_deviation_goes_linearly_to_the_final_one(lane, final):
    state, metrics = jax.tree.map(lambda x: x[lane], trained())
    stds = 0.8 + (final - 0.8) * np.arange(4) / 4
    # If it were learnt as well, it would change between the minibatches that the entropy is averaged over.
    np.testing.assert_allclose(metrics.entropy, entropies(stds), rtol=1e-5)
    np.testing.assert_allclose(np.exp(state.agent.log_std), [stds[-1]] * 2, rtol=1e-5)
    # If the actions were drawn with that of the update before, it would be at least 0.03.
    assert (np.abs(metrics.approx_kl) < 0.02).all()


def test_training_that_goes_on_has_the_standard_deviation_of_a_longer_training():
    state, _ = jax.tree.map(lambda x: x[0], trained())
    _, metrics = jax.jit(functools.partial(PPO.run, num_updates=4))(SCHEDULED, Reach(), state)
    np.testing.assert_allclose(metrics.entropy, entropies(0.8 - 0.7 * np.arange(4, 8) / 8), rtol=1e-5)


def test_without_a_final_one_the_standard_deviations_are_learnt():
    state, metrics = program(PPO)(LEARNT, Reach(), KEY)
    assert LEARNT.final_log_std is None
    assert (np.abs(state.agent.log_std) > 1e-4).all() and state.agent.log_std[0] != state.agent.log_std[1]
    assert len(set(np.asarray(metrics.entropy).tolist())) == 4


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"final_log_std": 21.0}, r"`final_log_std` must be in \[-20, 20\], got 21.0"),
        ({"final_log_std": -2.0, "initial_log_std": -100.0}, r"`initial_log_std` must be in \[-20, 20\], got -100.0"),
        ({"final_log_std": math.nan}, "`final_log_std` is NaN"),
        ({"final_log_std": "low"}, "`final_log_std` must be a number, got 'low'"),
    ],
)
def test_unusable_ends_of_the_schedule_are_refused(settings, message):
    with pytest.raises(InvalidField, match=message):
        PPO(**settings)


def test_the_command_reads_a_number_or_none():
    assert read_assignments("PPO", PPO, ["final_log_std=-2"]) == {"final_log_std": -2}
    assert read_assignments("PPO", PPO, ["final_log_std=none"]) == {"final_log_std": None}
