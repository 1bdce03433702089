"""A writer of CUDA C: one thread computes one lane, so a value is a number and a branch is a branch.

Sums and products are not contracted, so that they round as XLA's; transcendental functions are CUDA's own.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxenvs.fusion.equations import CannotFuse
from jaxenvs.fusion.writer import INDEX, Buffer, Slot, Val, Writer

_TYPES = {
    "bool": "bool",
    "int8": "signed char",
    "uint8": "unsigned char",
    "int16": "short",
    "uint16": "unsigned short",
    "int32": "int",
    "uint32": "unsigned",
    "int64": "long long",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}
_WORDS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "rem": "%", "and": "&", "or": "|", "xor": "^"}
_COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
# Machine operations on floats, and functions of CUDA's library; those of float32 end in "f".
_FLOAT = {
    "rem": "fmod",
    "sqrt": "sqrt",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "round_even": "rint",
    "round_away": "round",
    "fabs": "fabs",
    "copysign": "copysign",
    "fma": "fma",
    "muladd": "fma",
    "sin": "sin",
    "cos": "cos",
}
_FUNCTIONS = {
    **{name: name for name in ("exp", "exp2", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan")},
    **{name: name for name in ("atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "cbrt", "erf", "erfc")},
    **{"erf_inv": "erfinv", "pow": "pow", "fmod": "fmod"},
}
_BITS = {
    ("float32", "int32"): "__float_as_int",
    ("float32", "uint32"): "__float_as_uint",
    ("int32", "float32"): "__int_as_float",
    ("uint32", "float32"): "__uint_as_float",
    ("float64", "int64"): "__double_as_longlong",
    ("int64", "float64"): "__longlong_as_double",
}
# Bytes of a thread's own arrays. A GPU sets them aside for all the threads that it can run at once, some 270,000.
_MOST_MEMORY = 32 << 10


def c_type(dtype: str) -> str:
    """C's type of a value."""
    return _TYPES[dtype]


def storage(dtype: str) -> str:
    """C's type in memory."""
    return "unsigned char" if dtype == "bool" else _TYPES[dtype]


def _size(dtype: str) -> int:
    return np.dtype(dtype).itemsize


