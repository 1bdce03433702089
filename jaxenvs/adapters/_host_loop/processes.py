"""Processes: JAX's threads do not come along in a fork, so that it would wait for them for ever."""

import multiprocessing
import os

from jaxenvs.errors import ForkedProcess

_first_pid: int | None = None


def is_forked() -> bool:
    """Whether this process was forked after an adapter had been at work in its parent."""
    global _first_pid
    pid = os.getpid()
    if _first_pid is None:
        _first_pid = pid
    return pid != _first_pid


def check_process() -> None:
    """Raises `ForkedProcess` in a process that was forked after an adapter had been at work in its parent."""
    if is_forked():
        raise ForkedProcess(
            "This process was forked from one that has used JAX, and JAX would hang in it. Start new ones instead:"
            ' `vector_kwargs={"context": "spawn"}` for an AsyncVectorEnv, `multiprocessing.get_context("spawn")` else.'
            " Or do without: `gymnasium.make_vec(id, num_envs)` steps all environments in one call."
        )


def is_async_worker() -> bool:
    """Whether this is a process of Gymnasium's AsyncVectorEnv.

    What its environments raise reaches the user, but not what their making does: then the worker ends, and its
    parent finds a broken pipe.
    """
    return multiprocessing.current_process().name.startswith("Worker<AsyncVectorEnv>-")
