"""The training loop of a run: one compiled program, called in chunks, with reports and checkpoints between."""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh

from jaxenvs.core.env import Env
from jaxenvs.core.errors import InvalidField
from jaxenvs.core.random import Key
from jaxenvs.monitor.processes import agreed, whole
from jaxenvs.monitor.run import Run
from jaxenvs.rollout.mesh import SHARED, Devices, laid_out, lane_mesh


class Learner(Protocol):
    """What the loop asks of a learner, a pytree of hyper-parameters; those of `jaxenvs.training` fit.

    Where the loop is given a mesh, it hands that on to `init` and `update` as a further argument `mesh`.
    """

    @property
    def num_updates(self) -> int:
        """How many updates make a whole training."""
        ...

    @property
    def steps_per_update(self) -> int:
        """Environment steps that one update takes."""
        ...

    def init(self, env: Env[Any, Any], key: Key) -> Any:
        """The training state to begin with."""
        ...

    def update(self, env: Env[Any, Any], state: Any) -> tuple[Any, Any]:
        """One update: the next training state, and a dataclass of scalar metrics.

        Whole numbers are counts, which a report sums up; others are averaged, NaN left out.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Report:
    """How far training has come.

    Attributes:
        updates: done so far.
        env_steps: done so far, by each seed.
        seconds: spent training, those before an interruption included, compilation left out.
        metrics: the latest figures, averaged over seeds.
    """

    updates: int
    env_steps: int
    seconds: float
    metrics: dict[str, float]


_REPORTS = 500
"""A whole training gives about so many rows, each the mean over its updates."""
_FIRST_COLUMNS = ("mean_return", "mean_length", "episodes")
_REPORTS_PER_CALL = 64
_SECONDS_PER_CALL = 0.5
"""Calls of the program are sized to take about this long, so that progress shows and Ctrl-C is heard."""
_CHECKPOINT_SECONDS = 10.0
_CHECKPOINT_SHARE = 0.05
"""Checkpoints are spaced so that writing them takes no more than this share of the time."""


def initial_state(env: Env[Any, Any], learner: Learner, key: Key, num_seeds: int, mesh: Mesh | None = None) -> Any:
    """The training state to begin with; with more than one seed, of all of them along a leading axis.

    Seed `i` is trained from `fold_in(key, i)`, so the first seed's run does not depend on how many there are.
    """
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(num_seeds, dtype=jnp.uint32))
    init = partial(learner.init, env, **_on(mesh))
    return jax.vmap(init)(keys) if num_seeds > 1 else init(keys[0])


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

    A run that was stopped and resumed goes through the same states as one that was not.

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
        on_report: called between calls of the compiled program.
        should_stop: asked between calls; true ends training after a checkpoint.

    Returns:
        The last training state and the last report. Training is complete where the report's `updates`
        is the learner's `num_updates`.

    Raises:
        CheckpointError: there is nothing to resume from, or it does not fit the settings.
        InvalidField: there are several processes and no mesh to join them, or the mesh does not fit.
    """
    mesh = lane_mesh("train", mesh)
    if mesh is None and jax.process_count() > 1:
        raise InvalidField(
            f"train: {jax.process_count()} processes would each train alone and write to one run folder. Give them"
            ' one mesh: `mesh=jax.make_mesh((jax.device_count(),), ("data",))`.'
        )
    num_seeds = run.settings.num_seeds
    total = int(learner.num_updates)
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
        state, done = begin(env, learner, key, num_seeds=num_seeds, mesh=mesh), 0
    rows = run.read_progress()
    report = Report(done, done * learner.steps_per_update, agreed(rows[-1]["seconds"] if rows else 0.0), {})

    started = time.perf_counter()
    ends = np.minimum(np.arange(1, _REPORTS + 1, dtype=np.int64) * -(-total // _REPORTS), total)
    ends = np.unique(ends[ends > done]).astype(np.int32)
    advance = _advance.lower(
        env, learner, state, _window(ends, 0), _int32(done), _int32(0), num_seeds=num_seeds, mesh=mesh
    ).compile()
    on_compiled(report, time.perf_counter() - started)

    pace = _SECONDS_PER_CALL  # seconds a report; the first call does one report
    saver = _Saver(run, mesh)
    next_report = 0
    while next_report < len(ends):
        count = int(np.clip(round(_SECONDS_PER_CALL / pace), 1, min(_REPORTS_PER_CALL, len(ends) - next_report)))
        started = time.perf_counter()
        window = _window(ends, next_report)
        state, figures = advance(env, learner, state, window, _int32(report.updates), _int32(count))
        figures = {name: np.asarray(x)[:count] for name, x in figures.items()}
        seconds = agreed(time.perf_counter() - started)
        pace = max(seconds / count, 1e-6)
        reported = ends[next_report : next_report + count]
        times = report.seconds + seconds * (np.arange(count) + 1) / count
        run.append_progress(_rows(reported, times, figures, learner.steps_per_update, num_seeds))
        next_report += count
        updates = int(reported[-1])
        metrics = {name: _finite_mean(x) for name, x in figures.items()}
        report = Report(updates, updates * learner.steps_per_update, float(times[-1]), metrics)
        stopping = bool(agreed(should_stop()))
        saver.save(state, updates, now=stopping or next_report == len(ends))
        on_report(report)
        if stopping:
            break
    return state, report


class _Saver:
    """Saves checkpoints, the first one at once, the others no more often than they are worth."""

    def __init__(self, run: Run, mesh: Mesh | None) -> None:
        self._run = run
        self._mesh = mesh
        self._due = time.perf_counter()

    def save(self, state: Any, updates: int, *, now: bool) -> None:
        started = time.perf_counter()
        if now or agreed(started >= self._due):
            self._run.save(whole(state, self._mesh), {"updates": updates})
            ended = time.perf_counter()
            self._due = ended + max(_CHECKPOINT_SECONDS, (ended - started) / _CHECKPOINT_SHARE)


def _int32(value: int) -> Array:
    return jnp.asarray(value, jnp.int32)


def _window(ends: np.ndarray, begin: int) -> Array:
    """The next reports' last updates, padded to the size that the program was compiled for."""
    window = ends[begin : begin + _REPORTS_PER_CALL]
    return jnp.asarray(np.pad(window, (0, _REPORTS_PER_CALL - len(window))), jnp.int32)


@partial(jax.jit, static_argnames=("num_seeds", "mesh"), donate_argnames="state")
def _advance(
    env: Env[Any, Any],
    learner: Learner,
    state: Any,
    ends: Array,
    done: Array,
    count: Array,
    *,
    num_seeds: int,
    mesh: Mesh | None,
) -> tuple[Any, dict[str, Array]]:
    """Runs updates from `done` to `ends[count - 1]`; row `i` of the figures sums up those until `ends[i]`.

    How many updates it runs is data, so one program serves calls of every size.
    """
    update = partial(learner.update, env, **_on(mesh))
    update = jax.vmap(update) if num_seeds > 1 else update
    shapes = _figures(jax.eval_shape(update, state)[1])
    zeros = {name: jnp.zeros(x.shape, jnp.float32) for name, x in shapes.items()}
    counts = {name: jnp.issubdtype(x.dtype, jnp.integer) for name, x in shapes.items()}

    def one_update(carry: Any) -> Any:
        state, done, total, weight = carry
        state, metrics = update(state)
        figures = {name: x.astype(jnp.float32) for name, x in _figures(metrics).items()}
        total = jax.tree.map(lambda t, x: t + jnp.where(jnp.isfinite(x), x, 0.0), total, figures)
        weight = jax.tree.map(lambda w, x: w + jnp.isfinite(x).astype(jnp.float32), weight, figures)
        return state, done + 1, total, weight

    def one_report(index: Array, carry: Any) -> Any:
        state, done, table = carry
        state, done, total, weight = jax.lax.while_loop(
            lambda c: c[1] < ends[index], one_update, (state, done, zeros, zeros)
        )
        row = {name: x if counts[name] else x / weight[name] for name, x in total.items()}
        return state, done, {name: t.at[index].set(row[name]) for name, t in table.items()}

    table = {name: jnp.zeros((len(ends), *x.shape), jnp.float32) for name, x in zeros.items()}
    state, _, table = jax.lax.fori_loop(0, count, one_report, (state, done, table))
    return state, laid_out(table, mesh, SHARED)


def _on(mesh: Mesh | None) -> dict[str, Any]:
    """The further argument of a learner that is to run on a mesh."""
    return {} if mesh is None else {"mesh": mesh}


def _figures(metrics: Any) -> dict[str, Any]:
    """The metrics by name, without the count of steps, which the loop keeps itself."""
    names = [field.name for field in dataclasses.fields(metrics)]
    return {name: getattr(metrics, name) for name in names if name != "env_steps"}


def _finite_mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _rows(
    updates: np.ndarray, seconds: np.ndarray, figures: dict[str, np.ndarray], steps_per_update: int, num_seeds: int
) -> list[dict[str, float]]:
    """One row per report and seed, the columns that people look for first."""
    names = sorted(figures, key=lambda name: (_FIRST_COLUMNS.index(name) if name in _FIRST_COLUMNS else 9, name))
    return [
        {
            "update": int(updates[i]),
            "env_steps": int(updates[i]) * steps_per_update,
            "seed": seed,
            "seconds": float(seconds[i]),
            **{name: float(figures[name].reshape(len(updates), num_seeds)[i, seed]) for name in names},
        }
        for i in range(len(updates))
        for seed in range(num_seeds)
    ]
