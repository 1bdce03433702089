"""What a program consists of: variables, equations and blocks."""

import dataclasses
import hashlib
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np


class CannotFuse(Exception):
    """Why a program cannot become a kernel."""


@dataclasses.dataclass(eq=False, slots=True)
class Var:
    """An array of each lane.

    Attributes:
        shape: without lanes; that of a key has its words last.
        dtype: as NumPy names it.
        uniform: whether it is known to be the same in all lanes.
    """

    shape: tuple[int, ...]
    dtype: str
    uniform: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


Atom: TypeAlias = Var | np.ndarray

SCATTERS = {
    "scatter": None,
    **{f"scatter{sign}{name}": name for sign in "-_" for name in ("add", "sub", "mul", "min", "max")},
}
"""How each kind of scatter combines what is there with what is new."""


@dataclasses.dataclass(eq=False, slots=True)
class Block:
    """A list of equations that is computed as a whole.

    Attributes:
        inputs: variables that get a new value each time: what a loop carries.
        equations: in the order of computation.
        outputs: its results.
        as_written: of a whole program, whether each product and each sum is rounded. If not, a product and a sum may
            become one operation.
    """

    inputs: list[Var]
    equations: list["Equation"]
    outputs: list[Atom]
    as_written: bool = False


@dataclasses.dataclass(eq=False, slots=True)
class Equation:
    """One operation.

    Attributes:
        op: the name of the primitive.
        inputs: what it reads.
        outputs: what it defines.
        params: the primitive's parameters that matter.
        blocks: the branches of a `cond`, condition and body of a `while`, the body of a `scan`; for a `call`, the block
            that it shares with other calls, which reads nothing but its inputs.
    """

    op: str
    inputs: list[Atom]
    outputs: list[Var]
    params: dict[str, Any]
    blocks: list[Block]


def read_by(equation: Equation) -> set[Var]:
    """The variables that an equation reads, those that its blocks read included."""
    read = {x for x in equation.inputs if isinstance(x, Var)}
    for inner in equation.blocks:
        read |= {x for x in inner.outputs if isinstance(x, Var)}
        for x in inner.equations:
            read |= read_by(x)
    return read


def fingerprint(block: Block) -> str:
    """A hash of everything that a kernel depends on, equal in every process."""
    digest, numbers = hashlib.sha256(), {}

    def write(*parts: Any) -> None:
        digest.update(repr(parts).encode())

    def atom(x: Atom) -> None:
        if isinstance(x, Var):
            write(numbers.setdefault(x, len(numbers)), x.shape, x.dtype, x.uniform)
        else:
            write(x.shape, str(x.dtype))
            digest.update(np.ascontiguousarray(x).tobytes())

    def walk(block: Block) -> None:
        write("block", len(block.inputs), len(block.equations), len(block.outputs))
        for x in block.inputs:
            atom(x)
        for equation in block.equations:
            write(equation.op, sorted(equation.params.items()), len(equation.inputs), len(equation.outputs))
            for x in (*equation.inputs, *equation.outputs):
                atom(x)
            for inner in equation.blocks:
                walk(inner)
        for x in block.outputs:
            atom(x)

    write(block.as_written)
    walk(block)
    return digest.hexdigest()


def structure(block: Block, visit: Callable[[Equation], None]) -> None:
    """Calls `visit` for each equation, those of inner blocks included."""
    for equation in block.equations:
        visit(equation)
        for inner in equation.blocks:
            structure(inner, visit)


def count(block: Block) -> int:
    """The number of equations, those of inner blocks included, and those of shared blocks once."""
    seen: set[Block] = set()

    def of(block: Block) -> int:
        if block in seen:
            return 0
        seen.add(block)
        return len(block.equations) + sum(of(inner) for equation in block.equations for inner in equation.blocks)

    return of(block)
