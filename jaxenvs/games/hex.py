"""Hex: connect your two sides of a board of hexagons."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_integer
from jaxenvs.core.pytree import static
from jaxenvs.games.game import NOBODY, Game, Position

_NEAR, _FAR, _NEITHER = 1, 2, 3
"""Labels of the groups that are connected to a player's near side, the top or the left; to the far one; and the least
of the others. So the least label of groups that are joined is the label of the whole."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NEIGHBOURS = np.array([(-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0)], np.int32)
"""(6, 2) rows and columns from a cell to its neighbours."""


class HexPosition(Position, kw_only=True):
    """A position of Hex.

    Attributes:
        labels: (size * size,) int8, or int16 on boards of more than 11 rows: 0 for an empty cell, else the label of the
            group that the stone belongs to, negative if it is the second player's; see `Hex.stones` for truth values.
        turn: () int32, the number of actions so far.
    """

    labels: Array
    turn: Array


class Hex(Game[HexPosition]):
    """Players place stones in turn. The first player connects the top and the bottom, the second the left and the
    right, as in OpenAI Gym, OpenSpiel and pgx. Who does so wins; there are no draws.

    Each row is half a cell further to the right than the one above. So the neighbours of a cell are the two beside it,
    the one above and that to the right of it, and the one below and that to the left of it.

    Actions: the cell, row by row from the top left, 0 to size * size - 1. Their names are `"a1"`, the top left, `"b1"`
    beside it, and so on. If `swap`, the action size * size, `"swap"`, is legal once, as the second player's first. The
    first player's stone then becomes the second's, and moves to its mirror image: its row and column change places.

    Observation: (size, size, 3) bool, or 4 channels if `swap`: the player's own stones; the other's; whether the player
    is the second; whether swapping is legal.

    Attributes:
        size: rows and columns of the board, from 2 to 26.
        swap: whether the second player may swap.
    """

    size: int = static(default=11)
    swap: bool = static(default=False)

    def __post_init__(self) -> None:
        check_integer(self, "size", self.size, 2, len(_LETTERS))

    @property
    def num_actions(self) -> int:
        return self.size**2 + self.swap

    @property
    def observation_shape(self) -> tuple[int, int, int]:
        return self.size, self.size, 3 + self.swap

    def start(self) -> HexPosition:
        return HexPosition(
            player=jnp.zeros((), jnp.int32),
            is_over=jnp.zeros((), bool),
            winner=jnp.full((), NOBODY, jnp.int32),
            labels=jnp.zeros(self.size**2, self._label_type),
            turn=jnp.zeros((), jnp.int32),
        )

    def legal_actions(self, position: HexPosition) -> Array:
        legal = position.labels == 0
        if self.swap:
            legal = jnp.append(legal, position.turn == 1)
        return legal & ~position.is_over

    def play(self, position: HexPosition, action: ArrayLike) -> HexPosition:
        action = jnp.asarray(action, jnp.int32)
        labels, wins = self._placed(position, action)
        if self.swap:
            is_swap = action == self.size**2
            mirrored = -position.labels.reshape(self.size, self.size).T.ravel()
            labels, wins = jnp.where(is_swap, mirrored, labels), wins & ~is_swap
        return HexPosition(
            player=1 - position.player,
            is_over=wins,
            winner=jnp.where(wins, position.player, NOBODY).astype(jnp.int32),
            labels=labels,
            turn=position.turn + 1,
        )

    def stones(self, position: HexPosition) -> Array:
        """(2, size, size) bool: the stones of the first player and of the second."""
        labels = position.labels.reshape(self.size, self.size)
        return jnp.stack([labels > 0, labels < 0])

    def observe(self, position: HexPosition, player: ArrayLike) -> Array:
        labels = position.labels.reshape(self.size, self.size)
        is_second = jnp.asarray(player) == 1
        channels = [
            jnp.where(is_second, labels < 0, labels > 0),
            jnp.where(is_second, labels > 0, labels < 0),
            jnp.broadcast_to(is_second, labels.shape),
        ]
        if self.swap:
            channels.append(jnp.broadcast_to((position.turn == 1) & ~position.is_over, labels.shape))
        return jnp.stack(channels, axis=-1)

    def action_name(self, action: int) -> str:
        row, column = divmod(action, self.size)
        return "swap" if action == self.size**2 else f"{_LETTERS[column]}{row + 1}"

    def text(self, position: HexPosition) -> str:
        first, second = np.asarray(self.stones(position))
        symbols = np.where(first, "X", np.where(second, "O", "."))
        rows = [f"{' ' * row}{row + 1:2} {' '.join(cells)}" for row, cells in enumerate(symbols)]
        return "\n".join(["   " + " ".join(_LETTERS[: self.size]), *rows])

    @property
    def _label_type(self) -> type[np.signedinteger[Any]]:
        """Of the label of the last action, the number of cells and of swaps after the first."""
        return np.int8 if _NEITHER + self.size**2 < np.iinfo(np.int8).max else np.int16

    def _placed(self, position: HexPosition, action: Array) -> tuple[Array, Array]:
        """The labels after a stone is placed on a cell, and whether it wins: () bool."""
        size, dtype = self.size, self._label_type
        is_first = position.player == 0
        sign = jnp.where(is_first, 1, -1).astype(dtype)
        row, column = action // size, action % size
        along = jnp.where(is_first, row, column)
        rows, columns = row + _NEIGHBOURS[:, 0], column + _NEIGHBOURS[:, 1]
        is_inside = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
        beside = sign * position.labels[jnp.where(is_inside, rows * size + columns, 0)]
        none = np.iinfo(dtype).max
        joined = jnp.where(is_inside & (beside > 0), beside, none)

        is_near = (along == 0) | (joined == _NEAR).any()
        is_far = (along == size - 1) | (joined == _FAR).any()
        label = jnp.minimum(joined.min(), (_NEITHER + position.turn).astype(dtype))
        label = jnp.where(is_near, _NEAR, jnp.where(is_far, _FAR, label)).astype(dtype)
        becomes = np.arange(size**2, dtype=np.int32) == action
        for each in joined:
            becomes |= position.labels == sign * each
        return jnp.where(becomes, sign * label, position.labels), is_near & is_far
