"""The training loop of a run: one compiled program, called in chunks, with reports and checkpoints in between."""

import dataclasses
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
from jax.sharding import Mesh

from jaxenvs.core.env import Env
from jaxenvs.errors import Diverged, InvalidField, NotWritten
from jaxenvs.monitor.loggers.figures import LoggersOfARun, warn_of_logger
from jaxenvs.monitor.loggers.logger import Logger
from jaxenvs.monitor.recording.episode_writer import OnError, check_on_error
from jaxenvs.monitor.run_folder.processes import first_process_value, gathered, is_writer
from jaxenvs.monitor.run_folder.run import Run
from jaxenvs.monitor.training.training_episodes import TrainingEpisodes
from jaxenvs.monitor.training.updates import CompiledUpdates, Recordable, Rows, Trainable, initial_state
from jaxenvs.random import Key
from jaxenvs.rollouts.mesh import Devices, lane_mesh


@dataclasses.dataclass(frozen=True)
class Report:
    """The progress of training.

    Attributes:
        updates: updates done so far.
        env_steps: environment steps done so far, by each seed.
        seconds: time spent training, including that before an interruption, without compilation.
        metrics: the figures since the last report, averaged over seeds; NaN if nothing was measured.
    """

    updates: int
    env_steps: int
    seconds: float
    metrics: dict[str, float]


_ROWS = 500
"""The approximate number of rows of a whole training, each the mean over its updates."""
_SECONDS_PER_CALL = 0.5
"""Calls of the program are sized to take about this long, so that progress is shown and Ctrl-C is noticed."""
_CHECKPOINT_SECONDS = 10.0
_CHECKPOINT_SHARE = 0.05
"""Checkpoints are spaced so that writing them takes at most this fraction of the time."""


def train(
    run: Run,
    env: Env[Any, Any],
    learner: Trainable,
    key: Key,
    *,
    mesh: Devices | None = None,
    resume: bool = False,
    record: bool = False,
    on_error: OnError = "raise",
    on_compiled: Callable[[Report, float], None] = lambda report, seconds: None,
    on_report: Callable[[Report], None] = lambda report: None,
    should_stop: Callable[[], bool] = lambda: False,
    loggers: Sequence[Logger] = (),
    on_failed_logger: Callable[[str], None] = warn_of_logger,
) -> tuple[Any, Report]:
    """Trains to the end, or until told to stop, and writes progress and checkpoints to the run's folder.

    A run that was stopped and resumed goes through the same states as one that was not. A run that has reached its end
    continues if the learner has more updates to do, such as `learner.extended(total_steps)`.

    Args:
        run: the run folder; its settings say how many seeds are trained.
        env: the environment to learn, without AutoReset.
        learner: the learner.
        key: the random key that determines the training.
        mesh: devices to spread the environments over, for learners that can: a mesh with an axis "data", or a
            number of devices. Several processes pass a mesh of all their devices, and all call `train` with the same
            arguments: the first one writes and calls `should_stop`; to resume, all read the folder.
        resume: whether to begin from the run's checkpoint.
        record: whether to write every episode to the run's folder; `read_episodes` reads them. It needs pyarrow.
        on_error: what to do if a file of the folder cannot be written, for example because the disk is full. `"raise"`
            ends training with `NotWritten`. `"warn"` warns once, goes on and tries again later; only if the last
            checkpoint cannot be written either is that an error.
        on_compiled: called once before the first update, with the report that training begins from and the seconds that
            compilation took.
        on_report: called between calls of the compiled program, the first of which does a single update.
        should_stop: called between calls; if it returns True, training ends after a checkpoint.
        loggers: where the rows of `progress.csv` are logged as well, at the step `env_steps`. With several seeds, a
            figure is the mean over seeds, and `NAME/std` their standard deviation. The loggers are not closed. One that
            fails is left out from then on.
        on_failed_logger: called with a sentence about a logger that has failed; by default it warns.

    Returns:
        The last training state and the last report. Training is complete if the report's `updates` equals the learner's
        `num_updates`.

    Raises:
        CheckpointError: there is nothing to resume from, or it does not fit the settings.
        Diverged: the weights of an agent contain NaN. The checkpoint, if there is one, is of an earlier update.
        DependencyNotInstalled: pyarrow is missing, with `record`.
        InvalidField: there are several processes and no mesh to join them, the mesh does not fit, or the episodes of
            such a learner cannot be recorded.
        NotWritten: a file could not be written, for example because the disk is full. The message says where the last
            training state is.
        RunInUse: another process trains in the folder.
    """
    mesh = lane_mesh("train", mesh)
    if mesh is None and jax.process_count() > 1:
        raise InvalidField(
            f"train: {jax.process_count()} processes would each train alone and write to one run folder. Give them"
            ' one mesh: `mesh=jax.make_mesh((jax.device_count(),), ("data",))`.'
        )
    if record and not isinstance(learner, Recordable):
        raise InvalidField(
            f"train: {type(learner).__name__} has no `update_with_endings`, so its episodes cannot be recorded. Leave"
            " out `record`, or give it that method."
        )
    check_on_error("train", on_error)
    with run.exclusively():
        state, report = _begin(run, env, learner, key, mesh, resume)
        safe = LoggersOfARun(loggers if is_writer() else (), on_failed_logger)
        safe.start(report.env_steps, dataclasses.asdict(run.settings))
        with TrainingEpisodes.of(
            run, learner.steps_per_update, report.updates, record=record, on_error=on_error
        ) as episodes:
            program = _compiled(run, env, learner, state, report, mesh, record, on_compiled)
            saver = _Saver(run, mesh, report.updates, on_error)
            return _continue(run, learner, program, episodes, saver, state, report, on_report, should_stop, safe)


