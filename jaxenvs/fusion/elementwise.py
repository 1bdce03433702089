"""JAX's operations on single numbers, as combinations of machine operations, with XLA's results at the edges."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxenvs.fusion import functions
from jaxenvs.fusion.equations import CannotFuse
from jaxenvs.fusion.wide import WIDE, whole_of
from jaxenvs.fusion.writer import Val, Writer

Operation = Callable[..., Val]


def _is_float(dtype: str) -> bool:
    return dtype[0] == "f"


def _bits(dtype: str) -> int:
    return np.dtype(dtype).itemsize * 8


def _machine(op: str) -> Operation:
    return lambda w, p, *xs: w.op(op, xs[0].dtype, *xs)


def _compare(op: str) -> Operation:
    return lambda w, p, x, y: w.compare(op, x, y)


def _div(w: Writer, p: Any, x: Val, y: Val) -> Val:
    if _is_float(x.dtype):
        inverse = _inverse(y)
        return w.op("div", x.dtype, x, y) if inverse is None else w.op("mul", x.dtype, x, w.const(inverse, x.dtype))
    minus_one = w.const(-1, x.dtype)
    if y.const is not None and y.const not in (0, -1):
        return w.op("div", x.dtype, x, y)
    return w.select(w.compare("eq", y, w.const(0, x.dtype)), minus_one, _quotient(w, p, x, y))


def _inverse(y: Val) -> Any:
    """What XLA multiplies by instead of dividing by a known number, if that is a normal number; else None."""
    if y.const is None:
        return None
    with np.errstate(all="ignore"):
        inverse = np.dtype(y.dtype).type(1) / y.const
    return inverse if np.finfo(y.dtype).tiny <= abs(inverse) < np.inf else None


def _rem(w: Writer, p: Any, x: Val, y: Val) -> Val:
    if _is_float(x.dtype):
        return functions.remainder(w, x, y)
    if y.const is not None and y.const not in (0, -1):
        return w.op("rem", x.dtype, x, y)
    product = w.op("mul", x.dtype, _quotient(w, p, x, y), y)
    return w.select(w.compare("eq", y, w.const(0, x.dtype)), x, w.op("sub", x.dtype, x, product))


SMALL_DIVIDEND = 1 << 22
"""Of integers below it, float32 has the right quotient, cut off, whatever the divisor."""


def _quotient(w: Writer, p: Any, x: Val, y: Val) -> Val:
    """The quotient of two integers, cut off; the smallest by -1 is the smallest; anything where `y` is 0.

    Up to 32 bits it is computed with floats, whose quotient, cut off, is right: vectors have no division of integers.
    """
    if _bits(x.dtype) <= 32 and not w.divides_integers:
        kind = "float32" if _bits(x.dtype) <= 16 or p.get("small_dividend") else WIDE
        exact = w.op("div", kind, w.convert(x, kind), w.convert(y, kind))
        return w.convert(whole_of(w, w.op("trunc", kind, exact)), x.dtype)
    one, unsafe = w.const(1, x.dtype), w.compare("eq", y, w.const(0, x.dtype))
    if x.dtype[0] == "i":
        minus = w.compare("eq", y, w.const(-1, x.dtype))
        divided = w.op("div", x.dtype, x, w.select(w.op("or", "bool", unsafe, minus), one, y))
        return w.select(minus, w.op("sub", x.dtype, w.const(0, x.dtype), x), divided)
    return w.op("div", x.dtype, x, w.select(unsafe, one, y))


def _extremum(op: str) -> Operation:
    def extremum(w: Writer, p: Any, x: Val, y: Val) -> Val:
        if x.dtype == "bool":
            return w.op("or" if op == "max" else "and", "bool", x, y)
        if not _is_float(x.dtype):
            return w.op(op, x.dtype, x, y)
        x, y = (y, x) if x.const is not None else (x, y)
        if y.const is not None and np.isnan(y.const):
            return y
        native = w.function(f"{op}imum", x, y) if y.const is None else None
        if native is not None:
            return native
        # As the processor's instructions for extrema have it: `x`, unless `y` is known to be beyond it.
        beyond = "gt" if op == "max" else "lt"
        if y.const is not None and y.const == 0 and np.signbit(y.const) != (op == "max"):
            beyond = "ge" if op == "max" else "le"
        result = w.select(w.compare(beyond, y, x), y, x)
        if y.const is not None:
            return result
        result = w.select(w.compare("ne", y, y), y, result)
        # Of zeros with two signs, the greater is +0. Other equal numbers have equal bits.
        together = w.op("and" if op == "max" else "or", _word(x.dtype), _as_word(w, x), _as_word(w, y))
        return w.select(w.compare("eq", x, y), _as_float(w, together, x.dtype), result)

    return extremum


def _in_total_order(op: str) -> Operation:
    """Floats as IEEE 754 orders all of them: -0 comes before +0, and NaN is the greatest or, with a sign, the least."""

    def place(w: Writer, x: Val) -> Val:
        kind, bits = f"int{_bits(x.dtype)}", _bits(x.dtype)
        whole = w.op("bitcast", kind, x)
        sign = w.op("ashr", kind, whole, w.const(bits - 1, kind))
        return w.op("xor", kind, whole, w.op("and", kind, sign, w.const((1 << (bits - 1)) - 1, kind)))

    def compare(w: Writer, p: Any, x: Val, y: Val) -> Val:
        return w.compare(op, place(w, x), place(w, y)) if _is_float(x.dtype) else w.compare(op, x, y)

    return compare


def _neg(w: Writer, p: Any, x: Val) -> Val:
    if _is_float(x.dtype):
        sign = w.const(1 << (_bits(x.dtype) - 1), _word(x.dtype))
        return _as_float(w, w.op("xor", sign.dtype, _as_word(w, x), sign), x.dtype)
    return w.op("sub", x.dtype, w.const(0, x.dtype), x)


def _word(dtype: str) -> str:
    return f"uint{_bits(dtype)}"


def _as_word(w: Writer, x: Val) -> Val:
    return w.op("bitcast", _word(x.dtype), x)


def _as_float(w: Writer, x: Val, dtype: str) -> Val:
    return w.op("bitcast", dtype, x)


def _abs(w: Writer, p: Any, x: Val) -> Val:
    if _is_float(x.dtype):
        return w.op("fabs", x.dtype, x)
    if x.dtype[0] == "u":
        return x
    return w.select(w.compare("lt", x, w.const(0, x.dtype)), _neg(w, p, x), x)


def _sign(w: Writer, p: Any, x: Val) -> Val:
    zero, one = w.const(0, x.dtype), w.const(1, x.dtype)
    if _is_float(x.dtype):
        known = w.op("copysign", x.dtype, one, x)
        same = w.op("or", "bool", w.compare("eq", x, zero), w.compare("ne", x, x))
        return w.select(same, x, known)
    if x.dtype[0] == "u":
        return w.select(w.compare("eq", x, zero), zero, one)
    negative = w.select(w.compare("lt", x, zero), w.const(-1, x.dtype), zero)
    return w.select(w.compare("gt", x, zero), one, negative)


def _round(w: Writer, p: Any, x: Val) -> Val:
    return w.op("round_even" if int(p["rounding_method"]) == 1 else "round_away", x.dtype, x)


def _is_finite(w: Writer, p: Any, x: Val) -> Val:
    return w.compare("lt", w.op("fabs", x.dtype, x), w.const(np.inf, x.dtype))


def _shift(op: str) -> Operation:
    def shift(w: Writer, p: Any, x: Val, y: Val) -> Val:
        bits = _bits(x.dtype)
        if y.const is not None and 0 <= int(y.const) < bits:
            return w.op(op, x.dtype, x, y)
        amount = w.convert(y, _word(y.dtype)) if y.dtype[0] == "i" else y
        inside = w.compare("lt", amount, w.const(bits, amount.dtype))
        if op == "ashr":
            largest = w.const(bits - 1, y.dtype)
            return w.op(op, x.dtype, x, w.select(inside, y, largest))
        safe = w.select(inside, y, w.const(0, y.dtype))
        return w.select(inside, w.op(op, x.dtype, x, safe), w.const(0, x.dtype))

    return shift


def _square(w: Writer, p: Any, x: Val) -> Val:
    return w.op("mul", x.dtype, x, x)


def _integer_pow(w: Writer, p: Any, x: Val) -> Val:
    exponent, result, base = abs(p["y"]), None, x
    while exponent:
        if exponent & 1:
            result = base if result is None else w.op("mul", x.dtype, result, base)
        exponent >>= 1
        if exponent:
            base = w.op("mul", x.dtype, base, base)
    result = w.const(1, x.dtype) if result is None else result
    return _div(w, {}, w.const(1, x.dtype), result) if p["y"] < 0 else result


def _clamp(w: Writer, p: Any, low: Val, x: Val, high: Val) -> Val:
    return _extremum("min")(w, p, _extremum("max")(w, p, x, low), high)


def _select_n(w: Writer, p: Any, which: Val, *cases: Val) -> Val:
    if which.dtype == "bool":
        return w.select(which, cases[1], cases[0])
    result = cases[-1]
    for number in range(len(cases) - 2, -1, -1):
        result = w.select(w.compare("le", which, w.const(number, which.dtype)), cases[number], result)
    return result


def _bitcast(w: Writer, p: Any, x: Val) -> Val:
    dtype = str(np.dtype(p["new_dtype"]))
    if _bits(dtype) != _bits(x.dtype):
        raise CannotFuse("bitcast_convert_type between sizes is not supported")
    return x if dtype == x.dtype else w.op("bitcast", dtype, x)


def _reduce_precision(w: Writer, p: Any, x: Val) -> Val:
    if (p["exponent_bits"], p["mantissa_bits"]) == {"float32": (8, 23), "float64": (11, 52)}[x.dtype]:
        return x
    raise CannotFuse("reduce_precision to other sizes is not supported")


def _nextafter(w: Writer, p: Any, x: Val, y: Val) -> Val:
    """The next number from `x` towards `y`, by its bits: they are ordered as the numbers are."""
    dtype = _word(x.dtype)
    sign, one = w.const(1 << (_bits(x.dtype) - 1), dtype), w.const(1, dtype)
    zero, magnitude = w.const(0, dtype), w.not_(sign)
    bits, target = _as_word(w, x), _as_word(w, y)
    size, target_size = w.op("and", dtype, bits, magnitude), w.op("and", dtype, target, magnitude)
    other_sign = w.compare("ne", w.op("and", dtype, w.op("xor", dtype, bits, target), sign), zero)
    smaller = w.op("or", "bool", other_sign, w.compare("gt", size, target_size))
    result = w.select(smaller, w.op("sub", dtype, bits, one), w.op("add", dtype, bits, one))
    smallest = w.op("or", dtype, w.op("and", dtype, target, sign), one)
    result = w.select(w.compare("eq", size, zero), smallest, result)
    both_zero = w.compare("eq", w.op("or", dtype, size, target_size), zero)
    result = w.select(w.op("or", "bool", w.compare("eq", bits, target), both_zero), target, result)
    nan = w.op("or", "bool", w.compare("ne", x, x), w.compare("ne", y, y))
    return w.select(nan, w.const(np.nan, x.dtype), _as_float(w, result, x.dtype))


def _without_parameters(function: Callable[..., Val]) -> Operation:
    return lambda w, p, *xs: function(w, *xs)


OPERATIONS: dict[str, Operation] = {
    "add": _machine("add"),
    "add_any": _machine("add"),
    "sub": _machine("sub"),
    "mul": _machine("mul"),
    "div": _div,
    "rem": _rem,
    "max": _extremum("max"),
    "min": _extremum("min"),
    "neg": _neg,
    "abs": _abs,
    "sign": _sign,
    "floor": _machine("floor"),
    "ceil": _machine("ceil"),
    "round": _round,
    "is_finite": _is_finite,
    "eq": _compare("eq"),
    "ne": _compare("ne"),
    "lt": _compare("lt"),
    "le": _compare("le"),
    "gt": _compare("gt"),
    "ge": _compare("ge"),
    "lt_to": _in_total_order("lt"),
    "le_to": _in_total_order("le"),
    "and": _machine("and"),
    "or": _machine("or"),
    "xor": _machine("xor"),
    "not": lambda w, p, x: w.not_(x),
    "shift_left": _shift("shl"),
    "shift_right_logical": _shift("lshr"),
    "shift_right_arithmetic": _shift("ashr"),
    "population_count": _machine("popcount"),
    "clz": _machine("leading_zeros"),
    "square": _square,
    "integer_pow": _integer_pow,
    "sqrt": _machine("sqrt"),
    "nextafter": _nextafter,
    "clamp": _clamp,
    "select_n": _select_n,
    "bitcast_convert_type": _bitcast,
    "reduce_precision": _reduce_precision,
    **{name: _without_parameters(function) for name, function in functions.FUNCTIONS.items()},
}
"""Functions of (writer, parameters, operands). `convert_element_type` is the emitter's, which knows the new type."""

CHEAP = {
    "convert_element_type",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "and",
    "or",
    "not",
    "add",
    "sub",
    "select_n",
    "xor",
}
"""Operations that cost less than to write a result to memory and read it."""

COSTLY, COST_OF_COSTLY = set(functions.FUNCTIONS) | {"div", "rem"}, 40
"""Operations that cost many times as much."""
