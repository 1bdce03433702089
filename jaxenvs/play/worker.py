"""The one thread in which everything of JAX runs, so that the event loop never waits for a compilation."""

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

STEP, DRAW, THUMBNAIL = range(3)
"""Priorities: what is waiting is done in this order."""

_STOP = -1


class Worker:
    """A thread that calls functions one after another, those of the smallest priority number first.

    The thread does not keep the process alive: a compilation cannot be interrupted.
    """

    def __init__(self) -> None:
        self._waiting: queue.PriorityQueue[tuple[int, int, Future[Any] | None, Callable[[], Any]]] = (
            queue.PriorityQueue()
        )
        self._count = itertools.count()
        self._thread = threading.Thread(target=self._work, name="jaxenvs-play", daemon=True)
        self._thread.start()

    async def run(self, priority: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns what the function returns, or raises what it raises."""
        future: Future[T] = Future()
        self._waiting.put((priority, next(self._count), future, lambda: function(*args, **kwargs)))
        return await asyncio.wrap_future(future)

    def close(self, timeout: float) -> bool:
        """Ends the thread after what it is doing; returns whether that took at most `timeout` seconds."""
        self._waiting.put((_STOP, next(self._count), None, lambda: None))
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            _, _, future, call = self._waiting.get()
            if future is None:
                while not self._waiting.empty():
                    waiting = self._waiting.get()[2]
                    if waiting is not None:
                        waiting.cancel()
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  # raised again where the result is awaited
                future.set_exception(error)
