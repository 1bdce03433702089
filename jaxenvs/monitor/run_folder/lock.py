"""Locks on folders and files, each held by a living process.

The package filelock is similar, but locks files of its own beside what they protect. These locks are on the folder.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from jaxenvs.errors import RunInUse

try:
    import fcntl
except ModuleNotFoundError:  # Windows has none, so folders are not locked there
    fcntl = None

_held: ContextVar[frozenset[str]] = ContextVar("held", default=frozenset())
"""The folders whose lock is held in this context, and in threads that run in a copy of it."""

_PROBE_SECONDS = 0.02
"""Longer than `is_locked` takes."""


def take(descriptor: int) -> None:
    """Locks an open file or folder, until it is closed. Without such locks, nothing is locked.

    Raises:
        BlockingIOError: it is locked.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # perhaps by `is_locked`
        time.sleep(_PROBE_SECONDS)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without locks
        pass


def is_locked(path: Path) -> bool | None:
    """Whether a living process holds the lock of a file or folder; None if there is no telling."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Locks `folder` while the block runs; inside another block for the same folder it has no effect.

    The system releases the lock when the process ends, however it ends, so none is left behind. If the system or the
    file system has no such locks, nothing is locked.

    Raises:
        RunInUse: another thread or process holds it.
    """
    name, held = str(folder.resolve()), _held.get()
    if name in held:
        yield
        return
    descriptor = _locked(folder)
    token = _held.set(held | {name})
    try:
        yield
    finally:
        _held.reset(token)
        if descriptor is not None:
            os.close(descriptor)


def _locked(folder: Path) -> int | None:
    """A descriptor of the folder that holds its lock; None if there are no locks."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # such as a missing folder, which will be reported when writing to it
        return None
    try:
        take(descriptor)
    except BlockingIOError as error:
        os.close(descriptor)
        raise RunInUse(_message(folder)) from error
    return descriptor


def _message(folder: Path) -> str:
    return f"Another process or thread is training in {folder}. Wait until it has ended, or train in another folder."
