"""The episodes of a training run, written while it trains."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeAlias

import jax

from jaxenvs.errors import NotWritten
from jaxenvs.monitor.recording.episode_columns import columns_of_endings, evaluation_columns
from jaxenvs.monitor.recording.episode_writer import EpisodeWriter, OnError
from jaxenvs.monitor.run_folder.processes import is_writer
from jaxenvs.monitor.run_folder.run import Run
from jaxenvs.monitor.training.updates import Measured
from jaxenvs.rollouts.evaluate import Evaluation

TRAINING_WRITER, EVALUATION_WRITER = "training", "evaluation"
"""The names of the writers of a run's episodes. A resumed run continues them."""

Keep: TypeAlias = Callable[[int, Evaluation], None]
"""`keep(seed, evaluation)`: writes the episodes in which one of the agents was evaluated."""


class TrainingEpisodes:
    """Writes the episodes that calls of `CompiledUpdates` return. Without a writer it does nothing."""

    def __init__(self, writer: EpisodeWriter | None, steps_per_update: int) -> None:
        self._writer, self._steps_per_update = writer, steps_per_update

    @staticmethod
    @contextlib.contextmanager
    def of(
        run: Run, steps_per_update: int, done: int, *, record: bool, on_error: OnError = "raise"
    ) -> Iterator["TrainingEpisodes"]:
        """Writes to a run's folder while the block runs, and drops the episodes after `done` updates first."""
        if not (record and is_writer()):
            yield TrainingEpisodes(None, steps_per_update)
            return
        writer = EpisodeWriter(run, mode="training", writer=TRAINING_WRITER, on_error=on_error)
        try:
            writer.rewind(done * steps_per_update)
            yield TrainingEpisodes(writer, steps_per_update)
        except BaseException as error:  # it says what happened, and where the training state is
            try:
                writer.close()
            except NotWritten as another:
                error.add_note(str(another))
            raise
        writer.close()

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
        columns = columns_of_endings(
            measured.endings,
            steps_before=begin * self._steps_per_update,
            seconds=(seconds_before, seconds_before + seconds),
        )
        self._writer.add(columns)

    def flush(self) -> None:
        """Writes what is in memory, so that a checkpoint that follows loses no episode before it."""
        if self._writer is not None:
            self._writer.flush()


@contextlib.contextmanager
def evaluation_episodes(run: Run, env_steps: int, seconds: float, *, record: bool) -> Iterator[Keep]:
    """Yields a function that writes evaluated episodes to a run's folder; one that does nothing if not `record`.

    An earlier evaluation after as many steps is replaced.

    Args:
        run: the run folder.
        env_steps: the steps of training before the evaluation, by each seed.
        seconds: the time of training.
        record: whether to write anything.
    """
    if not (record and is_writer()):
        yield lambda seed, evaluation: None
        return
    with EpisodeWriter(run, mode="evaluation", writer=EVALUATION_WRITER) as writer:
        writer.rewind(env_steps - 1)

        def keep(seed: int, evaluation: Evaluation) -> None:
            episodes = jax.device_get(evaluation)
            writer.add(evaluation_columns(episodes, seed=seed, env_steps=env_steps, seconds=seconds))

        yield keep
