"""Processes: the threads of JAX, and of simulators, do not survive a fork, so the child would wait for them forever."""

import importlib.metadata
import importlib.util
import os
import sys

import jax

from jaxenvs.errors import ForkedProcess


class ForkGuard:
    """Refuses work in a process that was forked after the same work had begun in its parent."""

    def __init__(self, message: str) -> None:
        """Args: what to say in a forked process: why it would hang, and what to do instead."""
        self._message = message
        self._first_pid: int | None = None

    def check(self) -> None:
        """Raises `ForkedProcess` in a process that was forked from one in which this had been called."""
        pid = os.getpid()
        if self._first_pid is None:
            self._first_pid = pid
        if pid != self._first_pid:
            raise ForkedProcess(self._message)


_jax_had_begun = False
"""Whether the last fork that led to this process copied a JAX that had already chosen its devices."""


def jax_hangs() -> bool:
    """Whether this process was forked after JAX had begun in its parent: its threads are missing, so it would hang.

    Importing JAX starts nothing, nor does making an environment. The first array or compiled function does.
    """
    return _jax_had_begun


def jax_has_begun() -> bool:
    """Whether JAX has chosen its devices in this process, and started threads for them."""
    module = sys.modules.get("jax._src.xla_bridge")
    began = getattr(module, "backends_are_initialized", None)  # JAX has no public name for it
    return module is not None and (began is None or bool(began()))


def computes_on_cpu() -> bool:
    """Whether JAX computes on the CPU by default.

    Where nothing but the CPU can be meant, this is known without `jax.default_backend()`, which starts JAX's threads.
    """
    if not jax_has_begun():
        wanted = jax.config.jax_platforms  # pyright: ignore[reportAttributeAccessIssue]  # JAX adds it at run time
        if wanted == "cpu" or (not wanted and not _has_accelerators()):
            return True
    return jax.default_backend() == "cpu"


def _has_accelerators() -> bool:
    """Whether there is a package, or a variable of the environment, through which JAX finds accelerators."""
    named = any(os.environ.get(name) for name in ("PJRT_NAMES_AND_LIBRARY_PATHS", "TPU_LIBRARY_PATH"))
    packages = any(importlib.util.find_spec(name) for name in ("jax_plugins", "libtpu"))
    return named or packages or bool(importlib.metadata.entry_points(group="jax_plugins"))


def _after_fork() -> None:
    global _jax_had_begun
    _jax_had_begun = _jax_had_begun or jax_has_begun()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
