"""Reading a jaxpr: what is uniform, what is left out, and that each equation is read once."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import jaxprs_in_params

from jaxenvs import fusion
from jaxenvs.core.alone import bind
from jaxenvs.core.kept import kept
from jaxenvs.fusion import flow, kernel, native, primitives
from jaxenvs.fusion import program as program_module
from jaxenvs.fusion.equations import CannotFuse, count, structure
from jaxenvs.fusion.layout import Kind
from jaxenvs.fusion.program import program

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")


def read(function, *arguments, uniform):
    closed = jax.make_jaxpr(function)(*arguments)
    return program(closed, uniform)


def test_what_only_lays_out_arrays_over_devices_is_not_read():
    mesh = jax.make_mesh((1,), ("d",), axis_types=(jax.sharding.AxisType.Explicit,))
    with jax.set_mesh(mesh):
        block = read(lambda x: jax.sharding.reshard(x, jax.sharding.PartitionSpec("d")), jnp.ones(4), uniform=[False])
    assert not block.equations


def test_the_branch_of_the_platform_is_read():
    def function(x):
        return lax.platform_dependent(x, cpu=lambda x: x + 1, cuda=lambda x: x * 2, default=lambda x: x - 3)

    closed = jax.make_jaxpr(function)(1.0)
    for platform, operation in (("cpu", "add"), ("cuda", "mul"), ("tpu", "sub")):
        assert [x.op for x in program(closed, [False], platform).equations] == [operation]
    alone = jax.make_jaxpr(lambda x: lax.platform_dependent(x, tpu=lambda x: x))(1.0)
    with pytest.raises(CannotFuse, match="no branch for the platform cpu"):
        program(alone, [False])


def marks(block):
    return [isinstance(x, np.ndarray) or x.uniform for x in block.outputs]


def test_a_counter_is_uniform_unless_lanes_leave_the_loop_at_different_times():
    def function(limit, x):
        def until(limit):
            return lax.while_loop(lambda c: c[0] < limit, lambda c: (c[0] + 1, c[1] * 2, c[2]), (0, x, limit))

        return *until(5), *until(limit)

    block = read(function, 3, 1.0, uniform=[False, False])
    assert marks(block) == [True, False, True, False, False, False]
    block = read(function, 3, 1.0, uniform=[True, True])
    assert all(marks(block))


def test_what_differs_in_an_inner_loop_differs_in_the_outer_one():
    def function(x):
        def outer(c, _):
            shared, own, late = c
            inner = lax.fori_loop(0, 3, lambda _, y: y + own, shared * 0)
            return (shared + 1, late, inner), shared

        return lax.scan(outer, (0, 0, x), None, length=4)

    block = read(function, 1, uniform=[False])
    assert marks(block) == [True, False, False, True]


def test_loops_within_loops_are_read_once(monkeypatch):
    calls = []
    from jaxenvs.fusion import program as module

    equation = module._Builder.equation
    monkeypatch.setattr(module._Builder, "equation", lambda self, *xs: calls.append(0) or equation(self, *xs))

    def nested(depth, x):
        """Counts by what differs between lanes, which is found out only when the loop has been read."""
        if depth == 0:
            return x
        count = lambda c: (c[0] + c[1], nested(depth - 1, c[1]))  # noqa: E731
        return lax.while_loop(lambda c: c[0] < depth, count, (0, x))[1]

    def size(jaxpr):
        return sum(1 + sum(map(size, jaxprs_in_params(e.params))) for e in jaxpr.eqns)

    closed = jax.make_jaxpr(lambda x: nested(6, x))(1)
    program(closed, [False])
    assert len(calls) == size(closed.jaxpr)


def test_what_is_only_there_for_xla_is_left_out():
    found = []
    block = read(lambda x: kept.bind(x) + 1, jnp.ones(3), uniform=[False])
    structure(block, lambda equation: found.append(equation.op))
    assert found == ["add"]


@pytest.mark.parametrize("inner", [False, True])
def test_a_program_that_keeps_values_rounds_each_product_and_sum(inner):
    """So they agree with NumPy to the last bit; other programs may contract them."""

    def function(x, y, z):
        def computed(z):
            return x * y + kept.bind(z)

        return lax.fori_loop(0, 1, lambda _, z: computed(z), z) if inner else computed(z)

    x, y, z = np.random.default_rng(0).normal(size=(3, 4096)).astype(np.float32)
    fused = jax.jit(jax.vmap(lambda *xs: fusion.call(function, *xs)))
    assert "@jaxenvs_" in fused.lower(x, y, z).as_text()
    np.testing.assert_array_equal(fused(x, y, z), x * y + z)


@pytest.mark.parametrize("length", ["long", "in parts", "in parts, by another llvmlite"])
def test_a_long_kernel_computes_the_same(length, monkeypatch, tmp_path):
    compile_object, calls = native.compile_object, []
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "LONG", 0)
    if length != "long":
        monkeypatch.setattr(kernel, "LONG", 0)
        monkeypatch.setattr(flow, "PART", 1)
    monkeypatch.setattr(native, "_IS_KNOWN", length != "in parts, by another llvmlite")
    monkeypatch.setattr(native, "compile_object", lambda *xs: calls.append(0) or compile_object(*xs))

    # A kernel that is there would not be compiled again.
    factor = {"long": 1.5, "in parts": 1.25, "in parts, by another llvmlite": 1.125}[length]

    def step(x, _):
        large = lax.cumsum(jnp.tile(x, 20)) + jnp.sin(x).sum() * jnp.sin(x[:2]).max()
        y = lax.fori_loop(0, 7, lambda i, y: jnp.where(y[i % 3] > 2, y / 3, y * factor).at[i % 3].add(1), x)
        z = lax.while_loop(lambda z: z.sum() < 9, lambda z: z + jnp.where(z[0] > 1, 1, 2 + jnp.sin(1e4 * z[1])), y)
        large = lax.fori_loop(0, 5, lambda i, large: large.at[i * 3].add(large[i + 30] * z[0]), large)
        nearest = jnp.min(jnp.maximum(jnp.abs(large)[:, None], jnp.exp(z / 9)[None]), 1)
        return lax.cond(z.max() > 4, lambda: jnp.clip(jnp.sort(large)[:3], -2, 2), lambda: z), (nearest, large)

    x = jnp.linspace(-1, 3, 60, dtype=jnp.float32).reshape(20, 3)
    result = jax.jit(lambda x: fusion.scan(step, x, length=5))(x)
    assert len(calls) == 1 if length == "long" else len(calls) > 5
    expected = jax.jit(lambda x: lax.scan(jax.vmap(step, (0, None)), x, length=5))(x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), result, expected)


def test_what_fails_while_parts_are_compiled_ends_the_threads(monkeypatch, tmp_path):
    """An operation that no kernel has, at the end of a program whose parts are being compiled; and Ctrl-C."""
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    monkeypatch.setattr(kernel, "LONG", 0)
    monkeypatch.setattr(flow, "PART", 1)
    begun, compile_object = [], native.compile_object
    monkeypatch.setattr(native, "compile_object", lambda *xs: begun.append(1) or compile_object(*xs))

    def threads():
        return [x for x in threading.enumerate() if "ThreadPoolExecutor" in x.name]

    def step(x, _):
        for _ in range(6):
            x = lax.fori_loop(0, 9, lambda i, x: x + lax.cumsum(jnp.tile(x, 20))[i] / 99, x)
        return jnp.linalg.qr(x.reshape(2, 2))[0].reshape(4), None

    x = jnp.linspace(-1, 3, 80, dtype=jnp.float32).reshape(20, 4)
    result = jax.jit(lambda x: fusion.scan(step, x, length=2)[0])(x)
    expected = jax.jit(lambda x: lax.scan(jax.vmap(step, (0, None)), x, length=2)[0])(x)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    assert begun and not threads()

    def interrupted(*_):
        raise KeyboardInterrupt

    def failing(*_):
        raise RuntimeError("a part")

    def scan(factor):
        return fusion.scan(lambda x, _: (lax.fori_loop(0, 9, lambda _, x: x * factor, x), None), x, length=2)[0]

    monkeypatch.setattr(kernel._KernelWriter, "_carry", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scan(1.25)
    assert not threads()
    monkeypatch.undo()
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    monkeypatch.setattr(kernel, "LONG", 0)
    monkeypatch.setattr(flow, "PART", 1)
    monkeypatch.setattr(native, "compile_object", failing)
    with pytest.raises(RuntimeError, match="a part"):
        scan(1.25)
    assert not threads()
    monkeypatch.undo()
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    np.testing.assert_allclose(scan(1.25), x * np.float32(1.25**18), rtol=1e-5)


def text_of(function, *shapes):
    """The text of a kernel of arrays of float32."""
    block = read(function, *[jnp.ones(shape, jnp.float32) for shape in shapes], uniform=[False] * len(shapes))
    return kernel.write(block, (Kind.OWN_STEP,) * len(shapes)).task


@pytest.mark.parametrize("reduction", [jnp.min, jnp.max, jnp.sum, jnp.any, jnp.all], ids=lambda f: f.__name__)
def test_a_long_kernel_reduces_few_elements_to_the_same_bits(reduction, monkeypatch, tmp_path):
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    random = np.random.default_rng(0)
    x, y = (random.choice(np.float32([0, -0.0, 1, -3, 1e30, np.inf, np.nan, 0.7]), (64, n)) for n in (20, 5))

    def function(x, y):
        values = jnp.sin(x[:, None]) * y[None] - jnp.cos(y)[None] / (x[:, None] - 1)
        return reduction(values > 0 if reduction in (jnp.any, jnp.all) else values, 1).astype(jnp.float32)

    short = jax.jit(jax.vmap(lambda x, y: fusion.call(function, x, y)))(x, y)
    monkeypatch.setattr(kernel, "LONG", 0)
    monkeypatch.setattr(native, "kept", lambda _: None)
    monkeypatch.setattr(primitives, "_registered", {})
    texts, write, digest = [], kernel.write, native.digest
    monkeypatch.setattr(kernel, "write", lambda *xs, **names: texts.append(write(*xs, **names)) or texts[0])
    monkeypatch.setattr(native, "digest", lambda *xs: digest("long", *xs))
    long = jax.jit(jax.vmap(lambda x, y: fusion.call(function, x, y)))(x, y)
    assert "call <16 x float> @called" in texts[0].task
    np.testing.assert_array_equal(np.signbit(long) & ~np.isnan(long), np.signbit(short) & ~np.isnan(short))
    np.testing.assert_array_equal(long, short)


def test_a_jitted_function_that_is_called_twice_is_one_block_whose_equations_count_once(monkeypatch):
    inner = jax.jit(lambda x: jnp.sin(x) * 2 + 1)
    block = read(lambda x: inner(inner(x)), 1.0, uniform=[False])
    assert count(block) == 6
    monkeypatch.setattr(program_module, "_WORTH_SHARING", 0)
    block = read(lambda x: inner(inner(x)), 1.0, uniform=[False])
    assert [x.op for x in block.equations] == ["call", "call"]
    assert count(block) == 5


def test_a_rule_of_many_operations_is_written_once_whatever_is_reduced():
    def lines(rows):
        return len(text_of(lambda x, y: jnp.min(jnp.sin(x[:, None] * y[None]), 1), (rows,), (8,)).split("\n"))

    assert lines(31) < lines(5)  # which are few enough to be written out


def test_the_greater_of_two_numbers_is_one_operation():
    text = text_of(jnp.maximum, (), ())
    assert text.count("= call <16 x float> @llvm.maximum") == 1
    assert "fcmp" not in text


def test_equal_addresses_and_known_comparisons_of_flags_are_written_once_or_not_at_all():
    def function(x, y):
        same = (x > 0) == np.ones(40, bool)
        return lax.fori_loop(0, 40, lambda i, y: y + jnp.where(same[3], x[5], x[5] * 2), y)

    text = text_of(function, (40,), ())
    assert "icmp eq <16 x i1>" not in text
    addresses = [x.split(" = ")[1] for x in text.split("\n") if "getelementptr inbounds" in x and "%b" in x]
    assert len(addresses) == len(set(addresses))


def test_a_single_lane_that_xla_computes_as_two_is_one():
    function = jax.jit(lambda x: [x * 2])
    block = read(lambda x: bind(function, x), jnp.ones((1, 3), jnp.float32), uniform=[False])
    shapes = []
    structure(block, lambda equation: shapes.extend(x.shape for x in equation.outputs))
    assert shapes == [(1, 3)]


def test_a_single_lane_that_xla_computes_as_two_is_traced_once():
    traced = []
    inner = jax.jit(lambda x: traced.append(x.shape) or x * 3)
    function = jax.jit(lambda x: [inner(x)])

    def step(x, _):
        return bind(function, x[None])[0][0], None

    jax.jit(lambda x: fusion.scan(step, x, length=2)).lower(jnp.ones(32, jnp.float32))
    assert traced == [(1,)]
