"""Updates of a run: the compiled program that does them, and the rows of their figures."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh

from jaxenvs.core.env import Env
from jaxenvs.core.trees import holds_nan
from jaxenvs.random import Key
from jaxenvs.rollouts.endings import Endings
from jaxenvs.rollouts.mesh import SHARED, with_layout


class Trainable(Protocol):
    """What the loop requires of a learner, a pytree of hyper-parameters; those of `jaxenvs.training` satisfy it.

    If the loop is given a mesh, it passes it to `init` and `update` as another argument, `mesh`.
    """

    @property
    def num_updates(self) -> int:
        """The number of updates of a whole training."""
        ...

    @property
    def steps_per_update(self) -> int:
        """The number of environment steps per update."""
        ...

    def init(self, env: Env[Any, Any], key: Key) -> Any:
        """The initial training state."""
        ...

    def update(self, env: Env[Any, Any], state: Any) -> tuple[Any, "Metrics"]:
        """Does one update; returns the next training state, whose field `agent` is what is learned, and the metrics."""
        ...


@runtime_checkable
class Recordable(Protocol):
    """What recording episodes requires of a learner in addition; those of `jaxenvs.training` satisfy it."""

    def update_with_endings(self, env: Env[Any, Any], state: Any) -> tuple[Any, "Metrics", Endings]:
        """`update`, which also returns the ends of episodes.

        They have axes (steps of each environment, environments), as many in all as `steps_per_update`.
        """
        ...


class Metrics(Protocol):
    """What the loop requires of an update's metrics, a pytree; those of `jaxenvs.training` satisfy it."""

    def figures(self) -> dict[str, tuple[Any, Any]]:
        """The figures of a row, by name: a sum and the number of its terms, both scalars, whose quotient is shown.

        For a count, which a row adds up, the number of terms is None.
        """
        ...


def initial_state(env: Env[Any, Any], learner: Trainable, key: Key, num_seeds: int, mesh: Mesh | None = None) -> Any:
    """The initial training state; with more than one seed, those of all seeds along a leading axis.

    Seed `i` is trained from `fold_in(key, i)`, so the first seed's run does not depend on how many there are.
    """
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(num_seeds, dtype=jnp.uint32))
    init = partial(learner.init, env, **_on(mesh))
    return jax.vmap(init)(keys) if num_seeds > 1 else init(keys[0])


@dataclasses.dataclass(frozen=True)
class Measured:
    """The figures that a call of the program measured. Arrays have axes (parts, seeds).

    Attributes:
        ends: (parts,) int, the last update of each part.
        sums: sums over a part, by name.
        terms: the numbers of their terms, by name; None for a count.
        diverged: the first update after which an agent contained NaN, and the seeds that did; None if none did.
        endings: what the updates of the call say about episodes, with axes (steps, seeds, environments); None if
            that is not recorded.
    """

    ends: np.ndarray
    sums: dict[str, np.ndarray]
    terms: dict[str, np.ndarray | None]
    diverged: tuple[int, list[int]] | None
    endings: Endings | None = None

    @property
    def updates(self) -> int:
        """Updates done so far."""
        return int(self.ends[-1])

    def means(self) -> dict[str, float]:
        """The figures of all parts together, averaged over seeds; NaN if nothing was measured."""
        values = quotients({n: x.sum(0) for n, x in self.sums.items()}, {n: _sum(x) for n, x in self.terms.items()})
        return {name: _finite_mean(x) for name, x in values.items()}


