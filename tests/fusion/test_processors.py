"""Kernels for other processors than this one, as far as this one runs them: narrower vectors, fewer instructions."""

import platform
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")

from jaxenvs.fusion import handler, kernel, native
from jaxenvs.fusion import scan as scan_lanes
from jaxenvs.fusion.lanes import lane_program
from jaxenvs.fusion.layout import Kind
from jaxenvs.fusion.program import program
from tests.fusion.comparison import differences, edges, pairs

PROCESSORS = {
    "x86_64": {
        "x86-64": (),
        "sandybridge": ("avx",),  # the least that JAX runs on
        "haswell": ("avx2", "fma", "bmi2"),
        "skylake-avx512": ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"),
    },
    "aarch64": {"generic": (), "neoverse-n1": ("lse",), "neoverse-v1": ("lse", "sve")},
    "arm64": {"generic": ()},
}
"""Names in LLVM, and what this processor must have to run code for them; by machine."""


def _runs(name):
    has = native.host()[1].split(",")
    return all(f"+{feature}" in has for feature in PROCESSORS[platform.machine()][name])


def _operations(x, y, i, j, flag, key):
    """Arithmetic, functions, conversions, shifts, look-ups, a loop and random numbers."""
    table = jnp.arange(40, dtype=jnp.int32) * 3
    near = jnp.where(jnp.abs(x) < 50, x, 0.5)
    contracted = jnp.abs(x) * jnp.abs(y) + 1.0  # into one operation, where there is one; a difference would show it
    return {
        "floats": (x + y, contracted, x / y, lax.rem(near, jnp.float32(0.7)), lax.max(x, y), lax.clamp(y, x, x * 2)),
        "functions": [f(near) for f in (lax.exp, lax.sin, lax.tanh, lax.floor, jnp.round)],
        "converted": [lax.convert_element_type(x, kind) for kind in (jnp.int8, jnp.uint8, jnp.int32, jnp.uint32)],
        "integers": (i * j, lax.div(i, j), lax.rem(i, j), lax.shift_left(i, j), lax.shift_right_arithmetic(i, j)),
        "bits": (lax.clz(i), lax.population_count(i), (i.astype(jnp.uint32) >> 3).astype(jnp.uint16)),
        "flags": (flag & (x < y), (x == y) | (i >= j), ~flag),
        "looked up": (table[i % 40], table.at[i % 40].set(j)[::3]),
        "loop": lax.while_loop(lambda c: c[0] < jnp.abs(i) % 7, lambda c: (c[0] + 1, c[1] * 3 + j), (jnp.int32(0), i)),
        "random": (jax.random.uniform(key, (3,)), jax.random.bits(key)),
    }


def _results():
    """Of a kernel for the processor that `native.host` names."""
    x, y = pairs(edges("float32"), edges("float32"))
    i, j = (np.resize(each, x.shape) for each in pairs(edges("int32"), edges("int32")))
    keys = jax.random.split(jax.random.key(0), len(x))
    rows = jax.tree.map(lambda each: jnp.asarray(each)[None], (x, y, i, j, x < y, keys))
    lanes = jnp.zeros(len(x), jnp.int32)
    return jax.jit(lambda rows: scan_lanes(lambda carry, row: (carry, _operations(*row)), lanes, rows)[1])(rows)


@pytest.fixture(scope="module")
def expected():
    return jax.block_until_ready(_results())


@pytest.mark.parametrize("name", PROCESSORS.get(platform.machine(), []))
def test_other_vectors_and_instructions_give_the_same(name, expected, monkeypatch, tmp_path):
    if not _runs(name):
        pytest.skip(f"this processor is less than {name}")
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "host", lambda: (name, ""))
    found = differences(_results(), expected, 2e-6)
    assert list((tmp_path / "kernels").iterdir()), "this processor's kernel was used"
    assert not found


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have the instruction")
def test_without_an_instruction_for_products_and_sums_none_is_emulated(monkeypatch):
    """The system's library takes 70 ns for one lane's, and a function has a dozen of them."""
    texts = []
    compile_object = native.compile_object
    monkeypatch.setattr(native, "host", lambda: ("sandybridge", ""))
    monkeypatch.setattr(native, "compile_object", lambda *xs: texts.append(compile_object(*xs)) or texts[-1])
    monkeypatch.setattr(native, "kept", lambda path: None)
    jax.block_until_ready(scan_lanes(lambda x, _: (lax.exp(lax.sin(x)), None), jnp.zeros(16), length=1))
    (code,) = texts
    assert b"\0fma\0" not in code


def test_kernels_for_arm_need_only_the_c_library(monkeypatch):
    """LLVM can write code for ARM here too; what it cannot write in line, it leaves to helpers that no process has."""
    scalars = [jax.ShapeDtypeStruct((), kind) for kind in ("float32", "float32", "int32", "int32", "bool")]
    lane = lane_program(_operations, [*scalars, jax.eval_shape(jax.random.key, 0)])
    layout = (Kind.OWN_STEP,) * len(lane.closed.in_avals)
    written = kernel.write(program(lane.closed, [False] * len(layout)), layout)
    sizes = [x.size * x.dtype.itemsize for x in lane.closed.out_avals]
    text = handler.of_task(written, len(layout), sizes, 0, kernel.GROUP)
    binding, triple = native.llvm, "aarch64-unknown-linux-gnu"
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    options = {"opt": 2, "reloc": "default", "codemodel": "jitdefault", "jit": True}
    monkeypatch.setattr(native, "_target", lambda: binding.Target.from_triple(triple).create_target_machine(**options))
    monkeypatch.setattr(binding, "get_default_triple", lambda: triple)
    code = native.compile_object(text)
    assert code[18] == 183, "the number of the machine in the header of the file"
    assert set(re.findall(rb"__\w\w+", code)) == set()


def test_kernels_are_kept_for_one_processor_and_one_interface_of_xla(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    (name, features), (functions, version) = native.host(), handler.interface()
    later = {**functions, "Later": max(functions.values()) + 8}, version
    cases = [
        ((name, features), (functions, version)),
        (("generic", features), (functions, version)),
        (("generic", ""), (functions, version)),
        (("generic", ""), later),
    ]
    kinds = []
    for host, interface in cases:
        monkeypatch.setattr(native, "host", lambda host=host: host)
        monkeypatch.setattr(handler, "interface", lambda interface=interface: interface)
        jax.block_until_ready(scan_lanes(lambda x, _: (x * 3 + 1, None), jnp.zeros(16), length=1))
        kinds += [(host, interface)] if (host, interface) not in kinds else []  # LLVM may call this one generic too
        assert len(list((tmp_path / "kernels").iterdir())) == len(kinds)
    assert len(kinds) >= 3
