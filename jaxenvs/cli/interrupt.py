"""Ctrl-C as a request that the training loop handles between two calls of its program; a second Ctrl-C ends it at once.

A signal handler runs in the main thread, and not before the current call in that thread has returned. A call of a
compiled program can take minutes. So the work is done in a separate thread, and the main thread only waits for
signals.
"""

import contextlib
import contextvars
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn, TypeVar

from jaxenvs.cli.console import say

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LISTEN_SECONDS = 0.05


class Interrupt:
    """Whether the process was asked to stop, and by which signal.

    Attributes:
        signal: the signal's number, or None.
        is_awaited: whether the work handles a first signal; if not, that signal ends it at once.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.is_awaited = False

    def requested(self) -> bool:
        """Whether a signal has been received."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as shells report it."""
        return 128 + (self.signal or 0)

    @contextlib.contextmanager
    def awaited(self) -> Iterator[None]:
        """Within the block, a first signal only sets `signal`, which the work checks."""
        self.is_awaited = True
        try:
            yield
        finally:
            self.is_awaited = False


class StoppedAtOnce(KeyboardInterrupt):
    """A signal ends the process while the work is still running in its thread; the handler of this calls `leave`."""


def run_interruptibly(work: Callable[[Interrupt], T]) -> T:
    """Returns what `work` returns, or raises what it raises, and handles SIGINT and SIGTERM meanwhile.

    Raises:
        StoppedAtOnce: a second signal was received, or a first one that `work` does not handle.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        return work(interrupt)  # only the main thread may handle signals

    def handle(number: int, frame: FrameType | None) -> None:
        first = interrupt.signal is None
        interrupt.signal = number
        if not (first and interrupt.is_awaited):
            raise StoppedAtOnce
        say("\nStopping as soon as a checkpoint can be saved. Press Ctrl-C again to stop at once.")

    results: list[T] = []
    errors: list[BaseException] = []

    def collect() -> None:
        try:
            results.append(work(interrupt))
        except BaseException as error:  # noqa: BLE001  # raised again in the main thread
            errors.append(error)

    # With the context of this thread, so that the work shares its lock on the run folder.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(collect,), daemon=True)
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        thread.start()
        while thread.is_alive():
            thread.join(_LISTEN_SECONDS)
    except StoppedAtOnce as error:
        error.args = (interrupt.exit_code,)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if errors:
        raise errors[0]
    return results[0]


def leave(error: StoppedAtOnce) -> NoReturn:
    """Ends the process now, without waiting for the thread that is still running."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(error.args[0] if error.args else 130)