class CUDA(Writer):
    """Writes CUDA C.

    Attributes:
        globals: what stands before the kernel.
        allocations: variables and memory, for the beginning of the kernel.
    """

    lanes = 1
    divides_integers = True

    def __init__(self) -> None:
        super().__init__()
        self.globals: list[str] = []
        self.allocations: list[str] = []
        self._memory = 0  # bytes
        self._tables: dict[Any, Buffer] = {}
        self._true: list[str] = []  # conditions of the branches that are being written
        self._parts: dict[str, list[str]] = {}  # what holds too, if a condition holds

    def emit(self, dtype: str, text: str) -> str:
        """Writes an expression; returns the name of its value."""
        name = self.fresh()
        self.lines.append(f"const {_TYPES[dtype]} {name} = {text};")
        return name

    def literal(self, value: Any, dtype: str) -> str:
        """A constant."""
        if dtype == "bool":
            return "true" if value else "false"
        if dtype[0] == "f":
            if not np.isfinite(value):
                bits = np.asarray(value, dtype).view(f"int{8 * _size(dtype)}")
                return f"__int_as_float({int(bits)})" if dtype == "float32" else f"__longlong_as_double({int(bits)}ll)"
            return f"({float(value).hex()}{'f' if dtype == 'float32' else ''})"
        number, suffix = int(value), "u" if dtype[0] == "u" else ""
        suffix += "ll" if _size(dtype) == 8 else ""
        smallest = number < 0 and number == np.iinfo(dtype).min
        text = f"{number + 1}{suffix} - 1" if smallest else f"{number}{suffix}"
        return f"(({_TYPES[dtype]})({text}))" if _size(dtype) < 4 or number < 0 else text

    def _folded_select(self, condition: Val, yes: Val, no: Val) -> Val | None:
        return yes if condition.ref in self._true else super()._folded_select(condition, yes, no)

    def machine(self, op: str, dtype: str, uniform: bool, operands: tuple[Val, ...]) -> str:
        """Writes one operation; returns the name of its result."""
        if op in ("any", "all"):
            return operands[0].ref
        name = self.emit(dtype, self._expression(op, dtype, operands))
        if op == "and" and dtype == "bool":
            self._parts[name] = [x.ref for x in operands]
        return name

    def _expression(self, op: str, dtype: str, operands: tuple[Val, ...]) -> str:
        refs = [x.ref for x in operands]
        given = operands[0].dtype
        if op == "convert":
            return self._converted(given, dtype, refs[0])
        if op == "select":
            return f"{refs[0]} ? {refs[1]} : {refs[2]}"
        if op in _COMPARE:
            return f"{refs[0]} {_COMPARE[op]} {refs[1]}"
        if op == "bitcast":
            cast = _BITS.get((given, dtype))
            if cast is not None:
                return f"{cast}({refs[0]})"
            if dtype[0] == "f":
                return f"__longlong_as_double((long long){refs[0]})"
            whole = f"__double_as_longlong({refs[0]})" if given[0] == "f" else refs[0]
            return f"({_TYPES[dtype]}){whole}"
        if op.startswith("call "):
            return f"{op[5:]}{'f' if dtype == 'float32' else ''}({', '.join(refs)})"
        if dtype[0] == "f":
            if op in _FLOAT:
                return f"{_FLOAT[op]}{'f' if dtype == 'float32' else ''}({', '.join(refs)})"
            return f"{refs[0]} {_WORDS[op]} {refs[1]}"
        if dtype == "bool":
            return f"{refs[0]} {_WORDS[op]} {refs[1]}"
        return self._integer(op, dtype, refs)

    def _integer(self, op: str, dtype: str, refs: list[str]) -> str:
        kind, bits = _TYPES[dtype], 8 * _size(dtype)
        unsigned, signed = _TYPES[f"uint{bits}"], _TYPES[f"int{bits}"]
        wide = "unsigned long long" if bits == 64 else "unsigned"
        if op in ("popcount", "leading_zeros"):
            function = ("__popc" if op == "popcount" else "__clz") + ("ll" if bits == 64 else "")
            back = f" - {32 - bits}" if op == "leading_zeros" and bits < 32 else ""
            return f"({kind})({function}(({unsigned}){refs[0]}){back})"
        if op in ("min", "max"):
            return f"{refs[0]} {'<' if op == 'min' else '>'} {refs[1]} ? {refs[0]} : {refs[1]}"
        if op in ("div", "rem"):
            return f"({kind})({refs[0]} {_WORDS[op]} {refs[1]})"
        if op == "lshr":
            return f"({kind})(({unsigned}){refs[0]} >> {refs[1]})"
        if op == "ashr":
            return f"({kind})(({signed}){refs[0]} >> {refs[1]})"
        # Without signs, since C does not define what exceeds the range of signed integers.
        return f"({kind})(({wide}){refs[0]} {'<<' if op == 'shl' else _WORDS[op]} ({wide}){refs[1]})"

    def _converted(self, given: str, dtype: str, ref: str) -> str:
        kind = _TYPES[dtype]
        if dtype == "bool":
            return f"{ref} != 0"
        if given[0] != "f" or dtype[0] == "f":
            return f"({kind}){ref}"
        # Cut off; out of range the nearest integer, and 0 for NaN. Both bounds are powers of two or 0.
        limits = np.iinfo(dtype)
        low, high = (self.literal(float(x), given) for x in (int(limits.min), int(limits.max) + 1))
        largest, smallest = self.literal(limits.max, dtype), self.literal(limits.min, dtype)
        return f"{ref} >= {high} ? {largest} : {ref} <= {low} ? {smallest} : {ref} == {ref} ? ({kind}){ref} : ({kind})0"

    def function(self, name: str, *xs: Val) -> Val | None:
        """A function of CUDA's library."""
        dtype = xs[0].dtype
        if name == "logistic":
            one = self.const(1, dtype)
            negative = self.op("sub", dtype, self.const(0, dtype), xs[0])
            return self.op("div", dtype, one, self.op("add", dtype, one, self.op("call exp", dtype, negative)))
        if name == "rsqrt":
            return self.op("div", dtype, self.const(1, dtype), self.op("sqrt", dtype, xs[0]))
        return self.op(f"call {_FUNCTIONS[name]}", dtype, *xs) if name in _FUNCTIONS else None

    # Variables and memory.

    def slot(self, dtype: str, uniform: bool) -> Slot:
        """A new variable, which the compiler keeps in a register where it can."""
        name = self.fresh("s")
        self.allocations.append(f"{_TYPES[dtype]} {name};")
        return Slot(name, dtype, uniform)

    def get(self, slot: Slot) -> Val:
        """What a variable holds now."""
        return Val(self.emit(slot.dtype, slot.ref), slot.dtype, slot.uniform)

    def set(self, slot: Slot, value: Val) -> None:
        """Gives a variable a value."""
        self.lines.append(f"{slot.ref} = {value.ref};")

    def buffer(self, dtype: str, size: int, uniform: bool) -> Buffer:
        """Memory of the thread.

        Raises:
            CannotFuse: there is not enough of it.
        """
        name = self.fresh("b")
        self._memory += max(size, 1) * _size(dtype)
        if self._memory > _MOST_MEMORY:
            raise CannotFuse(f"its arrays need more than {_MOST_MEMORY} bytes for each lane, which a GPU does not have")
        self.allocations.append(f"{storage(dtype)} {name}[{max(size, 1)}];")
        return Buffer(name, dtype, size, None if uniform else 1)

    def table(self, values: np.ndarray) -> Buffer:
        """Constants, once for all equal tables."""
        values = np.ascontiguousarray(values)
        dtype = str(values.dtype)
        key = (values.tobytes(), dtype)
        if key not in self._tables:
            name = self.fresh("table")
            memory = "uint8" if dtype == "bool" else dtype
            entries = ", ".join(self.literal(x, memory) for x in values.reshape(-1).astype(memory))
            self.globals.append(f"__device__ const {storage(dtype)} {name}[{values.size}] = {{{entries}}};")
            self._tables[key] = Buffer(name, dtype, values.size, None)
        return self._tables[key]

    def load(self, buffer: Buffer, position: Val) -> Val:
        """An element."""
        text = f"{buffer.ref}[{position.ref}]" + (" != 0" if buffer.dtype == "bool" else "")
        return Val(self.emit(buffer.dtype, text), buffer.dtype, buffer.uniform and position.uniform)

    def store(self, buffer: Buffer, position: Val, value: Val, mask: Val | None = None) -> None:
        """Writes an element, where `mask` is true."""
        if mask is not None and mask.const is not None and not mask.const:
            return
        needless = mask is None or mask.const is not None or mask.ref in self._true
        condition = "" if needless or mask is None else f"if ({mask.ref}) "
        self.lines.append(f"{condition}{buffer.ref}[{position.ref}] = {value.ref};")

    # Control.

    @contextlib.contextmanager
    def _braces(self, head: str) -> Iterator[None]:
        self.lines.append(head + " {")
        with self.scope():
            yield
        self.lines.append("}")

    @contextlib.contextmanager
    def loop(self, count: int | Val) -> Iterator[Val]:
        """A loop over 0, 1, ..., count - 1."""
        name = self.fresh("i")
        limit = count.ref if isinstance(count, Val) else count
        kind = _TYPES[INDEX]
        # Unrolled, a loop over the elements of an array would hold them all in registers, of which there are too few.
        self.lines.append("#pragma unroll 1")
        with self._braces(f"for ({kind} {name} = 0; {name} < {limit}; ++{name})"):
            yield Val(name, INDEX, True)

    @contextlib.contextmanager
    def when(self, condition: Val) -> Iterator[None]:
        """What follows happens only if the condition holds; within, it is known to hold."""
        before, found = len(self._true), [condition.ref]
        while found:
            ref = found.pop()
            self._true.append(ref)
            found += self._parts.get(ref, [])
        with self._braces(f"if ({condition.ref})"):
            yield
        del self._true[before:]

    @contextlib.contextmanager
    def forever(self) -> Iterator[None]:
        """A loop that `leave_unless` ends."""
        before = len(self._true)
        with self._braces("for (;;)"):
            yield
        del self._true[before:]

    def leave_unless(self, condition: Val) -> None:
        """Leaves the innermost `forever` unless the condition holds; from here on, it is known to hold."""
        self.lines.append(f"if (!{condition.ref}) break;")
        found = [condition.ref]
        while found:
            ref = found.pop()
            self._true.append(ref)
            found += self._parts.get(ref, [])
