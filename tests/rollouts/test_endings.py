"""Counting the episodes of a block of steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.rollouts.endings import Outcome, Running, count_endings
from jaxenvs.training import DQN, PPO, SAC

REWARDS = np.array([[1, 10], [2, 20], [3, 30], [4, 40]], np.float32)
TERMINATED = np.array([[0, 0], [1, 0], [0, 1], [0, 0]], bool)
TRUNCATED = np.array([[0, 1], [0, 0], [0, 1], [0, 0]], bool)


def counted(running, rows, **options):
    outcomes = Outcome(*(jnp.asarray(x[rows]) for x in (REWARDS, TERMINATED, TRUNCATED)))
    return count_endings(running, outcomes, **options)


def test_returns_and_lengths_go_on_from_block_to_block():
    running, first = counted(Running.begin((2,)), slice(0, 3))
    np.testing.assert_array_equal(first.episode_return, [[1, 10], [3, 20], [3, 50]])
    np.testing.assert_array_equal(first.length, [[1, 1], [2, 1], [1, 2]])
    np.testing.assert_array_equal(first.ended, TERMINATED[:3] | TRUNCATED[:3])
    _, second = counted(running, slice(3, 4))
    np.testing.assert_array_equal(second.episode_return, [[7, 40]])
    np.testing.assert_array_equal(second.length, [[2, 1]])


def test_only_the_first_end_counts_where_nothing_resets():
    _, endings = counted(Running.begin((2,)), slice(0, 4), once=True)
    np.testing.assert_array_equal(endings.ended, [[0, 1], [1, 0], [0, 0], [0, 0]])


def test_the_axis_of_time_can_be_any():
    swapped = [jnp.asarray(x.T) for x in (REWARDS, TERMINATED, TRUNCATED)]
    _, endings = count_endings(Running.begin((2,)), Outcome(*swapped), time_axis=1)
    _, expected = counted(Running.begin((2,)), slice(0, 4))
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(np.asarray(a).T, b), endings, expected)


@pytest.mark.parametrize(
    ("learner", "id"),
    [
        (PPO(total_steps=512, num_envs=4, num_steps=32, num_epochs=1, num_minibatches=1), "CartPole-v1"),
        (DQN(total_steps=512, num_envs=4, num_steps=32, learning_starts=512), "CartPole-v1"),
        pytest.param(SAC(total_steps=512, num_envs=4, learning_starts=512), "Pendulum-v1", marks=pytest.mark.slow),
    ],
    ids=["ppo", "dqn", "sac"],
)
def test_a_learner_hands_over_the_endings_that_its_metrics_sum(learner, id):
    env = jaxenvs.make(id, max_episode_steps=14)
    state = learner.init(env, jaxenvs.random.key(0))
    state, metrics, endings = jax.jit(learner.update_with_endings)(env, state)
    shape = learner.steps_per_update // learner.num_envs, learner.num_envs
    assert {leaf.shape for leaf in jax.tree.leaves(endings)} == {shape}
    ended = np.asarray(endings.ended)
    np.testing.assert_array_equal(ended, endings.terminated | endings.truncated)
    assert metrics.episodes == ended.sum() > 0
    assert metrics.length_sum == np.asarray(endings.length)[ended].sum()
    np.testing.assert_allclose(metrics.return_sum, np.asarray(endings.episode_return)[ended].sum(), rtol=1e-5)
    assert (np.asarray(endings.length)[np.asarray(endings.truncated)] == 14).all() and endings.truncated.any()
