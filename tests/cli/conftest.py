"""Shared fixtures for the tests of the command line: a way to run it, and toy environments."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax.typing import ArrayLike
from typer.testing import CliRunner

import jaxenvs
from jaxenvs.cli.app import app
from jaxenvs.core.pytree import PyTreeNode
from tests.cli.trainings import TINY


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def no_stated_width(monkeypatch):
    """Output goes to a pipe of no width; pytest-xdist states the terminal's in its workers."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def jaxenvs_command(monkeypatch):
    """Runs the command in this process: `jaxenvs_command("list", "--json").out`."""
    monkeypatch.setenv("JAXENVS_COMPILATION_CACHE", "0")  # the tests' own cache stays in use

    def run(*arguments: Any) -> Outcome:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A finished run with two agents, and what the command said."""
    path = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["train", "CartPole-v1", "--steps", "1024", "--seeds", "2", "--seed", "7", "-F", "gravity=5", *TINY]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXENVS_COMPILATION_CACHE", "0")
        result = CliRunner().invoke(app, [*arguments, "-o", str(path)], catch_exceptions=False)
    assert result.exit_code == 0
    return path, result


class CounterState(PyTreeNode):
    count: Any


class Counter(jaxenvs.Env, jaxenvs.RendersText):
    """Adds up the action, a number from -1 to 2, and ends at 3."""

    scale: ArrayLike = 1.0

    @property
    def observation_space(self):
        return jaxenvs.spaces.Box(np.full(1, -99, np.float32), np.full(1, 99, np.float32))

    @property
    def action_space(self):
        return jaxenvs.spaces.Box(np.full(1, -1, np.float32), np.full(1, 2, np.float32))

    def reset(self, key):
        return CounterState(jnp.zeros((), jnp.float32)), jaxenvs.restart(jnp.zeros(1, jnp.float32))

    def step(self, state, action):
        count = state.count + self.scale * self.action_space.validate(action)[0]
        return CounterState(count), jaxenvs.transition(count[None], count, count >= 3)

    def render(self, state):
        left = jnp.arange(40, dtype=jnp.float32) < 10 * state.count
        half = jnp.where(left, 200, 0).astype(jnp.uint8)
        return jnp.broadcast_to(half[None, :, None], (20, 40, 3))

    def render_text(self, state):
        return f"count {float(state.count):g}"


class Broken(Counter):
    """Cannot be made."""

    def check_fields(self):
        raise jaxenvs.errors.InvalidField("Broken: it always is.")


@pytest.fixture
def counter_env(tmp_path, monkeypatch):
    """Registers Test/Counter-v1, a broken environment and one whose package is missing."""
    jaxenvs.register("Test/Counter-v1", Counter, max_episode_steps=12, source="these tests")
    jaxenvs.register("Test/Broken-v0", Broken)
    (tmp_path / "needs_absent.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    jaxenvs.register("Test/Absent-v0", "needs_absent:Absent", extra="absent")
    return "Test/Counter-v1"
