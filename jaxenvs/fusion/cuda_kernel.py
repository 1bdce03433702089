"""The kernel of a scan over many lanes in CUDA C: each thread computes one lane, for all steps.

What a lane carries stays in the thread's registers and its own memory. In JAX's arrays, the elements of one lane lie
together, so that threads that wrote them one by one would write far apart; 32 threads therefore exchange them in shared
memory, and write whole rows side by side.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxenvs.fusion.arrays import Array, Memory, at, dense_strides, dtype_of
from jaxenvs.fusion.control import carry_cells, update_cells
from jaxenvs.fusion.cuda import CUDA, c_type, storage
from jaxenvs.fusion.emitter import Emitter
from jaxenvs.fusion.equations import Block, Var
from jaxenvs.fusion.layout import Kind, Layout
from jaxenvs.fusion.writer import Buffer, Val

NAME = "jaxenvs_fused"
"""The kernel's name."""

THREADS = 128
"""Threads of a block."""

# Bytes of one lane that are exchanged at once, and the largest row that a thread writes by itself at once.
_EXCHANGED, _VECTOR = 64, 16


def write(step: Block, layout: Layout) -> str:
    """The kernel of a program, in CUDA C.

    Its parameters are pointers to the inputs and to the outputs, the number of lanes and that of steps.

    Args:
        step: one step of one lane: its outputs are what is carried, then what is put out.
        layout: of its inputs.

    Raises:
        CannotFuse: it has an operation that no kernel can compute.
    """
    return _KernelWriter(step, layout).text()


