"""The two clocks of a measurement: the time that passes, and the time that all processors spend on this process.

Other programs on the machine disturb the second less.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Times(NamedTuple):
    """Durations, or readings of the clocks, in seconds.

    Attributes:
        passed: of the clock on the wall.
        spent: of all processors together.
    """

    passed: float
    spent: float


def now() -> Times:
    """The readings of both clocks."""
    return Times(time.perf_counter(), time.process_time())


def since(start: Times) -> Times:
    """How much time has passed and was spent since `start`."""
    passed, spent = now()
    return Times(passed - start.passed, spent - start.spent)


def times_of(action: Callable[[], Any]) -> Times:
    """How much time a call takes. It must wait for its results itself."""
    start = now()
    action()
    return since(start)
