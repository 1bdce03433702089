"""The process that examines submissions for a worker: a JSON object a line in, a JSON object a line out.

It ends as soon as the worker does, whatever it is computing.
"""

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any


def main() -> None:
    """Does one task after another until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content, allow_nan=False) + "\n")
        answers.flush()

    from jaxenvs.scoreboard.worker import examination  # takes seconds, and compiles nothing

    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "examine": examination.examine,
        "draw": examination.draw_environment,
    }
    for task in _tasks():
        try:
            result = tasks[task.pop("task")](
                **task, on_progress=lambda done, total: answer({"progress": [done, total]})
            )
            answer({"result": result})
        except Exception as error:  # noqa: BLE001  # whatever went wrong, the worker tries again
            traceback.print_exc()
            answer({"failed": f"{type(error).__name__}: {error}"[:1000]})


def _tasks() -> Iterator[dict[str, Any]]:
    """The tasks that arrive. When there can be no more, the process ends at once."""
    arrived: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            arrived.put(line)
        if os.name == "posix" and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # with the processes that it has started
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield json.loads(arrived.get())


if __name__ == "__main__":
    main()
