"""Connect Four: four in a row on a board of 6 rows and 7 columns, into which discs fall."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.trees import tree_where
from jaxenvs.games._bits import Bits
from jaxenvs.games.game import NOBODY, Game, Position
from jaxenvs.games.symmetry import Symmetric, Symmetries, mirrored

ROWS, COLUMNS = 6, 7
_HEIGHT = ROWS + 1
"""Bits of a column: one for each cell, from the bottom up, and one that stays empty, so that no line runs from the top
of a column into the bottom of the next."""
_BIT = (np.arange(COLUMNS) * _HEIGHT + np.arange(ROWS)[::-1, None]).astype(np.int32)
"""(6, 7) the bit of each cell, row by row from the top."""
_COLUMN_BITS = [sum(1 << int(bit) for bit in column) for column in _BIT.T]
_LOW = np.array([bits % 2**32 for bits in _COLUMN_BITS], np.uint32)
_HIGH = np.array([bits >> 32 for bits in _COLUMN_BITS], np.uint32)
"""(7,) the two words of the cells of each column; see `Bits`."""
_DIRECTIONS = 1, _HEIGHT - 1, _HEIGHT, _HEIGHT + 1
"""What the bits of neighbours in a line differ by: up, and to the right and down, level, and up."""


class ConnectFourPosition(Position, kw_only=True):
    """A position of Connect Four.

    Attributes:
        own: the cells of the player who moves next; see `ConnectFour.discs` for planes of truth values.
        other: those of the other player.
    """

    own: Bits
    other: Bits


class ConnectFour(Game[ConnectFourPosition], Symmetric):
    """Players drop discs into columns in turn; who has four in a row, a column or a diagonal wins. A full board is a
    draw.

    Actions: the column, from the left, 0 to 6. Their names are `"a"` to `"g"`.

    Observation: (6, 7, 2) bool: the player's own discs, and the other's, from the top row down.
    """

    @property
    def num_actions(self) -> int:
        return COLUMNS

    @property
    def observation_shape(self) -> tuple[int, int, int]:
        return ROWS, COLUMNS, 2

    @property
    def symmetries(self) -> Symmetries:
        return mirrored(ROWS, COLUMNS)

    def start(self) -> ConnectFourPosition:
        return ConnectFourPosition(
            player=jnp.zeros((), jnp.int32),
            is_over=jnp.zeros((), bool),
            winner=jnp.full((), NOBODY, jnp.int32),
            own=Bits.of(()),
            other=Bits.of(()),
        )

    def legal_actions(self, position: ConnectFourPosition) -> Array:
        return ~(position.own | position.other).has(_BIT[0]) & ~position.is_over

    def play(self, position: ConnectFourPosition, action: ArrayLike) -> ConnectFourPosition:
        before = position.own | position.other
        landings = (before.up(1) | Bits.of(_BIT[-1])) & ~before
        own = position.own | landings & Bits(low=jnp.asarray(_LOW)[action], high=jnp.asarray(_HIGH)[action])
        wins = jnp.zeros((), bool)
        for step in _DIRECTIONS:
            pairs = own & own.down(step)
            wins |= (pairs & pairs.down(2 * step)).any()
        is_full = ~(Bits.of(_BIT[0]) & ~(own | position.other)).any()
        return ConnectFourPosition(
            player=1 - position.player,
            is_over=wins | is_full,
            winner=jnp.where(wins, position.player, NOBODY).astype(jnp.int32),
            own=position.other,
            other=own,
        )

    def discs(self, position: ConnectFourPosition) -> Array:
        """(2, 6, 7) bool: the discs of the first player and of the second, from the top row down."""
        return self._planes(position, position.player == 0, axis=0)

    def observe(self, position: ConnectFourPosition, player: ArrayLike) -> Array:
        return self._planes(position, position.player == player, axis=-1)

    def action_name(self, action: int) -> str:
        return "abcdefg"[action]

    def text(self, position: ConnectFourPosition) -> str:
        first, second = np.asarray(self.discs(position))
        symbols = np.where(first, "X", np.where(second, "O", "."))
        return "\n".join(" ".join(row) for row in (*symbols, "abcdefg"))

    def _planes(self, position: ConnectFourPosition, own_first: Array, axis: int) -> Array:
        """The discs of the player who moves next and of the other, in this order if `own_first`, along a new axis."""
        one = tree_where(own_first, position.own, position.other)
        two = tree_where(own_first, position.other, position.own)
        return jnp.stack([one.has(_BIT), two.has(_BIT)], axis)
