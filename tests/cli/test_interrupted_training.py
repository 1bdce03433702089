"""A training that is interrupted keeps its checkpoint and goes on to the same agent."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jaxenvs.monitor import read_episodes
from tests.cli.trainings import TINY


@pytest.mark.parametrize(("numbers", "code"), [((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGTERM,), 143)])
def test_signals_are_heard_during_a_long_call(tmp_path, numbers, code):
    """The first update takes as long as the host is made to wait in it."""
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxenvs", "train", "slow:Slow-v0", "--steps", "4096", "-o", "run", *TINY],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "JAXENVS_COMPILATION_CACHE": "0"},
    )
    deadline = time.monotonic() + 200
    while not (tmp_path / "stepping").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.5)
    if len(numbers) == 1:
        (tmp_path / "go").touch()  # the update may end
    _, err = process.communicate(timeout=100)
    assert process.returncode == code, err
    assert "Stopping as soon as a checkpoint can be saved" in err and "Traceback" not in err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "interrupted"
    assert (tmp_path / "run" / "checkpoint.msgpack").exists() == (len(numbers) == 1)


SLOW = """
import pathlib, time
import jax, jax.numpy as jnp
import jaxenvs
from jaxenvs.envs.classic_control.cart_pole import CartPole


def wait(x):
    pathlib.Path("stepping").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
    return x


class SlowCartPole(CartPole):
    def step(self, state, action):
        state, timestep = CartPole.step(self, state, action)
        shape = jax.ShapeDtypeStruct((), jnp.float32)
        return state, timestep.replace(reward=jax.pure_callback(wait, shape, timestep.reward, vmap_method="sequential"))


jaxenvs.register("Slow-v0", SlowCartPole, max_episode_steps=9)
"""


def test_interrupted_run_keeps_its_checkpoint_and_resumes_to_the_same_agent(jaxenvs_command, tmp_path):
    """Ctrl-C in a separate process, after the first checkpoint."""
    path = tmp_path / "run"
    command = [sys.executable, "-m", "jaxenvs", "train", "CartPole-v1", "--steps", "40000", "-o", str(path), *TINY]
    environment = {**os.environ, "JAXENVS_COMPILATION_CACHE": "0"}
    process = subprocess.Popen(
        [*command, "--no-animation"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 120
    while not (path / "checkpoint.msgpack").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert f"The last checkpoint is {path / 'checkpoint.msgpack'}" in err
    assert f"jaxenvs train --resume {path}" in err and "Traceback" not in err
    assert json.loads((path / "run.json").read_text())["status"] == "interrupted"
    assert (path / "learning_curve.png").exists()

    partial = jaxenvs_command("evaluate", path, "-n", "5")
    assert partial.code == 0 and "has not finished" in partial.err

    assert jaxenvs_command("train", "--resume", path, "--no-animation", "--eval-episodes", "20").code == 0
    assert json.loads((path / "run.json").read_text())["status"] == "finished"
    whole = tmp_path / "whole"
    assert jaxenvs_command(*command[3 : -len(TINY) - 1], whole, *TINY, "--no-animation").code == 0
    evaluations = [json.loads(Path(p, "evaluation.json").read_text()) for p in (path, whole)]
    assert evaluations[0]["agents"] == evaluations[1]["agents"]
    episodes = [{**read_episodes(p), "seconds": None} for p in (path, whole)]
    np.testing.assert_equal(episodes[0], episodes[1])
