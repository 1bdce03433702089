"""Processes: JAX's threads do not come along in a fork, so that it would wait for them for ever."""

import multiprocessing

from jaxenvs.core.processes import ForkGuard

_GUARD = ForkGuard(
    "This process was forked from one that has used JAX, and JAX would hang in it. Start new ones instead:"
    ' `vector_kwargs={"context": "spawn"}` for an AsyncVectorEnv, `multiprocessing.get_context("spawn")` else.'
    " Or do without: `gymnasium.make_vec(id, num_envs)` steps all environments in one call."
)

is_forked = _GUARD.is_forked
check_process = _GUARD.check


def is_async_worker() -> bool:
    """Whether this is a process of Gymnasium's AsyncVectorEnv.

    What its environments raise reaches the user, but not what their making does: then the worker ends, and its
    parent finds a broken pipe.
    """
    return multiprocessing.current_process().name.startswith("Worker<AsyncVectorEnv>-")
