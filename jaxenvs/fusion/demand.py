"""Where the values of a block are needed: in one loop over elements only, or in one case of a choice only."""

import heapq
from collections.abc import Sequence
from typing import TypeAlias

from jaxenvs.fusion import elementwise, indexing, shapes
from jaxenvs.fusion.equations import Atom, Block, Equation, Var

WORTHWHILE = 64
"""From about this many operations on, an element is computed only if a lane needs it: a branch costs some as well."""

Costs: TypeAlias = tuple[int, int]
"""About how many operations an element takes, if the condition is false, and if it is true."""

Readers: TypeAlias = dict[Var, set[int]]
"""The numbers of a block's equations that read each variable, also within blocks of theirs; -1 if it is a result."""


def cost_of(op: str) -> int:
    """About how many cheap operations one element of an operation is worth."""
    if op in shapes.OPERATIONS:
        return 0
    return 1 if op in elementwise.CHEAP else 4 if op not in elementwise.COSTLY else elementwise.COST_OF_COSTLY


def costs_of_cases(block: Block, readers: Readers) -> dict[Equation, Costs]:
    """For each choice by a condition, what its cases cost beyond what others need as well.

    In `where(place < length, drawn_symbols, blank)`, XLA computes both cases for all elements. A kernel computes an
    element of a costly one only if a lane chooses it. That is done for arrays, where a condition that differs between
    elements often leaves some of them out.
    """
    choices = [
        (number, equation)
        for number, equation in enumerate(block.equations)
        if equation.op == "select_n" and len(equation.inputs) == 3 and equation.outputs[0].size > 1
    ]
    if not choices:
        return {}
    definitions = {x: number for number, equation in enumerate(block.equations) for x in equation.outputs}
    found = {}
    for number, equation in choices:
        costs = [_own_cost(block, x, number, definitions, readers) for x in equation.inputs[1:]]
        if equation.inputs[1] is not equation.inputs[2]:
            found[equation] = costs[0], costs[1]
    return found


def chooses_between_costly(block: Block) -> bool:
    """Whether a program has a choice of which a costly case is computed only if a lane needs it."""
    return any(
        max(costs) >= WORTHWHILE
        for inner, readers in readers_of(block)
        for costs in costs_of_cases(inner, readers).values()
    )


def in_one_loop(block: Block, readers: Readers) -> set[Var]:
    """The variables whose readers all compute elements of one loop, which needs no memory to hand them on."""
    loops, found = {}, set()
    for number, equation in reversed(list(enumerate(block.equations))):
        loops[number] = number
        if len(equation.outputs) != 1:
            continue
        (output,) = equation.outputs
        around = {loops[x] if _is_elementwise(block, x, output) else -1 for x in readers.get(output, {-1})}
        if len(around) == 1 and -1 not in around:
            found.add(output)
            if _is_elementwise(block, number, output):
                (loops[number],) = around
    return found


def _is_elementwise(block: Block, number: int, like: Var) -> bool:
    """Whether an equation computes each element from the elements at the same place of arrays like one."""
    if number < 0:
        return False
    equation = block.equations[number]
    is_so = equation.op in elementwise.OPERATIONS or equation.op == "convert_element_type"
    return is_so and equation.outputs[0].shape == like.shape


def readers_of(block: Block) -> list[tuple[Block, Readers]]:
    """The readers in a block and in each block within it."""
    found: list[tuple[Block, Readers]] = []
    _readers(block, found)
    return found


def _readers(block: Block, found: list[tuple[Block, Readers]]) -> set[Var]:
    """Adds the readers in a block, and in the blocks within it; returns what they read from around the block."""
    readers: Readers = {}
    for number, equation in enumerate(block.equations):
        read = {x for x in equation.inputs if isinstance(x, Var)}
        for inner in equation.blocks:
            read |= _readers(inner, found)
        for x in read:
            readers.setdefault(x, set()).add(number)
    for x in block.outputs:
        if isinstance(x, Var):
            readers.setdefault(x, set()).add(-1)
    found.append((block, readers))
    return readers.keys() - {x for equation in block.equations for x in equation.outputs} - {*block.inputs}


def _own_cost(block: Block, case: Atom, choice: int, definitions: dict[Var, int], readers: Readers) -> int:
    """About how many operations for each element of a choice serve one of its cases only."""
    size, total = block.equations[choice].outputs[0].size, 0.0
    own, waiting, seen = {choice}, [], set()

    def wait_for(atoms: Sequence[Atom]) -> None:
        for x in atoms:
            number = definitions.get(x, -1) if isinstance(x, Var) else -1
            if number >= 0 and number not in seen:
                seen.add(number)
                heapq.heappush(waiting, -number)

    wait_for([case])
    while waiting:
        # The last equation first: those that read its result have been gone through.
        number = -heapq.heappop(waiting)
        equation = block.equations[number]
        if equation.blocks or equation.op not in _MOVABLE:
            continue
        if number == choice or not all(readers[y] <= own for y in equation.outputs if y in readers):
            continue
        own.add(number)
        looks_up = equation.op in indexing.LOOK_UPS and not all(
            not isinstance(y, Var) or y.uniform for y in equation.inputs[1:]
        )
        cost = indexing.COST_OF_LOOK_UP if looks_up else cost_of(equation.op)
        total += cost * sum(y.size for y in equation.outputs) / size
        wait_for(equation.inputs)
    return int(total)


_MOVABLE = {*elementwise.OPERATIONS, "convert_element_type", *shapes.OPERATIONS, *indexing.LOOK_UPS}
"""Operations that compute values from values; others write to memory."""
