"""Processes: a fork does not copy JAX's threads, so JAX would wait for them forever."""

import multiprocessing

from jaxenvs.core import processes
from jaxenvs.errors import ForkedProcess

_MESSAGE = (
    "This process was forked from one that had used JAX, and JAX would hang in it. Start the processes before the"
    " first `reset`, array or key, or start them in another way:"
    ' `vector_kwargs={"context": "spawn"}`, or "forkserver", for an AsyncVectorEnv,'
    ' `start_method="spawn"` for a SubprocVecEnv, `multiprocessing.get_context("spawn")` for your own,'
    ' `multiprocessing.set_start_method("spawn")` for a library that takes no context. In them,'
    ' `gymnasium.make("jaxenvs:jaxenvs/CartPole-v1")` imports jaxenvs.'
    " Or use no processes: `gymnasium.make_vec(id, num_envs)` steps all environments in one call."
)

is_forked = processes.jax_hangs


def check_process() -> None:
    """Raises `ForkedProcess` in a process in which JAX would hang."""
    if processes.jax_hangs():
        raise ForkedProcess(_MESSAGE)


def is_async_worker() -> bool:
    """Whether this is a worker process of Gymnasium's AsyncVectorEnv.

    Errors raised by its environments reach the user, but those raised while making them do not: the worker ends, and
    its parent finds a broken pipe.
    """
    return multiprocessing.current_process().name.startswith("Worker<AsyncVectorEnv>-")
