"""Kernels in CUDA C: run on the CPU beside XLA's scan, compiled by nvcc and NVRTC; the handler that launches them."""

import ctypes
import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import fusion
from jaxenvs.fusion import cuda_kernel, gpu, native, primitives
from jaxenvs.fusion import lanes as lanes_of
from jaxenvs.fusion.equations import CannotFuse
from jaxenvs.fusion.layout import Kind, Layout, is_uniform
from jaxenvs.fusion.program import program
from tests.fusion import call_frame, cuda_on_host
from tests.fusion.call_frame import POINTER, Api

needs_gcc = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
needs_nvrtc = pytest.mark.skipif(gpu._nvrtc() is None, reason="NVRTC is not installed")

SIX = "CartPole-v1", "Acrobot-v1", "Taxi-v4", "FrozenLake-v1", "Blackjack-v1", "MinAtar/Breakout-v1"


def _batch(env: Any, lanes: int, steps: int) -> tuple[Any, Any]:
    """States of all lanes, and random actions."""
    state, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), lanes))
    sample = jax.vmap(jax.vmap(env.action_space.sample))
    return state, sample(jax.random.split(jaxenvs.random.key(1), (steps, lanes)))


def _parameters(id: str, lanes: int, steps: int) -> tuple[Any, Callable[[], list[np.ndarray]]]:
    """The fused scan of an environment with random actions, and what computes its operands."""
    env = jaxenvs.AutoReset(jaxenvs.make(id))
    batch = jax.eval_shape(lambda: _batch(env, lanes, steps))
    jaxpr = jax.make_jaxpr(lambda state, actions: jaxenvs.fusion.scan(env.step, state, actions))(*batch)

    def operands() -> list[np.ndarray]:
        return [np.asarray(lanes_of.as_words(x)) for x in jax.tree.leaves(jax.jit(lambda: _batch(env, lanes, steps))())]

    return cuda_on_host.scan_of(jaxpr.jaxpr), operands


def _text(parameters: Any) -> str:
    layout = parameters["layout"]
    return cuda_kernel.write(program(parameters["closed"], [is_uniform(x) for x in layout]), layout)


