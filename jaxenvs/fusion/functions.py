"""Functions of floats.

Those of float32 are computed in float64 by short series and rounded once, so they are within one unit in the last place
of the true value, and mostly equal to it. Where a language has functions of its own, as CUDA has, they are used.
"""

import math
from collections.abc import Callable
from typing import Any

from jaxenvs.fusion.equations import CannotFuse
from jaxenvs.fusion.wide import SHORT, WIDE, Wide, constant, from_whole, signed_as
from jaxenvs.fusion.writer import Val, Writer


def _exp(x: Wide) -> Wide:
    w = x.w
    x = x.where(x.below(800.0), 800.0).where(w.not_(x.below(-800.0)), -800.0)
    k, whole = (x * (1 / math.log(2))).nearest()
    rest = k.muladd(-6.93147180369123816490e-01, x)
    rest = k.muladd(-1.90821492927058770002e-10, rest)
    series = rest.polynomial([1 / math.factorial(n) for n in range(13, -1, -1)], math.log(2) / 2)
    # 2^k in two factors, so that neither leaves the range of float64.
    half = w.op("ashr", "int64", whole, w.const(1, "int64"))
    return series * _power_of_two(w, half) * _power_of_two(w, w.op("sub", "int64", whole, half))


def _power_of_two(w: Writer, k: Val) -> Wide:
    biased = w.op("add", "int64", k, w.const(1023, "int64"))
    return Wide(w, w.op("bitcast", WIDE, w.op("shl", "int64", biased, w.const(52, "int64"))))


def _log(x: Wide) -> Wide:
    """Of positive normal numbers."""
    w = x.w
    bits = w.op("bitcast", "int64", x.value)
    # The mantissa between sqrt(1/2) and sqrt(2).
    shifted = w.op("sub", "int64", bits, w.const(0x3FE6A09E667F3BCD, "int64"))
    k = w.op("ashr", "int64", shifted, w.const(52, "int64"))
    mantissa = w.op("sub", "int64", bits, w.op("shl", "int64", k, w.const(52, "int64")))
    m = x.like(w.op("bitcast", WIDE, mantissa))
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    series = square.polynomial([2 / (2 * n + 1) for n in range(10, -1, -1)], 0.0295)  # of sqrt(2)
    return from_whole(x, k).muladd(math.log(2), s * series)


def _log_all(x: Wide) -> Wide:
    """With infinities and NaN where they belong. What float32 can be is normal in float64."""
    zero, negative = x.equals(0.0), x.below(0.0)
    result = _log(x)
    result = result.where(x.below(math.inf), x)  # infinity and NaN stay
    result = constant(x, -math.inf).where(zero, result)
    return constant(x, math.nan).where(negative, result)


def _expm1(x: Wide) -> Wide:
    series = x.polynomial([1 / math.factorial(n) for n in range(12, 0, -1)], 0.25) * x
    return series.where(x.one("fabs").below(0.25), _exp(x) - 1.0)


def _log1p(x: Wide) -> Wide:
    # For small x, log1p(x) = 2 artanh(x / (2 + x)).
    s = x / (x + 2.0)
    square = s * s
    series = square.polynomial([2 / (2 * n + 1) for n in range(8, -1, -1)], 0.0205) * s  # of -0.25
    return series.where(x.one("fabs").below(0.25), _log_all(x + 1.0))


def _tanh(x: Wide) -> Wide:
    bounded = x.where(x.below(20.0), 20.0).where(x.w.not_(x.below(-20.0)), -20.0)
    bounded = bounded.where(x.equals(x), x)
    e = _expm1(bounded * 2.0)
    return e / (e + 2.0)


def _logistic(x: Wide) -> Wide:
    return 1.0 / (_exp(x * -1.0) + 1.0)


def _sinh(x: Wide) -> Wide:
    size = x.one("fabs")
    e = _expm1(size.where(size.below(200.0), 200.0))  # infinite for float32
    return signed_as(x, (e + e / (e + 1.0)) * 0.5)


def _cosh(x: Wide) -> Wide:
    e = _exp(x)
    return (e + 1.0 / e) * 0.5


