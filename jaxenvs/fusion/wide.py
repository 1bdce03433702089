"""Arithmetic on float64, in which functions are computed."""

from collections.abc import Sequence
from typing import Any

from jaxenvs.fusion.writer import Val, Writer

WIDE = "float64"
"""The type that functions are computed in."""


class Wide:
    """Arithmetic on float64 with Python's operators."""

    def __init__(self, writer: Writer, value: Val) -> None:
        self.w, self.value = writer, value

    def _other(self, x: Any) -> Val:
        return x.value if isinstance(x, Wide) else self.w.const(x, WIDE)

    def _op(self, op: str, x: Val, y: Val) -> "Wide":
        return Wide(self.w, self.w.op(op, WIDE, x, y))

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

    def fma(self, x: Any, y: Any) -> "Wide":
        """`self * x + y` with one rounding, where the processor has it."""
        return Wide(self.w, self.w.op("fma", WIDE, self.value, self._other(x), self._other(y)))

    def one(self, op: str) -> "Wide":
        """An operation of one number."""
        return Wide(self.w, self.w.op(op, WIDE, self.value))

    def below(self, x: Any) -> Val:
        """Whether it is less than `x`."""
        return self.w.compare("lt", self.value, self._other(x))

    def equals(self, x: Any) -> Val:
        """Whether it is `x`."""
        return self.w.compare("eq", self.value, self._other(x))

    def where(self, condition: Val, otherwise: Any) -> "Wide":
        """`self` where the condition holds."""
        return Wide(self.w, self.w.select(condition, self.value, self._other(otherwise)))

    def polynomial(self, coefficients: Sequence[float]) -> "Wide":
        """The polynomial with these coefficients, that of the highest power first."""
        result: Any = Wide(self.w, self.w.const(coefficients[0], WIDE))
        for coefficient in coefficients[1:]:
            result = result.fma(self, coefficient)
        return result


def constant(x: Wide, value: float) -> Wide:
    """A number, as a partner of `x`."""
    return Wide(x.w, x.w.const(value, WIDE))


def signed_as(x: Wide, y: Wide) -> Wide:
    """`y` with the sign of `x`."""
    return Wide(x.w, x.w.op("copysign", WIDE, y.value, x.value))
