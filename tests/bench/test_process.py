"""A peer in its own process: whatever it does, the caller is told and nothing is left behind."""

import os
import subprocess
import sys
import time

import pytest

from jaxenvs.bench.process import WORKER, PeerFailed, PeerProcess


def script(tmp_path, source):
    file = tmp_path / "script.py"
    file.write_text(source)
    return PeerProcess([sys.executable, "-S", str(file)])


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("print('hello')\ninput()", r"answered `run` with 'hello', which is not a JSON object"),
        ("print(12)\ninput()", r"answered `run` with '12', which is not a JSON object"),
        ("import sys; input(); sys.stderr.write('out of cheese'); sys.exit(3)", r"(?s)exit code 3.*out of cheese"),
        ("import os, signal; input(); os.kill(os.getpid(), signal.SIGSEGV)", "signal SIGSEGV"),
        ("raise ValueError('at once')", r"(?s)ended during `run`.*ValueError: at once"),
        ("import time; time.sleep(60)", r"gave no answer to `run` within 1 s"),
        ("""print('{"error": "no such game"}')\ninput()""", "failed in `run`: no such game"),
    ],
    ids=["words", "number", "exit", "signal", "exception", "slow", "error"],
)
def test_what_goes_wrong_is_reported_and_the_process_ends(tmp_path, source, message):
    with script(tmp_path, source) as process, pytest.raises(PeerFailed, match=message):
        process.ask("run", limit=1 if "sleep" in source else 30)
    assert not is_running(process.pid)


def test_an_interpreter_that_does_not_exist_is_named():
    with pytest.raises(PeerFailed, match="/no/such/python"):
        PeerProcess(["/no/such/python", "x.py"])


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks processes up in /proc")
def test_close_ends_what_the_process_started(tmp_path):
    source = """
import json, subprocess, sys
input()
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
print(json.dumps({"child": child.pid}), flush=True)
input()
"""
    with script(tmp_path, source) as process:
        child = process.ask("start", limit=30)["child"]
        assert is_running(child)
    assert wait_until_gone(child)


def test_the_worker_ends_with_its_standard_input_in_the_middle_of_a_run(tmp_path):
    """So that no process outlives a caller that was killed."""
    peer = tmp_path / "slow_peer.py"
    peer.write_text(
        "import time\nPACKAGES = ()\n"
        "def prepare(task, num_envs, steps):\n"
        "    advance = lambda: time.sleep(0.05)\n"
        "    return {'advance': advance, 'steps': 1, 'compile_seconds': None, 'device': ''}\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-S", str(WORKER), str(peer)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with worker:
        worker.stdin.write('{"op": "prepare", "task": "", "options": {}, "num_envs": 1, "steps": 1}\n')
        worker.stdin.flush()
        assert "compile_seconds" in worker.stdout.readline()
        worker.stdin.write('{"op": "run", "seconds": 600}\n')
        worker.stdin.flush()
        time.sleep(0.2)
        assert worker.poll() is None
        worker.stdin.close()
        assert worker.wait(10) == 0
