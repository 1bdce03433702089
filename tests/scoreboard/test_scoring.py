"""Scores: those of OpenAI Gym's site, and interquartile means."""

import numpy as np
import pytest

from jaxenvs import scoreboard
from jaxenvs.errors import InvalidField


def scored(returns, threshold=None, lengths=None):
    returns = np.asarray(returns, np.float64)
    steps = np.cumsum(np.full(len(returns), 10) if lengths is None else lengths)
    return scoreboard.score(returns, steps, steps / 100, threshold=threshold)


def test_solved_after_counts_the_episodes_before_the_first_window_that_reaches_the_threshold():
    returns = np.concatenate([np.zeros(40), np.full(150, 200.0)])
    result = scored(returns, threshold=195.0)
    # Windows that begin with episode 38 have 2 zeros of 100, those with 37 have 3: 194 and 196.
    assert result.solved_after == 38
    assert result.solved_steps == 380
    assert result.solved_seconds == pytest.approx(3.8)
    assert result.best == 200.0
    assert result.best_error == 0.0


def test_a_window_that_reaches_the_threshold_exactly_solves_it():
    assert scored(np.full(100, 195.0), threshold=195.0).solved_after == 0
    assert scored(np.full(100, 195.0), threshold=195.0).solved_steps == 0
    assert scored(np.full(100, np.nextafter(195.0, 0)), threshold=195.0).solved_after is None


def test_fewer_than_a_hundred_episodes_solve_nothing():
    result = scored(np.full(99, 500.0), threshold=195.0)
    assert result.solved_after is None
    assert result.best == 500.0


def test_the_best_mean_has_its_standard_error():
    returns = np.random.default_rng(0).normal(10.0, 2.0, 300)
    result = scored(returns)
    means = [returns[i : i + 100].mean() for i in range(201)]
    best = int(np.argmax(means))
    assert result.best == pytest.approx(means[best])
    assert result.best_error == pytest.approx(returns[best : best + 100].std(ddof=1) / 10)
    assert result.threshold is None
    assert result.solved_after is None


def test_an_interval_needs_five_seeds():
    few = scoreboard.summarize([1.0, 2.0, 3.0, 4.0])
    assert (few.seeds, few.mean, few.iqm, few.low, few.high) == (4, 2.5, None, None, None)
    many = scoreboard.summarize([0.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 100.0])
    assert many.iqm == pytest.approx((11 + 12 + 13 + 14) / 4)
    assert many.low < many.iqm < many.high


def test_seeds_are_the_agents_of_a_submission():
    assert scoreboard.seed_means(np.array([1.0, 3.0, 10.0, 20.0]), np.array([0, 0, 1, 1])) == [2.0, 15.0]


def test_a_learning_curve_is_the_mean_of_the_last_hundred():
    returns = np.arange(1000.0)
    curve = scoreboard.learning_curve(returns, np.cumsum(np.full(1000, 7)))
    assert len(curve.episodes) == 400
    assert curve.episodes[-1] == 1000
    assert curve.env_steps[-1] == 7000
    for episodes, mean in zip(curve.episodes, curve.means):
        assert mean == pytest.approx(returns[max(0, episodes - 100) : episodes].mean())


@pytest.mark.parametrize("count", [0, 3])
def test_a_score_needs_columns_of_one_length(count):
    with pytest.raises(InvalidField, match="at least 1 episode"):
        scoreboard.score(np.zeros(count), np.zeros(2), np.zeros(2))


def test_a_summary_needs_a_seed():
    with pytest.raises(InvalidField, match="at least 1 seed"):
        scoreboard.summarize([])
