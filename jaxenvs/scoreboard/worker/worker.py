"""Worker: takes submissions, has them verified in another process, and writes the results."""

import contextlib
import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from jaxenvs.registration import registry
from jaxenvs.scoreboard.names import slug
from jaxenvs.scoreboard.store.database import Database
from jaxenvs.scoreboard.store.files import Files
from jaxenvs.scoreboard.store.jobs import Job, Jobs
from jaxenvs.scoreboard.store.tables import REJECTED, VERIFIED, IssuedChallenge, Submission
from jaxenvs.scoreboard.store.uploads import Uploads

MOST_SECONDS = 3600.0
"""Of one attempt."""

_EXAMINER = (sys.executable, "-m", "jaxenvs.scoreboard.worker.examiner")
_LOOK_SECONDS = 0.5
"""How often a worker without work looks for some, and a worker with work asks whether it may go on."""
_SWEEP_SECONDS = 600.0
_MOST_DRAWING_SECONDS = 300.0


class Worker:
    """Verifies the submissions of a scoreboard, one at a time. Several may share a scoreboard.

    Args:
        database: where the submissions are.
        files: where their archives are.
        jobs: which of them are due; None for the usual rules.
        most_seconds: how long an attempt may take, s.
        draws: whether it draws pictures of environments while there is nothing to verify.
        command: the process that examines; only tests give another.
    """

    def __init__(
        self,
        database: Database,
        files: Files,
        *,
        jobs: Jobs | None = None,
        most_seconds: float = MOST_SECONDS,
        draws: bool = True,
        command: tuple[str, ...] = _EXAMINER,
    ) -> None:
        self._database, self._files = database, files
        self._jobs = jobs or Jobs(database)
        self._most_seconds, self._draws = most_seconds, draws
        self._examiner = _Examiner(command)
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}"
        self._stopping = threading.Event()

    def run(self) -> None:
        """Works until `stop`."""
        swept = -_SWEEP_SECONDS
        undrawn: list[str] | None = None
        try:
            while not self._stopping.is_set():
                if time.monotonic() - swept > _SWEEP_SECONDS:
                    Uploads(self._database, self._files).sweep()
                    swept = time.monotonic()
                if self.work():
                    undrawn = None  # perhaps an environment that has no picture yet
                    continue
                if self._draws and undrawn is None:
                    undrawn = self._without_picture()
                if undrawn:
                    self._draw(undrawn.pop())
                else:
                    self._stopping.wait(_LOOK_SECONDS)
        finally:
            self._examiner.close()

    def stop(self) -> None:
        """Ends `run`, from any thread. What is being verified then is taken up again by the next worker."""
        self._stopping.set()

    def work(self) -> bool:
        """Verifies a submission, if one is due; returns whether there was one."""
        job = self._jobs.take(self.name)
        if job is None:
            return False
        submission = job.submission
        task = {
            "task": "examine",
            "archive": str(self._files.archive(submission.sha256)),
            "challenge": self._issued(submission),
            "name": submission.name,
            "folder": str(self._files.folder),
            "most_seconds": self._most_seconds,
        }
        answer = self._examiner.do(task, self._lease_of(job), most_seconds=self._most_seconds)
        if answer is None:
            return True  # the lease is lost, or will end; a worker takes the submission up again
        elif "failed" in answer:
            self._jobs.fail(job, str(answer["failed"]))
        else:
            self._write(job, answer["result"])
        return True

    def close(self) -> None:
        """Ends the process that examines."""
        self._examiner.close()

    def _write(self, job: Job, result: dict[str, Any]) -> None:
        state = result.pop("state")
        reason = str(result.pop("reason"))
        if state == VERIFIED:
            columns = {name: result.pop(name) for name in ("solved_after", "mean_return")}
            self._jobs.finish(job, VERIFIED, reason, result=result, **columns)
        elif state == REJECTED:
            self._jobs.finish(job, REJECTED, reason, result=result)
        else:
            self._jobs.fail(job, reason)

    def _lease_of(self, job: Job) -> Callable[[], bool]:
        """What says whether a job may go on, and renews its lease from time to time."""
        renewed = time.monotonic()

        def may_go_on() -> bool:
            nonlocal renewed
            if self._stopping.is_set():
                return False
            if time.monotonic() - renewed < self._jobs.lease_seconds / 3:
                return True
            renewed = time.monotonic()
            return self._jobs.renew(job)

        return may_go_on

    def _issued(self, submission: Submission) -> dict[str, Any] | None:
        """The challenge that the server handed out to the person, if the submission answers one."""
        name = submission.manifest["challenge"]["name"]
        if not name.startswith("server:"):
            return None
        with self._database.reading() as session:
            found = session.get(IssuedChallenge, name)
        return None if found is None else found.content

    def _without_picture(self) -> list[str]:
        """The ids that have no picture yet, those on the boards last."""
        with self._database.reading() as session:
            on_boards = set(session.scalars(select(Submission.env_id).distinct()))
        missing = [id for id in registry if not self._files.picture(f"{slug(id)}.png").exists()]
        return sorted(missing, key=lambda id: id in on_boards)

    def _draw(self, id: str) -> None:
        task = {"task": "draw", "id": id, "folder": str(self._files.folder)}
        self._examiner.do(task, lambda: not self._stopping.is_set(), most_seconds=_MOST_DRAWING_SECONDS)


class _Examiner:
    """A process that does tasks, started when there is one, and again if it died or was ended.

    Args:
        command: what to run.
    """

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None

    def do(self, task: dict[str, Any], may_go_on: Callable[[], bool], *, most_seconds: float) -> dict[str, Any] | None:
        """Has a task done.

        Args:
            task: what the process reads.
            may_go_on: asked from time to time; if it is false, the process is ended.
            most_seconds: how long it may take, s.

        Returns:
            The answer, with `result` or `failed`; None if it was ended because of `may_go_on`.
        """
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
        except OSError:
            self.close()
            return {"failed": "The process that examines submissions ended."}
        end = time.monotonic() + most_seconds
        asked = time.monotonic()
        while True:
            try:
                answer = self._answers.get(timeout=max(0.01, asked + _LOOK_SECONDS - time.monotonic()))
            except queue.Empty:
                answer = {}
            if answer is None:
                status = process.wait()
                self.close()
                return {"failed": f"The process that examines submissions ended with status {status}."}
            if "result" in answer or "failed" in answer:
                return answer
            if time.monotonic() > end:
                self.close()
                return {"failed": f"It took longer than {most_seconds:g} s."}
            if time.monotonic() >= asked + _LOOK_SECONDS:
                if not may_go_on():
                    self.close()
                    return None
                asked = time.monotonic()

    def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None:
            if os.name == "posix":
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # with the processes that it has started
            process.kill()
            process.wait()
            assert self._reader is not None
            self._reader.join()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._answers = queue.SimpleQueue()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                env=_environment(),
                start_new_session=True,
            )
            self._reader = threading.Thread(target=_read, args=(self._process, self._answers), daemon=True)
            self._reader.start()
        return self._process


def _read(process: subprocess.Popen[str], answers: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Passes the answers of a process on; None at their end."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answers.put(json.loads(line))
    except ValueError:  # the pipe was closed, or the process wrote half a line and died
        pass
    answers.put(None)


def _environment() -> dict[str, str]:
    """The examiner computes on the CPU, as every verification does."""
    return {**os.environ, "JAX_PLATFORMS": "cpu"}
