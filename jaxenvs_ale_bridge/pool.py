"""The worker processes of this process: started on first use, restarted when one dies, ended with it."""

import atexit
import itertools
import mmap
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.errors import ForkedProcess, InvalidField
from jaxenvs_ale_bridge.layout import GameProgram, block_fields, block_size, block_views
from jaxenvs_ale_bridge.messages import read_message, write_message

_ATTEMPTS = 3
"""How often a request is sent, each time to new workers, before a dying worker is an error."""

_MAX_BLOCKS = 32
"""Number of batch shapes whose shared memory is kept."""

_LONGEST_LOOP = 0.0005
"""Seconds of busy waiting; with more, the system would give it a core of the workers."""


class AleWorkerError(RuntimeError):
    """A worker process failed at a request, or died repeatedly."""


class _WorkerDied(Exception):
    """A worker's pipe closed."""


class _Block:
    """Shared memory for the arrays of a batch: a file without a name, once every worker has mapped it."""

    def __init__(self, number: int, program: GameProgram, op: str, lanes: int) -> None:
        self.number, self.program = number, program
        fields = block_fields(program, op)
        folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        descriptor, self.path = tempfile.mkstemp(prefix="jaxenvs-ale-", dir=folder)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(block_size(fields, lanes))
            self._memory = mmap.mmap(file.fileno(), block_size(fields, lanes))
        self.views = block_views(self._memory, fields, lanes)

    def remove_name(self) -> None:
        """Removes the file's name; the memory stays as long as a process maps it."""
        Path(self.path).unlink(missing_ok=True)


