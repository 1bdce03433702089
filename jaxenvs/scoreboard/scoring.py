"""Scores of verified episodes: those of OpenAI Gym's site, and interquartile means over seeds."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxenvs.errors import InvalidField
from jaxenvs.monitor.pictures.statistics import bootstrap_interval, over_runs

WINDOW = 100
"""Episodes of a window, as in OpenAI Gym."""

LEAST_SEEDS = 5
"""With fewer seeds, an interval would say little."""

_MOST_POINTS = 400


@dataclasses.dataclass(frozen=True)
class Score:
    """The score of one agent, as OpenAI Gym's site gave it.

    Attributes:
        episodes: the number of episodes.
        mean: the mean return of all episodes.
        best: the best mean return of 100 consecutive episodes; of all if there are fewer.
        best_error: the standard error of that mean.
        threshold: the reward threshold of the environment; None if it has none.
        solved_after: how many episodes came before the first window of 100 whose mean reaches the threshold; None if
            none does.
        solved_steps: the steps of the environment before that window, of all lanes; None if none does.
        solved_seconds: the time before that window as the author claims it, s; None if none does.
    """

    episodes: int
    mean: float
    best: float
    best_error: float
    threshold: float | None
    solved_after: int | None
    solved_steps: int | None
    solved_seconds: float | None


@dataclasses.dataclass(frozen=True)
class Summary:
    """One person's result with one algorithm, over its seeds.

    Attributes:
        seeds: the number of seeds.
        mean: the mean over seeds of their mean returns.
        iqm: the interquartile mean over seeds; None for fewer than five.
        low: the lower end of its 95 % bootstrap interval; None for fewer than five seeds.
        high: the upper end; None for fewer than five seeds.
    """

    seeds: int
    mean: float
    iqm: float | None
    low: float | None
    high: float | None


@dataclasses.dataclass(frozen=True)
class Curve:
    """A learning curve with at most 400 points.

    Attributes:
        episodes: (points,) int64, how many episodes had ended.
        env_steps: (points,) int64, the steps by then.
        means: (points,) float64, the mean return of the last 100 episodes, or of all if there are fewer.
    """

    episodes: np.ndarray
    env_steps: np.ndarray
    means: np.ndarray


def score(returns: np.ndarray, env_steps: np.ndarray, seconds: np.ndarray, *, threshold: float | None = None) -> Score:
    """The score of one agent's episodes.

    Args:
        returns: (n,) float64, the verified returns, in the order in which the episodes ended.
        env_steps: (n,) int64, the steps of all lanes when each ended.
        seconds: (n,) float64, the claimed time when each ended, s.
        threshold: the reward threshold of the environment; None for none.

    Raises:
        InvalidField: there are no episodes, or the lengths differ.
    """
    returns = np.asarray(returns, np.float64)
    if not len(returns) or not len(returns) == len(env_steps) == len(seconds):
        raise InvalidField("A score needs the returns, steps and seconds of at least 1 episode, all of one length.")
    window = min(WINDOW, len(returns))
    means = _means(returns, window)
    best = int(np.argmax(means))
    error = float(np.std(returns[best : best + window], ddof=1) / np.sqrt(window)) if window > 1 else 0.0
    can_solve = threshold is not None and len(returns) >= WINDOW
    reached = np.flatnonzero(means >= threshold) if can_solve else np.zeros(0, np.int64)
    first = int(reached[0]) if len(reached) else None
    return Score(
        episodes=len(returns),
        mean=float(returns.mean()),
        best=float(means[best]),
        best_error=error,
        threshold=threshold,
        solved_after=first,
        solved_steps=None if first is None else int(env_steps[first - 1]) if first else 0,
        solved_seconds=None if first is None else float(seconds[first - 1]) if first else 0.0,
    )


def summarize(seeds: Sequence[float] | np.ndarray) -> Summary:
    """The result over seeds, one mean return each.

    Raises:
        InvalidField: there are none.
    """
    values = np.asarray(seeds, np.float64)
    if values.ndim != 1 or not len(values):
        raise InvalidField("A summary needs the mean return of at least 1 seed.")
    if len(values) < LEAST_SEEDS:
        return Summary(len(values), float(values.mean()), None, None, None)
    low, high = bootstrap_interval(values, "iqm")
    return Summary(len(values), float(values.mean()), float(over_runs(values, "iqm")), float(low), float(high))


def seed_means(returns: np.ndarray, agent: np.ndarray) -> list[float]:
    """The mean return of each agent of a submission."""
    return [float(returns[agent == number].mean()) for number in np.unique(agent)]


def learning_curve(returns: np.ndarray, env_steps: np.ndarray) -> Curve:
    """The learning curve of one agent's episodes, in the order in which they ended."""
    total = np.concatenate([[0.0], np.cumsum(returns, dtype=np.float64)])
    count = len(returns)
    ends = np.unique(np.linspace(1, count, min(count, _MOST_POINTS)).round().astype(np.int64))
    begins = np.maximum(ends - WINDOW, 0)
    return Curve(ends, np.asarray(env_steps, np.int64)[ends - 1], (total[ends] - total[begins]) / (ends - begins))


def _means(returns: np.ndarray, window: int) -> np.ndarray:
    """The mean of each window, rounded only once, so that equal returns give exactly their mean."""
    return np.lib.stride_tricks.sliding_window_view(returns, window).mean(axis=-1)