def _compare(parameters: Any, operands: list[np.ndarray], folder: Path, tolerance: float = 1e-6) -> None:
    """Integers and flags equal, floats close, after all steps."""
    operands = [np.ascontiguousarray(x) for x in operands]
    expected = jax.jit(functools.partial(primitives._scan_by_xla, **parameters))(*operands)
    expected = [np.asarray(x) for x in expected]
    results = [np.full(x.shape, 1, x.dtype) for x in expected]
    launch = cuda_on_host.host_function(_text(parameters), folder)
    cuda_on_host.run(launch, operands, results, parameters["lanes"], parameters["steps"])
    for result, wanted in zip(results, expected, strict=True):
        if wanted.dtype.kind == "f":
            np.testing.assert_allclose(result, wanted, rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(result, wanted)


def _of(step: Callable[..., Any], layout: Layout, *operands: np.ndarray, lanes: int, steps: int) -> Any:
    """The parameters of the fused scan of a step with flat inputs and outputs."""
    axes = {Kind.SHARED: 0, Kind.OWN: 1, Kind.CARRY: 1, Kind.SHARED_STEP: 1, Kind.OWN_STEP: 2}
    avals = [jax.ShapeDtypeStruct(x.shape[axes[kind] :], x.dtype) for x, kind in zip(operands, layout, strict=True)]
    return {"closed": jax.make_jaxpr(step)(*avals), "layout": layout, "lanes": lanes, "steps": steps}


@needs_gcc
@pytest.mark.parametrize("lanes", [1, 33, 131])
def test_rows_of_all_sizes_lie_where_jax_has_them(tmp_path: Path, lanes: int) -> None:
    """Also with lanes that fill no warp and no block, and inputs of all kinds."""
    random, steps = np.random.default_rng(lanes), 3
    shared, own = random.normal(size=(40,)).astype(np.float32), random.normal(size=(lanes, 5)).astype(np.float32)
    board, total = random.integers(0, 9, (lanes, 7, 7), np.int32), random.normal(size=(lanes,)).astype(np.float32)
    of_step = random.integers(0, 7, (steps, 2), np.int32)
    of_both = random.normal(size=(steps, lanes, 45)).astype(np.float32)

    def step(shared: Any, own: Any, board: Any, total: Any, of_step: Any, of_both: Any) -> Any:
        after = board.at[of_step[0], board[0, 0] % 7].add(1)
        return [
            after,
            total + of_both[3],
            total * 2,  # a number
            own[:3] > 0,  # an odd number of flags
            own[:4] * 0.5,  # a vector
            jnp.concatenate([own, own]) + shared[:10],  # few
            board,  # as it was before
            after.T[:, :5] + 1,
            shared * total,
            of_both > 0,
            jnp.tile(own, 40)[:130] > 0,
        ]

    layout = tuple(Kind[x] for x in ("SHARED", "OWN", "CARRY", "CARRY", "SHARED_STEP", "OWN_STEP"))
    operands = [shared, own, board, total, of_step, of_both]
    _compare(_of(step, layout, *operands, lanes=lanes, steps=steps), operands, tmp_path)


@needs_gcc
def test_branches_and_loops_are_those_of_a_lane(tmp_path: Path) -> None:
    """Branches within branches, loops whose length differs, arrays that only some lanes change."""
    lanes, steps = 40, 4
    board = np.arange(lanes * 40, dtype=np.int32).reshape(lanes, 40)
    count = np.arange(lanes, dtype=np.int32) - 5

    def step(board: Any, count: Any) -> Any:
        def rare(board: Any) -> Any:
            board = board.at[count % 40].set(-1)
            return jax.lax.cond(count > 20, lambda x: x[::-1] + 1, lambda x: x.at[0].multiply(3), board)

        after = jax.lax.cond(count % 3 == 0, rare, lambda x: x, board)
        collatz = jax.lax.while_loop(
            lambda x: (x[0] > 1) & (x[1] < 50),
            lambda x: (jnp.where(x[0] % 2 == 0, x[0] // 2, 3 * x[0] + 1), x[1] + 1),
            (count, jnp.int32(0)),
        )
        chosen = jax.lax.switch(
            count % 4, [lambda: jnp.float32(10), lambda: count.astype(jnp.float32), lambda: jnp.float32(-1)]
        )
        swept, sums = jax.lax.scan(lambda c, x: (c * 3 + x, c.at[2].add(x)), jnp.arange(33, dtype=jnp.int32), after)
        return [after, count + 1, collatz[1], chosen, swept, sums[7], jnp.sort(after), jnp.argmax(after)]

    _compare(_of(step, (Kind.CARRY,) * 2, board, count, lanes=lanes, steps=steps), [board, count], tmp_path)


@needs_gcc
def test_integers_at_their_edges(tmp_path: Path) -> None:
    """Overflow, division by 0, shifts beyond the last bit, and conversions out of range, for all widths."""
    kinds = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32]
    edges = [0, 1, 2, 3, 5, 7, 8, 16, 31, 32, 33, 100, 127, 128, 254, 255]
    pairs = np.array([(a, b) for a in edges for b in edges])
    signs = [np.where(np.arange(len(pairs)) % 3 == 0, -1, 1), np.where(np.arange(len(pairs)) % 5 == 0, -1, 1)]
    floats = np.array(
        [0.0, -0.0, 0.5, -1.5, 2.5, 127.6, -129.0, 3e9, -3e9, 1e20, np.inf, -np.inf, np.nan, 65535.5, 1e-3, -7]
    )
    floats = np.resize(floats, len(pairs)).astype(np.float32)
    operands: list[np.ndarray] = [floats]
    for kind in kinds:
        info = np.iinfo(kind)
        large = np.where(pairs[:, 0] > 100, info.max - 255 % info.max + pairs[:, 0] % 100, pairs[:, 0])
        operands += [(large * signs[0]).astype(kind), (pairs[:, 1] * signs[1]).astype(kind)]
        operands[-2][:4] = info.min, info.min, info.max, info.max
        operands[-1][:4] = -1 if info.min < 0 else 1, 0, info.max, 1

    def step(x: Any, *numbers: Any) -> Any:
        lax, results = jax.lax, [x, *numbers]
        for a, b in zip(numbers[0::2], numbers[1::2], strict=True):
            results += [a + b, a - b, a * b, lax.div(a, b), lax.rem(a, b), -a, abs(a), lax.sign(a)]
            results += [lax.shift_left(a, b), lax.shift_right_logical(a, b), lax.shift_right_arithmetic(a, b)]
            results += [lax.population_count(a), lax.clz(a), ~a, lax.max(a, b), a < b, lax.integer_pow(a, 3)]
            results += [lax.convert_element_type(x, a.dtype), a.astype(jnp.float32), a.astype(jnp.int8)]
        return [
            *results,
            jnp.round(x),
            lax.round(x),
            jnp.floor(x),
            jnp.isfinite(x),
            lax.rem(x, jnp.float32(0.7)),
            lax.sign(x),
        ]

    layout = (Kind.CARRY,) * len(operands)
    _compare(_of(step, layout, *operands, lanes=len(pairs), steps=1), operands, tmp_path)


@needs_gcc
def test_functions_of_floats(tmp_path: Path) -> None:
    """C's functions under CUDA's names, with infinities and NaN."""
    values = np.concatenate([np.linspace(-5, 5, 91), [0.0, -0.0, np.inf, -np.inf, np.nan, 30.0, -30.0]]).astype(
        np.float32
    )
    names = "exp exp2 expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh logistic cbrt rsqrt"
    names += " sqrt erf erfc erf_inv"

    def step(x: Any) -> Any:
        results = [getattr(jax.lax, name)(x) for name in names.split()]
        return [x, *results, jax.lax.pow(x, jnp.float32(1.5)), jax.lax.atan2(x, jnp.float32(-0.5)), 1 / x]

    _compare(_of(step, (Kind.CARRY,), values, lanes=len(values), steps=1), [values], tmp_path, 5e-6)


@needs_gcc
@pytest.mark.parametrize("id", ["CartPole-v1", "MinAtar/Breakout-v1"])
def test_environments(tmp_path: Path, id: str) -> None:
    """A rollout with resets."""
    parameters, operands = _parameters(id, 37, 60)
    _compare(parameters, operands(), tmp_path, 1e-5)


@needs_gcc
@pytest.mark.slow
@pytest.mark.parametrize("id", [id for id in jaxenvs.registry if not id.startswith("ALE/")])
def test_all_environments(tmp_path: Path, id: str) -> None:
    """Integers, keys and flags are equal for 20 steps, and floats close, for whatever can be fused."""
    try:
        parameters, operands = _parameters(id, 33, 20)
        _text(parameters)
    except (CannotFuse, jaxenvs.errors.DependencyNotInstalled) as reason:
        pytest.skip(f"{id} is not fused: {reason}")
    _compare(parameters, operands(), tmp_path, 1e-4)
    if shutil.which("nvcc"):
        assert cuda_on_host.nvcc(_text(parameters), tmp_path)["registers"] <= 255


@needs_nvcc
@pytest.mark.parametrize("id", SIX)
def test_nvcc_keeps_small_environments_in_registers(tmp_path: Path, id: str) -> None:
    """It compiles, and nothing is spilled."""
    parameters, _ = _parameters(id, 2, 1)
    assert cuda_on_host.nvcc(_text(parameters), tmp_path)["spills"] == 0


@needs_nvrtc
def test_nvrtc_compiles_without_a_gpu() -> None:
    """To machine code for one kind of GPU, and to PTX for later ones."""
    parameters, _ = _parameters("CartPole-v1", 2, 1)
    assert gpu.compile_text(_text(parameters), "sm_90")[:4] == b"\x7fELF"
    assert b".entry jaxenvs_fused" in gpu.compile_text(_text(parameters), "compute_80")
    with pytest.raises(jaxenvs.errors.JaxenvsError, match="could not compile"):
        gpu.compile_text("nonsense", "sm_90")


@pytest.mark.parametrize(
    ("capabilities", "supported", "target"),
    [
        ([(9, 0)], [75, 80, 90], "sm_90"),
        ([(8, 9), (8, 6)], [75, 80, 86, 89, 90], "sm_86"),
        ([(9, 0), (8, 0)], [75, 80, 90], "compute_80"),
        ([(12, 1)], [90, 100, 120], "sm_120"),  # later than the compiler, of a major version that it knows
        ([(12, 0)], [75, 80, 90], "compute_90"),
        ([(7, 0)], [75, 80, 90], None),
    ],
)
def test_code_runs_on_all_gpus(capabilities: list[tuple[int, int]], supported: list[int], target: str | None) -> None:
    """Machine code runs on later GPUs of the same major version only; NVRTC knows neither the latest nor old ones."""
    assert gpu.architecture(capabilities, supported) == target


@needs_nvrtc
def test_nvrtc_says_for_what_it_compiles() -> None:
    """An H100, which all versions of CUDA 12 and 13 know, is among them."""
    assert 90 in gpu._supported()


def test_lowering_for_cuda_without_a_gpu() -> None:
    """It is the scan that it stands for, if no kernel can be compiled here."""
    if gpu.missing() is None:
        pytest.skip("there is a GPU")
    f = jax.jit(lambda x: fusion.scan(lambda c, _: (c + 1, c), x, jnp.zeros((3, 4))))
    text = f.trace(jnp.zeros(4)).lower(lowering_platforms=("cuda",)).as_text()
    assert "stablehlo.while" in text and "custom_call" not in text
    assert any(word in str(gpu.missing()) for word in ("NVRTC", "driver", "GPU"))


def test_arrays_that_no_gpu_has_memory_for() -> None:
    """They are computed by XLA."""
    closed = jax.make_jaxpr(lambda x: [x.at[3].set(1.0)])(jnp.zeros(10_000))
    with pytest.raises(CannotFuse, match="bytes for each lane"):
        _text({"closed": closed, "layout": (Kind.CARRY,)})


_Launch = ctypes.CFUNCTYPE(ctypes.c_int, POINTER, *[ctypes.c_uint] * 7, POINTER, ctypes.POINTER(POINTER), POINTER)


@pytest.mark.parametrize("outcome", ["launched", "refused", "no memory", "no stream"])
def test_handler_launches_on_the_stream(outcome: str) -> None:
    """With a call frame and functions of XLA that stand for the real ones, laid out as its header says."""
    seen: dict[str, Any] = {}

    def launch(kernel: int, *rest: Any) -> int:
        *numbers, stream, parameters, extra = rest
        pointers = [ctypes.cast(parameters[k], ctypes.POINTER(ctypes.c_int64))[0] for k in range(5)]
        seen.update(kernel=kernel, numbers=numbers, stream=stream, parameters=pointers, extra=extra)
        return {"launched": 0, "no memory": 2}.get(outcome, 700)

    def stream_get(arguments: Any) -> int | None:
        assert (arguments[0], arguments[1], arguments[2]) == (32, None, 777)
        arguments[3] = 4242
        return 99 if outcome == "no stream" else None

    def error_create(arguments: Any) -> int:
        assert arguments[0] == 28 and ctypes.cast(arguments[3], POINTER).value & 0xFFFFFFFF == 13  # pyright: ignore
        seen["message"] = ctypes.string_at(arguments[2])
        return 55

    launcher, stream_function, error_function = _Launch(launch), Api(stream_get), Api(error_create)
    text = gpu.handler_text(2, 1, ctypes.cast(launcher, POINTER).value or 0, 31337)
    address = native.load(f"test of the handler: {outcome}", [native.compile_object(text)])
    functions = {"Stream_Get": stream_function, "Error_Create": error_function}
    answer = call_frame.call(address, functions, [1000, 1001], [1002], 300, 17)
    if outcome == "no stream":
        assert answer == 99 and not seen
        return
    assert seen["kernel"] == 31337 and seen["stream"] == 4242 and seen["extra"] is None
    assert seen["numbers"] == [3, 1, 1, cuda_kernel.THREADS, 1, 1, 0]
    assert seen["parameters"] == [1000, 1001, 1002, 300, 17]
    assert answer == (None if outcome == "launched" else 55)
    if outcome != "launched":
        said = b"XLA_PYTHON_CLIENT_MEM_FRACTION" if outcome == "no memory" else b"refused to launch"
        assert said in seen["message"]
