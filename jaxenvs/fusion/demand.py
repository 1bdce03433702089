"""Where the values of a block are needed: in one loop over elements only, or in one case of a choice only."""

from collections.abc import Sequence

from jaxenvs.fusion import elementwise, indexing, shapes
from jaxenvs.fusion.equations import Atom, Block, Equation, Var

WORTHWHILE = 64
"""From about this many operations on, an element is computed only if a lane needs it: a branch costs some as well."""

Costs = tuple[int, int]
"""About how many operations an element takes, if the condition is false, and if it is true."""


def cost_of(op: str) -> int:
    """About how many cheap operations one element of an operation is worth."""
    if op in shapes.OPERATIONS:
        return 0
    return 1 if op in elementwise.CHEAP else 4 if op not in elementwise.COSTLY else elementwise.COST_OF_COSTLY


def costs_of_cases(block: Block) -> dict[Equation, Costs]:
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
    readers = _readers(block)
    found = {}
    for number, equation in choices:
        costs = [_own_cost(block, x, number, definitions, readers) for x in equation.inputs[1:]]
        if equation.inputs[1] is not equation.inputs[2]:
            found[equation] = costs[0], costs[1]
    return found


def in_one_loop(block: Block) -> set[Var]:
    """The variables whose readers all compute elements of one loop, which needs no memory to hand them on."""
    readers, loops, found = _readers(block), {}, set()
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


def _readers(block: Block) -> dict[Var, set[int]]:
    """The numbers of the equations that read each variable, also within blocks of theirs; -1 if it is a result."""
    readers: dict[Var, set[int]] = {}

    def note(atoms: Sequence[Atom], number: int) -> None:
        for x in atoms:
            if isinstance(x, Var):
                readers.setdefault(x, set()).add(number)

    def note_all(inner: Block, number: int) -> None:
        note(inner.outputs, number)
        for equation in inner.equations:
            note(equation.inputs, number)
            for block in equation.blocks:
                note_all(block, number)

    for number, equation in enumerate(block.equations):
        note(equation.inputs, number)
        for inner in equation.blocks:
            note_all(inner, number)
    note(block.outputs, -1)
    return readers


def _own_cost(block: Block, case: Atom, choice: int, definitions: dict[Var, int], readers: dict[Var, set[int]]) -> int:
    """About how many operations for each element of a choice serve one of its cases only."""
    size, total = block.equations[choice].outputs[0].size, 0.0
    own, waiting = {choice}, [case]
    while waiting:
        # The last equation first: those that read its result have been gone through.
        waiting.sort(key=lambda x: definitions.get(x, -1) if isinstance(x, Var) else -1)
        x = waiting.pop()
        number = definitions.get(x, -1) if isinstance(x, Var) else -1
        if number < 0 or number in own:
            continue
        equation = block.equations[number]
        if equation.blocks or not all(readers[y] <= own for y in equation.outputs if y in readers):
            continue
        if equation.op not in _MOVABLE:
            continue
        own.add(number)
        looks_up = equation.op in indexing.LOOK_UPS and not all(
            not isinstance(y, Var) or y.uniform for y in equation.inputs[1:]
        )
        cost = indexing.COST_OF_LOOK_UP if looks_up else cost_of(equation.op)
        total += cost * sum(y.size for y in equation.outputs) / size
        waiting.extend(equation.inputs)
    return int(total)


_MOVABLE = {*elementwise.OPERATIONS, "convert_element_type", *shapes.OPERATIONS, *indexing.LOOK_UPS}
"""Operations that compute values from values; others write to memory."""
