"""Adding up the rewards of episodes, and what learners say of theirs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.rollouts.endings import Outcome, returns_so_far
from jaxenvs.training import DQN, SAC

REWARDS = np.array([[1, 10], [2, 20], [3, 30], [4, 40]], np.float32)
TERMINATED = np.array([[0, 0], [1, 0], [0, 1], [0, 0]], bool)
TRUNCATED = np.array([[0, 1], [0, 0], [0, 1], [0, 0]], bool)


def outcomes(rows=slice(None), transposed=False):
    return Outcome(*(jnp.asarray(x[rows].T if transposed else x[rows]) for x in (REWARDS, TERMINATED, TRUNCATED)))


def test_returns_go_on_from_block_to_block():
    total, first = returns_so_far(jnp.zeros(2, jnp.float32), outcomes(slice(0, 3)))
    np.testing.assert_array_equal(first, [[1, 10], [3, 20], [3, 50]])
    np.testing.assert_array_equal(total, [3, 0])
    _, second = returns_so_far(total, outcomes(slice(3, 4)))
    np.testing.assert_array_equal(second, [[7, 40]])


def test_the_axis_of_time_can_be_any():
    total = jnp.zeros(2, jnp.float32)
    by_time, by_lane = returns_so_far(total, outcomes()), returns_so_far(total, outcomes(transposed=True), time_axis=1)
    np.testing.assert_array_equal(by_time[0], by_lane[0])
    np.testing.assert_array_equal(by_time[1], by_lane[1].T)


@pytest.mark.parametrize(
    ("learner", "id"),
    [
        (DQN(total_steps=512, num_envs=4, num_steps=32, learning_starts=512, hidden_sizes=(8,)), "CartPole-v1"),
        pytest.param(SAC(total_steps=512, num_envs=4, learning_starts=512), "Pendulum-v1", marks=pytest.mark.slow),
    ],
    ids=["dqn", "sac"],
)
def test_a_learner_hands_over_the_endings_that_its_metrics_sum(learner, id):
    env = jaxenvs.make(id, max_episode_steps=14)
    start = jax.jit(learner.init)(env, jaxenvs.random.key(0))
    _, metrics, endings = jax.jit(learner.update_with_endings)(env, start)
    shape = learner.steps_per_update // learner.num_envs, learner.num_envs
    assert {leaf.shape for leaf in jax.tree.leaves(endings)} == {shape}
    ended = np.asarray(endings.ended)
    np.testing.assert_array_equal(ended, endings.terminated | endings.truncated)
    assert int(metrics.episodes) == ended.sum() > 0
    assert float(metrics.length_sum) == np.asarray(endings.length)[ended].sum()
    np.testing.assert_allclose(metrics.return_sum, np.asarray(endings.episode_return)[ended].sum(), rtol=1e-5)
    assert (np.asarray(endings.length)[np.asarray(endings.truncated)] == 14).all() and endings.truncated.any()
