"""Arithmetic on float64, in which functions are computed."""

from collections.abc import Sequence
from typing import Any

from jaxenvs.fusion.writer import Val, Writer

WIDE = "float64"
"""The type that functions are computed in."""

FULL, SHORT = 53, 36
"""Bits to which series are computed: all of float64's, or enough to round to float32, where 1 in 1,000 then differs."""

# For each type, what leaves the nearest whole number in the last bits of a number that it is added to, and its bits.
_SHIFTERS = {"float32": (1.5 * 2.0**23, "int32", 0x4B400000), WIDE: (1.5 * 2.0**52, "int64", 0x4338000000000000)}
_SHIFTER = _SHIFTERS[WIDE][0]


class Wide:
    """Arithmetic on float64 with Python's operators.

    Attributes:
        w: the writer.
        value: the number.
        bits: to how many bits series are computed.
    """

    def __init__(self, writer: Writer, value: Val, bits: int = FULL) -> None:
        self.w, self.value, self.bits = writer, value, bits

    def like(self, value: Val) -> "Wide":
        """Another number, with series as accurate."""
        return Wide(self.w, value, self.bits)

    def _other(self, x: Any) -> Val:
        return x.value if isinstance(x, Wide) else self.w.const(x, WIDE)

    def _op(self, op: str, x: Val, y: Val) -> "Wide":
        return self.like(self.w.op(op, WIDE, x, y))

    def __add__(self, x: Any) -> "Wide":
        return self._op("add", self.value, self._other(x))

    def __sub__(self, x: Any) -> "Wide":
        return self._op("sub", self.value, self._other(x))

    def __rsub__(self, x: Any) -> "Wide":
        return self._op("sub", self._other(x), self.value)

    def __mul__(self, x: Any) -> "Wide":
        return self._op("mul", self.value, self._other(x))

    def __truediv__(self, x: Any) -> "Wide":
        return self._op("div", self.value, self._other(x))

    def __rtruediv__(self, x: Any) -> "Wide":
        return self._op("div", self._other(x), self.value)

    __radd__, __rmul__ = __add__, __mul__

    def muladd(self, x: Any, y: Any) -> "Wide":
        """`self * x + y`, with one rounding where the processor has an instruction for it.

        Elsewhere, an exact one would be a call of the system's library, which takes 70 ns for each lane.
        """
        return self.like(self.w.op("muladd", WIDE, self.value, self._other(x), self._other(y)))

    def one(self, op: str) -> "Wide":
        """An operation of one number."""
        return self.like(self.w.op(op, WIDE, self.value))

    def below(self, x: Any) -> Val:
        """Whether it is less than `x`."""
        return self.w.compare("lt", self.value, self._other(x))

    def equals(self, x: Any) -> Val:
        """Whether it is `x`."""
        return self.w.compare("eq", self.value, self._other(x))

    def where(self, condition: Val, otherwise: Any) -> "Wide":
        """`self` where the condition holds."""
        return self.like(self.w.select(condition, self.value, self._other(otherwise)))

    def polynomial(self, coefficients: Sequence[float], largest: float | None = None) -> "Wide":
        """The polynomial with these coefficients, that of the highest power first.

        Args:
            coefficients: of a series that converges.
            largest: the greatest size of the number. Terms that are always below the accuracy are left out.
        """
        if largest is not None:
            least, degree = abs(coefficients[-1]) * 2.0**-self.bits, len(coefficients) - 1
            left_out = [k for k in range(degree) if abs(coefficients[k]) * largest ** (degree - k) < least]
            coefficients = coefficients[len(left_out) :]
        result: Any = constant(self, coefficients[0])
        for coefficient in coefficients[1:]:
            result = result.muladd(self, coefficient)
        return result

    def nearest(self) -> tuple["Wide", Val]:
        """The nearest whole number, as a float and as int64, for numbers below 2^51."""
        shifted = self + _SHIFTER
        return shifted - _SHIFTER, _shifted_back(self.w, shifted.value)


def _shifted_back(w: Writer, shifted: Val) -> Val:
    _, whole, bits = _SHIFTERS[shifted.dtype]
    return w.op("sub", whole, w.op("bitcast", whole, shifted), w.const(bits, whole))


def whole_of(w: Writer, x: Val) -> Val:
    """A whole float as an integer of its size, if it is below 2^51, or 2^22 for float32.

    It takes no conversion, which not all processors have for vectors.
    """
    return _shifted_back(w, w.op("add", x.dtype, x, w.const(_SHIFTERS[x.dtype][0], x.dtype)))


def from_whole(x: Wide, whole: Val) -> Wide:
    """An int64 below 2^51 as a partner of `x`."""
    shifter, kind, bits = _SHIFTERS[WIDE]
    return x.like(x.w.op("bitcast", WIDE, x.w.op("add", kind, whole, x.w.const(bits, kind)))) - shifter


def constant(x: Wide, value: float) -> Wide:
    """A number, as a partner of `x`."""
    return x.like(x.w.const(value, WIDE))


def signed_as(x: Wide, y: Wide) -> Wide:
    """`y` with the sign of `x`."""
    return x.like(x.w.op("copysign", WIDE, y.value, x.value))
