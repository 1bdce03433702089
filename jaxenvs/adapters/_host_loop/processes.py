"""Processes: a fork does not copy JAX's threads, so JAX would wait for them forever."""

import multiprocessing

from jaxenvs.core.processes import ForkGuard

_GUARD = ForkGuard(
    "This process was forked from one that has used JAX, and JAX would hang in it. Start new processes instead:"
    ' `vector_kwargs={"context": "spawn"}` for an AsyncVectorEnv, `multiprocessing.get_context("spawn")` for your own,'
    ' `multiprocessing.set_start_method("spawn")` for a library that takes no context. In them,'
    ' `gymnasium.make("jaxenvs:jaxenvs/CartPole-v1")` imports jaxenvs.'
    " Or use no processes: `gymnasium.make_vec(id, num_envs)` steps all environments in one call."
)

is_forked = _GUARD.is_forked
check_process = _GUARD.check


def is_async_worker() -> bool:
    """Whether this is a worker process of Gymnasium's AsyncVectorEnv.

    Errors raised by its environments reach the user, but those raised while making them do not: the worker ends, and
    its parent finds a broken pipe.
    """
    return multiprocessing.current_process().name.startswith("Worker<AsyncVectorEnv>-")
