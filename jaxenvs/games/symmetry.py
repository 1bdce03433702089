"""Games whose board may be turned or mirrored without changing them, which learners use for more examples."""

import abc

import numpy as np

from jaxenvs.core.pytree import PyTreeNode


class Symmetries(PyTreeNode):
    """The ways to look at a board in which the game is the same. The first one changes nothing.

    Attributes:
        cells: (ways, rows * columns) int32: in way `i`, cell `j` shows what cell `cells[i, j]` of the board has.
        actions: (ways, num_actions) int32: in way `i`, action `j` is the action `actions[i, j]` of the game.
    """

    cells: np.ndarray
    actions: np.ndarray


class Symmetric(abc.ABC):
    """A game with symmetries."""

    @property
    @abc.abstractmethod
    def symmetries(self) -> Symmetries:
        """The ways to look at its board."""


def of_square(size: int, other_actions: int = 0) -> Symmetries:
    """The eight rotations and reflections of a square board, whose first actions are its cells, row by row.

    Args:
        size: rows of the board.
        other_actions: actions after those of the cells, which stay as they are, such as a pass.
    """
    board = np.arange(size * size, dtype=np.int32).reshape(size, size)
    turned = [np.rot90(way, turns) for way in (board, board[:, ::-1]) for turns in range(4)]
    cells = np.stack([way.reshape(-1) for way in turned])
    others = np.arange(size * size, size * size + other_actions, dtype=np.int32)
    return Symmetries(cells=cells, actions=np.hstack([cells, np.tile(others, (len(cells), 1))]))


def mirrored(rows: int, columns: int) -> Symmetries:
    """A board and its mirror image, with left and right exchanged, in a game whose actions are the columns."""
    board = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    actions = np.arange(columns, dtype=np.int32)
    cells = np.stack([board.reshape(-1), board[:, ::-1].reshape(-1)])
    return Symmetries(cells=cells, actions=np.stack([actions, actions[::-1]]))
