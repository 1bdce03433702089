"""Advantage estimates against a plain loop, and running statistics of batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.training.advantages import estimate_advantages
from jaxenvs.wrappers import RunningStatistics

STEPS, ENVS = 40, 6


def by_definition(rewards, values, next_values, terminated, done, gamma, gae_lambda):
    """The sum over later steps of the same episode of (gamma lambda)^k times the step's surprise."""
    out = np.zeros((STEPS, ENVS))
    for env in range(ENVS):
        for start in range(STEPS):
            weight = 1.0
            for t in range(start, STEPS):
                bootstrap = 0.0 if terminated[t, env] else next_values[t, env]
                out[start, env] += weight * (rewards[t, env] + gamma * bootstrap - values[t, env])
                if done[t, env]:
                    break
                weight *= gamma * gae_lambda
    return out


@pytest.mark.parametrize("gamma, gae_lambda", [(0.9, 0.8), (1.0, 1.0), (0.99, 0.0), (0.0, 0.5)])
def test_advantages_equal_the_definition(gamma, gae_lambda):
    draw = np.random.default_rng(0)
    rewards, values, next_values = draw.normal(size=(3, STEPS, ENVS)).astype(np.float32)
    terminated, truncated = draw.random((2, STEPS, ENVS)) < 0.1
    assert (terminated & ~truncated).any() and (truncated & ~terminated).any()
    done = terminated | truncated
    got = jax.jit(estimate_advantages)(
        rewards, values, next_values, terminated, done, gamma=gamma, gae_lambda=gae_lambda
    )
    expected = by_definition(rewards, values, next_values, terminated, done, gamma, gae_lambda)
    assert got.dtype == jnp.float32
    # 40 float32 terms of size 1.
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_statistics_of_batches_are_those_of_all_values():
    values = np.random.default_rng(1).normal(3.0, 2.0, (90, 5)).astype(np.float32)
    statistics = RunningStatistics.of_shape((5,))
    for batch in np.split(values, 3):
        statistics = jax.jit(RunningStatistics.update_batch)(statistics, batch)
    # The initial count of 1e-4 and float32 sums.
    np.testing.assert_allclose(statistics.mean, values.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(statistics.variance, values.var(axis=0), rtol=1e-4)
