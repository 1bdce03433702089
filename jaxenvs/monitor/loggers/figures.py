"""From what training measures to the figures of a log, and loggers whose failure training survives."""

import contextlib
import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxenvs.monitor.loggers.logger import Logger, PictureLogger, RunLogger
from jaxenvs.monitor.training.updates import quotients


class LoggersOfARun:
    """Loggers that training hands its figures to. One that fails is reported once, and then left out."""

    def __init__(self, loggers: Sequence[Logger], on_failure: Callable[[str], None]) -> None:
        """`on_failure` is called with a sentence about a logger that has failed."""
        self._working = list(loggers)
        self._on_failure = on_failure

    def start(self, step: int, settings: Mapping[str, Any]) -> None:
        """Tells the loggers where training begins."""
        self._each(lambda logger: logger.start(step, settings) if isinstance(logger, RunLogger) else None)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Logs figures everywhere."""
        self._each(lambda logger: logger.log(step, figures))

    def log_rows(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Logs the rows of `progress.csv`, see `figures_of_rows`."""
        for step, figures in figures_of_rows(rows):
            self.log(step, figures)

    @property
    def keep_pictures(self) -> bool:
        """Whether any of them keeps pictures."""
        return any(isinstance(logger, PictureLogger) for logger in self._working)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Logs a picture, (height, width, 3) uint8, where pictures are kept."""
        self._each(lambda logger: logger.picture(step, name, picture) if isinstance(logger, PictureLogger) else None)

    def _each(self, call: Callable[[Logger], None]) -> None:
        for logger in tuple(self._working):
            try:
                call(logger)
            except Exception as error:  # noqa: BLE001  # of any service or file; training is worth more than a log
                self._working.remove(logger)
                with contextlib.suppress(Exception):
                    logger.close()
                self._on_failure(f"{type(logger).__name__} has stopped, and training goes on without it: {error}")


def figures_of_rows(rows: Sequence[Mapping[str, float]]) -> Iterator[tuple[int, dict[str, float]]]:
    """The step and the figures of each report, from the rows of its seeds, which follow each other.

    With one seed, these are the row's figures. With more, each figure is the mean over the seeds that measured it, and
    `NAME/std` is their standard deviation.
    """
    for step, group in itertools.groupby(rows, lambda row: row["env_steps"]):
        seeds = list(group)
        clock = {name: seeds[0][name] for name in ("update", "seconds")}
        names = [name for name in seeds[0] if name not in {*clock, "env_steps", "seed"}]
        if len(seeds) == 1:
            yield int(step), {**clock, **{name: seeds[0][name] for name in names}}
        else:
            spread = {name: _mean_and_std([row[name] for row in seeds]) for name in names}
            means = {name: mean for name, (mean, _) in spread.items()}
            yield int(step), {**clock, **means, **{f"{name}/std": std for name, (_, std) in spread.items()}}


def _mean_and_std(values: Sequence[float]) -> tuple[float, float]:
    """Of the values other than NaN; the second is NaN for fewer than two."""
    measured = np.array([value for value in values if not math.isnan(value)], np.float64)
    with np.errstate(invalid="ignore"):
        mean = float(measured.mean()) if measured.size else math.nan
        return mean, float(measured.std(ddof=1)) if measured.size > 1 else math.nan


def logging_callback(*loggers: Logger) -> Callable[[Any, Any], None]:
    """A `callback` for a learner's `train`, which logs the figures of the updates since the last call.

        with CsvLogger("log.csv") as logger:
            PPO().train(env, key, callback=logging_callback(logger))

    A logger that fails, for example because the disk is full, warns once, and training goes on.

    Args:
        loggers: where to log; they are not closed.
    """
    safe = LoggersOfARun(loggers, warn_of_logger)

    def callback(state: Any, metrics: Any) -> None:
        del state
        figures = metrics.figures()
        sums = {name: np.asarray(value, np.float64).sum(keepdims=True) for name, (value, _) in figures.items()}
        terms = {
            name: None if count is None else np.asarray(count, np.float64).sum(keepdims=True)
            for name, (_, count) in figures.items()
        }
        safe.log(int(metrics.env_steps[-1]), {name: float(x[0]) for name, x in quotients(sums, terms).items()})

    return callback


def warn_of_logger(message: str) -> None:
    """Tells of a logger that has stopped by a warning."""
    warnings.warn(message, RuntimeWarning, stacklevel=2)
