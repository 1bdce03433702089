"""Box2D's robots as kernels against recorded transitions: the hidden state before each, and what follows.

One step from the states of a run, as for other ids, says little of floats here: where contacts jam, a solver amplifies
the last bit of its input. From the recorded states, a kernel must reach what the environment itself must.
"""

import jax
import pytest

from jaxenvs import fusion
from jaxenvs.envs.box2d.bipedal_walker import BipedalWalker
from jaxenvs.envs.box2d.lunar_lander import MODEL, ground
from jaxenvs.simulators.box2d import step as step_world
from tests.parity import _bipedal_walker_states as walker_states
from tests.parity import _lunar_lander_states as lander_states
from tests.parity import test_bipedal_walker as walker
from tests.parity import test_lunar_lander as lander

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
pytestmark = pytest.mark.slow  # compiling takes a minute


def _fused(step):
    """The step of a batch as a kernel; another program is an error."""

    def run(*arguments):
        lowered = jax.jit(jax.vmap(lambda *xs: fusion.call(step, *xs))).lower(*arguments)
        assert "@jaxenvs_" in lowered.as_text()
        return lowered.compile()(*arguments)

    return run


@pytest.mark.parametrize("name", walker_states.IDS)
def test_a_fused_transition_of_the_walker_agrees_with_gymnasiums(name, monkeypatch):
    step = _fused(BipedalWalker(hardcore=walker_states.IDS[name], solver="converged").step)
    monkeypatch.setattr(walker, "compiled", lambda hardcore, solver, fused: step)
    monkeypatch.setattr(walker, "record", lambda *_: None)  # what is recorded is the environment's own
    differences, _, touching = walker.compare(name, walker_states.golden(name))
    assert touching.sum() > 60 and (~touching).sum() > 15
    assert differences.max() < walker.IN_CONTACT


def test_a_fused_transition_of_the_lander_agrees_with_gymnasiums(monkeypatch):
    def step(world, terrain, drive):
        return step_world(MODEL, world, ground(terrain), drive, "converged")

    fused = _fused(step)
    monkeypatch.setattr(lander, "compiled", lambda solver: fused)
    monkeypatch.setattr(lander, "record", lambda *_: None)
    differences, _, touching = lander.compare("discrete", lander_states.golden("discrete"))
    assert touching.sum() > 40 and (~touching).sum() > 20
    assert differences.max() < lander.IN_CONTACT
