"""A worker process: `python -m jaxenvs_ale_bridge.worker` steps emulators for the process that started it.

It reads requests from its standard input and answers on its standard output; the arrays lie in shared memory.
It never imports JAX, and ends when its parent does.
"""

import mmap
import os
import signal
import sys
import threading
import time
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any

import ale_py
import numpy as np

from jaxenvs_ale_bridge.emulator import Boot, Emulator, boot, start_outcome
from jaxenvs_ale_bridge.layout import Machine, Program, block_fields, block_size, block_views
from jaxenvs_ale_bridge.messages import read_message, write_message

MAX_EMULATORS = 1024
"""Emulators that a worker keeps at most, of some 0.7 MB each; further lanes take turns with them."""

_PARENT_CHECK_SECONDS = 1.0


class Worker:
    """The emulators of a worker, and the blocks of shared memory it has been told of."""

    def __init__(self) -> None:
        self._boots: dict[Machine, Boot] = {}
        self._emulators: OrderedDict[tuple[Program, int, int], Emulator] = OrderedDict()
        self._blocks: dict[int, tuple[Program, int, list[dict[str, np.ndarray]]]] = {}

    def answer(self, op: str, *arguments: Any) -> Any:
        """Does what a request asks."""
        return {"boot": self.boot, "open": self.open, "close": self.close, "step": self.step, "render": self.render}[
            op
        ](*arguments)

    def boot(self, program: Program) -> dict[str, Any]:
        """The start of a machine."""
        return start_outcome(program, self._boot_of(program.machine))

    def open(self, block: int, path: str, program: Program, op: str, lanes: int) -> None:
        """Maps a block of shared memory."""
        fields = block_fields(program, op)
        with Path(path).open("r+b") as file:
            memory = mmap.mmap(file.fileno(), block_size(fields, lanes))
        views = block_views(memory, fields, lanes)
        self._blocks[block] = program, lanes, [{k: _at(v, i) for k, v in views.items()} for i in range(lanes)]

    def close(self, block: int) -> None:
        """Forgets a block."""
        self._blocks.pop(block, None)

    def step(self, block: int, first: int, last: int) -> None:
        """Steps lanes `first` to `last - 1` of a block."""
        program, lanes, views = self._blocks[block]
        for lane in range(first, last):
            self._emulator(program, lanes, lane).step(program, views[lane])

    def render(self, block: int, first: int, last: int) -> None:
        """Draws lanes `first` to `last - 1` of a block."""
        program, lanes, views = self._blocks[block]
        for lane in range(first, last):
            self._emulator(program, lanes, lane).render(program, views[lane])

    def _boot_of(self, machine: Machine) -> Boot:
        if machine not in self._boots:
            self._boots[machine] = boot(machine)
        return self._boots[machine]

    def _emulator(self, program: Program, lanes: int, lane: int) -> Emulator:
        key = program, lanes, lane % MAX_EMULATORS
        emulator = self._emulators.get(key)
        if emulator is None:
            if len(self._emulators) >= MAX_EMULATORS:
                self._emulators.popitem(last=False)
            emulator = self._emulators[key] = Emulator(program.machine, self._boot_of(program.machine))
        else:
            self._emulators.move_to_end(key)
        return emulator


def _at(view: np.ndarray, lane: int) -> np.ndarray:
    """One lane of an array, as an array even where it is a single number."""
    return view[lane : lane + 1].reshape(view.shape[1:])


def _end_with(parent: int) -> None:
    """Ends this process once its parent has gone, also where another process holds the parent's pipe open."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(0)


def main() -> None:
    """Answers requests until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the emulator prints must not get between the answers
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    worker = Worker()
    while True:
        try:
            request = read_message(requests)
        except EOFError:
            return
        try:
            answer = True, worker.answer(*request)
        except Exception as error:  # noqa: BLE001  # whatever it was, the parent must hear of it
            answer = False, (type(error).__name__, str(error), traceback.format_exc())
        write_message(answers, answer)


if __name__ == "__main__":
    main()
