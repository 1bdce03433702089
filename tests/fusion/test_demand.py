"""What is computed and put into memory only where it is needed: right values, and text that leaves things out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.fusion.kernel import write
from jaxenvs.fusion.layout import Kind
from jaxenvs.fusion.program import program
from tests.fusion.comparison import both, by_kernel, differences

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
LANES = 37


def text_of(function, *shapes):
    """The kernel of a step that carries int32 arrays of these shapes and puts out a function of them."""
    closed = jax.make_jaxpr(lambda *xs: (*xs, function(*xs)))(*[jnp.zeros(shape, jnp.int32) for shape in shapes])
    return write(program(closed, [False] * len(shapes)), (Kind.CARRY,) * len(shapes)).task


def mixed(x):
    x = x * 2146121005
    x = (x ^ (x >> 15)) * 747796405
    return (x ^ (x >> 16)) % 7


def drawn_or_blank(size):
    """Random symbols up to a length; blanks after it."""
    place = jnp.arange(size, dtype=jnp.int32)
    return lambda key, length: jnp.where(place < length, mixed(key + place), 9)


@pytest.mark.parametrize("size", [14, 48])
def test_symbols_after_the_end_are_computed_only_if_a_lane_has_them(size):
    text = text_of(drawn_or_blank(size), (), ())
    # A condition for each symbol, which stands in a loop if they are many.
    assert text.count("llvm.vector.reduce.or.v16i1(<16 x i1> %") == (size if size < 16 else 1)
    cheap = text_of(lambda key, length: jnp.where(jnp.arange(size) < length, key, 9), (), ())
    assert "reduce.or" not in cheap
    random = np.random.default_rng(0)
    key, length = random.integers(-(2**31), 2**31, LANES), random.integers(-2, size + 2, LANES)
    length[:16] = 3  # a group that leaves most of them out
    assert not differences(*both(drawn_or_blank(size), key.astype(np.int32), length.astype(np.int32)))


def test_cases_that_are_needed_elsewhere_too_are_computed_at_once():
    def function(key, length):
        symbols = mixed(key + jnp.arange(20, dtype=jnp.int32))
        return jnp.where(jnp.arange(20) < length, symbols, 9) + symbols.sum()

    assert "reduce.or" not in text_of(function, (), ())


def test_choices_within_choices():
    def function(key, length):
        place = jnp.arange(48, dtype=jnp.int32)
        symbols = mixed(key + place)
        inner = jnp.where(place % 3 == length % 3, mixed(symbols * 3), symbols)
        return jnp.where(place < length, inner, jnp.where(place > 40, mixed(symbols + 1), place)), inner[:5]

    random = np.random.default_rng(0)
    key, length = random.integers(-(2**31), 2**31, LANES), random.integers(-2, 50, LANES)
    assert not differences(*both(function, key.astype(np.int32), length.astype(np.int32)))


def test_what_one_loop_reads_twice_is_not_put_into_memory():
    def function(x):
        y = x * 3 + 1
        z = y ^ (y >> 3)
        return z * (z >> 1)

    written, once = (text_of(f, (48,)) for f in (function, lambda x: x * 3 + 1))
    assert written.count("alloca") == once.count("alloca")
    x = np.random.default_rng(0).integers(-(2**31), 2**31, (LANES, 48)).astype(np.int32)
    assert not differences(*both(function, x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("divisor", [1.1, -3.0, 0.02, 1e30, 1e-30, 1e-39, np.inf, np.nan, 0.0, -0.0])
def test_division_by_a_known_number_is_that_of_xla(divisor, dtype):
    with jax.enable_x64(dtype == "float64"):
        x = np.concatenate([np.random.default_rng(0).normal(size=500), [0.0, -0.0, np.inf, -np.inf, np.nan]])
        function = lambda x: x / np.asarray(divisor, dtype)  # noqa: E731
        fused, expected = both(function, x.astype(dtype))
    np.testing.assert_array_equal(fused, expected)
    np.testing.assert_array_equal(np.signbit(fused), np.signbit(expected))


def test_division_by_a_number_whose_inverse_is_not_normal_is_a_division():
    x = np.full(LANES, 1.5e38, np.float32)
    np.testing.assert_array_equal(by_kernel(lambda x: x / np.float32(3e38), x), np.full((1, LANES), 0.5))
