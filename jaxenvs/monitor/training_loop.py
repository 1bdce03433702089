"""The training loop of a run: one compiled program, called in chunks, with reports and checkpoints between."""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax.sharding import Mesh

from jaxenvs.core.env import Env
from jaxenvs.errors import Diverged, InvalidField, NotWritten
from jaxenvs.monitor.processes import agreed, whole
from jaxenvs.monitor.run import Run
from jaxenvs.monitor.updates import Learner, Program, Rows, initial_state
from jaxenvs.random import Key
from jaxenvs.rollouts.mesh import Devices, lane_mesh


@dataclasses.dataclass(frozen=True)
class Report:
    """How far training has come.

    Attributes:
        updates: done so far.
        env_steps: done so far, by each seed.
        seconds: spent training, those before an interruption included, compilation left out.
        metrics: the figures since the report before, averaged over seeds; NaN where nothing was measured.
    """

    updates: int
    env_steps: int
    seconds: float
    metrics: dict[str, float]


_ROWS = 500
"""A whole training gives about so many rows, each the mean over its updates."""
_SECONDS_PER_CALL = 0.5
"""Calls of the program are sized to take about this long, so that progress shows and Ctrl-C is heard."""
_CHECKPOINT_SECONDS = 10.0
_CHECKPOINT_SHARE = 0.05
"""Checkpoints are spaced so that writing them takes no more than this share of the time."""


def train(
    run: Run,
    env: Env[Any, Any],
    learner: Learner,
    key: Key,
    *,
    mesh: Devices | None = None,
    resume: bool = False,
    on_compiled: Callable[[Report, float], None] = lambda report, seconds: None,
    on_report: Callable[[Report], None] = lambda report: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Any, Report]:
    """Trains to the end, or until told to stop, leaving progress and checkpoints in the run's folder.

    A run that was stopped and resumed goes through the same states as one that was not. One that has reached its end
    goes on where the learner has more updates to do, such as `learner.extended(total_steps)`.

    Args:
        run: where to write; its settings say how many seeds are trained.
        env: what to learn, without AutoReset.
        learner: how.
        key: what all of training is a function of.
        mesh: devices to spread the environments over, for learners that can: a mesh with an axis "data", or a
            number of devices. Several processes give a mesh of all their devices, and all call `train` with
            the same arguments: the first one writes and is asked `should_stop`; to resume, all read the folder.
        resume: begin from the run's checkpoint.
        on_compiled: called once before the first update, with where training begins and the seconds that
            compilation took.
        on_report: called between calls of the compiled program, the first of which does a single update.
        should_stop: asked between calls; true ends training after a checkpoint.

    Returns:
        The last training state and the last report. Training is complete where the report's `updates`
        is the learner's `num_updates`.

    Raises:
        CheckpointError: there is nothing to resume from, or it does not fit the settings.
        Diverged: the weights of an agent hold NaN. The checkpoint is of an update before, if there is one.
        InvalidField: there are several processes and no mesh to join them, or the mesh does not fit.
        NotWritten: the disk is full, say. The message tells where the last training state is.
        RunInUse: another process trains in the folder.
    """
    mesh = lane_mesh("train", mesh)
    if mesh is None and jax.process_count() > 1:
        raise InvalidField(
            f"train: {jax.process_count()} processes would each train alone and write to one run folder. Give them"
            ' one mesh: `mesh=jax.make_mesh((jax.device_count(),), ("data",))`.'
        )
    with run.exclusively():
        state, report = _begin(run, env, learner, key, mesh, resume)
        return _continue(run, env, learner, state, report, mesh, on_compiled, on_report, should_stop)


def _begin(
    run: Run, env: Env[Any, Any], learner: Learner, key: Key, mesh: Mesh | None, resume: bool
) -> tuple[Any, Report]:
    """The state to go on from, and how far it is."""
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
    return state, Report(done, done * learner.steps_per_update, agreed(rows[-1]["seconds"] if rows else 0.0), {})


