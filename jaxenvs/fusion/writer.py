"""What the emitters write with: values, machine operations, memory and control flow, for some language.

A value is one number for each lane, or one number for all of them, which is called uniform. `Writer` folds constants
and reuses what it has computed; its subclasses know a language.
"""

import abc
import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jaxenvs.fusion.folding import COMPARISONS

INDEX = "int64"
"""The type of positions in memory and of loop counters."""


@dataclasses.dataclass(frozen=True, slots=True)
class Val:
    """A number, of each lane or of all.

    Attributes:
        ref: how the written program calls it; for a constant, its literal without lanes.
        dtype: as NumPy names it.
        uniform: whether it is one number for all lanes.
        const: its value, if it is known now.
    """

    ref: str
    dtype: str
    uniform: bool
    const: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Slot:
    """A variable: a number that changes while the program runs."""

    ref: str
    dtype: str
    uniform: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Buffer:
    """Memory for the elements of an array.

    Attributes:
        ref: a pointer to the first element; of the first lane, if it has lanes.
        dtype: as NumPy names it.
        size: number of elements.
        pitch: how many numbers lie between two elements; None if there is one array for all lanes.
    """

    ref: str
    dtype: str
    size: int
    pitch: int | None

    @property
    def uniform(self) -> bool:
        """Whether all lanes share it."""
        return self.pitch is None


_FOLDED = COMPARISONS | {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "shl": np.left_shift,
    "min": np.minimum,
    "max": np.maximum,
}


