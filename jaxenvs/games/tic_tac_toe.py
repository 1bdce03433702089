"""Tic-tac-toe: three in a row on a board of 3 by 3."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.games.game import NOBODY, Game, Position
from jaxenvs.games.symmetry import Symmetric, Symmetries, of_square

_CELLS = np.arange(9, dtype=np.uint32)
"""(9,) the number of each cell, which is also that of its bit."""
_FULL = 2**9 - 1
_LINES = [
    sum(1 << cell for cell in line)
    for line in [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
]
"""The cells of each row, column and diagonal, as bits."""


class TicTacToePosition(Position, kw_only=True):
    """A position of tic-tac-toe.

    Attributes:
        own: () uint32, the cells of the player who moves next, a bit for each.
        other: () uint32, those of the other player.
    """

    own: Array
    other: Array

    @property
    def marks(self) -> Array:
        """(2, 9) bool, the cells that each player has marked, row by row from the top left."""
        return _planes(self, 0, _CELLS, axis=0)


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
            own=jnp.zeros((), jnp.uint32),
            other=jnp.zeros((), jnp.uint32),
        )

    def legal_actions(self, position: TicTacToePosition) -> Array:
        return ((position.own | position.other) >> _CELLS & 1 == 0) & ~position.is_over

    def play(self, position: TicTacToePosition, action: ArrayLike) -> TicTacToePosition:
        own = position.own | jnp.uint32(1) << jnp.asarray(action, jnp.uint32)
        wins = jnp.zeros((), bool)
        for line in _LINES:
            wins |= own & line == line
        return TicTacToePosition(
            player=1 - position.player,
            is_over=wins | (own | position.other == _FULL),
            winner=jnp.where(wins, position.player, NOBODY).astype(jnp.int32),
            own=position.other,
            other=own,
        )

    def observe(self, position: TicTacToePosition, player: ArrayLike) -> Array:
        return _planes(position, player, _CELLS.reshape(3, 3), axis=-1)

    def action_name(self, action: int) -> str:
        return f"{'abc'[action % 3]}{3 - action // 3}"

    def text(self, position: TicTacToePosition) -> str:
        first, second = np.asarray(position.marks)
        symbols = np.where(first, "X", np.where(second, "O", ".")).reshape(3, 3)
        return "\n".join(" ".join(row) for row in symbols)


def _planes(position: TicTacToePosition, player: ArrayLike, cells: np.ndarray, axis: int) -> Array:
    """Bool of the shape of `cells`, with one more axis: what `player` has marked, and what the other player has."""
    moves_next = position.player == player
    marks = jnp.where(moves_next, position.own, position.other), jnp.where(moves_next, position.other, position.own)
    return jnp.stack([each >> cells & 1 == 1 for each in marks], axis)
