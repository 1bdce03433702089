"""Reading a jaxpr: what is uniform, what is left out, and that each equation is read once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import jaxprs_in_params

from jaxenvs import fusion
from jaxenvs.core.alone import bind
from jaxenvs.core.kept import kept
from jaxenvs.fusion import kernel
from jaxenvs.fusion.equations import CannotFuse, structure
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
    from jaxenvs.fusion import native, parts

    compile_object, calls = native.compile_object, []
    monkeypatch.setenv("JAXENVS_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "LONG", 0)
    if length != "long":
        monkeypatch.setattr(parts, "LONG", 0)
        monkeypatch.setattr(parts, "PART", 1)
    monkeypatch.setattr(native, "_IS_KNOWN", length != "in parts, by another llvmlite")
    monkeypatch.setattr(native, "compile_object", lambda *xs: calls.append(0) or compile_object(*xs))

    # A kernel that is there would not be compiled again.
    factor = {"long": 1.5, "in parts": 1.25, "in parts, by another llvmlite": 1.125}[length]

    def step(x, _):
        large = lax.cumsum(jnp.tile(x, 20))
        y = lax.fori_loop(0, 7, lambda i, y: jnp.where(y[i % 3] > 2, y / 3, y * factor).at[i % 3].add(1), x)
        z = lax.while_loop(lambda z: z.sum() < 9, lambda z: z + jnp.where(z[0] > 1, 1, 2 + jnp.sin(1e4 * z[1])), y)
        large = lax.fori_loop(0, 5, lambda i, large: large.at[i * 3].add(large[i + 30] * z[0]), large)
        return lax.cond(z.max() > 4, lambda: jnp.clip(jnp.sort(large)[:3], -2, 2), lambda: z), (y.max(), large)

    x = jnp.linspace(-1, 3, 60, dtype=jnp.float32).reshape(20, 3)
    result = jax.jit(lambda x: fusion.scan(step, x, length=5))(x)
    assert len(calls) == 1 if length == "long" else len(calls) > 5
    expected = jax.jit(lambda x: lax.scan(jax.vmap(step, (0, None)), x, length=5))(x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), result, expected)


def text_of(function, *shapes):
    """The text of a kernel of arrays of float32."""
    block = read(function, *[jnp.ones(shape, jnp.float32) for shape in shapes], uniform=[False] * len(shapes))
    return kernel.write(block, (Kind.OWN_STEP,) * len(shapes)).task


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
