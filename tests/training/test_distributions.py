"""Distributions against SciPy, and choices as actions of a space."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.spaces import Box, Discrete, MultiDiscrete, Tuple
from jaxenvs.training.distributions import (
    Categorical,
    DiagonalGaussian,
    FactoredCategorical,
    SquashedGaussian,
    distribution,
    num_outputs,
    to_action,
)

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


@pytest.mark.parametrize(
    "space",
    [Tuple((Discrete(3, start=5), Discrete(2))), MultiDiscrete([3, 2], start=[5, 0])],
    ids=["Tuple", "MultiDiscrete"],
)
def test_factored_categorical(space):
    first, second = np.array([0.1, 0.6, 0.3], np.float32), np.array([0.8, 0.2], np.float32)
    logits = jnp.log(jnp.concatenate([first, second])) + jnp.array([7, 7, 7, -2, -2], jnp.float32)
    assert num_outputs(space) == 5
    choices = distribution(space, logits, jnp.zeros(5, jnp.float32))
    assert isinstance(choices, FactoredCategorical)
    # The parts are independent, so that each pair is as likely as the product says.
    joint = np.outer(first, second)
    samples = np.asarray(jax.vmap(choices.sample)(KEYS))
    counts = np.bincount(2 * samples[:, 0] + samples[:, 1], minlength=6)
    assert scipy.stats.chisquare(counts, 20_000 * joint.ravel() / joint.sum()).pvalue > 1e-4
    assert choices.mode().tolist() == [1, 0]
    for pair in np.ndindex(3, 2):  # float32 logarithms
        np.testing.assert_allclose(choices.log_prob(jnp.array(pair)), np.log(joint[pair]), rtol=1e-5)
    np.testing.assert_allclose(choices.entropy(), scipy.stats.entropy(joint.ravel()), rtol=1e-5)
    actions = jax.vmap(to_action, in_axes=(None, 0))(space, jnp.array([[2, 0], [0, 1]], jnp.int32))
    rows = np.stack(actions, axis=1) if isinstance(space, Tuple) else np.asarray(actions)
    assert rows.dtype == np.int32 and rows.tolist() == [[7, 0], [5, 1]]
    assert bool(space.contains(to_action(space, choices.mode())))


def test_entries_of_a_multi_discrete_space_are_chosen_in_its_shape():
    space = MultiDiscrete([[2, 3], [4, 5]], start=[[0, 10], [20, 30]])
    logits = jnp.zeros(14, jnp.float32).at[jnp.array([1, 2, 8, 13])].set(9.0)
    action = to_action(space, distribution(space, logits, logits).mode())
    np.testing.assert_array_equal(action, [[1, 10], [23, 34]])


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


def test_squashed_gaussian():
    mean, std = np.array([0.3, -1.0]), np.array([0.5, 0.8])
    distribution = SquashedGaussian(jnp.asarray(mean, jnp.float32), jnp.asarray(np.log(std), jnp.float32))
    samples, log_probs = jax.vmap(distribution.sample_with_log_prob)(KEYS)
    np.testing.assert_array_equal(samples, jax.vmap(distribution.sample)(KEYS))

    def cumulative(x):
        return scipy.stats.norm.cdf((np.arctanh(x) - mean) / std)

    # The density is the slope of the cumulative distribution, which is known without any of its formula.
    x, width = np.asarray(samples, np.float64), 1e-6
    density = (cumulative(x + width) - cumulative(x - width)) / (2 * width)
    inside = (np.abs(x) < 0.999).all(axis=1)  # further out, a sample's float32 is too coarse for its density
    assert inside.mean() > 0.95
    np.testing.assert_allclose(log_probs[inside], np.log(density[inside]).sum(axis=1), rtol=1e-3, atol=1e-3)
    for i, median in enumerate(np.asarray(distribution.median())):
        assert scipy.stats.kstest(np.asarray(samples[:, i]), lambda x, i=i: cumulative(x[:, None])[:, i]).pvalue > 1e-4
        np.testing.assert_allclose(cumulative(np.full(2, median, np.float64))[i], 0.5, atol=1e-6)


@pytest.mark.parametrize("mean", [-200.0, -20.0, 20.0, 200.0])
def test_squashed_gaussian_has_a_density_where_tanh_is_1(mean):
    def log_prob(mean):
        return SquashedGaussian(mean, jnp.zeros(1, jnp.float32)).sample_with_log_prob(KEYS[0])[1]

    value, slope = jax.value_and_grad(log_prob)(jnp.array([mean], jnp.float32))
    noise = float(SquashedGaussian(jnp.zeros(1, jnp.float32), jnp.zeros(1, jnp.float32)).sample(KEYS[0])[0])
    noise = np.arctanh(noise)
    # 1 / cosh(x)^2 is 4 exp(-2 |x|) there.
    expected = scipy.stats.norm.logpdf(noise) - np.log(4) + 2 * abs(mean + noise)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(slope, [2 * np.sign(mean)], rtol=1e-5)


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
