"""What decides how long a step takes to compile: how many of its kernels differ."""

import importlib
import re
from functools import partial

import jax
import numpy as np
import pytest

from jaxenvs.envs.box2d.lunar_lander import MODEL, ground
from tests.parity._lunar_lander_states import env_of, golden, state_of

steps = importlib.import_module("jaxenvs.simulators.box2d.step")  # the package has a function of that name

LANES = 64
MOST_KERNELS = 560
"""That differ, in a step of so many lanes."""

pytestmark = pytest.mark.slow  # compiling takes a minute


def near_ground():
    """Worlds with pairs, half of which touch the ground; the ground, and what drives them."""
    rows, env = golden("discrete"), env_of("discrete")
    some = np.resize(np.flatnonzero((rows["before.edge"] >= 0).any((1, 2)) & rows["before.awake"]), LANES)
    rows = {name: values[some] for name, values in rows.items()}
    assert (rows["before.points"] > 0).any((1, 2)).sum() > LANES // 4
    draws = (rows["draws"] / 30).astype(np.float32)
    state, drive = jax.vmap(env.thrust)(state_of(rows, env), rows["action"].astype(np.int32), draws)
    return state.world, jax.vmap(ground)(state.terrain), drive


def different_kernels(text):
    """How many kernels of a compiled program have other operations or shapes than all others."""
    bodies = dict(re.findall(r"^%?([\w.\-]+) \([^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))
    found = set()
    for name in re.findall(r" fusion\(.*?calls=%?([\w.\-]+)", text):
        body, names = re.sub(r", metadata=\{[^}]*\}", "", bodies[name]), {}
        found.add(re.sub(r"%[\w.\-]+", lambda each, names=names: names.setdefault(each[0], f"%{len(names)}"), body))
    return len(found)


def compiled(arguments):
    step = partial(steps._step, MODEL, "converged", False, False)
    return jax.jit(lambda *worlds: step(*worlds)).lower(*arguments).compile()


def test_few_kernels_of_a_step_differ_and_gathered_bodies_move_as_all_at_once(monkeypatch):
    arguments = near_ground()
    together = compiled(arguments)
    assert different_kernels(together.as_text()) <= MOST_KERNELS
    monkeypatch.setattr(steps, "_ALL_AT_ONCE", 0)
    gathered = compiled(arguments)
    jax.tree.map(np.testing.assert_array_equal, together(*arguments), gathered(*arguments))
