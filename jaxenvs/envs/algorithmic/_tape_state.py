"""The state of the algorithmic tasks."""

from jax import Array

from jaxenvs.core.pytree import PyTreeNode


class TapeState(PyTreeNode):
    """State of the algorithmic tasks.

    Attributes:
        symbols: (longest, rows) int32, the input, one column of the grid after the other, padded with blanks.
        length: () int32, number of columns of the input.
        target: (most,) int32, the symbols to write, padded with blanks.
        target_length: () int32, number of symbols to write.
        output: (most,) int32, the symbols written, padded with blanks.
        column: () int32, column of the read head, which may lie outside the input.
        row: () int32, row of the read head, which may lie outside the input.
        written: () int32, number of symbols written.
        elapsed: () int32, steps since the start.
        total: () float32, sum of the rewards since the start.
        level: () int32, the shortest length of an input in this episode.
        streak: () int32, how many consecutive episodes of this level were good enough before this one.
    """

    symbols: Array
    length: Array
    target: Array
    target_length: Array
    output: Array
    column: Array
    row: Array
    written: Array
    elapsed: Array
    total: Array
    level: Array
    streak: Array
