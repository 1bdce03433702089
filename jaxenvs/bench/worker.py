"""Runs one peer of the benchmark in a separate interpreter: `python worker.py PEER_FILE`.

It is started by path and uses only the standard library, so that any Python from 3.9 on can run it.
Each line on standard input is a request in JSON, answered by one line of JSON on standard output:

| request                                         | answer                                            |
|-------------------------------------------------|---------------------------------------------------|
| `{"op": "find"}`                                | `{"missing": null}`, or in words what is absent   |
| `{"op": "import", "modules": null}`             | `{"seconds": 0.8, "versions": {"jax": "0.10.2"}}` |
| `{"op": "prepare", "task": "CartPole-v1",`      | `{"compile_seconds": 1.1, "steps": 200,`          |
| `"options": {}, "num_envs": 64, "steps": 200}`  | `"device": "cpu"}`                                |
| `{"op": "run", "seconds": 0.2}`                 | `{"seconds": 0.21, "cpu_seconds": 0.4,`           |
|                                                 | `"env_steps": 1280000}`                           |
| `{"op": "learn", "task": "CartPole-v1",`        | `{"compile_seconds": 1.1, "seconds": 0.9,`        |
| `"threshold": 475, "seed": 0}`                  | `"env_steps": 61440, "mean_return": 487.3}`       |

An exception is answered with `{"error": "..."}`, and its traceback is written to standard error. The worker ends with
its standard input, even in the middle of a run, so that it never outlives the process that started it.

A peer's file contains

* `PACKAGES`: what to import, and to time importing, before anything is prepared;
* `prepare(task, num_envs, steps, **options)`, which returns a dict of
    * `advance`: a function that advances all environments and returns when all results are available;
    * `steps`: the number of steps per call (`steps` in the request is a preference, null for any);
    * `compile_seconds`: the time that compilation took, or None if nothing was compiled;
    * `device`: the hardware, in words;
* if it learns, `learn(task, threshold, seed)`, which trains with the peer's own settings until the mean return of a
  test reaches the threshold, and returns the answer above; its `seconds` are None if none did, and include neither
  compilation nor tests;
* optionally `missing()`, which describes what is missing, or returns None; by default the first missing package.
"""

from __future__ import annotations

import glob
import importlib
import importlib.metadata
import importlib.util
import json
import os
import queue
import sys
import threading
import time
import traceback
from types import ModuleType
from typing import Any, TextIO

_VERSIONS_TOO = ("jax", "jaxlib", "numpy", "gymnasium")


def main(peer_file: str) -> None:
    """Answers requests until standard input ends."""
    answers = _claim_standard_output()
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    # The folder of this file, which Python puts first on the path, would hide packages of the same names.
    sys.path.pop(0)
    sys.path.append(os.path.dirname(peer_file))  # last, so that the peers' shared modules hide nothing
    worker = Worker(_load(peer_file))
    while True:
        try:
            answer = worker.answer(json.loads(requests.get()))
        except Exception as error:  # noqa: BLE001  # whatever a peer raises is reported
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Worker:
    """The state of a peer between requests.

    Attributes:
        peer: the peer's file as a module.
        num_envs: number of environments stepped at once.
        steps: steps of each of them per call of `advance`.
    """

    def __init__(self, peer: ModuleType) -> None:
        self.peer = peer
        self.num_envs = self.steps = 0
        self._advance: Any = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carries out a request.

        Raises:
            ValueError: the request is unknown.
        """
        op = request.pop("op")
        if op not in ("find", "import", "prepare", "run", "learn"):
            raise ValueError(f"there is no request {op!r}")
        return getattr(self, "_" + op)(**request)

    def _find(self) -> dict[str, Any]:
        if hasattr(self.peer, "missing"):
            return {"missing": self.peer.missing()}
        absent = [name for name in self.peer.PACKAGES if importlib.util.find_spec(name.partition(".")[0]) is None]
        return {"missing": f"{absent[0]} is not installed" if absent else None}

    def _import(self, modules: list[str] | None = None) -> dict[str, Any]:
        started = time.perf_counter()
        for name in modules or self.peer.PACKAGES:
            importlib.import_module(name)
        return {"seconds": time.perf_counter() - started, "versions": self._versions()}

    def _versions(self) -> dict[str, str]:
        versions = {"python": sys.version.split()[0]}
        for name in (*(name.partition(".")[0] for name in self.peer.PACKAGES), *_VERSIONS_TOO):
            if name in sys.modules:
                try:
                    versions[name] = importlib.metadata.version(name)
                except importlib.metadata.PackageNotFoundError:  # run from a source tree, or not a package at all
                    versions[name] = str(getattr(sys.modules[name], "__version__", "unknown"))
        return versions

    def _prepare(self, task: str, options: dict[str, Any], num_envs: int, steps: int | None) -> dict[str, Any]:
        prepared = self.peer.prepare(task, num_envs, steps, **options)
        self._advance, self.steps, self.num_envs = prepared["advance"], prepared["steps"], num_envs
        self._advance()  # so that the runs do not include work of the first call
        return {name: prepared[name] for name in ("compile_seconds", "steps", "device")}

    def _learn(self, **request: Any) -> dict[str, Any]:
        return self.peer.learn(**request)

    def _run(self, seconds: float) -> dict[str, Any]:
        calls, passed, started, busy = 0, 0.0, time.perf_counter(), _cpu_seconds()
        while passed < seconds:
            self._advance()
            calls += 1
            passed = time.perf_counter() - started
        cpu_seconds = _cpu_seconds() - busy
        return {"seconds": passed, "cpu_seconds": cpu_seconds, "env_steps": calls * self.steps * self.num_envs}


def _cpu_seconds() -> float:
    """Processor time of all threads of this process, and on Linux of its living child processes."""
    pids = [pid for children in glob.glob("/proc/self/task/*/children") for pid in _read_text(children).split()]
    ticks = [sum(map(int, _read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()[11:13])) for pid in pids]
    return time.process_time() + (sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else 0.0)


def _read_text(path: str) -> str:
    """The text of a file, empty if the thread or process that it belongs to has ended meanwhile."""
    try:
        with open(path) as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _claim_standard_output() -> TextIO:
    """Keeps standard output for answers: all other output, from Python or below, goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _read(requests: queue.Queue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("peer", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(sys.argv[1])
