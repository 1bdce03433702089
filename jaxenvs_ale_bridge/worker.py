"""A worker process: `python -m jaxenvs_ale_bridge.worker` steps emulators for the process that started it.

It reads requests from its standard input and answers on its standard output; the arrays are in shared memory.
It never imports JAX, and ends when its parent does.
"""

import mmap
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import ale_py

from jaxenvs_ale_bridge.emulator import Boot, Emulator, Lane, boot, start_outcome
from jaxenvs_ale_bridge.layout import GameProgram, Machine, block_fields, block_size, block_views
from jaxenvs_ale_bridge.messages import read_message, write_message

MAX_EMULATORS = 1024
"""Number of emulators of a batch that a worker keeps, of about 0.7 MB each; further lanes take turns with them. Those
of earlier batches are kept as long as all together are no more than that."""

_PARENT_CHECK_SECONDS = 1.0

_LONGEST_LOOP = 0.0002
"""Seconds of busy waiting."""


class Fleet:
    """The emulators of the lanes of a batch, made as they are needed."""

    def __init__(self, program: GameProgram, start: Boot) -> None:
        self._program, self._start = program, start
        self._emulators: dict[int, Emulator] = {}

    def __len__(self) -> int:
        return len(self._emulators)

    def __getitem__(self, lane: int) -> Emulator:
        place = lane % MAX_EMULATORS
        if place not in self._emulators:
            self._emulators[place] = Emulator(self._program.machine, self._start)
        return self._emulators[place]


class Worker:
    """The emulators of a worker, and its blocks of shared memory."""

    def __init__(self) -> None:
        self._boots: dict[Machine, Boot] = {}
        self._fleets: OrderedDict[tuple[GameProgram, int], Fleet] = OrderedDict()
        self._blocks: dict[int, tuple[GameProgram, int, list[Lane]]] = {}

    def answer(self, op: str, *arguments: Any) -> Any:
        """Carries out a request and returns the answer."""
        return getattr(self, f"answer_{op}")(*arguments)

    def answer_boot(self, program: GameProgram) -> dict[str, Any]:
        """Makes the canonical start of a machine."""
        return start_outcome(program, self._boot_of(program.machine))

    def answer_open(self, block: int, path: str, program: GameProgram, op: str, lanes: int) -> None:
        """Maps a block of shared memory."""
        fields = block_fields(program, op)
        with Path(path).open("r+b") as file:
            memory = mmap.mmap(file.fileno(), block_size(fields, lanes))
        views = block_views(memory, fields, lanes)
        self._blocks[block] = program, lanes, [{k: v[i] for k, v in views.items()} for i in range(lanes)]

    def answer_close(self, block: int) -> None:
        """Unmaps a block of shared memory."""
        del self._blocks[block]

    def answer_step(self, block: int, first: int, last: int) -> None:
        """Steps lanes `first` to `last - 1` of a block."""
        program, lanes, views = self._blocks[block]
        fleet = self._fleet(program, lanes)
        for lane in range(first, last):
            fleet[lane - first].step(program, views[lane])

    def answer_render(self, block: int, first: int, last: int) -> None:
        """Draws lanes `first` to `last - 1` of a block."""
        program, lanes, views = self._blocks[block]
        fleet = self._fleet(program, lanes)
        for lane in range(first, last):
            fleet[lane - first].render(program, views[lane])

    def _boot_of(self, machine: Machine) -> Boot:
        if machine not in self._boots:
            self._boots[machine] = boot(machine)
        return self._boots[machine]

    def _fleet(self, program: GameProgram, lanes: int) -> Fleet:
        key = program, lanes
        if key not in self._fleets:
            self._fleets[key] = Fleet(program, self._boot_of(program.machine))
        self._fleets.move_to_end(key)
        while len(self._fleets) > 1 and sum(map(len, self._fleets.values())) > MAX_EMULATORS:
            self._fleets.popitem(last=False)
        return self._fleets[key]


def _end_with(parent: int) -> None:
    """Ends this process once its parent has ended, even if another process holds the parent's pipe open."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(0)


def _look_out(requests: BinaryIO) -> None:
    """Waits busily for a moment, as long as few emulators keep JAX busy: waking up takes equally long."""
    if not hasattr(select, "poll"):  # on Windows
        return
    arrivals, end = select.poll(), time.perf_counter() + _LONGEST_LOOP
    arrivals.register(requests, select.POLLIN)
    while time.perf_counter() < end and not arrivals.poll(0):
        os.sched_yield()


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
        _look_out(requests)
        try:
            request = read_message(requests)
        except EOFError:
            return
        try:
            answer = True, worker.answer(*request)
        except Exception as error:  # noqa: BLE001  # whatever it was, the parent must be told
            answer = False, (type(error).__name__, str(error), traceback.format_exc())
        write_message(answers, answer)


if __name__ == "__main__":
    main()