def _continue(
    run: Run,
    env: Env[Any, Any],
    learner: Learner,
    state: Any,
    report: Report,
    mesh: Mesh | None,
    on_compiled: Callable[[Report, float], None],
    on_report: Callable[[Report], None],
    should_stop: Callable[[], bool],
) -> tuple[Any, Report]:
    total, spread = int(learner.num_updates), -(-int(learner.num_updates) // _ROWS)
    started = time.perf_counter()
    program = Program(env, learner, state, num_seeds=run.settings.num_seeds, mesh=mesh)
    on_compiled(report, time.perf_counter() - started)
    saver = _Saver(run, mesh, report.updates)
    rows = Rows(learner.steps_per_update)
    count = 1
    while report.updates < total:
        started = time.perf_counter()
        ends = _ends(report.updates, count, spread, total)
        state, measured = program(state, report.updates, ends)
        seconds = agreed(time.perf_counter() - started)
        updates = measured.updates
        rows.add(measured, report.updates, report.seconds, seconds, lambda end: end % spread == 0 or end == total)
        count = max(1, round(_SECONDS_PER_CALL * (updates - report.updates) / max(seconds, 1e-6)))
        report = Report(updates, updates * learner.steps_per_update, report.seconds + seconds, measured.means())
        stopping = bool(agreed(should_stop()))
        try:
            saving = (
                saver.is_due(now=stopping or updates == total, within_row=rows.is_open) and measured.diverged is None
            )
            run.append_progress(rows.take(unfinished=saving or measured.diverged is not None))
            if saving:
                saver.save(state, updates)
        except OSError as error:
            raise saver.rescued(state, updates, error) from error
        if measured.diverged is not None:
            raise Diverged(_divergence(measured.diverged, saver, learner.steps_per_update))
        on_report(report)
        if stopping:
            break
    return state, report


def _ends(done: int, count: int, spread: int, total: int) -> list[int]:
    """Where the next call's rows end, and last where it ends itself: about `count` updates on.

    Calls end with a row where they do a row's updates at least, and do no more rows than the program holds.
    """
    last = min(done + count, total)
    rows = list(range((done // spread + 1) * spread, last + 1, spread))[: Program.MOST_ROWS]
    if total <= last and len(rows) < Program.MOST_ROWS and total not in rows:
        rows.append(total)
    return rows or [last]


def _divergence(diverged: tuple[int, list[int]], saver: "_Saver", steps_per_update: int) -> str:
    update, seeds = diverged
    who = "" if seeds == [0] else f" (seed {', '.join(map(str, seeds))} of those trained together)"
    kept = f"The checkpoint is of update {saver.saved}" if saver.saved else "There is no checkpoint of an update before"
    return (
        f"Training diverged at update {update}, {update * steps_per_update:,} steps: weights are NaN{who}. {kept}."
        " Lower the learning rate, scale rewards (PPO's `normalize_rewards`), or look for NaN in the environment with"
        " `jax.debug_nans(True)`."
    )


class _Saver:
    """Saves checkpoints, the first one at once, the others no more often than they are worth.

    Attributes:
        saved: the update of the last checkpoint, 0 before there is one.
    """

    def __init__(self, run: Run, mesh: Mesh | None, saved: int) -> None:
        self._run = run
        self._mesh = mesh
        self._due = time.perf_counter()
        self.saved = saved

    def is_due(self, *, now: bool, within_row: bool) -> bool:
        # A checkpoint ends a row, so that rows of what follows it begin with it. A row of many updates that is
        # about to end anyway is waited for.
        patience = _CHECKPOINT_SECONDS if within_row else 0.0
        return bool(now or agreed(time.perf_counter() >= self._due + patience))

    def save(self, state: Any, updates: int) -> None:
        started = time.perf_counter()
        self._run.save(whole(state, self._mesh), {"updates": updates})
        self.saved = updates
        ended = time.perf_counter()
        self._due = ended + max(_CHECKPOINT_SECONDS, (ended - started) / _CHECKPOINT_SHARE)

    def rescued(self, state: Any, updates: int, error: OSError) -> NotWritten:
        """Saves the state somewhere else; returns the error that says where."""
        try:
            path = self._run.save_elsewhere(whole(state, self._mesh), {"updates": updates})
        except OSError:
            kept = f"The checkpoint in it is of update {self.saved}." if self.saved else "It holds no checkpoint yet."
        else:
            kept = f"The state after update {updates} is in {path}: move it to {self._run.checkpoint_path} to go on."
        return NotWritten(f"{self._run.path} cannot be written: {error.strerror or error}. {kept}")
