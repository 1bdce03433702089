"""Python's garbage collector, and when it only costs time."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Within, Python collects no garbage.

    Reading and writing a program makes a million small objects, most of which stay until it is written. The collector
    would go through them, and through all of JAX, again and again, which takes a quarter of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
