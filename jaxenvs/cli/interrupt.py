"""Ctrl-C as a request that the training loop hears between two calls of its program, and pressed again as an end.

A signal's handler runs in the main thread, and not before the call that this thread is in has returned. A call of a
compiled program can take minutes. So the work is done in a thread of its own, and the main one has nothing to do but
to wait and listen.
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
    """Whether, and by which signal, the process was asked to stop.

    Attributes:
        signal: the signal's number, or None.
        is_awaited: whether the work looks for a first signal; where it does not, that one ends it at once.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.is_awaited = False

    def requested(self) -> bool:
        """Whether a signal has come."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as shells report it."""
        return 128 + (self.signal or 0)

    @contextlib.contextmanager
    def awaited(self) -> Iterator[None]:
        """Within the block, a first signal only sets `signal`, and the work looks for it."""
        self.is_awaited = True
        try:
            yield
        finally:
            self.is_awaited = False


class StoppedAtOnce(KeyboardInterrupt):
    """A signal that ends the process while the work goes on in its thread: whoever catches it calls `leave`."""


def run_interruptibly(work: Callable[[Interrupt], T]) -> T:
    """Returns what `work` returns, or raises what it raises, and listens for SIGINT and SIGTERM meanwhile.

    Raises:
        StoppedAtOnce: a second signal came, or a first one that `work` does not look for.
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

    # With the context of this thread, so that its lock on the run folder is the work's as well.
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
    """Ends the process now, without waiting for the thread that still works."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(error.args[0] if error.args else 130)
