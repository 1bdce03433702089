"""Othello: discs that are enclosed in a line change their owner."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.trees import tree_where
from jaxenvs.games._bits import Bits
from jaxenvs.games.game import NOBODY, Game, Position
from jaxenvs.games.score import Scored
from jaxenvs.games.symmetry import Symmetric, Symmetries, of_square

SIZE = 8
PASS = SIZE * SIZE
"""The action of passing."""
_SQUARES = np.arange(PASS, dtype=np.int32).reshape(SIZE, SIZE)
"""(8, 8) the number of each square, which is also that of its bit."""
_INNER = _SQUARES[:, 1:-1].ravel()
"""The squares that are not in the first or last column, so that a step to the side stays in the row."""
_STEPS = 1, SIZE - 1, SIZE, SIZE + 1
"""What the numbers of neighbours in a line differ by: across, and along both diagonals and down."""


class OthelloPosition(Position, kw_only=True):
    """A position of Othello.

    Attributes:
        own: the discs of the player who moves next; see `Othello.discs` for planes of truth values.
        other: those of the other player.
        moves: the squares on which the player who moves next may place a disc.
    """

    own: Bits
    other: Bits
    moves: Bits


class Othello(Game[OthelloPosition], Scored, Symmetric):
    """Players place discs in turn so that they enclose discs of the other in a row, a column or a diagonal.

    Those discs change their owner. A player who cannot do so passes. The game ends when neither can, and who has more
    discs wins.

    Actions: the square, row by row from the top left, 0 to 63; 64 passes, and is legal only if nothing else is. Their
    names are `"a1"`, the top left, to `"h8"`, and `"pass"`.

    Observation: (8, 8, 2) bool: the player's own discs, and the other's.
    """

    @property
    def num_actions(self) -> int:
        return PASS + 1

    @property
    def observation_shape(self) -> tuple[int, int, int]:
        return SIZE, SIZE, 2

    def start(self) -> OthelloPosition:
        own, other = Bits.of((28, 35)), Bits.of((27, 36))
        return OthelloPosition(
            player=jnp.zeros((), jnp.int32),
            is_over=jnp.zeros((), bool),
            winner=jnp.full((), NOBODY, jnp.int32),
            own=own,
            other=other,
            moves=Bits.of((19, 26, 37, 44)),
        )

    def legal_actions(self, position: OthelloPosition) -> Array:
        passes = ~position.moves.any()
        return jnp.append(position.moves.has(_SQUARES.ravel()), passes) & ~position.is_over

    def play(self, position: OthelloPosition, action: ArrayLike) -> OthelloPosition:
        disc = Bits.one(action)
        flips = _enclosed(disc, position.own, position.other)
        own, other = position.own | disc | flips, position.other & ~flips
        moves, replies = _moves(other, own), _moves(own, other)
        is_over = ~(moves | replies).any()
        lead = own.count() - other.count()
        winner = jnp.where(lead > 0, position.player, jnp.where(lead < 0, 1 - position.player, NOBODY))
        return OthelloPosition(
            player=1 - position.player,
            is_over=is_over,
            winner=jnp.where(is_over, winner, NOBODY).astype(jnp.int32),
            own=other,
            other=own,
            moves=moves,
        )

    @property
    def symmetries(self) -> Symmetries:
        return of_square(SIZE, other_actions=1)

    def scores(self, position: OthelloPosition) -> Array:
        counts = jnp.stack([position.own.count(), position.other.count()]).astype(jnp.float32)
        return jnp.where(position.player == 0, counts, counts[::-1])

    def discs(self, position: OthelloPosition) -> Array:
        """(2, 8, 8) bool: the discs of the first player, black, and of the second, white."""
        return self._planes(position, position.player == 0, axis=0)

    def observe(self, position: OthelloPosition, player: ArrayLike) -> Array:
        return self._planes(position, position.player == player, axis=-1)

    def action_name(self, action: int) -> str:
        return "pass" if action == PASS else f"{'abcdefgh'[action % SIZE]}{action // SIZE + 1}"

    def text(self, position: OthelloPosition) -> str:
        first, second = np.asarray(self.discs(position))
        symbols = np.where(first, "X", np.where(second, "O", "."))
        rows = [f"{number} {' '.join(row)}" for number, row in enumerate(symbols, 1)]
        return "\n".join([*rows, "  " + " ".join("abcdefgh")])

    def _planes(self, position: OthelloPosition, own_first: Array, axis: int) -> Array:
        """The discs of the player who moves next and of the other, in this order if `own_first`, along a new axis."""
        one = tree_where(own_first, position.own, position.other)
        two = tree_where(own_first, position.other, position.own)
        return jnp.stack([one.has(_SQUARES), two.has(_SQUARES)], axis)


def _moves(own: Bits, other: Bits) -> Bits:
    """The squares on which a disc encloses discs of `other`."""
    ends = Bits.of(())
    for step, crossable in _lines(other):
        ends |= _run(own, step, crossable).moved(step)
    return ends & ~(own | other)


def _enclosed(disc: Bits, own: Bits, other: Bits) -> Bits:
    """The discs of `other` that a new disc encloses."""
    enclosed = Bits.of(())
    for step, crossable in _lines(other):
        run = _run(disc, step, crossable)
        enclosed |= tree_where((run.moved(step) & own).any(), run, Bits.of(()))
    return enclosed


def _lines(other: Bits) -> Iterator[tuple[int, Bits]]:
    """The eight directions, and the discs of `other` that a line may cross in each."""
    inner = other & Bits.of(_INNER)
    for step in _STEPS:
        crossable = other if step == SIZE else inner
        yield step, crossable
        yield -step, crossable


def _run(start: Bits, step: int, crossable: Bits) -> Bits:
    """The squares of `crossable` that follow one another from a square of `start` in a direction, at most six."""
    run = crossable & start.moved(step)
    run |= crossable & run.moved(step)
    pairs = crossable & crossable.moved(step)
    run |= pairs & run.moved(2 * step)
    return run | pairs & run.moved(2 * step)
