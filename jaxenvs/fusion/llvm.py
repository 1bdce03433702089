"""A writer of LLVM's language: a value is a vector of lanes, which LLVM fits to the registers of the processor."""

import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxenvs.fusion.conversions import converted, is_float, is_signed
from jaxenvs.fusion.flow import Flow
from jaxenvs.fusion.writer import INDEX, Buffer, Slot, Val

_TYPES = {
    "bool": "i1",
    "int8": "i8",
    "uint8": "i8",
    "int16": "i16",
    "uint16": "i16",
    "int32": "i32",
    "uint32": "i32",
    "int64": "i64",
    "uint64": "i64",
    "float32": "float",
    "float64": "double",
}
# Buffers up to this size, in bytes, lie on the stack, all together at most `_STACK`; others in the task's workspace.
_ON_STACK, _STACK = 16 << 10, 192 << 10

_INTEGER = {x: x for x in ("add", "sub", "mul", "and", "or", "xor", "shl", "lshr", "ashr")}
_FLOAT = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "rem": "frem"}
_CONTRACTED = {**_FLOAT, "add": "fadd contract", "sub": "fsub contract", "mul": "fmul contract"}
_COMPARE_FLOAT = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_INTRINSICS = {
    "sqrt": "sqrt",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "round_even": "roundeven",
    "round_away": "round",
    "fabs": "fabs",
    "copysign": "copysign",
    "fma": "fma",
    "muladd": "fmuladd",
    "popcount": "ctpop",
    "minimum": "minimum",
    "maximum": "maximum",
}
_GLOBAL = re.compile(r"@[\w.]+")
# The system's library computes these for one number at a time.
_OF_LIBRARY = {"sin", "cos", "rem"}


def storage(dtype: str) -> str:
    """The type in memory."""
    return "i8" if dtype == "bool" else _TYPES[dtype]