class Writer(abc.ABC):
    """Writes a program, line by line."""

    lanes: int
    """How many lanes a value holds."""
    divides_integers = False
    """Whether it divides integers of 32 bits faster than floats of 64."""
    is_long = False
    """Whether the program is so long that a short text is worth more than the last percent of speed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0
        self._known: dict[Any, Val] = {}
        self._constants: dict[Any, Val] = {}
        self._scopes: list[list[Any]] = []

    # What a language defines.

    @abc.abstractmethod
    def literal(self, value: Any, dtype: str) -> str:
        """A constant, without lanes."""

    @abc.abstractmethod
    def machine(self, op: str, dtype: str, uniform: bool, operands: tuple[Val, ...]) -> str:
        """Writes one operation whose result is not known; returns its name."""

    @abc.abstractmethod
    def slot(self, dtype: str, uniform: bool) -> Slot:
        """A new variable."""

    @abc.abstractmethod
    def get(self, slot: Slot) -> Val:
        """What a variable holds now."""

    @abc.abstractmethod
    def set(self, slot: Slot, value: Val) -> None:
        """Gives a variable a value."""

    @abc.abstractmethod
    def buffer(self, dtype: str, size: int, uniform: bool) -> Buffer:
        """New memory, not initialised."""

    @abc.abstractmethod
    def table(self, values: np.ndarray) -> Buffer:
        """Memory that holds constants."""

    @abc.abstractmethod
    def load(self, buffer: Buffer, position: Val) -> Val:
        """An element, at a position that is in the buffer and may differ between lanes."""

    @abc.abstractmethod
    def store(self, buffer: Buffer, position: Val, value: Val, mask: Val | None = None) -> None:
        """Writes an element, where `mask` is true."""

    @abc.abstractmethod
    def loop(self, count: int) -> contextlib.AbstractContextManager[Val]:
        """A loop over 0, 1, ..., count - 1."""

    @abc.abstractmethod
    def when(self, condition: Val) -> contextlib.AbstractContextManager[None]:
        """What follows happens only if the condition, which is uniform, holds."""

    @abc.abstractmethod
    def forever(self) -> contextlib.AbstractContextManager[None]:
        """A loop that `leave_unless` ends."""

    @abc.abstractmethod
    def leave_unless(self, condition: Val) -> None:
        """Leaves the innermost `forever` unless the condition, which is uniform, holds."""

    def function(self, name: str, *xs: Val) -> Val | None:
        """A function of the language's own library, or None."""
        del name, xs
        return None

    def called(self, name: str, write: Callable[..., Val], *xs: Val) -> Val:
        """`write(*xs)`; in a long program, `name` may stand for a function, which is written once."""
        del name
        return write(*xs)

    # What all languages share.

    def fresh(self, prefix: str = "v") -> str:
        """A name that is not taken."""
        self._count += 1
        return f"{prefix}{self._count}"

    def const(self, value: Any, dtype: str) -> Val:
        """A known number, the same for all lanes."""
        # Python and NumPy take 0, -0 and False for the same key of a dictionary.
        key = (dtype, type(value), value, math.copysign(1, value)) if isinstance(value, int | float) else None
        known = self._constants.get(key)
        if known is None:
            number = np.asarray(value).astype(dtype)[()]
            known = Val(self.literal(number, dtype), dtype, True, number)
            if key is not None:
                self._constants[key] = known
        return known

    def index(self, value: int) -> Val:
        """A known position."""
        return self.const(value, INDEX)

    def op(self, op: str, dtype: str, *operands: Val) -> Val:
        """The result of an operation, of type `dtype`."""
        key = (op, dtype, *[(x.ref, x.dtype) for x in operands])
        known = self._known.get(key)
        if known is not None:
            return known
        folded = self._folded(op, dtype, operands)
        if folded is not None:
            return folded
        uniform = op in ("any", "all") or all(x.uniform for x in operands)
        result = Val(self.machine(op, dtype, uniform, operands), dtype, uniform)
        self.remember(key, result)
        return result

    def remember(self, key: Any, value: Val) -> None:
        """Keeps a value for use in the current scope and those within it."""
        self._known[key] = value
        if self._scopes:
            self._scopes[-1].append(key)

    def known(self, key: Any) -> Val | None:
        """What was remembered, if it is in scope."""
        return self._known.get(key)

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed within is forgotten afterwards."""
        self._scopes.append([])
        yield
        for key in self._scopes.pop():
            del self._known[key]

    def _folded(self, op: str, dtype: str, operands: tuple[Val, ...]) -> Val | None:
        if op == "select":
            return self._folded_select(*operands)
        if op == "convert" and operands[0].dtype == dtype:
            return operands[0]
        if not [x for x in operands if x.const is None]:
            return self._folded_constants(op, dtype, operands)
        if len(operands) == 2 and dtype not in ("float32", "float64") and operands[0].dtype == dtype:
            if op in ("eq", "ne"):  # of bools
                return self._folded_equality(op, *operands)
            return self._folded_partly(op, dtype, *operands)
        return None

    def _folded_select(self, condition: Val, yes: Val, no: Val) -> Val | None:
        if condition.const is not None:
            return yes if condition.const else no
        if yes == no:
            return yes
        if yes.dtype == "bool" and yes.const is not None:
            return self.op("or" if yes.const else "and", "bool", condition if yes.const else self.not_(condition), no)
        if yes.dtype == "bool" and no.const is not None:
            return self.op("or" if no.const else "and", "bool", self.not_(condition) if no.const else condition, yes)
        return None

    def _folded_constants(self, op: str, dtype: str, operands: tuple[Val, ...]) -> Val | None:
        values = [x.const for x in operands]
        if op in COMPARISONS or (op in _FOLDED and dtype not in ("float32", "float64")):
            with np.errstate(all="ignore"):
                return self.const(_FOLDED[op](*values), dtype)
        if op == "lshr":
            word = np.asarray(values[0]).view(f"uint{8 * np.dtype(dtype).itemsize}")
            return self.const((word >> word.dtype.type(values[1])).view(dtype), dtype)
        if op == "convert" and operands[0].dtype not in ("float32", "float64") and dtype != "float32":
            return self.const(np.asarray(values[0]).astype(dtype), dtype)
        if op in ("any", "all"):
            return operands[0]
        return None

    def _folded_equality(self, op: str, x: Val, y: Val) -> Val | None:
        for one, other in ((x, y), (y, x)):
            if one.const is not None:
                return other if bool(one.const) == (op == "eq") else self.not_(other)
        return None

    def _folded_partly(self, op: str, dtype: str, x: Val, y: Val) -> Val | None:
        for one, other in ((x, y), (y, x)):
            if one.const is None:
                continue
            if dtype == "bool" and op in ("and", "or"):
                return other if bool(one.const) == (op == "and") else one
            if one.const == 0 and (op in ("add", "or", "xor") or (op == "sub" and one is y)):
                return other
            if one.const == 0 and op in ("mul", "and"):
                return one
            if one.const == 1 and op == "mul":
                return other
        if x == y and op in ("and", "or"):
            return x
        return None

    # Combinations of machine operations.

    def not_(self, x: Val) -> Val:
        """Of bool: whether it is false; of integers, all bits turned."""
        return self.op("xor", x.dtype, x, self.const(True if x.dtype == "bool" else -1, x.dtype))

    def select(self, condition: Val, yes: Val, no: Val) -> Val:
        """`yes` where the condition holds, else `no`."""
        return self.op("select", yes.dtype, condition, yes, no)

    def compare(self, op: str, x: Val, y: Val) -> Val:
        """Whether `x` is less than `y`, and so on."""
        return self.op(op, "bool", x, y)

    def convert(self, x: Val, dtype: str) -> Val:
        """The number in another type: floats are cut off to integers and kept in range, NaN is 0."""
        return self.op("convert", dtype, x)

    def any(self, x: Val) -> Val:
        """Whether it holds in any lane: one answer for all."""
        return x if x.uniform else self.op("any", "bool", x)

    def minimum(self, x: Val, y: Val) -> Val:
        """The smaller of two integers."""
        return self.op("min", x.dtype, x, y)

    def maximum(self, x: Val, y: Val) -> Val:
        """The larger of two integers."""
        return self.op("max", x.dtype, x, y)

    def clamp(self, x: Val, largest: int) -> Val:
        """An integer, moved to 0, ..., largest."""
        if x.dtype[0] == "i":
            x = self.maximum(x, self.const(0, x.dtype))
        return self.minimum(x, self.const(largest, x.dtype))
