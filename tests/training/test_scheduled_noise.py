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


def test_the_standard_deviation_goes_linearly_to_the_final_one():
    state, metrics = program(PPO)(SCHEDULED, Reach(), KEY)
    stds = 0.8 - 0.7 * np.arange(4) / 4
    # If it were learnt as well, it would change between the minibatches that the entropy is averaged over.
    np.testing.assert_allclose(metrics.entropy, entropies(stds), rtol=1e-5)
    np.testing.assert_allclose(np.exp(state.agent.log_std), [stds[-1]] * 2, rtol=1e-5)
    start = jax.jit(SCHEDULED.init)(Reach(), KEY).agent
    assert all((a != b).any() for a, b in zip(jax.tree.leaves(state.agent.actor), jax.tree.leaves(start.actor)))


def test_actions_are_drawn_with_the_scheduled_standard_deviation():
    learner = SCHEDULED.replace(num_envs=512, num_steps=2, total_steps=1024, initial_log_std=math.log(0.3))
    state = learner.init(Reach(), KEY)
    state = state.replace(agent=state.agent.replace(log_std=jnp.zeros(2, jnp.float32)))
    _, played = jax.jit(learner._play)(Reach(), learner._with_scheduled_noise(state, 0.5), None)
    # A state of another schedule, whose standard deviation is 1.
    assert played.choice.std() == pytest.approx(0.2, rel=0.1)


def test_training_that_goes_on_has_the_standard_deviation_of_a_longer_training():
    state, _ = program(PPO)(SCHEDULED, Reach(), KEY)
    _, metrics = jax.jit(functools.partial(PPO.run, num_updates=4))(SCHEDULED, Reach(), state)
    np.testing.assert_allclose(metrics.entropy, entropies(0.8 - 0.7 * np.arange(4, 8) / 8), rtol=1e-5)


def test_without_a_final_one_the_standard_deviations_are_learnt():
    state, metrics = program(PPO)(LEARNT, Reach(), KEY)
    assert LEARNT.final_log_std is None
    assert (np.abs(state.agent.log_std) > 1e-4).all() and state.agent.log_std[0] != state.agent.log_std[1]
    assert len(set(np.asarray(metrics.entropy).tolist())) == 4


def test_several_final_ones_are_mapped():
    train = jax.vmap(lambda final: SCHEDULED.replace(final_log_std=final).train(Reach(), KEY)[1].entropy[-1])
    entropy = jax.jit(train)(jnp.log(jnp.array([0.1, 0.4], jnp.float32)))
    np.testing.assert_allclose(entropy, entropies(np.array([0.8 - 0.7 * 0.75, 0.8 - 0.4 * 0.75])), rtol=1e-5)


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
