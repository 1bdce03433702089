"""What a branch passes on unchanged, and what has been computed from it before, is not computed again after it.

An environment with automatic resets computes the next state, and from it a reward; then a branch replaces the states of
the episodes that are over, and an observation is computed from what comes out. Where the observation needs what the
reward needed, only the new states have to be gone through again, in the branch, which few steps take. XLA computes all
branches for all lanes, so an environment is not written in that way.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from jaxenvs.fusion import elementwise, folding, shapes
from jaxenvs.fusion.demand import cost_of
from jaxenvs.fusion.equations import Atom, Block, Equation, Var, read_by

# Longer arrays lie in memory, which would have to be copied out of the branch.
_LONGEST = 16
_MOVABLE = {*elementwise.OPERATIONS, "convert_element_type", "reduce_sum", *shapes.OPERATIONS}
# How many operations a number that is brought out of a branch must save: where lanes often take the branch, nothing is.
_COST_OF_RESULT = 16

_Key: TypeAlias = tuple[Any, ...]


def reuse(block: Block) -> None:
    """Moves equations into the branches before them, in a block and the blocks within it."""
    number = 0
    while number < len(block.equations):
        equation = block.equations[number]
        for inner in equation.blocks:
            reuse(inner)
        if equation.op == "cond":
            _move_into(block, number)
        number += 1


class _Known:
    """The values before an equation of a block, equal ones by the first variable that has them."""

    def __init__(self, equations: Sequence[Equation]) -> None:
        self._first: dict[Var, Var] = {}
        self._results: dict[_Key, Var] = {}
        for equation in equations:
            if _is_movable(equation):
                (output,) = equation.outputs
                first = self._results.setdefault(self.key(equation, equation.inputs), output)
                if first is not output:
                    self._first[output] = first

    def first(self, x: Atom) -> Atom:
        """The first variable with the value of a variable; constants as they are."""
        return self._first.get(x, x) if isinstance(x, Var) else x

    def key(self, equation: Equation, inputs: Sequence[Atom]) -> _Key:
        """What equal results have in common."""
        (output,) = equation.outputs
        given = [self.first(x) if isinstance(x, Var) else (x.shape, x.dtype.str, x.tobytes()) for x in inputs]
        return equation.op, output.shape, output.dtype, repr(sorted(equation.params.items())), *given

    def result(self, equation: Equation, inputs: Sequence[Atom]) -> Var | None:
        """A variable that has the result of an equation with other inputs."""
        return self._results.get(self.key(equation, inputs))

    def note_same(self, equation: Equation) -> None:
        """Takes note of an equation after the branch, if it computes what is known."""
        known = self.result(equation, equation.inputs)
        if known is not None:
            self._first[equation.outputs[0]] = known


def _is_movable(equation: Equation) -> bool:
    return equation.op in _MOVABLE and len(equation.outputs) == 1 and equation.outputs[0].size <= _LONGEST


def _move_into(block: Block, number: int) -> None:
    """Moves what can be computed in a branch into it.

    Args:
        block: with the branches.
        number: of their equation.
    """
    branches = block.equations[number]
    passing = [inner for inner in branches.blocks if not inner.equations]
    if len(passing) != 1 or len(branches.blocks) < 2:
        return
    passed_on: dict[Var, Atom] = dict(zip(branches.outputs, passing[0].outputs, strict=True))

    def is_of_results(equation: Equation) -> bool:
        return any(isinstance(x, Var) and x in passed_on for x in equation.inputs)

    if not any(_is_movable(x) and is_of_results(x) for x in block.equations[number + 1 :]):
        return
    known = _Known(block.equations[:number])
    moved: list[Equation] = []
    for equation in block.equations[number + 1 :]:
        if not _is_movable(equation):
            continue
        if not is_of_results(equation):
            known.note_same(equation)
            continue
        result = known.result(equation, [passed_on.get(x, x) if isinstance(x, Var) else x for x in equation.inputs])
        if result is not None:
            moved.append(equation)
            passed_on[equation.outputs[0]] = result
    moved, results = _worthwhile(block, moved)
    if not moved:
        return
    for inner in branches.blocks:
        values = dict(zip(branches.outputs, inner.outputs, strict=True))
        if inner is passing[0]:
            values = passed_on
        else:
            for equation in moved:
                inputs = [values.get(x, known.first(x)) if isinstance(x, Var) else x for x in equation.inputs]
                values[equation.outputs[0]] = _added(inner, equation, inputs)
        inner.outputs += [values[x] for x in results]
    branches.outputs += results
    gone = set(map(id, moved))
    block.equations = [x for x in block.equations if id(x) not in gone]


def _added(block: Block, equation: Equation, inputs: list[Atom]) -> Atom:
    """The result of an equation with other inputs, which is added to a block."""
    (output,) = equation.outputs
    constants = [x for x in inputs if isinstance(x, np.ndarray)]
    if len(constants) == len(inputs):
        folded = folding.fold(equation.op, constants, output, equation.params)
        if folded is not None:
            return folded
    new = Var(output.shape, output.dtype)
    block.equations.append(Equation(equation.op, inputs, [new], equation.params, []))
    return new


def _worthwhile(block: Block, moved: list[Equation]) -> tuple[list[Equation], list[Var]]:
    """Of the equations that can be moved, those that should be, and which of their results are read outside."""
    while moved:
        inside = set(map(id, moved))
        read = {x for x in block.outputs if isinstance(x, Var)}
        for equation in block.equations:
            if id(equation) not in inside:
                read |= read_by(equation)
        results = [x for equation in moved for x in equation.outputs if x in read]
        computed = {x for equation in moved for x in equation.outputs}
        # A cheap one whose operands come out of the branch as well may as well be computed there.
        cheap = {
            id(equation)
            for equation in moved
            if equation.outputs[0] in read
            and cost_of(equation.op) <= 1
            and all(x in read or x not in computed for x in equation.inputs if isinstance(x, Var))
        }
        if not cheap:
            saved = sum(cost_of(x.op) * x.outputs[0].size for x in moved)
            return (moved, results) if saved > _COST_OF_RESULT * sum(x.size for x in results) else ([], [])
        moved = [x for x in moved if id(x) not in cheap]
    return [], []
