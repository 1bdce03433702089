"""Statistics over seeds, beside SciPy's and closed forms."""

import numpy as np
import pytest
import scipy.stats

from jaxenvs.errors import InvalidField
from jaxenvs.monitor import bootstrap_interval, over_runs

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("axis", [0, 1])
def test_interquartile_mean_is_scipys(count, axis):
    values = RANDOM.normal(size=(count, 6) if axis == 0 else (6, count)) ** 3
    expected = scipy.stats.trim_mean(values, 0.25, axis=axis)
    np.testing.assert_allclose(over_runs(values, "iqm", axis), expected, rtol=1e-12)
    np.testing.assert_allclose(over_runs(values, "mean", axis), values.mean(axis), rtol=1e-12)


def trimmed(values, axis):
    return scipy.stats.trim_mean(values, 0.25, axis=axis)


@pytest.mark.parametrize(("statistic", "reference"), [("mean", np.mean), ("iqm", trimmed)])
def test_interval_is_scipys_percentile_bootstrap(statistic, reference):
    scores = RANDOM.exponential(size=14)
    options = {"confidence_level": 0.9, "n_resamples": 20_000, "method": "percentile", "rng": 1}
    expected = scipy.stats.bootstrap((scores,), reference, **options).confidence_interval
    low, high = bootstrap_interval(scores, statistic, confidence=0.9, resamples=20_000)
    # Both are estimates from 20,000 draws, whose error is about a hundredth of the interval.
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.03 * (expected.high - expected.low))


def test_interval_of_zeros_and_ones_is_that_of_the_binomial():
    scores = np.array([1.0] * 7 + [0.0] * 5)
    low, high = bootstrap_interval(scores, confidence=0.95, resamples=50_000)
    expected = scipy.stats.binom(12, 7 / 12).ppf([0.025, 0.975]) / 12
    np.testing.assert_allclose([low, high], expected, rtol=1e-12)


def test_interval_of_two_runs_is_from_one_to_the_other():
    """Their mean takes three values, with chances of a quarter, a half and a quarter."""
    assert bootstrap_interval(np.array([3.0, 7.0])) == (3.0, 7.0)
    assert bootstrap_interval(np.array([3.0, 7.0]), confidence=0.4) == (5.0, 5.0)
    assert bootstrap_interval(np.array([4.0])) == (4.0, 4.0)
    assert bootstrap_interval([3.0, 7.0], confidence=0.4) == (5.0, 5.0)


def test_runs_are_drawn_within_their_task():
    """Drawn from all tasks together, the mean of runs that differ only between tasks would vary."""
    low, high = bootstrap_interval([np.full(3, 1.0), np.full(9, 5.0)])
    assert low == high == 4.0
    first, second = RANDOM.normal(size=4), RANDOM.normal(size=6)
    low, high = bootstrap_interval([first, second], resamples=20_000, confidence=0.9)
    # The mean over runs is a weighted sum of two independent means, whose variances are known.
    deviation = np.sqrt((4 * first.var() + 6 * second.var()) / 100)
    assert high - low == pytest.approx(2 * 1.645 * deviation, rel=0.05)


def test_curves_are_drawn_whole_and_in_blocks(monkeypatch):
    curves = RANDOM.normal(size=(5, 40))
    low, high = bootstrap_interval(curves, "iqm", seed=3, resamples=300)
    assert low.shape == high.shape == (40,) and (low < high).all()
    monkeypatch.setattr("jaxenvs.monitor.pictures.statistics._BLOCK", 300 * 5 * 7)
    np.testing.assert_array_equal(bootstrap_interval(curves, "iqm", seed=3, resamples=300), (low, high))
    alone = bootstrap_interval(curves[:, 7], "iqm", seed=3, resamples=300)
    np.testing.assert_array_equal(alone, (low[7], high[7]))
    assert (bootstrap_interval(curves, "iqm", seed=4, resamples=300)[0] != low).any()


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([], {}, "at least one run"),
        (np.zeros((0, 3)), {}, "at least one run"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], {}, "one shape"),
        (np.zeros(3), {"confidence": 1.0}, "0 < confidence < 1"),
        (np.zeros(3), {"statistic": "median"}, "'mean' or 'iqm'"),
    ],
)
def test_what_has_no_interval_is_refused(scores, options, message):
    with pytest.raises(InvalidField, match=message):
        bootstrap_interval(scores, **options)
