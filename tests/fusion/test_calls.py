"""A long function that a program calls several times is one function of the kernel, with the values of inlined ones."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxenvs import fusion
from jaxenvs.core.alone import bind
from jaxenvs.fusion import cuda_kernel, native, program
from jaxenvs.fusion.equations import structure
from jaxenvs.fusion.lanes import lane_program
from jaxenvs.fusion.layout import Kind
from tests.fusion import cuda_on_host

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
LANES, STEPS = 21, 4


@jax.jit
def _inner(x, table):
    """(1, 3) and (1, 50): of which lanes with large numbers leave the loop late."""
    double = lambda y: y * 2 + jnp.where(y > 3, 1, table[:, 3:6])  # noqa: E731
    y = lax.while_loop(lambda y: y[0].sum() < 40, double, jnp.abs(x) + 0.01)
    return [y, jnp.cumsum(table, 1) + y[:, :1], jnp.zeros((1, 0))]


@jax.jit
def _outer(x, table, number):
    """The same, with two calls of another function."""
    y, longer, _ = call(_inner, x, table)
    z, _, empty = call(_inner, x + 1, longer)
    return [jnp.where(x > 1, y, z), longer[:, ::-1], number + 1, empty]


def call(function, *arguments):
    return bind(function, *arguments) if _shares else function(*arguments)


_shares = False


def step(carry, xs):
    """A state of few and of many numbers; calls with constants, in a branch, in a loop, and of a view."""
    x, table = carry
    first, large, number, _ = call(_outer, x[None], table[None], xs[None])
    still, moved, _, _ = call(_outer, jnp.zeros((1, 3)), large + 1, jnp.full(1, 7, jnp.int32))

    def again():
        return call(_outer, first / 4, large[:, ::-1], number)[:2]

    y, large = lax.cond(first[0, 1] > 50, again, lambda: [still * first, large])
    z = lax.fori_loop(0, 2, lambda i, z: call(_inner, z + i, moved)[0] / 100, y / 100)
    return (z[0] / 50, (large[0] + table) / 1000), (number[0], y[0], large[0])


@pytest.fixture
def arguments():
    random = np.random.default_rng(0)
    carry = random.normal(size=(LANES, 3)).astype(np.float32), random.random((LANES, 50), np.float32)
    return carry, np.arange(STEPS * LANES, dtype=np.int32).reshape(STEPS, LANES)


@pytest.fixture
def shares(monkeypatch):
    """A function that says whether the functions are calls that share a block; at first they are."""

    def set_to(value):
        monkeypatch.setitem(globals(), "_shares", value)
        monkeypatch.setattr(program, "_WORTH_SHARING", 0 if value else 10_000)
        _outer.clear_cache()

    set_to(True)
    yield set_to
    _outer.clear_cache()


def test_functions_have_the_values_of_their_inlined_form(arguments, shares, monkeypatch, tmp_path):
    compile_object, texts = native.compile_object, []
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "compile_object", lambda text, *xs: texts.append(text) or compile_object(text, *xs))
    result = jax.jit(lambda carry, xs: fusion.scan(step, carry, xs))(*arguments)
    lines = [x for text in texts for x in text.split("\n")]
    assert len(texts) == 3  # the kernel, and one function for each of the two blocks
    assert sum(x.startswith("define void @part") for x in lines) == 2
    assert sum(x.startswith("  call void @part") for x in lines) == 6
    shares(False)
    inlined = jax.jit(lambda carry, xs: fusion.scan(step, carry, xs))(*arguments)
    assert len(texts) == 4
    jax.tree.map(np.testing.assert_array_equal, result, inlined)


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
def test_cuda_inlines_what_is_called(arguments, shares, tmp_path):
    (carry, xs), layout = arguments, (Kind.CARRY, Kind.CARRY, Kind.OWN_STEP)
    one = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), carry)
    lane = lane_program(step, (one, jax.ShapeDtypeStruct((), np.int32)))
    block, operations = program.program(lane.closed, [False] * 3), []
    structure(block, lambda equation: operations.append(equation.op))
    assert operations.count("call") >= 6
    launch = cuda_on_host.host_function(cuda_kernel.write(block, layout), tmp_path)
    results = [np.full((LANES, *x.shape), 1, x.dtype) for x in lane.avals]
    cuda_on_host.run(launch, [*carry, xs], results, LANES, 1)
    shares(False)
    expected = jax.tree.leaves(jax.jit(jax.vmap(step))(carry, xs[0]))
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-4)