class LLVM(Flow):
    """Writes LLVM's language, for vectors of `lanes` numbers.

    With `contracts`, a product and a sum may become one operation, as XLA has it.
    """

    def __init__(self, lanes: int, *, contracts: bool, is_long: bool) -> None:
        super().__init__()
        self.lanes, self.is_long = lanes, is_long
        self._arithmetic = _CONTRACTED if contracts else _FLOAT
        self.tables: dict[str, str] = {}  # names and definitions
        self.declarations: set[str] = set()
        self.functions: dict[str, str] = {}  # names and definitions
        self.workspace = 0  # bytes
        self._stack = 0
        self._called: dict[str, tuple[str, str]] = {}  # names of functions, and the types of their results
        self._combined: dict[str, tuple[str, tuple[Val, ...]]] = {}  # how bools were made of others
        self._tables: dict[Any, Buffer] = {}

    def type(self, dtype: str, uniform: bool) -> str:
        """The type of a value."""
        scalar = _TYPES[dtype]
        return scalar if uniform or self.lanes == 1 else f"<{self.lanes} x {scalar}>"

    def suffix(self, dtype: str, uniform: bool) -> str:
        """What an intrinsic's name ends in, such as `v16f32`, for a value of this type."""
        scalar = {"float": "f32", "double": "f64"}.get(_TYPES[dtype], _TYPES[dtype])
        return scalar if uniform or self.lanes == 1 else f"v{self.lanes}{scalar}"

    def literal(self, value: Any, dtype: str) -> str:
        """A constant, without lanes."""
        if dtype == "bool":
            return "true" if value else "false"
        if is_float(dtype):
            return f"0x{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016X}"
        return str(int(value))

    def spread(self, x: Val) -> str:
        """A uniform value as one for each lane; others as they are."""
        if not x.uniform or self.lanes == 1:
            return x.ref
        scalar = _TYPES[x.dtype]
        if x.const is not None:
            return f"splat ({scalar} {x.ref})"
        key = ("spread", x.ref, x.dtype)
        known = self.known(key)
        if known is None:
            kind = self.type(x.dtype, False)
            first = self.emit(kind, f"insertelement {kind} poison, {scalar} {x.ref}, i64 0")
            zeros = f"<{self.lanes} x i32> zeroinitializer"
            spread = self.emit(kind, f"shufflevector {kind} {first}, {kind} poison, {zeros}")
            known = Val(spread, x.dtype, False)
            self.remember(key, known)
        return known.ref

    def ref(self, x: Val, uniform: bool) -> str:
        """How to write a value among others that are all uniform, or not."""
        return x.ref if uniform else self.spread(x)

    def intrinsic(self, name: str, result: str, *operands: str) -> str:
        """Calls one of LLVM's own functions. Operands have their types."""
        types = ", ".join(x.rsplit(" ", 1)[0] if "splat" not in x else x.split(" splat")[0] for x in operands)
        self.declarations.add(f"declare {result} @{name}({types})")
        return self.emit(result, f"call {result} @{name}({', '.join(operands)})")

    def function(self, name: str, *xs: Val) -> Val | None:
        """The extrema of floats, whose instructions LLVM knows best: NaN wins, and +0 is greater than -0."""
        return self.op(name, xs[0].dtype, *xs) if name in ("minimum", "maximum") else None

    def called(self, name: str, write: Callable[..., Val], *xs: Val) -> Val:
        """`write(*xs)`; in a long program and outside of busy loops, a call of a function that is written once."""
        if not self.is_long or self.is_hot or any(x.uniform for x in xs):
            return write(*xs)
        kinds = [self.type(x.dtype, False) for x in xs]
        if name not in self._called:
            with self.apart() as body:
                result = write(*(Val(f"%x{k}", x.dtype, False) for k, x in enumerate(xs)))
            kind, function = self.type(result.dtype, False), f"@called{len(self._called)}"
            given = ", ".join(f"{each} %x{k}" for k, each in enumerate(kinds))
            head = f"define internal {kind} {function}({given}) noinline #0 {{"
            self.functions[function] = "\n".join([head, *body, f"  ret {kind} {self.spread(result)}", "}"])
            self._called[name] = function, result.dtype
        function, dtype = self._called[name]
        key = function, *(x.ref for x in xs)
        known = self.known(key)
        if known is None:
            arguments = ", ".join(f"{kind} {x.ref}" for kind, x in zip(kinds, xs, strict=True))
            kind = self.type(dtype, False)
            known = Val(self.emit(kind, f"call {kind} {function}({arguments})"), dtype, False)
            self.remember(key, known)
        return known

    def machine(self, op: str, dtype: str, uniform: bool, operands: tuple[Val, ...]) -> str:
        """Writes one operation; returns the name of its result."""
        if op in ("any", "all"):
            return self._across(op, operands[0])
        given = operands[0].dtype
        kind, source = self.type(dtype, uniform), self.type(given, uniform)
        refs = [self.ref(x, uniform) for x in operands]
        if op == "convert":
            byte = self._byte(operands[0]) if (given, dtype) == ("bool", "uint8") else None
            return byte.ref if byte is not None else self._convert(given, dtype, uniform, refs[0])
        if op == "bitcast":
            return self.emit(kind, f"bitcast {source} {refs[0]} to {kind}")
        if op == "select":
            # One condition for all lanes needs no vector.
            condition = operands[0]
            which = condition.ref if condition.uniform else refs[0]
            flag = self.type("bool", condition.uniform)
            return self.emit(kind, f"select {flag} {which}, {kind} {refs[1]}, {kind} {refs[2]}")
        if op in _COMPARE_FLOAT:
            return self._compare(op, given, uniform, refs)
        if op == "leading_zeros":
            name = f"llvm.ctlz.{self.suffix(dtype, uniform)}"
            self.declarations.add(f"declare {kind} @{name}({kind}, i1)")
            return self.emit(kind, f"call {kind} @{name}({kind} {refs[0]}, i1 false)")
        if op in _OF_LIBRARY and is_float(dtype):
            return self._by_library(op, dtype, uniform, refs)
        if op in _INTRINSICS:
            name = f"llvm.{_INTRINSICS[op]}.{self.suffix(dtype, uniform)}"
            return self.intrinsic(name, kind, *[f"{kind} {ref}" for ref in refs])
        if op in ("min", "max"):
            name = f"llvm.{'s' if is_signed(dtype) else 'u'}{op}.{self.suffix(dtype, uniform)}"
            return self.intrinsic(name, kind, *[f"{kind} {ref}" for ref in refs])
        if is_float(dtype):
            return self.emit(kind, f"{self._arithmetic[op]} {kind} {refs[0]}, {refs[1]}")
        if op in ("div", "rem"):
            return self.emit(kind, f"{'s' if is_signed(dtype) else 'u'}{op} {kind} {refs[0]}, {refs[1]}")
        result = self.emit(kind, f"{_INTEGER[op]} {kind} {refs[0]}, {refs[1]}")
        if dtype == "bool":
            self._combined[result] = op, operands
        return result

    def _byte(self, x: Val) -> Val | None:
        """A bool as a byte, 0 or 1, if all that it was combined from comes from memory; else None."""
        known = self.known(("convert", "uint8", (x.ref, "bool")))
        if known is not None or x.ref not in self._combined:
            return known
        op, operands = self._combined[x.ref]
        bytes_ = [self._byte(y) if y.const is None else self.const(y.const, "uint8") for y in operands]
        found = [y for y in bytes_ if y is not None]
        return self.op(op, "uint8", *found) if len(found) == len(operands) else None

    def _by_library(self, op: str, dtype: str, uniform: bool, refs: list[str]) -> str:
        """Calls the system's library: for lanes, from a function that the whole program shares, as that is seldom."""
        kind, suffix = self.type(dtype, uniform), self.suffix(dtype, uniform)
        if uniform or self.lanes == 1:
            return self.emit(kind, self._of_library(op, kind, suffix, refs))
        name, parameters = f"{op}_{suffix}", ["%x", "%y"][: len(refs)]
        self.functions["@" + name] = (
            f"define internal {kind} @{name}({', '.join(f'{kind} {x}' for x in parameters)}) noinline cold #0 {{\n"
            f"  %result = {self._of_library(op, kind, suffix, parameters)}\n"
            f"  ret {kind} %result\n}}"
        )
        return self.emit(kind, f"call {kind} @{name}({', '.join(f'{kind} {ref}' for ref in refs)})")

    def _of_library(self, op: str, kind: str, suffix: str, refs: list[str]) -> str:
        if op == "rem":
            return f"frem {kind} {refs[0]}, {refs[1]}"
        self.declarations.add(f"declare {kind} @llvm.{op}.{suffix}({kind})")
        return f"call {kind} @llvm.{op}.{suffix}({kind} {refs[0]})"

    def _compare(self, op: str, dtype: str, uniform: bool, refs: list[str]) -> str:
        kind, flags = self.type(dtype, uniform), self.type("bool", uniform)
        if is_float(dtype):
            return self.emit(flags, f"fcmp {_COMPARE_FLOAT[op]} {kind} {refs[0]}, {refs[1]}")
        sign = "" if op in ("eq", "ne") else "s" if is_signed(dtype) else "u"
        return self.emit(flags, f"icmp {sign}{op} {kind} {refs[0]}, {refs[1]}")

    def _across(self, op: str, x: Val) -> str:
        if self.lanes == 1:
            return x.ref
        kind = self.type("bool", False)
        name = f"llvm.vector.reduce.{'or' if op == 'any' else 'and'}.{self.suffix('bool', False)}"
        return self.intrinsic(name, "i1", f"{kind} {x.ref}")

    def _convert(self, given: str, dtype: str, uniform: bool, ref: str) -> str:
        return converted(self, given, dtype, uniform, ref)

    def module(self, function: Sequence[str]) -> str:
        """A module of one function, given by its lines, with the declarations and definitions that it needs."""
        text = "\n".join(function)
        used, helpers = set(_GLOBAL.findall(text.split("\n", 1)[1])), []
        for name, definition in reversed(self.functions.items()):  # each calls only earlier ones
            if name in used:
                helpers.append(definition)
                used.update(_GLOBAL.findall(definition))
        return "\n".join(
            [
                *(f"{name} = {definition}" for name, definition in self.tables.items() if name in used),
                *sorted(self.declarations),
                *(part.declaration for part in self.parts if "@" + part.name in used),
                *helpers,
                text,
                "",
            ]
        )

    # Variables and memory.

    def slot(self, dtype: str, uniform: bool) -> Slot:
        """A new variable, which LLVM keeps in registers where it can."""
        name = "%" + self.fresh("s")
        self.types[name] = self.type(dtype, uniform)
        self.allocations[name] = f"alloca {self.types[name]}"
        return Slot(name, dtype, uniform)

    def get(self, slot: Slot) -> Val:
        """What a variable holds now."""
        kind = self.type(slot.dtype, slot.uniform)
        return Val(self.emit(kind, f"load {kind}, ptr {slot.ref}"), slot.dtype, slot.uniform)

    def set(self, slot: Slot, value: Val) -> None:
        """Gives a variable a value."""
        self.lines.append(
            f"  store {self.type(slot.dtype, slot.uniform)} {self.ref(value, slot.uniform)}, ptr {slot.ref}"
        )

    def buffer(self, dtype: str, size: int, uniform: bool) -> Buffer:
        """New memory: on the stack, or in the workspace of the task."""
        pitch = None if uniform else self.lanes
        length = max(size, 1) * (pitch or 1)
        total = length * np.dtype(dtype).itemsize
        name = "%" + self.fresh("b")
        if total <= _ON_STACK and self._stack + total <= _STACK:
            self._stack += total
            self.allocations[name] = f"alloca [{length} x {storage(dtype)}], align 64"
        else:
            self.allocations[name] = f"getelementptr i8, ptr %workspace, i64 {self.workspace}"
            self.workspace += (total + 127) // 64 * 64
        return Buffer(name, dtype, size, pitch)

    def table(self, values: np.ndarray) -> Buffer:
        """Constants, once for all equal tables."""
        values = np.ascontiguousarray(values)
        key = (values.tobytes(), str(values.dtype))
        if key not in self._tables:
            name, dtype = "@" + self.fresh("table"), str(values.dtype)
            kind = storage(dtype)
            flat = values.reshape(-1).astype(np.uint8) if dtype == "bool" else values.reshape(-1)
            memory = "int8" if dtype == "bool" else dtype
            entries = ", ".join(f"{kind} {self.literal(x, memory)}" for x in flat)
            self.tables[name] = f"private unnamed_addr constant [{values.size} x {kind}] [{entries}], align 64"
            self._tables[key] = Buffer(name, dtype, values.size, None)
        return self._tables[key]

    def address(self, buffer: Buffer, position: Val) -> str:
        """A pointer to an element, of the first lane; the position is uniform."""
        if position.const is not None:
            offset = self.index(int(position.const) * (buffer.pitch or 1))
        else:
            offset = self.op("mul", INDEX, self.convert(position, INDEX), self.index(buffer.pitch or 1))
        if offset.const == 0:
            return buffer.ref
        key = "address", buffer.ref, offset.ref
        known = self.known(key)
        if known is None:
            kind = storage(buffer.dtype)
            pointer = self.emit("ptr", f"getelementptr inbounds {kind}, ptr {buffer.ref}, i64 {offset.ref}")
            known = Val(pointer, INDEX, True)
            self.remember(key, known)
        return known.ref

    def _addresses(self, buffer: Buffer, position: Val) -> str:
        """A pointer for each lane."""
        offset = self.op("mul", position.dtype, position, self.const(buffer.pitch or 1, position.dtype))
        if not buffer.uniform:
            offset = self.op("add", position.dtype, offset, self.lane_numbers(position.dtype))
        offset, kind = self.convert(offset, INDEX), f"<{self.lanes} x i64>"
        return self.emit(
            f"<{self.lanes} x ptr>",
            f"getelementptr inbounds {storage(buffer.dtype)}, ptr {buffer.ref}, {kind} {self.spread(offset)}",
        )

    def lane_numbers(self, dtype: str) -> Val:
        """0, 1, ... for the lanes of a value."""
        if self.lanes == 1:
            return self.const(0, dtype)
        entries = ", ".join(f"{_TYPES[dtype]} {number}" for number in range(self.lanes))
        return Val(f"<{entries}>", dtype, False)

    def _from_memory(self, ref: str, dtype: str, uniform: bool) -> Val:
        if dtype != "bool":
            return Val(ref, dtype, uniform)
        byte = Val(ref, "uint8", uniform)
        value = self.convert(byte, "bool")
        # LLVM does not know that the byte is 0 or 1. Thus it stays as it is if it is only written elsewhere.
        self.remember(("convert", "uint8", (value.ref, "bool")), byte)
        return value

    def load(self, buffer: Buffer, position: Val) -> Val:
        """An element of each lane, or of all."""
        memory = "uint8" if buffer.dtype == "bool" else buffer.dtype
        align = np.dtype(memory).itemsize
        if position.uniform or self.lanes == 1:
            kind = self.type(memory, buffer.uniform)
            pointer = self.address(buffer, position)
            return self._from_memory(
                self.emit(kind, f"load {kind}, ptr {pointer}, align {align}"), buffer.dtype, buffer.uniform
            )
        kind, flags = self.type(memory, False), f"<{self.lanes} x i1>"
        pointers = f"<{self.lanes} x ptr>"
        name = f"llvm.masked.gather.{self.suffix(memory, False)}.v{self.lanes}p0"
        self.declarations.add(f"declare {kind} @{name}({pointers}, i32, {flags}, {kind})")
        found = self.emit(
            kind,
            f"call {kind} @{name}({pointers} {self._addresses(buffer, position)}, i32 {align},"
            f" {flags} splat (i1 true), {kind} poison)",
        )
        return self._from_memory(found, buffer.dtype, False)

    def store(self, buffer: Buffer, position: Val, value: Val, mask: Val | None = None) -> None:
        """Writes an element, where `mask` is true."""
        if mask is not None and mask.const is not None:
            if not mask.const:
                return
            mask = None
        memory = "uint8" if buffer.dtype == "bool" else buffer.dtype
        value = self.convert(value, memory) if buffer.dtype == "bool" else value
        align = np.dtype(memory).itemsize
        if position.uniform or self.lanes == 1:
            uniform = buffer.uniform
            if mask is not None:
                old = self.load(buffer, position)
                old = self.convert(old, memory) if buffer.dtype == "bool" else old
                value = self.select(mask, value, old)
            pointer = self.address(buffer, position)
            kind = self.type(memory, uniform)
            self.lines.append(f"  store {kind} {self.ref(value, uniform)}, ptr {pointer}, align {align}")
            return
        kind, flags, pointers = self.type(memory, False), f"<{self.lanes} x i1>", f"<{self.lanes} x ptr>"
        name = f"llvm.masked.scatter.{self.suffix(memory, False)}.v{self.lanes}p0"
        self.declarations.add(f"declare void @{name}({kind}, {pointers}, i32, {flags})")
        where = "splat (i1 true)" if mask is None else self.spread(mask)
        self.lines.append(
            f"  call void @{name}({kind} {self.spread(value)}, {pointers} {self._addresses(buffer, position)},"
            f" i32 {align}, {flags} {where})"
        )
