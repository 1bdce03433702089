"""The episodes of a training run, written while it trains."""

import contextlib
from collections.abc import Iterator

from jaxenvs.monitor.episode_columns import episode_columns
from jaxenvs.monitor.episode_writer import EpisodeWriter
from jaxenvs.monitor.processes import is_writer
from jaxenvs.monitor.run import Run
from jaxenvs.monitor.updates import Measured

TRAINING_WRITER = "training"
"""The name of the writer of a run's training episodes. A resumed run continues it."""


class TrainingEpisodes:
    """Writes the episodes that calls of `CompiledUpdates` return. Without a writer it does nothing."""

    def __init__(self, writer: EpisodeWriter | None, steps_per_update: int) -> None:
        self._writer, self._steps_per_update = writer, steps_per_update

    @staticmethod
    @contextlib.contextmanager
    def of(run: Run, steps_per_update: int, done: int, *, record: bool) -> Iterator["TrainingEpisodes"]:
        """Writes to a run's folder while the block runs, and drops the episodes after `done` updates first."""
        if not (record and is_writer()):
            yield TrainingEpisodes(None, steps_per_update)
            return
        with EpisodeWriter(run, mode="training", writer=TRAINING_WRITER) as writer:
            writer.rewind(done * steps_per_update)
            yield TrainingEpisodes(writer, steps_per_update)

    def add(self, measured: Measured, begin: int, seconds_before: float, seconds: float) -> None:
        """Adds the episodes that ended in a call.

        Args:
            measured: what the call returned.
            begin: the number of updates before it.
            seconds_before: the training time before it, s.
            seconds: the time that it took, s.
        """
        if self._writer is None or measured.endings is None:
            return
        columns, _ = episode_columns(
            measured.endings,
            steps_before=begin * self._steps_per_update,
            seconds=(seconds_before, seconds_before + seconds),
        )
        self._writer.add(columns)

    def flush(self) -> None:
        """Writes what is in memory, so that a checkpoint that follows loses no episode before it."""
        if self._writer is not None:
            self._writer.flush()
