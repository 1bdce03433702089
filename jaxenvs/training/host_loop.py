"""Training by repeated calls of a compiled program, with a progress bar or a callback between calls."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.sharding import Mesh

from jaxenvs.core.env import Env
from jaxenvs.core.trees import holds_nan
from jaxenvs.errors import Diverged, InvalidField
from jaxenvs.random import Key
from jaxenvs.rollouts._progress import progress_bar

if TYPE_CHECKING:
    from jaxenvs.training.learner import Learner

Callback: TypeAlias = Callable[[Any, Any], bool | None]
"""`callback(state, metrics)`: the train state, and the metrics of the updates since the last call."""

_SECONDS_PER_CALL = 0.5
"""Approximate duration of a call, in seconds."""
_MOST_UPDATES_PER_CALL = 64


def train_in_calls(
    learner: "Learner[Any]",
    env: Env[Any, Any],
    key: Key,
    *,
    mesh: Mesh | None,
    progress: bool,
    callback: Callback | None,
) -> tuple[Any, Any]:
    """See `Learner.train`."""
    if isinstance(key, Tracer):
        raise InvalidField(
            f"{type(learner).__name__}: train with `progress` or `callback` compiles its own programs, and"
            " cannot be part of another program. Call it without `jax.jit` and `jax.vmap`."
        )
    total, done, count, pieces = learner.num_updates, 0, 1, []
    state = jax.jit(_begin, static_argnames="mesh")(learner, env, key, mesh=mesh)
    with progress_bar(total * learner.steps_per_update, type(learner).__name__, "step", shown=progress) as bar:
        while done < total:
            started = time.perf_counter()
            count = min(count, total - done, _MOST_UPDATES_PER_CALL)
            state, table, has_nan = _advance(learner, env, state, jnp.asarray(count, jnp.int32), mesh=mesh)
            metrics = jax.tree.map(lambda x, n=count: np.asarray(x)[:n], table)
            done += count
            if bool(has_nan):
                raise Diverged(
                    f"{type(learner).__name__}: training diverged before update {done}: weights are NaN. Lower the"
                    " learning rate, or find the first NaN with `jax.debug_nans(True)`."
                )
            pieces.append(metrics)
            _show(bar, metrics, count * learner.steps_per_update)
            if callback is not None and callback(state, metrics):
                break
            count = max(1, round(_SECONDS_PER_CALL * count / max(time.perf_counter() - started, 1e-6)))
    return state, jax.tree.map(lambda *parts: jnp.concatenate(parts), *pieces)


def _show(bar: Any, metrics: Any, steps: int) -> None:
    episodes = metrics.episodes.sum()
    if episodes:
        bar.set_postfix_str(f"return {metrics.return_sum.sum() / episodes:.4g}", refresh=False)
    bar.update(steps)


def _begin(learner: "Learner[Any]", env: Env[Any, Any], key: Key, *, mesh: Mesh | None) -> Any:
    return learner.init(env, key, mesh=mesh)


@partial(jax.jit, static_argnames="mesh")
def _advance(
    learner: "Learner[Any]", env: Env[Any, Any], state: Any, count: Array, *, mesh: Mesh | None
) -> tuple[Any, Any, Array]:
    """Does `count` updates; the count is data, so all calls use one program."""
    update = partial(learner.update, env, mesh=mesh)
    shapes = jax.eval_shape(update, state)[1]
    table = jax.tree.map(lambda x: jnp.zeros((_MOST_UPDATES_PER_CALL, *x.shape), x.dtype), shapes)

    def one_update(index: Array, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        state, table = carry
        state, metrics = update(state)
        return state, jax.tree.map(lambda rows, x: rows.at[index].set(x), table, metrics)

    state, table = jax.lax.fori_loop(0, count, one_update, (state, table))
    return state, table, holds_nan(state.agent)
