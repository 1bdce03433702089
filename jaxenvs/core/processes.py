"""Processes: the threads of JAX, and of simulators, do not survive a fork, so the child would wait for them forever."""

import os

from jaxenvs.errors import ForkedProcess


class ForkGuard:
    """Refuses work in a process that was forked after the same work had begun in its parent."""

    def __init__(self, message: str) -> None:
        """Args: what to say in a forked process: why it would hang, and what to do instead."""
        self._message = message
        self._first_pid: int | None = None

    def is_forked(self) -> bool:
        """Whether this process was forked from one in which this, or `check`, had been called."""
        pid = os.getpid()
        if self._first_pid is None:
            self._first_pid = pid
        return pid != self._first_pid

    def check(self) -> None:
        """Raises `ForkedProcess` in a process that was forked from one in which this had been called."""
        if self.is_forked():
            raise ForkedProcess(self._message)