class _KernelWriter:
    def __init__(self, step: Block, layout: Layout) -> None:
        self.step, self.layout = step, layout
        self.w = CUDA()
        self.e = Emitter(self.w)
        self.exchange = 0  # bytes of shared memory that 32 threads need
        self.vectors: set[tuple[str, int]] = set()
        self.inputs = [f"in{k}" for k in range(len(step.inputs))]
        self.outputs = [f"out{k}" for k in range(len(step.outputs))]

    def text(self) -> str:
        """Writes everything."""
        w, e = self.w, self.e
        e.prepare(self.step)
        inputs = list(zip(self.inputs, self.step.inputs, self.layout, strict=True))
        own = {n: self._cell(name, x) for n, (name, x, kind) in enumerate(inputs) if kind is Kind.OWN}
        state = {n: self._cell(name, x) for n, (name, x, kind) in enumerate(inputs) if kind is Kind.CARRY}
        w.lines.append("for (long long step = 0; step < steps; ++step) {")
        with w.scope():
            w.lines.append("const long long row = step * lanes + lane;")
            arrays: list[Array] = []
            for n, (name, x, kind) in enumerate(inputs):
                if n in own:
                    arrays.append(own[n].get())
                elif n in state:
                    array = state[n].get()
                    arrays.append(e.own(array) if isinstance(array, Memory) else array)
                else:
                    number = {Kind.SHARED: "", Kind.SHARED_STEP: "step", Kind.OWN_STEP: "row"}[kind]
                    arrays.append(self._row(number, name, x))
            results = e.run(self.step, arrays)
            for name, result in list(zip(self.outputs, results, strict=True))[len(state) :]:
                self._put_out(name, result)
            update_cells(e, list(state.values()), results[: len(state)], None)
        w.lines.append("}")
        for name, cell in zip(self.outputs, state.values(), strict=False):
            self._finish(name, cell.get())
        return self._assembled()

    def _cell(self, name: str, var: Var) -> Any:
        """A lane's own variable, with the value of an input."""
        return carry_cells(self.e, [var], [var], [self._row("lane", name, var)])[0]

    def _assembled(self) -> str:
        w = self.w
        parameters = [
            f"const {storage(x.dtype)}* __restrict__ {n}" for n, x in zip(self.inputs, self.step.inputs, strict=True)
        ]
        parameters += [
            f"{storage(str(x.dtype))}* __restrict__ {n}" for n, x in zip(self.outputs, self.step.outputs, strict=True)
        ]
        vectors = [
            f"struct __align__({size * np.dtype(dtype).itemsize}) {_vector(dtype, size)}"
            f" {{ {storage(dtype)} x[{size}]; }};"
            for dtype, size in sorted(self.vectors)
        ]
        exchange = [
            f"__shared__ __align__(16) unsigned char exchanged[{THREADS // 32}][{self.exchange}];",
            "unsigned char* const exchange = exchanged[threadIdx.x / 32];",
        ]
        return "\n".join(
            [
                *vectors,
                *w.globals,
                f'extern "C" __global__ void __launch_bounds__({THREADS}) {NAME}(',
                ",\n".join([*parameters, "const long long lanes", "const long long steps"]) + ") {",
                # Threads beyond the last lane compute it too, so that all 32 take part in exchanges.
                f"const long long thread = (long long)blockIdx.x * {THREADS} + threadIdx.x;",
                "const int within = threadIdx.x % 32;",
                "const long long first = thread - within;",
                "if (first >= lanes) return;",
                "const int present = lanes - first < 32 ? (int)(lanes - first) : 32;",
                "const long long lane = thread < lanes ? thread : lanes - 1;",
                *(exchange if self.exchange else []),
                *w.allocations,
                *w.lines,
                "}",
                "",
            ]
        )

    def _row(self, number: str, name: str, var: Var) -> Array:
        """An input of a lane, a step or both; as values if they are few."""
        if var.size == 0:
            return np.zeros(var.shape, var.dtype)
        base = name if not number else f"({name} + {number} * {var.size})"
        memory = Memory(
            Buffer(base, var.dtype, var.size, None if var.uniform else 1), var.shape, dense_strides(var.shape)
        )
        return self.e.small(memory) if self.e.is_small(var.shape) else memory

    def _finish(self, name: str, array: Array) -> None:
        """Writes what is carried, after the last step."""
        size = math.prod(array.shape)
        if size:
            base = Buffer(f"({name} + lane * {size})", dtype_of(array), size, 1)
            self.e.write(Memory(base, tuple(array.shape), dense_strides(array.shape)), array)

    def _put_out(self, name: str, array: Array) -> None:
        """Writes an array of each lane of one step."""
        w, e, dtype, size = self.w, self.e, dtype_of(array), math.prod(array.shape)
        width = np.dtype(dtype).itemsize
        if size == 0:
            return
        if e.is_small(array.shape):
            values: Sequence[Val] = list(e.small(array).elements.flat)
            if size == 1:
                w.lines.append(f"{name}[row] = {values[0].ref};")
            elif size * width <= _VECTOR and size & (size - 1) == 0:
                self.vectors.add((dtype, size))
                # Not by an initializer, which does not convert.
                vector = w.fresh("vector")
                w.lines.append(f"{_vector(dtype, size)} {vector};")
                w.lines += [f"{vector}.x[{k}] = {value.ref};" for k, value in enumerate(values)]
                w.lines.append(f"reinterpret_cast<{_vector(dtype, size)}*>({name})[row] = {vector};")
            else:
                self._exchange_values(name, dtype, size, values)
            return
        part = self._part(dtype, size)
        slot = w.fresh("count")
        w.lines.append(f"int {slot} = 0; long long {slot}_done = 0;")
        ready = e.readable(array)
        with e.loops(array.shape) as position:
            value = at(w, ready, position)
            w.lines.append(self._staged(dtype, part, slot, value))
            w.lines.append(f"if (++{slot} == {part}) {{")
            self._write_rows(name, dtype, size, part, f"{slot}_done")
            w.lines.append(f"{slot} = 0; {slot}_done += {part}; }}")
        if size % part:
            self._write_rows(name, dtype, size, size % part, f"{slot}_done", part)

    def _part(self, dtype: str, size: int) -> int:
        width = np.dtype(dtype).itemsize
        part = min(size, _EXCHANGED // width)
        self.exchange = max(self.exchange, (32 * _pitch(part) * width + 15) // 16 * 16)
        return part

    def _staged(self, dtype: str, part: int, number: int | str, value: Val) -> str:
        return f"reinterpret_cast<{storage(dtype)}*>(exchange)[within * {_pitch(part)} + {number}] = {value.ref};"

    def _exchange_values(self, name: str, dtype: str, size: int, values: Sequence[Val]) -> None:
        part = self._part(dtype, size)
        for start in range(0, size, part):
            some = values[start : start + part]
            self.w.lines += [self._staged(dtype, part, k, value) for k, value in enumerate(some)]
            self._write_rows(name, dtype, size, len(some), str(start), part)

    def _write_rows(self, name: str, dtype: str, size: int, count: int, start: str, part: int | None = None) -> None:
        """Writes `count` elements of each row from `start` on, which the threads have put into shared memory."""
        kind, number, pitch = storage(dtype), self.w.fresh("n"), _pitch(part or count)
        if count == size:
            target = f"(row - lane + first) * {size} + {number}"
        else:
            target = f"(row - lane + first + {number} / {count}) * {size} + {start} + {number} % {count}"
        source = f"reinterpret_cast<const {kind}*>(exchange)[{number} / {count} * {pitch} + {number} % {count}]"
        self.w.lines += [
            "__syncwarp();",
            f"for (int {number} = within; {number} < present * {count}; {number} += 32)",
            f"{name}[{target}] = {source};",
            "__syncwarp();",
        ]


def _pitch(part: int) -> int:
    """Elements between two lanes in shared memory: odd, so that they lie in different banks."""
    return part | 1


def _vector(dtype: str, size: int) -> str:
    return f"{c_type(dtype)}_{size}".replace(" ", "_")