class CompiledUpdates:
    """Updates of one learner in one environment, compiled.

    The number of updates per call is data, so one program serves calls of every size.

    Attributes:
        most_updates: the greatest number of updates of a call.
    """

    MOST_ROWS: ClassVar[int] = 64
    """Parts of a call that are measured separately."""

    def __init__(
        self,
        env: Env[Any, Any],
        learner: Trainable,
        state: Any,
        *,
        num_seeds: int,
        mesh: Mesh | None,
        record: bool = False,
    ) -> None:
        """Compiles the program for states with the structure of `state`.

        Args:
            env: the environment.
            learner: the learner; to `record`, it must be `Recordable`.
            state: a training state.
            num_seeds: number of agents.
            mesh: devices to spread the environments over.
            record: whether calls return what each step says about episodes. The program then has room for the steps
                of `most_updates` updates, so that it cannot lose an episode, however short they are.
        """
        self._data = env, learner
        self._num_seeds = num_seeds
        metrics = jax.eval_shape(_update_of(env, learner, num_seeds, mesh), state)[1]
        self._is_count = {name: terms is None for name, (_, terms) in metrics.figures().items()}
        room = max(1, _room() // (learner.steps_per_update * num_seeds)) if record else 0
        room = min(room, learner.num_updates)
        self.most_updates = room if record else learner.num_updates
        lowered = _advance.lower(env, learner, state, *self._window(0, [0]), num_seeds=num_seeds, mesh=mesh, room=room)
        self._advance = lowered.compile()

    def __call__(self, state: Any, done: int, ends: list[int]) -> tuple[Any, Measured]:
        """Does the updates from `done` to the last of `ends`, or until an agent contains NaN. `state` is donated."""
        assert ends[-1] - done <= self.most_updates, (done, ends, self.most_updates)
        state, endings, (reached, sums, terms, diverged) = self._advance(*self._data, state, *self._window(done, ends))
        reached, diverged = int(reached), np.asarray(diverged).reshape(-1)
        stopped = [end for end in ends if end < reached] + [reached]

        def rows(table: Array) -> np.ndarray:
            return np.asarray(table, np.float64)[: len(stopped)].reshape(len(stopped), self._num_seeds)

        first = int(diverged[diverged > 0].min(initial=reached)) if diverged.any() else 0
        return state, Measured(
            ends=np.asarray(stopped),
            sums={name: rows(x) for name, x in sums.items()},
            terms={name: None if self._is_count[name] else rows(x) for name, x in terms.items()},
            diverged=(first, np.flatnonzero(diverged == first).tolist()) if first else None,
            endings=None if endings is None else jax.tree.map(partial(self._in_order, reached - done), endings),
        )

    def _in_order(self, updates: int, table: Array) -> np.ndarray:
        """A table with axes (room, [seeds,] steps, environments) as (all steps, seeds, environments)."""
        rows = np.asarray(table)[:updates]
        rows = rows.reshape(updates, self._num_seeds, *rows.shape[-2:])
        return np.moveaxis(rows, 1, 2).reshape(-1, self._num_seeds, rows.shape[-1])

    def _window(self, done: int, ends: list[int]) -> tuple[Array, Array, Array]:
        """The ends of the parts, padded to the size that the program was compiled for; where they begin; how many."""
        padded = np.pad(np.asarray(ends), (0, self.MOST_ROWS - len(ends)))
        return tuple(jnp.asarray(x, jnp.int32) for x in (padded, done, len(ends)))  # pyright: ignore[reportReturnType]


def _update_of(
    env: Env[Any, Any], learner: Any, num_seeds: int, mesh: Mesh | None, *, with_endings: bool = False
) -> Callable[[Any], tuple[Any, ...]]:
    """The update of all seeds: from the state to the next state, the metrics and, if wanted, the endings."""
    update = partial(learner.update_with_endings if with_endings else learner.update, env, **_on(mesh))
    return jax.vmap(update) if num_seeds > 1 else update


def _room() -> int:
    """The number of environment steps that a program keeps the endings of, 11 bytes each.

    It lasts for about half a second of fast training. A CPU clears the memory in each call, which takes time.
    """
    return 2**19 if jax.default_backend() == "cpu" else 2**22


@partial(jax.jit, static_argnames=("num_seeds", "mesh", "room"), donate_argnames="state")
def _advance(
    env: Env[Any, Any],
    learner: Trainable,
    state: Any,
    ends: Array,
    done: Array,
    count: Array,
    *,
    num_seeds: int,
    mesh: Mesh | None,
    room: int,
) -> tuple[Any, Endings | None, tuple[Array, dict[str, Array], dict[str, Array], Array]]:
    """Runs updates from `done` to `ends[count - 1]`; row `i` of the tables is of those until `ends[i]`.

    Returns:
        The state; the endings of each update in tables of `room` rows, None if that is 0; and the updates done,
        tables of sums and of their terms, and by seed the first update after which its agent contained NaN, 0 if it
        does not. After such an update nothing more is done.
    """
    update = _update_of(env, learner, num_seeds, mesh, with_endings=room > 0)
    nan_in = jax.vmap(holds_nan) if num_seeds > 1 else holds_nan
    shapes = jax.eval_shape(update, state)
    sums, terms = _totals(shapes[1])
    zeros = jax.tree.map(lambda x: jnp.zeros((num_seeds,) if num_seeds > 1 else (), jnp.float32), (sums, terms))
    healthy = jnp.zeros((num_seeds,) if num_seeds > 1 else (), jnp.int32)

    def one_update(carry: Any) -> Any:
        state, done, totals, _, endings = carry
        state, metrics, *new = update(state)
        totals = jax.tree.map(lambda t, x: t + jnp.asarray(x).astype(jnp.float32), totals, _totals(metrics))
        endings = jax.tree.map(lambda table, x: table.at[done - first].set(x), endings, new)
        return state, done + 1, totals, jnp.where(nan_in(state.agent), done + 1, 0), endings

    def one_row(index: Array, carry: Any) -> Any:
        state, done, tables, diverged, endings = carry
        state, done, totals, diverged, endings = jax.lax.while_loop(
            lambda c: (c[1] < ends[index]) & ~(c[3] > 0).any(), one_update, (state, done, zeros, diverged, endings)
        )
        return state, done, jax.tree.map(lambda t, x: t.at[index].set(x), tables, totals), diverged, endings

    tables = jax.tree.map(lambda x: jnp.zeros((len(ends), *x.shape), jnp.float32), zeros)
    endings = jax.tree.map(lambda x: jnp.zeros((room, *x.shape), x.dtype), list(shapes[2:]))
    first = done
    carry = state, done, tables, healthy, endings
    state, done, tables, diverged, endings = jax.lax.fori_loop(0, count, one_row, carry)
    return state, *with_layout((endings[0] if room else None, (done, *tables, diverged)), mesh, SHARED)


def _totals(metrics: Metrics) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sums by name, and the numbers of their terms; 0 for a count."""
    figures = metrics.figures()
    terms = {name: 0.0 if terms is None else terms for name, (_, terms) in figures.items()}
    return {name: total for name, (total, _) in figures.items()}, terms


def _on(mesh: Mesh | None) -> dict[str, Any]:
    """The additional argument of a learner that runs on a mesh."""
    return {} if mesh is None else {"mesh": mesh}


_FIRST_COLUMNS = ("mean_return", "mean_length", "episodes")


class Rows:
    """Rows of `progress.csv`, assembled from the figures that calls of the program measured."""

    def __init__(self, steps_per_update: int) -> None:
        self._steps_per_update = steps_per_update
        self._finished: list[dict[str, float]] = []
        self._open: tuple[int, float, dict[str, Any], dict[str, Any]] | None = None

    @property
    def is_open(self) -> bool:
        """Whether a row has begun and not ended."""
        return self._open is not None

    def add(
        self, measured: Measured, begin: int, seconds_before: float, seconds: float, is_end: Callable[[int], bool]
    ) -> None:
        """Adds a call's parts.

        Args:
            measured: the figures that it measured.
            begin: the number of updates before it.
            seconds_before: the training time before it, s.
            seconds: the time that it took, s.
            is_end: whether a row ends with an update.
        """
        for i, end in enumerate(measured.ends.tolist()):
            sums = {name: x[i] for name, x in measured.sums.items()}
            terms = {name: None if x is None else x[i] for name, x in measured.terms.items()}
            if self._open is not None:
                sums, terms = jax.tree.map(np.add, self._open[2:], (sums, terms))
            share = (end - begin) / max(measured.updates - begin, 1)
            self._open = end, seconds_before + seconds * share, sums, terms
            if is_end(end):
                self._close()

    def take(self, *, unfinished: bool) -> list[dict[str, float]]:
        """The rows since the last call; with `unfinished`, including the one that has not reached its end."""
        if unfinished:
            self._close()
        rows, self._finished = self._finished, []
        return rows

    def _close(self) -> None:
        """One row per seed, with the most important columns first."""
        if self._open is None:
            return
        (update, seconds, sums, terms), self._open = self._open, None
        values = quotients(sums, terms)
        names = sorted(values, key=lambda name: (_FIRST_COLUMNS.index(name) if name in _FIRST_COLUMNS else 9, name))
        for seed in range(len(values[names[0]])):
            steps = update * self._steps_per_update
            first = {"update": update, "env_steps": steps, "seed": seed, "seconds": seconds}
            self._finished.append({**first, **{name: float(values[name][seed]) for name in names}})


def _sum(table: np.ndarray | None) -> np.ndarray | None:
    return None if table is None else table.sum(0)


def quotients(sums: dict[str, Any], terms: dict[str, Any]) -> dict[str, np.ndarray]:
    """Means, NaN if there were no terms; counts stay unchanged."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: x if terms[name] is None else x / terms[name] for name, x in sums.items()}


def _finite_mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")