def _begin(
    run: Run, env: Env[Any, Any], learner: Trainable, key: Key, mesh: Mesh | None, resume: bool
) -> tuple[Any, Report]:
    """The state to continue from, and its progress."""
    num_seeds, done = run.settings.num_seeds, 0
    begin = jax.jit(initial_state, static_argnames=("num_seeds", "mesh"))
    if resume:
        template = jax.eval_shape(partial(initial_state, num_seeds=num_seeds), env, learner, key)
        state, progress = run.load(template)
        if mesh is not None:
            layout = begin.lower(env, learner, key, num_seeds=num_seeds, mesh=mesh).compile().output_shardings
            state = jax.jit(lambda s: s, out_shardings=layout)(state)
        done = progress.get("updates", 0)
        run.rewind_progress(done)
    else:
        state = begin(env, learner, key, num_seeds=num_seeds, mesh=mesh)
    rows = run.read_progress()
    return state, Report(
        done, done * learner.steps_per_update, first_process_value(rows[-1]["seconds"] if rows else 0.0), {}
    )


def _compiled(
    run: Run,
    env: Env[Any, Any],
    learner: Trainable,
    state: Any,
    report: Report,
    mesh: Mesh | None,
    record: bool,
    on_compiled: Callable[[Report, float], None],
) -> CompiledUpdates:
    started = time.perf_counter()
    program = CompiledUpdates(env, learner, state, num_seeds=run.settings.num_seeds, mesh=mesh, record=record)
    on_compiled(report, time.perf_counter() - started)
    return program


