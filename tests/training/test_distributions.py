"""Distributions against SciPy, and choices as actions of a space."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.spaces import Box, Discrete
from jaxenvs.training.distributions import Categorical, DiagonalGaussian, to_action

KEYS = jax.random.split(jaxenvs.random.key(0), 20_000)


def test_categorical():
    probabilities = np.array([0.1, 0.6, 0.3], np.float32)
    distribution = Categorical(jnp.log(probabilities) + 7)
    samples = jax.vmap(distribution.sample)(KEYS)
    # Five standard deviations of a mean of 20,000.
    np.testing.assert_allclose(np.bincount(samples, minlength=3) / 20_000, probabilities, atol=5 * 0.5 / 20_000**0.5)
    assert int(distribution.mode()) == 1
    # float32 logarithms.
    for choice in range(3):
        np.testing.assert_allclose(distribution.log_prob(jnp.asarray(choice)), np.log(probabilities[choice]), rtol=1e-5)
    np.testing.assert_allclose(distribution.entropy(), scipy.stats.entropy(probabilities), rtol=1e-5)


def test_diagonal_gaussian():
    mean, std = np.array([1.0, -2.0], np.float32), np.array([0.5, 2.0], np.float32)
    distribution = DiagonalGaussian(jnp.asarray(mean), jnp.log(std))
    samples = jax.vmap(distribution.sample)(KEYS)
    # Five standard deviations of a mean, and of a standard deviation, of 20,000.
    np.testing.assert_allclose(samples.mean(axis=0), mean, atol=5 * 2 / 20_000**0.5)
    np.testing.assert_allclose(samples.std(axis=0), std, atol=5 * 2 / 20_000**0.5)
    reference = scipy.stats.multivariate_normal(mean, np.diag(std**2))
    point = np.array([0.3, 0.4], np.float32)
    # float32 arithmetic.
    np.testing.assert_allclose(distribution.log_prob(jnp.asarray(point)), reference.logpdf(point), rtol=1e-5)
    np.testing.assert_allclose(distribution.entropy(), reference.entropy(), rtol=1e-5)
    np.testing.assert_array_equal(distribution.mode(), mean)


def test_discrete_choices_count_from_start():
    assert int(to_action(Discrete(3, start=-1), jnp.asarray(2, jnp.int32))) == 1


@pytest.mark.parametrize(
    "choice, action",
    [((0.0, 0.0), (0.5, 3.0)), ((1.0, -1.0), (2.0, 2.0)), ((-1.0, 1.0), (-1.0, 4.0)), ((9.0, -9.0), (2.0, 2.0))],
)
def test_box_choices_are_scaled_to_the_box_and_clipped(choice, action):
    space = Box(np.array([-1, 2], np.float32), np.array([2, 4], np.float32))
    got = to_action(space, jnp.asarray(choice, jnp.float32))
    np.testing.assert_array_equal(got, np.asarray(action, np.float32))


def test_box_choices_are_actions_where_there_is_no_bound():
    space = Box(np.array([[-np.inf], [0]], np.float32), np.array([[np.inf], [np.inf]], np.float32))
    got = to_action(space, jnp.array([-7.5, -3.0], jnp.float32))
    np.testing.assert_array_equal(got, np.array([[-7.5], [0.0]], np.float32))


def test_the_widest_box_does_not_overflow():
    widest = np.finfo(np.float32).max
    got = to_action(Box(-widest, widest, (1,)), jnp.array([0.5], jnp.float32))
    np.testing.assert_array_equal(got, np.array([widest / 2], np.float32))
