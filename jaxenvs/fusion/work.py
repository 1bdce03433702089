"""Of what the work of a step consists: what a kernel makes faster, and what it does not."""

import dataclasses
import math

from jaxenvs.fusion.equations import Block, Var

LARGE = 1_000
"""Arrays of so many elements are large: XLA's loops over them take much longer than what it needs to begin one."""

_ROUNDS = 8
"""Rounds that a loop is taken to have whose end is not known."""
_TAKEN = 0.1
"""How often a branch is taken to be gone through: most are for what seldom happens, as the end of an episode."""


@dataclasses.dataclass(frozen=True)
class Work:
    """Shares of the numbers that a step computes, from 0 to 1, as far as a program that has not run shows them.

    Attributes:
        large: of arrays of `LARGE` elements or more.
        waiting: of those, within loops that some lanes leave before others. A kernel computes them for all lanes that
            it has in a value until the last one leaves.
    """

    large: float
    waiting: float


def work_of(step: Block) -> Work:
    """The work of a program whose uniform values are marked."""
    total = large = waiting = 0.0

    def add(block: Block, times: float, *, differs: bool) -> None:
        nonlocal total, large, waiting
        for equation in block.equations:
            if equation.blocks:
                rounds, ends_differ = _rounds(equation.op, equation.params, equation.blocks)
                for inner in equation.blocks:
                    add(inner, times * rounds, differs=differs or ends_differ)
                continue
            for x in equation.outputs:
                numbers = times * x.size
                total += numbers
                large += numbers * (x.size >= LARGE)
                waiting += numbers * (x.size >= LARGE and differs)

    add(step, 1.0, differs=False)
    return Work(large / total, waiting / total) if total else Work(0.0, 0.0)


def _rounds(op: str, params: dict[str, int], blocks: list[Block]) -> tuple[float, bool]:
    """How often blocks are gone through, and whether some lanes stop before others."""
    if op == "scan":
        return params["length"], False
    if op == "while":
        (going,) = blocks[0].outputs
        return _ROUNDS, isinstance(going, Var) and not going.uniform
    return (_TAKEN, False) if op == "cond" else (1.0, False)


def in_words(work: Work) -> str:
    """Why a kernel gains little, if that is to be expected; otherwise nothing."""
    if work.waiting >= 0.5:
        return (
            f"{_percent(work.waiting)} of its work is in loops over arrays of {LARGE:,} elements or more, which end in"
            " some lanes before others. A kernel goes on for all of its lanes until the last one is done, so XLA may be"
            " faster: measure both"
        )
    if work.large >= 0.5:
        return (
            f"{_percent(work.large)} of its work is on arrays of {LARGE:,} elements or more, as pictures are. XLA loses"
            " little time with those, so a kernel gains less than with small ones: measure both"
        )
    return ""


def _percent(share: float) -> str:
    return f"{math.floor(100 * share)} %"
