"""Random programs on arrays of all types, beside XLA."""

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jax import lax

from jaxenvs import fusion
from jaxenvs.fusion import emitter, flow, kernel, program
from tests.fusion import typed_programs
from tests.fusion.comparison import both, differences

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
LANES, STEPS = 21, 3

NUMBERS = st.integers(0, 999)
PROGRAMS = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=3, max_size=20)


def check(steps, seed, form):
    """Compares a program.

    Args:
        steps: of `typed_programs`.
        seed: of its arrays.
        form: 0 and 1: a step that is given its arrays, or has them as its state; 2: several steps; 3: a step with other
            arrays that are the same for all lanes.
    """
    arrays = typed_programs.inputs(seed, LANES)
    if form < 2:
        fused, expected = both(typed_programs.program(steps), *arrays, carried=form == 1)
    elif form == 3:
        run, shared = typed_programs.program(steps), [x[0] for x in typed_programs.inputs(seed + 1, 1)]
        scan = lambda own, shared: fusion.scan(lambda c, _: (c, run(*shared, *c)), own, None, 1)[1]  # noqa: E731
        compiled = jax.jit(scan).lower(arrays, shared)
        assert "@jaxenvs_" in compiled.as_text(), "not fused, so XLA would be compared with itself"
        fused = jax.tree.map(lambda x: x[0], compiled.compile()(arrays, shared))
        expected = jax.jit(lambda own, shared: jax.vmap(lambda *c: run(*shared, *c))(*own))(arrays, shared)
    else:
        step = typed_programs.stepping(steps)
        compiled = jax.jit(lambda state: fusion.scan(step, state, None, STEPS)).lower(arrays)
        assert "@jaxenvs_" in compiled.as_text(), "not fused, so XLA would be compared with itself"
        fused = compiled.compile()(arrays)
        each = jax.vmap(lambda state: step(state, None))
        expected = jax.jit(lambda state: lax.scan(lambda state, _: each(state), state, None, STEPS))(arrays)
    assert not differences(fused, expected, 3e-6)


def drawn(seed, length=14):
    return [tuple(map(int, x)) for x in np.random.default_rng(seed).integers(0, 1000, (length, 5))]


@pytest.mark.parametrize("seed", range(8))
def test_programs_on_arrays_of_all_types(seed):
    check(drawn(seed), seed, seed % 4)


def test_programs_in_parts_and_with_functions(monkeypatch, tmp_path):
    """As long programs are, and those with costly choices."""
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    monkeypatch.setattr(kernel, "LONG", 0)
    monkeypatch.setattr(flow, "PART", 25)
    monkeypatch.setattr(emitter, "UNROLL", emitter.UNROLL_LESS)
    monkeypatch.setattr(program, "_WORTH_SHARING", 0)
    write, kernels = kernel.write, []
    monkeypatch.setattr(kernel, "write", lambda *xs: kernels.append(write(*xs)) or kernels[-1])
    for form in range(4):
        check(drawn(100 + form), 100 + form, form)
    assert min(len(x.parts) for x in kernels) > 0


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=PROGRAMS, seed=st.integers(0, 999), form=st.integers(0, 3))
def test_random_programs_on_arrays_of_all_types(steps, seed, form):
    check(steps, seed, form)
