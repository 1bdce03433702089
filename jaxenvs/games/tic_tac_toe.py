"""Tic-tac-toe: three in a row on a board of 3 by 3."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.games.game import NOBODY, Game, Position
from jaxenvs.games.symmetry import Symmetric, Symmetries, of_square

_CELLS = np.arange(9, dtype=np.int32)
_LINES = np.array(
    [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]],
    np.int32,
)
"""(8, 3) the cells of each row, column and diagonal."""
_ON_LINE = (_LINES[:, :, None] == _CELLS).any(axis=1)
"""(8, 9) bool: whether each cell is on each line."""


class TicTacToePosition(Position, kw_only=True):
    """A position of tic-tac-toe.

    Attributes:
        marks: (2, 9) bool, the cells that each player has marked, row by row from the top left.
    """

    marks: Array


class TicTacToe(Game[TicTacToePosition], Symmetric):
    """Players mark cells in turn; who has three in a row, a column or a diagonal wins. A full board is a draw.

    Actions: the cell, row by row from the top left, 0 to 8. Their names are `"a3"`, the top left, to `"c1"`.

    Observation: (3, 3, 2) bool: the player's own marks, and the other's.
    """

    @property
    def num_actions(self) -> int:
        return 9

    @property
    def observation_shape(self) -> tuple[int, int, int]:
        return 3, 3, 2

    @property
    def symmetries(self) -> Symmetries:
        return of_square(3)

    def start(self) -> TicTacToePosition:
        return TicTacToePosition(
            player=jnp.zeros((), jnp.int32),
            is_over=jnp.zeros((), bool),
            winner=jnp.full((), NOBODY, jnp.int32),
            marks=jnp.zeros((2, 9), bool),
        )

    def legal_actions(self, position: TicTacToePosition) -> Array:
        return ~position.marks.any(axis=0) & ~position.is_over

    def play(self, position: TicTacToePosition, action: ArrayLike) -> TicTacToePosition:
        player = position.player
        is_mover = np.arange(2, dtype=np.int32)[:, None] == player
        marks = position.marks | (is_mover & (action == _CELLS)[None])
        own = (marks & is_mover).any(axis=0)
        wins = (own[None] | ~_ON_LINE).all(axis=1).any()
        return TicTacToePosition(
            player=1 - player,
            is_over=wins | marks.any(axis=0).all(),
            winner=jnp.where(wins, player, NOBODY).astype(jnp.int32),
            marks=marks,
        )

    def observe(self, position: TicTacToePosition, player: ArrayLike) -> Array:
        own_first = jnp.where(jnp.asarray(player) == 0, position.marks, position.marks[::-1])
        return own_first.reshape(2, 3, 3).transpose(1, 2, 0)

    def action_name(self, action: int) -> str:
        return f"{'abc'[action % 3]}{3 - action // 3}"

    def text(self, position: TicTacToePosition) -> str:
        first, second = np.asarray(position.marks)
        symbols = np.where(first, "X", np.where(second, "O", ".")).reshape(3, 3)
        return "\n".join(" ".join(row) for row in symbols)