# pi/2 in two parts; the first has 33 bits, so that its products with whole numbers of 20 bits are exact.
# The distance from a multiple is right to the last bit of float32, near the multiples too, up to `_LARGE` and beyond.
_LARGE = 2.0**20
_HALF_PI = 1.57079632673412561417e00, 6.07710050650619224932e-11
_SINE = [(-1) ** n / math.factorial(2 * n + 1) for n in range(8, -1, -1)]
_COSINE = [(-1) ** n / math.factorial(2 * n) for n in range(8, -1, -1)]


def _sine(shift: int) -> Callable[[Wide], Wide]:
    def sine(x: Wide) -> Wide:
        w = x.w
        # The nearest multiple of pi/2, and the distance from it.
        k, quadrant = (x * (2 / math.pi)).nearest()
        rest = k.muladd(-_HALF_PI[1], k.muladd(-_HALF_PI[0], x))
        square = rest * rest
        sin, cos = (square.polynomial(series, math.pi**2 / 16) for series in (_SINE, _COSINE))
        quadrant = w.op("add", "int64", quadrant, w.const(shift, "int64"))
        odd = w.op("and", "int64", quadrant, w.const(1, "int64"))
        result = cos.where(w.compare("ne", odd, w.const(0, "int64")), sin * rest)
        # Every second quadrant turns the sign.
        sign = w.op("shl", "int64", w.op("lshr", "int64", quadrant, w.const(1, "int64")), w.const(63, "int64"))
        turned = w.op("xor", "int64", w.op("bitcast", "int64", result.value), sign)
        return _by_library("cos" if shift else "sin", x, x.like(w.op("bitcast", WIDE, turned)))

    return sine


def _by_library(name: str, x: Wide, result: Wide) -> Wide:
    """The result, replaced by that of the system's library for large numbers and infinity."""
    w = x.w
    large = w.compare("ge", x.one("fabs").value, w.const(_LARGE, WIDE))
    slot = w.slot(WIDE, result.value.uniform)
    w.set(slot, result.value)
    with w.when(w.any(large)):
        w.set(slot, w.select(large, w.op(name, WIDE, x.value), result.value))
    return x.like(w.get(slot))


def _tan(x: Wide) -> Wide:
    return _sine(0)(x) / _sine(1)(x)


# arctan on [0, tan(pi/8)], by its Taylor series; 22 terms leave an error below 1e-17.
_ARCTAN = [(-1) ** n / (2 * n + 1) for n in range(21, -1, -1)]


def _atan(x: Wide) -> Wide:
    """By the angle's difference from 0, pi/4 or pi/2."""
    size = x.one("fabs")
    large, middle = size.w.not_(size.below(1 + math.sqrt(2))), size.w.not_(size.below(math.sqrt(2) - 1))
    reduced = (-1.0 / size).where(large, ((size - 1.0) / (size + 1.0)).where(middle, size))
    base = constant(x, math.pi / 2).where(large, constant(x, math.pi / 4).where(middle, 0.0))
    square = reduced * reduced
    return signed_as(x, base + square.polynomial(_ARCTAN, 0.1716) * reduced)


def _atan2(y: Wide, x: Wide) -> Wide:
    w = x.w
    size_y, size_x = y.one("fabs"), x.one("fabs")
    ratio = size_y / size_x
    same = w.op("and", "bool", size_y.equals(math.inf), size_x.equals(math.inf))
    ratio = constant(x, 1.0).where(same, ratio)
    both_zero = w.op("and", "bool", size_y.equals(0.0), size_x.equals(0.0))
    ratio = constant(x, 0.0).where(both_zero, ratio)
    angle = _atan(ratio)
    negative = w.compare("lt", w.op("bitcast", "int64", x.value), w.const(0, "int64"))
    return signed_as(y, (math.pi - angle).where(negative, angle))


def _asin(x: Wide) -> Wide:
    return _atan2(x, ((1.0 - x) * (x + 1.0)).one("sqrt"))


def _acos(x: Wide) -> Wide:
    return _atan2(((1.0 - x) * (x + 1.0)).one("sqrt"), x)


def _asinh(x: Wide) -> Wide:
    size = x.one("fabs")
    square = size * size
    root = (square + 1.0).one("sqrt")
    return signed_as(x, _log1p(size + square / (root + 1.0)).where(size.below(1e150), _log_all(size) + math.log(2)))


def _acosh(x: Wide) -> Wide:
    return constant(x, math.nan).where(x.below(1.0), _log_all(x + ((x - 1.0) * (x + 1.0)).one("sqrt")))


