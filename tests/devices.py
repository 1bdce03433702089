"""Tests in separate processes, since the number of CPU devices is fixed when JAX starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def start(command, *, devices, **popen):
    """Python with `command`, seeing so many CPU devices; in a process group that `finish` can end as a whole."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    # On a CPU, sums that do not depend on each other each hold a thread until all devices have joined. With one
    # thread per device, as in XLA on few cores, devices can wait for each other's sums forever.
    threads = str(8 * devices)
    settings = {"XLA_FLAGS": flags.strip(), "NPROC": threads, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **popen,
    )


def finish(processes, *, seconds):
    """What each process printed, once all have ended well; none of them outlives this call."""
    try:
        outputs = [process.communicate(timeout=seconds)[0] for process in processes]
    except subprocess.TimeoutExpired:
        kill(processes)
        outputs = [process.communicate()[0] for process in processes]
        raise AssertionError(f"not done after {seconds} s:\n" + "\n".join(outputs)) from None
    finally:
        kill(processes)
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(outputs)
    return outputs


def kill(processes):
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def run_tests(path, *, devices, seconds, marked="not slow"):
    """Runs the tests of a module that pytest does not find by itself, and shows its output where one fails."""
    options = ["-p", "no:xdist", "-o", "addopts=--import-mode=importlib", "-q", "-m", marked]
    command = ["-m", "pytest", *options, str(path)]
    (output,) = finish([start(command, devices=devices)], seconds=seconds)
    assert " passed" in output, output
