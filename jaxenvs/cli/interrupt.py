"""Ctrl-C as a request that the training loop hears between two steps of its own."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from jaxenvs.cli.console import say

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Whether, and by which signal, the process was asked to stop.

    Attributes:
        signal: the signal's number, or None.
    """

    signal: int | None = None

    def requested(self) -> bool:
        """Whether a signal has come."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as shells report it."""
        return 128 + (self.signal or 0)


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Within the block, a first SIGINT or SIGTERM only sets the flag; a second one acts as it would outside."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt  # only the main thread may handle signals
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        interrupt.signal = number
        for each, handler in before.items():
            signal.signal(each, handler)
        say("\nStopping after this chunk, to save a checkpoint. Press Ctrl-C again to stop at once.")

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