def _continue(
    run: Run,
    learner: Trainable,
    program: CompiledUpdates,
    episodes: TrainingEpisodes,
    saver: "_Saver",
    state: Any,
    report: Report,
    on_report: Callable[[Report], None],
    should_stop: Callable[[], bool],
    loggers: LoggersOfARun,
) -> tuple[Any, Report]:
    total, spread = int(learner.num_updates), -(-int(learner.num_updates) // _ROWS)
    rows, unwritten = Rows(learner.steps_per_update), []
    count = 1
    while report.updates < total:
        started = time.perf_counter()
        ends = _ends(report.updates, min(count, program.most_updates), spread, total)
        state, measured = program(state, report.updates, ends)
        seconds = first_process_value(time.perf_counter() - started)
        updates = measured.updates
        before = report
        rows.add(measured, before.updates, before.seconds, seconds, lambda end: end % spread == 0 or end == total)
        count = max(1, round(_SECONDS_PER_CALL * (updates - report.updates) / max(seconds, 1e-6)))
        report = Report(updates, updates * learner.steps_per_update, report.seconds + seconds, measured.means())
        stopping = bool(first_process_value(should_stop()))
        is_last = stopping or updates == total
        saving = saver.is_due(now=is_last, within_row=rows.is_open) and measured.diverged is None
        finished_rows = rows.take(unfinished=saving or measured.diverged is not None)
        unwritten += finished_rows
        whole = gathered(state, saver.mesh) if saving else None  # by all processes, whatever one of them cannot write
        try:
            episodes.add(measured, before.updates, before.seconds, seconds)
            run.append_progress(unwritten)
            unwritten = []
            if saving:
                episodes.flush()
                saver.save(whole, updates)
        except OSError as error:
            if is_last or not saver.postpones(error):
                raise saver.rescued(gathered(state, saver.mesh) if whole is None else whole, updates, error) from error
        loggers.log_rows(finished_rows)
        if measured.diverged is not None:
            raise Diverged(_divergence(measured.diverged, saver, learner.steps_per_update))
        on_report(report)
        if stopping:
            break
    return state, report


def _ends(done: int, count: int, spread: int, total: int) -> list[int]:
    """The updates at which the next call's rows end, and last that at which it ends, after about `count` updates.

    A call that does at least a row's updates ends with a row, and does no more rows than the program has room for.
    """
    last = min(done + count, total)
    rows = list(range((done // spread + 1) * spread, last + 1, spread))[: CompiledUpdates.MOST_ROWS]
    if total <= last and len(rows) < CompiledUpdates.MOST_ROWS and total not in rows:
        rows.append(total)
    return rows or [last]


def _divergence(diverged: tuple[int, list[int]], saver: "_Saver", steps_per_update: int) -> str:
    update, seeds = diverged
    who = "" if seeds == [0] else f" (seed {', '.join(map(str, seeds))} of those trained together)"
    kept = f"The checkpoint is of update {saver.saved}" if saver.saved else "There is no earlier checkpoint"
    return (
        f"Training diverged at update {update}, {update * steps_per_update:,} steps: weights are NaN{who}. {kept}."
        " Lower the learning rate, scale rewards (PPO's `normalize_rewards`), or look for NaN in the environment with"
        " `jax.debug_nans(True)`."
    )


class _Saver:
    """Saves checkpoints: the first one immediately, the others no more often than is worthwhile.

    Attributes:
        mesh: the devices that states are spread over.
        saved: the update of the last checkpoint, 0 before the first one.
    """

    def __init__(self, run: Run, mesh: Mesh | None, saved: int, on_error: OnError) -> None:
        self._run = run
        self.mesh = mesh
        self._on_error, self._is_failing = on_error, False
        self._due = time.perf_counter()
        self.saved = saved

    def is_due(self, *, now: bool, within_row: bool) -> bool:
        # A checkpoint ends a row, so that the rows after it begin with it. If a row of many updates is about to end
        # anyway, the checkpoint waits for it.
        patience = _CHECKPOINT_SECONDS if within_row else 0.0
        return bool(now or first_process_value(time.perf_counter() >= self._due + patience))

    def save(self, state: Any, updates: int) -> None:
        """Saves a gathered state."""
        started = time.perf_counter()
        self._run.save(state, {"updates": updates})
        self.saved, self._is_failing = updates, False
        ended = time.perf_counter()
        self._due = ended + max(_CHECKPOINT_SECONDS, (ended - started) / _CHECKPOINT_SHARE)

    def postpones(self, error: OSError) -> bool:
        """Whether training goes on without the files that could not be written; then it says so, once until it can."""
        if self._on_error == "raise":
            return False
        if not self._is_failing:
            warnings.warn(
                f"{self._run.path} cannot be written: {error.strerror or error}. Training goes on, and what is missing"
                " is written as soon as there is room. Free some space, or make the folder writable.",
                stacklevel=4,
            )
        self._is_failing = True
        self._due = time.perf_counter() + _CHECKPOINT_SECONDS
        return True

    def rescued(self, state: Any, updates: int, error: OSError) -> NotWritten:
        """Saves a gathered state in another place; returns the error that says where."""
        try:
            path = self._run.save_elsewhere(state, {"updates": updates})
        except OSError:
            kept = f"The checkpoint in it is of update {self.saved}." if self.saved else "It has no checkpoint yet."
        else:
            kept = f"The state after update {updates} is in {path}: move it to {self._run.checkpoint_path} to continue."
        return NotWritten(f"{self._run.path} cannot be written: {error.strerror or error}. {kept}")
