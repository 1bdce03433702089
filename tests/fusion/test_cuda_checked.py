"""Kernels in CUDA C on the CPU, with checks of all addresses and of what C++ does not define."""

import functools
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from jax import lax

from jaxenvs.fusion import cuda_kernel, primitives
from jaxenvs.fusion.layout import Kind, is_uniform
from jaxenvs.fusion.program import program
from tests.fusion import cuda_on_host, typed_programs
from tests.fusion.comparison import differences
from tests.fusion.test_cuda import _of, _parameters

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
LANES, STEPS = 21, 3

IDS = "Acrobot-v1", "Blackjack-v1", "Copy-v0", "gymnax/Pong-v0", "ConnectFour-v0", "MinAtar/Asterix-v1", "Hex9x9-v0"


def run(parameters: Any, operands: list[np.ndarray], expected: Any, folder: Path) -> list[np.ndarray]:
    """The results of a kernel, in which nothing is undefined."""
    layout = parameters["layout"]
    text = cuda_kernel.write(program(parameters["closed"], [is_uniform(x) for x in layout], "cuda"), layout)
    results = [np.full(x.shape, 1, x.dtype) for x in expected]
    said = cuda_on_host.run_checked(text, operands, results, parameters["lanes"], parameters["steps"], folder)
    assert not said
    return results


@pytest.mark.parametrize(
    "fault",
    [
        "int b[8]; b[lanes - 13] = 1; out0[thread] = b[lanes - 14];",
        "out0[thread + 1] = 1;",
        "out0[thread] = in0[thread + 1];",
        "out0[thread] = 2147483647 + (int)lanes;",
        "out0[thread] = 1 << (int)(lanes + 20);",
        "out0[thread] = (int)(3e9f * lanes);",
    ],
)
def test_the_checks_find_what_is_undefined(tmp_path: Path, fault: str) -> None:
    """In memory of a thread, in arrays, and in arithmetic."""
    kernel = f"""extern "C" __global__ void {cuda_kernel.NAME}(
      const int* in0, int* out0, const long long lanes, const long long steps) {{
        const long long thread = threadIdx.x;
        if (thread >= lanes) return;
        {fault}
      }}"""
    numbers = np.arange(LANES, dtype=np.int32)
    assert cuda_on_host.run_checked(kernel, [numbers], [numbers.copy()], LANES, 1, tmp_path)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(k, marks=pytest.mark.slow) for k in range(2, 24))])
def test_random_programs(tmp_path: Path, seed: int) -> None:
    """Of several steps, or with arrays that are the same for all lanes."""
    numbers = np.random.default_rng(seed).integers(0, 1000, (4 + seed % 16, 5))
    steps: Any = [tuple(map(int, x)) for x in numbers]
    own = [np.ascontiguousarray(x) for x in typed_programs.inputs(seed, LANES)]
    if seed % 2:
        step = typed_programs.stepping(steps)
        after_and_rows = lambda *state: jax.tree.leaves(step(list(state), None))  # noqa: E731
        parameters = _of(after_and_rows, (Kind.CARRY,) * len(own), *own, lanes=LANES, steps=STEPS)
        each = jax.vmap(lambda state: step(state, None))
        expected = jax.jit(lambda state: lax.scan(lambda state, _: each(state), state, None, STEPS))(own)
        operands = own
    else:
        function = typed_programs.program(steps)
        shared = [np.ascontiguousarray(x[0]) for x in typed_programs.inputs(seed + 1, 1)]
        operands = [*shared, *(x[None] for x in own)]
        layout = (Kind.SHARED,) * len(shared) + (Kind.OWN_STEP,) * len(own)
        parameters = _of(lambda *xs: jax.tree.leaves(function(*xs)), layout, *operands, lanes=LANES, steps=1)
        mapped = jax.jit(lambda shared, own: jax.vmap(lambda *own: function(*shared, *own))(*own))
        expected = jax.tree.map(lambda x: x[None], mapped(shared, own))
    expected = [np.asarray(x) for x in jax.tree.leaves(expected)]
    assert not differences(run(parameters, operands, expected, tmp_path), expected, 5e-6)


@pytest.mark.slow
@pytest.mark.parametrize("id", IDS)
def test_environments(tmp_path: Path, id: str) -> None:
    """With resets, and lanes that fill no warp."""
    parameters, operands = _parameters(id, 37, 12)
    arrays = [np.ascontiguousarray(x) for x in operands()]
    expected = jax.jit(functools.partial(primitives._scan_by_xla, **parameters))(*arrays)
    expected = [np.asarray(x) for x in expected]
    assert not differences(run(parameters, arrays, expected, tmp_path), expected, 1e-4)
