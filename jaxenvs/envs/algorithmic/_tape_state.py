"""The state of the algorithmic tasks."""

from jax import Array

from jaxenvs.core.pytree import PyTreeNode


class TapeState(PyTreeNode):
    """State of the algorithmic tasks.

    Attributes:
        symbols: (longest, rows) int32, the input, a column of the grid after the other; blanks behind it.
        length: () int32, how many columns it has.
        target: (most,) int32, what is to be written; blanks behind it.
        target_length: () int32, how much that is.
        output: (most,) int32, what was written; blanks behind it.
        column: () int32, where the read head is; also outside the input.
        row: () int32, likewise.
        written: () int32, how many symbols were written.
        time: () int32, steps since the start.
        total: () float32, sum of the rewards since the start.
        level: () int32, the least length of inputs in this episode.
        streak: () int32, how many episodes of this level before it were good enough, one after the other.
    """

    symbols: Array
    length: Array
    target: Array
    target_length: Array
    output: Array
    column: Array
    row: Array
    written: Array
    time: Array
    total: Array
    level: Array
    streak: Array
