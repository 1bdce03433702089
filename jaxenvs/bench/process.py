"""A peer running in a separate process."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxenvs.errors import JaxenvsError

WORKER = Path(__file__).with_name("worker.py")

_TAIL_LINES = 15
_GRACE_SECONDS = 2.0


class PeerFailed(JaxenvsError):
    """A peer crashed, answered with an error or nonsense, or took too long; contains the end of its output."""


class PeerProcess:
    """A process that answers requests as `worker.py` describes them; a context manager that ends it.

    The process leads a process group of its own, so that Ctrl-C reaches only the caller, which then ends the whole
    group: no helper process of a peer is left behind. If the caller is killed, the worker ends with its standard input.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts the process.

        Args:
            command: the command line.
            environment: its environment variables; None for those of this process.

        Raises:
            PeerFailed: the command could not be started.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        self._answers: queue.Queue[str | None] = queue.Queue()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=environment,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise PeerFailed(f"`{command[0]}` could not be started: {error}") from error
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "PeerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ask(self, op: str, *, limit: float, **request: Any) -> dict[str, Any]:
        """Sends a request and waits for its answer.

        Args:
            op: the operation.
            limit: seconds after which the process is ended.
            request: the other entries of the request.

        Raises:
            PeerFailed: the answer did not come in time, is not JSON, or reports an error.
        """
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps({"op": op, **request}) + "\n")
            stdin.flush()
            line = self._answers.get(timeout=limit)
        except queue.Empty:
            self.close()
            raise PeerFailed(f"gave no answer to `{op}` within {limit:g} s") from None
        except OSError:  # a broken pipe: it has ended
            line = None
        if line is None:
            raise PeerFailed(f"ended during `{op}` ({self._ending()}).{self._tail()}")
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            self.close()
            raise PeerFailed(f"answered `{op}` with {line.strip()[:200]!r}, which is not a JSON object")
        if "error" in answer:
            raise PeerFailed(f"failed in `{op}`: {answer['error']}{self._tail()}")
        return answer

    def close(self) -> None:
        """Ends the process and all processes that it started; has no effect a second time."""
        if self._errors.closed:
            return
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._end_group()
        self._process.wait()
        self._errors.close()

    def _end_group(self) -> None:
        if os.name != "posix":
            self._process.kill()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._answers.put(line)
        self._answers.put(None)

    def _ending(self) -> str:
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed its output, but is still running"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def _tail(self) -> str:
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").rstrip().splitlines()[-_TAIL_LINES:]
        return "".join(f"\n    {line}" for line in lines)
