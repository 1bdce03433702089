"""Statistics of curves: over seeds, the interquartile mean and the stratified bootstrap, and the moving average.

Source of the first two: R. Agarwal, M. Schwarzer, P. S. Castro, A. Courville, M. G. Bellemare, "Deep Reinforcement
Learning at the Edge of the Statistical Precipice", NeurIPS 2021.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from jaxenvs.errors import InvalidField

Statistic: TypeAlias = Literal["mean", "iqm"]
"""The mean, or the interquartile mean, which outliers move less."""

_SMOOTHING = 0.04
"""Width of the moving average, as a fraction of all values."""
_TRIMMED = 0.25
_BLOCK = 2**22
"""Resampled numbers that are held at once."""


def statistic_name(statistic: Statistic) -> str:
    """What a statistic is called.

    Raises:
        InvalidField: there is no such statistic.
    """
    names = {"mean": "mean", "iqm": "interquartile mean"}
    if statistic not in names:
        raise InvalidField(f"The statistic must be 'mean' or 'iqm', got {statistic!r}.")
    return names[statistic]


def over_runs(values: np.ndarray, statistic: Statistic, axis: int = 0) -> np.ndarray:
    """The mean or the interquartile mean along an axis.

    The interquartile mean leaves out the lowest and the highest quarter, in whole numbers of runs rounded down, so with
    fewer than four runs it is the mean.

    Raises:
        InvalidField: there is no such statistic.
    """
    statistic_name(statistic)
    count = values.shape[axis]
    cut = int(_TRIMMED * count) if statistic == "iqm" else 0
    if cut:
        # Partitioning puts the quarters at the ends, which is all that the order is needed for.
        values = np.partition(values, (cut, count - cut - 1), axis=axis)
        values = np.take(values, np.arange(cut, count - cut), axis=axis)
    return values.mean(axis=axis)


def moving_average(values: np.ndarray) -> np.ndarray:
    """The centred moving average of a curve, (reports,) float64, which narrows towards the ends."""
    half = round(len(values) * _SMOOTHING / 2)
    total = np.cumsum(np.concatenate([[0.0], values]))
    index = np.arange(len(values))
    reach = np.minimum(np.minimum(index, len(values) - 1 - index), half)
    return (total[index + reach + 1] - total[index - reach]) / (2 * reach + 1)


def bootstrap_interval(
    scores: np.ndarray | Sequence[float] | Sequence[np.ndarray],
    statistic: Statistic = "mean",
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """The percentile interval of a statistic over runs, by the stratified bootstrap.

    Runs are drawn with replacement, within each task if there are several, and the statistic is over all that were
    drawn. With one run, the interval is that run.

    Args:
        scores: (runs, ...), one number or one curve a run; for several tasks, one such array a task, with the same
            shape but for the runs.
        statistic: `"mean"`, or `"iqm"` for the interquartile mean.
        confidence: the part of the resampled statistics that lie in the interval.
        resamples: how often runs are drawn.
        seed: of the drawing: the same seed gives the same interval.

    Returns:
        The lower and the upper end, each with the shape of a run.

    Raises:
        InvalidField: there are no runs, shapes differ, or a setting is out of range.
    """
    is_one_task = isinstance(scores, np.ndarray) or all(np.ndim(score) == 0 for score in scores)
    tasks = [np.asarray(scores, np.float64)] if is_one_task else [np.asarray(task) for task in scores]
    if not tasks or any(task.ndim == 0 or len(task) == 0 for task in tasks):
        raise InvalidField("The bootstrap needs at least one run of each task.")
    shape = tasks[0].shape[1:]
    if any(task.shape[1:] != shape for task in tasks):
        raise InvalidField(f"The runs of all tasks must have one shape, got {[task.shape[1:] for task in tasks]}.")
    if not 0 < confidence < 1 or resamples < 1:
        raise InvalidField(f"The bootstrap needs 0 < confidence < 1 and resamples >= 1: {confidence}, {resamples}.")
    generator = np.random.default_rng(seed)
    drawn, first = [], 0
    for task in tasks:
        drawn.append(generator.integers(first, first + len(task), (resamples, len(task))))
        first += len(task)
    index = np.concatenate(drawn, axis=1)
    table = np.concatenate([task.astype(np.float64).reshape(len(task), -1) for task in tasks])
    width, columns = max(1, _BLOCK // index.size), table.shape[1]
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    ends = [
        np.quantile(over_runs(table[:, i : i + width][index], statistic, axis=1), tails, axis=0)
        for i in range(0, columns, width)
    ]
    low, high = np.concatenate(ends, axis=1).reshape(2, *shape)
    return low, high
