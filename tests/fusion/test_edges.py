"""Operations on single numbers, at the edges of their types, as XLA computes them.

Numbers below float32's least normal one are left out: XLA takes them for zero in some operations and not in others, and
a kernel takes them for zero wherever it calculates.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import jaxpr_as_fun

from jaxenvs.fusion import kernel
from jaxenvs.fusion import scan as scan_lanes
from jaxenvs.fusion.equations import CannotFuse
from jaxenvs.fusion.lanes import lane_program
from jaxenvs.fusion.layout import Kind, is_uniform
from jaxenvs.fusion.program import program
from tests.fusion.comparison import both, by_kernel, by_xla, differences, edges, pairs

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32"]
TYPES = ["bool", *INTEGERS, "float32"]
COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge", "max", "min"]
BITWISE = ["bitwise_and", "bitwise_or", "bitwise_xor"]
ARITHMETIC = ["add", "sub", "mul", "div", "rem"]
SHIFTS = ["shift_left", "shift_right_logical", "shift_right_arithmetic"]
OF_FLOATS = [
    "exp", "exp2", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "asinh", "acosh", "atanh", "logistic", "cbrt", "rsqrt", "sqrt", "erf", "erfc", "erf_inv", "floor", "ceil",
    "is_finite",
]  # fmt: skip


def binary(dtype):
    """The names of the operations of two numbers of a type."""
    if dtype == "bool":
        return COMPARISONS + BITWISE
    if dtype == "float32":
        return COMPARISONS + ARITHMETIC + ["nextafter", "pow", "atan2"]
    return COMPARISONS + ARITHMETIC + BITWISE + SHIFTS


@pytest.mark.parametrize("dtype", TYPES)
def test_operations_of_two_numbers(dtype):
    def all_of_them(x, y):
        return {name: getattr(lax, name)(x, y) for name in binary(dtype)}

    x, y = pairs(edges(dtype), edges(dtype))
    repeats = -(-16 // len(x))
    # XLA's own power and arc tangent are off by several units in the last place.
    assert not differences(*both(all_of_them, np.tile(x, repeats), np.tile(y, repeats)), 2e-6)


@pytest.mark.parametrize("dtype", TYPES)
def test_operations_of_one_number(dtype):
    names = ["bitwise_not"] if dtype == "bool" else ["sign", "square"]
    if dtype in INTEGERS:
        names += ["bitwise_not", "population_count", "clz"]
    if dtype == "float32":
        names += OF_FLOATS
    if dtype.startswith(("int", "float")):
        names += ["neg", "abs"]

    def all_of_them(x):
        results = {name: getattr(lax, name)(x) for name in names}
        results |= {f"as {new}": lax.convert_element_type(x, new) for new in TYPES}
        powers = () if dtype == "bool" else (-3, -1, 0, 1, 2, 3, 7) if dtype == "float32" else (0, 1, 2, 3, 7)
        results |= {f"power {k}": lax.integer_pow(x, k) for k in powers}
        if dtype == "float32":
            results |= {
                str(method): lax.round(x, method) for method in (0, 1) for method in (lax.RoundingMethod(method),)
            }
            results["bits"] = lax.bitcast_convert_type(x, jnp.uint32)
        return results

    x = edges(dtype)
    # XLA's own functions are off by several units in the last place.
    assert not differences(*both(all_of_them, np.tile(x, -(-16 // len(x)))), 4e-6)


def test_bounds_and_choices():
    def all_of_them(x, y, which):
        constants = [np.float32(c) for c in (0.0, -0.0, 1.0, np.nan)]
        return {
            "clamp": lax.clamp(y, x, x * 2),
            "max": [lax.max(x, c) for c in constants],
            "min": [lax.min(c, x) for c in constants],
            "select": lax.select_n(which, x, y, -x),
        }

    x, y = pairs(edges("float32"), edges("float32"))
    which = np.arange(len(x), dtype=np.int32) % 9 - 4  # numbers of no case as well
    assert not differences(*both(all_of_them, x, y, which))


@pytest.mark.parametrize("dtype", ["int16", "uint32", "float32"])
def test_floats_have_a_total_order(dtype):
    """As binary searches compare them: -0 before +0, and NaN last, or first if it has a sign."""
    x, y = pairs(edges(dtype), edges(dtype))

    def all_of_them(x, y):
        signed = [-x, -y] if dtype == "float32" else [x, y]
        found = [[f.bind(a, b) for f in (lax.lt_to_p, lax.le_to_p)] for a in (x, signed[0]) for b in (y, signed[1])]
        return found, jnp.searchsorted(jnp.sort(jnp.stack([x, y, x])), jnp.stack([x, y]))

    assert not differences(*both(all_of_them, x, y))


def test_constants_are_computed_as_variables_are():
    def all_of_them(x, y):
        numbers = [jnp.int32(k) for k in (4, 32, -1, 0)]
        names = [*SHIFTS, "div", "rem"]
        return [getattr(lax, name)(y, k) + x for name in names for k in numbers]

    x, least = np.arange(16, dtype=np.int32), np.int32(-(2**31))
    # XLA's own folding of such a division ends the process, so that it is given a variable.
    fused = by_kernel(lambda x: all_of_them(x, jnp.int32(least)), x)
    assert not differences(fused, by_xla(all_of_them, x, np.full(16, least)))


@pytest.mark.parametrize("dtype", ["int32", "uint32"])
@pytest.mark.parametrize("largest", [2**22 - 1, 2**31 - 1])
def test_constants_are_divided_exactly(dtype, largest):
    first, last = (-largest if dtype == "int32" else 0), largest
    dividends = np.concatenate([np.arange(first, first + 60), np.arange(last - 60, last + 1)]).astype(dtype)

    def all_of_them(y):
        return [f(dividends, jnp.full_like(dividends, y)) for f in (lax.div, lax.rem)]

    random = np.random.default_rng(0)
    near = np.arange(1, 60).repeat(4) * random.integers(1, 2**20, 236)
    assert not differences(*both(all_of_them, np.concatenate([edges(dtype), near.astype(dtype)])))


def test_numbers_below_the_least_normal_one_are_zero_on_every_thread():
    least = float(np.finfo(np.float32).tiny)
    x = np.linspace(-2 * least, 2 * least, 4097).astype(np.float32)

    def arithmetic(x):
        return x * np.float32(0.5), x + np.float32(1e-39), x * np.float32(3), x - np.float32(2e-39)

    fused, expected = both(arithmetic, x)
    for a, b in zip(fused, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(a).view(np.uint32), np.asarray(b).view(np.uint32))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: lax.convert_element_type(x, jnp.bfloat16), "bfloat16"),
        (lambda x: lax.complex(x, x), "complex64"),
        (lax.lgamma, "lgamma"),
        (lax.digamma, "digamma"),
        (lambda x: lax.igamma(x, x), "igamma"),
        (lambda x: lax.reduce_precision(x, 5, 10), "reduce_precision"),
        (lambda x: lax.top_k(x[None], 1), "top_k"),
        (lambda x: jnp.zeros(3).at[0].apply(lambda y: y * 2) + x, "scatter_apply"),
        (lambda x: jax.pure_callback(np.sin, x, x), "pure_callback"),
        (lambda x: lax.cumlogsumexp(x[None]), "cumlogsumexp"),
    ],
)
def test_what_cannot_be_fused_is_named(function, reason):
    lane = lane_program(lambda x: (x, function(x)), (jax.ShapeDtypeStruct((), jnp.float32),))
    layout = (Kind.CARRY,)
    with pytest.raises(CannotFuse, match=reason):
        kernel.write(program(lane.closed, [is_uniform(kind) for kind in layout]), layout)


# The greatest error, in units in the last place of float32, and the range where it is measured.
ACCURACY = {
    "exp": (-87, 88, 1), "exp2": (-125, 127, 1), "expm1": (-20, 88, 1), "log": (1e-37, 3e38, 1),
    "log1p": (-0.9999, 3e38, 1), "sin": (-3e38, 3e38, 1), "cos": (-3e38, 3e38, 1), "tan": (-3e38, 3e38, 1),
    "asin": (-1, 1, 1), "acos": (-1, 1, 1), "atan": (-1e30, 1e30, 1), "sinh": (-88, 88, 1), "cosh": (-88, 88, 1),
    "tanh": (-20, 20, 1), "asinh": (-3e38, 3e38, 1), "acosh": (1, 3e38, 1), "atanh": (-0.999999, 0.999999, 1),
    "logistic": (-80, 80, 1), "cbrt": (-3e38, 3e38, 1), "rsqrt": (1e-37, 3e38, 1), "sqrt": (1e-37, 3e38, 1),
    "erf": (-6, 6, 1), "erfc": (-6, 9, 1), "erf_inv": (-0.999999, 0.999999, 5),
}  # fmt: skip


def reference(name, x):
    """A function in float64."""
    from scipy import special

    own = {
        "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh,
        "atanh": np.arctanh, "logistic": special.expit, "rsqrt": lambda x: 1 / np.sqrt(x), "erf": special.erf,
        "erfc": special.erfc, "erf_inv": special.erfinv,
    }  # fmt: skip
    return own.get(name, getattr(np, name, None))(x.astype(np.float64))


@functools.cache
def samples(low, high):
    """Numbers of a range, evenly by value and by magnitude, and near multiples of pi / 2."""
    random = np.random.default_rng(0)
    even = random.uniform(low, high, 20_000)
    exponents = random.uniform(np.log(1e-30), np.log(max(abs(low), abs(high))), 20_000)
    sizes = np.exp(exponents) * random.choice([-1.0, 1.0], 20_000)
    multiples = random.integers(-(10**6), 10**6, 4_000) * (np.pi / 2)
    x = np.concatenate([even, sizes, multiples]).astype(np.float32)
    return x[(x >= np.float32(low)) & (x <= np.float32(high))]


@pytest.mark.parametrize("name", ACCURACY)
def test_functions_are_within_units_in_the_last_place(name):
    low, high, units = ACCURACY[name]
    x = samples(low, high)

    def step(state, row):
        return state, getattr(lax, name)(row)

    result = jax.jit(lambda x: scan_lanes(step, jnp.zeros(x.shape, jnp.int32), x[None])[1])(x)
    expected = reference(name, x)
    normal = np.abs(expected) >= np.finfo(np.float32).tiny
    error = np.abs(np.asarray(result)[0].astype(np.float64) - expected) / np.spacing(
        np.abs(expected).astype(np.float32)
    )
    assert error[normal].max() < units


def test_what_jax_expands_only_when_it_compiles():
    """Single equations of JAX 0.12, within which others are; beside them arrays that are large, small and traced."""
    negated = jaxpr_as_fun(jax.make_jaxpr(jnp.negative)(np.float32(0)))
    derived = jax.custom_jvp(lambda x: jnp.ldexp(x, 3))
    derived.defjvp(lambda x, dx: (derived(*x), 8 * dx[0]))
    large, small = jnp.linspace(-8, 8, 70_000), np.array([-2.0, 0.5, 4.0], np.float32)

    def all_of_them(traced, x):
        found = jnp.searchsorted(traced, x), jnp.searchsorted(large, x), jnp.digitize(x, small)
        parts = jnp.frexp(x), jnp.ldexp(x, found[0]), jnp.nonzero(jnp.stack([x > 0, x < 1, x > 3]), size=2)
        called = negated(x), derived(x), lax.cond(x > 0, lambda: jnp.interp(x, small, traced[:3]), lambda: x)
        return found, parts, called

    @jax.jit
    def by_both(traced, x):
        fused = scan_lanes(lambda carry, x: (carry, all_of_them(traced, x)), x, x[None])[1]
        return fused, jax.tree.map(lambda y: y[None], jax.vmap(lambda x: all_of_them(traced, x))(x))

    arguments = np.sort(edges("float32"))[:32], np.linspace(-9, 9, 37).astype(np.float32)
    assert "@jaxenvs_" in by_both.lower(*arguments).as_text()
    assert not differences(*by_both(*arguments))
