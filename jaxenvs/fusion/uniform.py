"""Which values of a program are the same in all lanes."""

from collections.abc import Iterable, Sequence

from jaxenvs.fusion.equations import Atom, Block, Equation, Var


def mark_uniform(block: Block) -> None:
    """Marks the variables of a block, whose inputs have been marked.

    All are taken to be the same in all lanes at first. A loop is gone through until no more of what it carries turns
    out to differ; since marks are only ever taken away, loops within loops go on from where they were.
    """
    _assume(block)
    _mark(block)


def _assume(block: Block) -> None:
    for equation in block.equations:
        for inner in equation.blocks:
            for x in inner.inputs:
                x.uniform = equation.op != "call"  # for all calls, some of whose values may differ between lanes
            _assume(inner)


def _mark(block: Block) -> None:
    for equation in block.equations:
        marks = _MARKS.get(equation.op, _plain)(equation)
        for output, mark in zip(equation.outputs, marks, strict=True):
            output.uniform = mark


def _is_uniform(x: Atom) -> bool:
    return not isinstance(x, Var) or x.uniform


def _plain(equation: Equation) -> list[bool]:
    return [all(map(_is_uniform, equation.inputs))] * len(equation.outputs)


def _cond(equation: Equation) -> list[bool]:
    for block in equation.blocks:
        _mark(block)
    chosen = _is_uniform(equation.inputs[0])
    return [chosen and all(map(_is_uniform, results)) for results in zip(*(b.outputs for b in equation.blocks))]


def _while(equation: Equation) -> list[bool]:
    condition, body = equation.blocks
    _lower(condition.inputs, map(_is_uniform, equation.inputs))
    again = True
    while again:
        _mark(condition)
        _mark(body)
        # Lanes leave the loop together, or they leave the variable alone.
        together = _is_uniform(condition.outputs[0])
        marks = [
            (together or new is old) and _is_uniform(new)
            for new, old in zip(body.outputs, condition.inputs, strict=True)
        ]
        again = _lower(condition.inputs, marks)
    return [x.uniform for x in condition.inputs]


def _scan(equation: Equation) -> list[bool]:
    (body,), num_carry = equation.blocks, equation.params["num_carry"]
    _lower(body.inputs, map(_is_uniform, equation.inputs))
    again = True
    while again:
        _mark(body)
        again = _lower(body.inputs[:num_carry], map(_is_uniform, body.outputs))
    return [*(x.uniform for x in body.inputs[:num_carry]), *map(_is_uniform, body.outputs[num_carry:])]


def _call(equation: Equation) -> list[bool]:
    (block,) = equation.blocks
    _mark(block)
    return [False] * len(block.outputs)


def _lower(variables: Sequence[Var], marks: Iterable[bool]) -> bool:
    """Takes marks away where `marks` has none; returns whether any was."""
    changed = False
    for x, mark in zip(variables, marks, strict=False):
        if x.uniform and not mark:
            x.uniform, changed = False, True
    return changed


_MARKS = {"call": _call, "cond": _cond, "while": _while, "scan": _scan}
