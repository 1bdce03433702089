"""How many lanes of a program a value should hold."""

import numpy as np

from jaxenvs.fusion import functions
from jaxenvs.fusion.demand import chooses_between_costly
from jaxenvs.fusion.equations import Block, Equation, Var, read_by
from jaxenvs.fusion.layout import FEWEST_LANES

GROUP, LARGE_GROUP = FEWEST_LANES, 32
"""Lanes of one value; and in a program for which more are better."""

# Of 32 registers. LLVM moves operations to where fewer values wait, and arrays of more than 32 elements are in memory.
_FEW_REGISTERS, _SOME_REGISTERS, _LARGEST_IN_REGISTERS = 24, 50, 32
_LARGEST_IN_CACHE = 32 << 10
"""Bytes of an array of all lanes of a value: rows that are longer are not put together in the first cache."""


def group_for(step: Block, lanes: int) -> int:
    """How many lanes of a program a value should hold, on a processor with vectors of 16 numbers of 32 bits.

    Sixteen floats fill such a vector, and an operation often has to wait for the one before; sixteen flags or bytes
    fill a quarter of one. With twice as many lanes there is something else to do. That pays if a program has little
    more than simple operations: functions are computed in float64, which takes twice the room already, and what only
    some lanes need is computed for more lanes that do not. And it pays only if registers suffice, or if most values are
    in memory, as the boards and pictures of games are, which must fit into the first cache.
    """
    if lanes < LARGE_GROUP or not all(_is_simple(x) and _fits_into_cache(x) for x in step.equations):
        return GROUP
    limit = _SOME_REGISTERS if any(map(_is_long_row_of_bytes, step.equations)) else _FEW_REGISTERS
    return GROUP if _registers(step) > limit or chooses_between_costly(step) else LARGE_GROUP


def _is_simple(equation: Equation) -> bool:
    """Whether an equation is neither a function of floats nor a loop. Branches count as simple: few steps need them."""
    return equation.op not in functions.FUNCTIONS and equation.op not in ("while", "scan", "call")


def _fits_into_cache(equation: Equation) -> bool:
    return all(LARGE_GROUP * x.size * np.dtype(x.dtype).itemsize <= _LARGEST_IN_CACHE for x in equation.outputs)


def _is_long_row_of_bytes(equation: Equation) -> bool:
    return any(x.size > _LARGEST_IN_REGISTERS and np.dtype(x.dtype).itemsize == 1 for x in equation.outputs)


def _registers(step: Block) -> float:
    """How many registers the values take that are in use at the same time, at most, with 16 lanes each."""
    last: dict[Var, int] = {}
    for number, equation in enumerate(step.equations):
        last |= dict.fromkeys(read_by(equation), number)
    last |= {x: len(step.equations) for x in step.outputs if isinstance(x, Var)}
    ending: dict[int, float] = {}
    in_use = most = 0.0
    for x in step.inputs:
        if x in last:
            in_use += _room(x)
            ending[last[x]] = ending.get(last[x], 0.0) + _room(x)
    for number, equation in enumerate(step.equations):
        for x in equation.outputs:
            if x in last:
                in_use += _room(x)
                ending[last[x]] = ending.get(last[x], 0.0) + _room(x)
        most = max(most, in_use)
        in_use -= ending.get(number, 0.0)
    return most


def _room(x: Var) -> float:
    if x.uniform or x.size > _LARGEST_IN_REGISTERS:
        return 0.0
    return x.size * (0.125 if x.dtype == "bool" else np.dtype(x.dtype).itemsize / 4)
