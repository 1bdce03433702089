"""play_policy: has a stranger's policy play a challenge, in a process of its own."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from jaxenvs.errors import InvalidSubmission
from jaxenvs.scoreboard import isolation
from jaxenvs.scoreboard.challenge import Challenge
from jaxenvs.scoreboard.limits import MOST_ARCHIVE
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.submission import Submission

_KEPT = "PATH", "PYTHONPATH", "LANG", "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
"""Variables of the environment that the process gets. None of them is a secret."""


class NoAnswer(Exception):
    """The process ended without an answer, and the policy is not to blame."""


def play_policy(submission: Submission, challenge: Challenge, *, seconds: float, memory: int) -> Submission:
    """Has the policy of a submission play a challenge that its author did not know.

    The process has no network, no secrets of this one, and limits of time and memory.

    Args:
        submission: a submission for the policy board.
        challenge: the challenge.
        seconds: the time that the process has, s.
        memory: the bytes that the policy may take.

    Returns:
        The episodes that it played, for the control board. They are still to be verified.

    Raises:
        Rejected: the policy is not one, breaks a rule, or exceeds a limit.
        NoAnswer: the process failed for another reason.
    """
    assert submission.policy is not None
    task = {
        "env_id": submission.env_id,
        "challenge": challenge.to_json(),
        "author": dataclasses.asdict(submission.author),
    }
    content = json.dumps(task).encode() + b"\n" + submission.policy
    with tempfile.TemporaryDirectory(prefix="jaxenvs-policy-") as folder, tempfile.TemporaryFile() as output:
        status, took_too_long = _run(content, folder, output, seconds, memory)
        if took_too_long or -status in (signal.SIGXCPU, signal.SIGKILL):
            raise Rejected(f"Its policy did not play {challenge.episodes} episodes within {seconds:.0f} s.")
        output.seek(0)
        header, _, archive = output.read(MOST_ARCHIVE + 2**20).partition(b"\n")
    if status != 0 or not header:
        if status < 0:  # XLA gives up like this if it gets no memory
            raise Rejected(
                f"The process of its policy was ended by {signal.Signals(-status).name}; it may take"
                f" {memory // 2**20:,} MiB of memory."
            )
        raise NoAnswer(f"The process of the policy ended with {status}.")
    answer = json.loads(header)
    if answer["state"] == "rejected":
        raise Rejected(answer["reason"])
    if answer["state"] != "played":
        raise NoAnswer(answer["reason"])
    try:
        return Submission.read(archive)
    except InvalidSubmission as error:
        raise Rejected(f"What its policy played is not valid. {error}") from error


def _run(content: bytes, folder: str, output: IO[bytes], seconds: float, memory: int) -> tuple[int, bool]:
    """Runs the process to its end, or to the end of its time."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"HOME": folder, "TMPDIR": folder, "JAX_PLATFORMS": "cpu"}
    # The modules beside the file must not hide those of the standard library, hence -P.
    package = str(Path(isolation.__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [package, environment.get("PYTHONPATH")]))
    command = [sys.executable, "-P", isolation.__file__, str(math.ceil(2 * seconds)), str(memory)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    try:
        process.communicate(content, timeout=seconds)
        return process.returncode, False
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL, True
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        else:
            _end_group(process.pid)


def _end_group(group: int) -> None:
    """Ends what the process has started and left, such as emulators."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