class _Worker:
    """A worker process, as seen by this process."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "jaxenvs_ale_bridge.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # so that Ctrl-C in a terminal reaches only the parent
        )
        self.pid = self._process.pid

    def send(self, *request: Any) -> None:
        """Sends a request, each of which has an answer."""
        try:
            write_message(self._process.stdin, request)  # pyright: ignore[reportArgumentType]  # it is a pipe
        except OSError as error:
            raise _WorkerDied from error

    def receive(self) -> Any:
        """Waits for the answer to a request."""
        try:
            succeeded, value = read_message(self._process.stdout)  # pyright: ignore[reportArgumentType]
        except (OSError, EOFError) as error:
            raise _WorkerDied from error
        return succeeded, value

    def fileno(self) -> int:
        """The file descriptor of the pipe through which answers come."""
        return self._process.stdout.fileno()  # pyright: ignore[reportOptionalMemberAccess]

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()  # pyright: ignore[reportOptionalMemberAccess]
            except OSError:  # it contained a request that will not be read
                continue
        self._process.wait()


class WorkerPool:
    """Worker processes and the memory they share with this one.

    It holds nothing that a result depends on: a worker can be lost at any time, and the request is then repeated with
    new ones.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._workers: list[_Worker] = []
        # By the program's identity, which costs less than its hash; a block keeps its program alive.
        self._blocks: OrderedDict[tuple[int, str, int], _Block] = OrderedDict()
        self._numbers = itertools.count()
        self._num_workers: int | None = None

    @property
    def pids(self) -> list[int]:
        """The ids of the worker processes that were started."""
        return [worker.pid for worker in self._workers]

    def set_num_workers(self, count: int | None) -> None:
        """Changes the number of processes; see the function with this name."""
        with self._lock:
            self.close()
            self._num_workers = count

    def check_process(self) -> None:
        """Raises `ForkedProcess` if this process was forked after its parent had used the bridge."""
        if os.getpid() == self._pid:
            return
        if not (self._workers or self._blocks):  # the parent had only imported the bridge
            self._pid = os.getpid()
            return
        raise ForkedProcess(
            "This process was forked from one that has used the bridge to the ALE, and JAX would hang in it."
            ' Start new processes instead: `multiprocessing.get_context("spawn")`.'
        )

    def boot(self, program: GameProgram) -> dict[str, Any]:
        """The canonical start of a program's machine: arrays for one lane, by name."""
        return self._repeated(lambda: self._answers([(self._started()[0], ("boot", program))])[0])

    def run(
        self,
        op: str,
        program: GameProgram,
        lanes: int,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, np.ndarray],
    ) -> None:
        """Lets the workers step or render a batch.

        Args:
            op: `"step"` or `"render"`.
            program: the program of the step.
            lanes: the size of the batch.
            inputs: arrays with a leading axis of lanes, by name; they are only read.
            outputs: arrays with a leading axis of lanes, by name; they are written.
        """
        self._repeated(lambda: self._run(op, program, lanes, inputs, outputs))

    def close(self) -> None:
        """Ends the workers; the next request starts new ones."""
        with self._lock:
            workers, self._workers = self._workers, []
            for block in self._blocks.values():
                block.remove_name()
            self._blocks.clear()
            if os.getpid() == self._pid:
                for worker in workers:
                    worker.close()

    def _repeated(self, request: Any) -> Any:
        self.check_process()
        with self._lock:
            for _ in range(_ATTEMPTS):
                try:
                    return request()
                except _WorkerDied:
                    self.close()
                except AleWorkerError:
                    raise
                except BaseException:  # such as Ctrl-C between a request and its answer
                    self.close()
                    raise
        raise AleWorkerError(
            f"A worker process of the ALE bridge died {_ATTEMPTS} times at the same request. Memory may be low:"
            " use fewer lanes. Its last output, if any, is on the standard error stream."
        )

    def _started(self) -> Sequence[_Worker]:
        if not self._workers:
            self._workers = [_Worker() for _ in range(self._num_workers or _available_cores())]
        return self._workers

    def _run(
        self,
        op: str,
        program: GameProgram,
        lanes: int,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, np.ndarray],
    ) -> None:
        workers = self._started()
        block = self._block(program, op, lanes)
        for name, array in inputs.items():
            block.views[name][...] = array
        count = min(len(workers), lanes)
        shares = [(lanes * i // count, lanes * (i + 1) // count) for i in range(count)]
        self._answers([(workers[i], (op, block.number, *shares[i])) for i in range(count)])
        for name, array in outputs.items():
            array[...] = block.views[name]

    def _block(self, program: GameProgram, op: str, lanes: int) -> _Block:
        key = id(program), op, lanes
        if key not in self._blocks:
            if len(self._blocks) >= _MAX_BLOCKS:
                _, oldest = self._blocks.popitem(last=False)
                self._answers([(worker, ("close", oldest.number)) for worker in self._workers])
            block = _Block(next(self._numbers), program, op, lanes)
            try:
                request = "open", block.number, block.path, program, op, lanes
                self._answers([(worker, request) for worker in self._workers])
            finally:
                block.remove_name()
            self._blocks[key] = block
        self._blocks.move_to_end(key)
        return self._blocks[key]

    def _answers(self, requests: Sequence[tuple[_Worker, tuple[Any, ...]]]) -> list[Any]:
        for worker, request in requests:
            worker.send(*request)
        _await([worker for worker, _ in requests])
        answers = [worker.receive() for worker, _ in requests]
        for succeeded, value in answers:
            if not succeeded:
                name, message, trace = value
                raise AleWorkerError(f"{name}: {message}\n\nIn the worker process:\n{trace}")
        return [value for _, value in answers]


def _await(workers: Sequence[_Worker]) -> None:
    """Waits until all have answered, or died; with busy waiting while a core is free, since waking up takes 0.1 ms."""
    if not hasattr(select, "poll"):  # on Windows
        return
    answers = select.poll()
    for worker in workers:
        answers.register(worker, select.POLLIN)
    missing, cores, deadline = len(workers), _available_cores(), time.perf_counter() + _LONGEST_LOOP
    while missing:
        is_free = missing < cores and time.perf_counter() < deadline
        for descriptor, _ in answers.poll(0 if is_free else None):
            answers.unregister(descriptor)
            missing -= 1


def _available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


POOL = WorkerPool()
atexit.register(POOL.close)


def set_num_workers(count: int | None) -> None:
    """Changes the number of worker processes; running ones are ended.

    Args:
        count: number of processes, at least 1; None for one per core, which is the default.

    Raises:
        InvalidField: `count` is not such a number.
    """
    if count is not None and (not isinstance(count, int | np.integer) or isinstance(count, bool) or count < 1):
        raise InvalidField(f"`count` must be a positive integer or None, got {count!r}.")
    POOL.set_num_workers(count)


def close_workers() -> None:
    """Ends the worker processes, which frees their memory; the next step starts new ones."""
    POOL.close()