def _atanh(x: Wide) -> Wide:
    return (_log1p(x) - _log1p(x * -1.0)) * 0.5


def _cbrt(x: Wide) -> Wide:
    size = x.one("fabs")
    root = _exp(_log(size) / 3.0)
    root = root - (root * root * root - size) / (root * root * 3.0)
    special = x.w.op("or", "bool", x.equals(0.0), x.w.not_(size.below(math.inf)))
    return x.where(special, signed_as(x, root))


def _rsqrt(x: Wide) -> Wide:
    return 1.0 / x.one("sqrt")


def _exp2(x: Wide) -> Wide:
    return _exp(x * math.log(2))


# Near 0 by the Taylor series, elsewhere by the continued fraction of erfc.
def _erf(x: Wide) -> Wide:
    size = x.one("fabs")
    square = x * x
    near = square.polynomial([(-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(18, -1, -1)])
    near = near * x * (2 / math.sqrt(math.pi))
    far = signed_as(x, 1.0 - _erfc_far(size))
    return near.where(size.below(1.5), far)


def _erfc_far(size: Wide) -> Wide:
    """Erfc of numbers from 1.5 on, by 40 terms of its continued fraction (Abramowitz and Stegun 7.1.14)."""
    bounded = size.where(size.below(27.0), 27.0)
    bounded = bounded.where(size.equals(size), size)
    fraction = bounded
    for n in range(40, 0, -1):
        fraction = bounded + (n / 2) / fraction
    return _exp(bounded * bounded * -1.0) / (fraction * math.sqrt(math.pi))


def _erfc(x: Wide) -> Wide:
    size = x.one("fabs")
    far = _erfc_far(size)
    far = (2.0 - far).where(x.below(0.0), far)
    return (1.0 - _erf(x)).where(size.below(1.5), far)


# M. Giles, "Approximating the erfinv function", 2010, single precision, as XLA.
_ERF_INV_NEAR = [
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
]  # fmt: skip
_ERF_INV_FAR = [
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
    -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
]  # fmt: skip


def _erf_inv(x: Wide) -> Wide:
    w = x.w
    distance = _log1p(x * x * -1.0) * -1.0
    near = distance.below(5.0)
    t = (distance - 2.5).where(near, distance.one("sqrt") - 3.0)
    result: Any = constant(x, _ERF_INV_NEAR[0]).where(near, _ERF_INV_FAR[0])
    for a, b in zip(_ERF_INV_NEAR[1:], _ERF_INV_FAR[1:], strict=True):
        result = result.muladd(t, constant(x, a).where(near, b))
    end = x.one("fabs").equals(1.0)
    return (x * math.inf).where(end, result * x) if w else result


def _pow(x: Wide, y: Wide) -> Wide:
    w = x.w
    size = x.one("fabs")
    result = _exp(_log_bounded(size) * y)
    result = _infinite_power(size, y, result)
    whole = y.one("floor")
    is_whole = w.compare("eq", whole.value, y.value)
    half = (y * 0.5).one("floor")
    is_odd = w.op("and", "bool", is_whole, w.compare("ne", (half * 2.0).value, y.value))
    negative = w.compare("lt", w.op("bitcast", "int64", x.value), w.const(0, "int64"))
    result = (result * -1.0).where(w.op("and", "bool", negative, is_odd), result)
    undefined = w.op("and", "bool", w.op("and", "bool", x.below(0.0), w.not_(is_whole)), y.one("fabs").below(math.inf))
    undefined = w.op("and", "bool", undefined, size.below(math.inf))
    result = constant(x, math.nan).where(undefined, result)
    nan = w.op("or", "bool", w.not_(x.equals(x)), w.not_(y.equals(y)))
    result = constant(x, math.nan).where(nan, result)
    one = w.op("or", "bool", x.equals(1.0), y.equals(0.0))
    minus = w.op("and", "bool", x.equals(-1.0), y.one("fabs").equals(math.inf))
    return constant(x, 1.0).where(w.op("or", "bool", one, minus), result)


def _log_bounded(size: Wide) -> Wide:
    """The logarithm, as if 0 were very small and infinity very large."""
    size = size.where(size.below(1e300), 1e300)
    return _log(size.where(size.w.not_(size.below(1e-300)), 1e-300))


def _infinite_power(size: Wide, y: Wide, result: Wide) -> Wide:
    """Powers of 0 and of infinity, and with infinite exponents."""
    w = size.w
    infinite = w.op("and", "bool", y.one("fabs").equals(math.inf), w.not_(size.equals(1.0)))
    base = w.op("or", "bool", size.equals(0.0), size.equals(math.inf))
    infinite = w.op("or", "bool", infinite, base)
    grows = w.op("xor", "bool", size.below(1.0), w.compare("gt", y.value, w.const(0, WIDE)))
    return constant(size, math.inf).where(grows, 0.0).where(infinite, result)


def remainder(w: Writer, x: Val, y: Val) -> Val:
    """The remainder of `x / y` with the sign of `x`, exact: C's `fmod`."""
    native = w.function("fmod", x, y)
    if native is not None:
        return native
    if x.dtype != "float32":
        return w.op("rem", x.dtype, x, y)
    kind = x.dtype
    zero, size, divisor = w.const(0, kind), w.op("fabs", kind, x), w.op("fabs", kind, y)
    # Rounding may make the whole quotient one too large, never too small, so the remainder is exact, or negative and
    # then exact after one addition.
    quotient = w.op("trunc", kind, w.op("div", kind, size, divisor))
    less = w.op("sub", kind, zero, quotient)
    rest = w.op("fma", kind, less, divisor, size)
    rest = w.select(w.compare("lt", rest, zero), w.op("add", kind, rest, divisor), rest)
    rest = w.select(w.compare("eq", divisor, w.const(math.inf, kind)), size, rest)
    rest = w.op("copysign", kind, rest, x)
    # Large quotients have no fraction left, and infinite ones come from x or y.
    large = w.not_(w.compare("lt", quotient, w.const(2.0**22, kind)))
    if w.any(large).const is not None:
        return w.op("rem", kind, x, y)
    slot = w.slot(kind, rest.uniform)
    w.set(slot, rest)
    with w.when(w.any(large)):
        w.set(slot, w.select(large, w.op("rem", kind, x, y), rest))
    return w.get(slot)


ACCURATE = {"sin", "cos", "tan", "exp", "log", "atan", "atan2", "asin", "acos", "rsqrt"}
"""Functions whose series reach the accuracy of float64, to a few units in the last place."""


def _narrow(name: str, function: Callable[..., Wide]) -> Callable[..., Val]:
    def narrow(w: Writer, *xs: Val) -> Val:
        key = (name, *xs)
        known = w.known(key)
        if known is None:
            known = computed(w, *xs)
            w.remember(key, known)
        return known

    def computed(w: Writer, *xs: Val) -> Val:
        native = w.function(name, *xs)
        if native is not None:
            return native
        if xs[0].dtype == "float64" and name in ACCURATE:
            return function(*[Wide(w, x) for x in xs]).value
        if xs[0].dtype != "float32":
            raise CannotFuse(f"`{name}` of {xs[0].dtype} is not supported")
        wide = function(*[Wide(w, w.convert(x, WIDE), SHORT) for x in xs])
        return w.convert(wide.value, "float32")

    return narrow


def _nan_kept(function: Callable[[Wide], Wide]) -> Callable[[Wide], Wide]:
    return lambda x: function(x).where(x.equals(x), x)


FUNCTIONS: dict[str, Callable[..., Val]] = {
    name: _narrow(name, function)
    for name, function in {
        "exp": _nan_kept(_exp),
        "exp2": _nan_kept(_exp2),
        "expm1": _nan_kept(_expm1),
        "log": _log_all,
        "log1p": _log1p,
        "sin": _sine(0),
        "cos": _sine(1),
        "tan": _tan,
        "asin": _asin,
        "acos": _acos,
        "atan": _atan,
        "atan2": _atan2,
        "sinh": _nan_kept(_sinh),
        "cosh": _nan_kept(_cosh),
        "tanh": _tanh,
        "asinh": _asinh,
        "acosh": _acosh,
        "atanh": _atanh,
        "logistic": _nan_kept(_logistic),
        "cbrt": _cbrt,
        "rsqrt": _rsqrt,
        "erf": _erf,
        "erfc": _erfc,
        "erf_inv": _erf_inv,
        "pow": _pow,
    }.items()
}
"""For each primitive, a function of a writer and its operands."""
