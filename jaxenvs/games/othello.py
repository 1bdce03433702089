"""Othello: discs that are enclosed in a line change their owner."""

from collections.abc import Callable

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
_STEPS = np.array([1, SIZE - 1, SIZE, SIZE + 1])
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
    crossable = _crossable(other)
    ends = _run(own, crossable, Bits.up).up(_STEPS) | _run(own, crossable, Bits.down).down(_STEPS)
    return ends.union() & ~(own | other)


def _enclosed(disc: Bits, own: Bits, other: Bits) -> Bits:
    """The discs of `other` that a new disc encloses."""
    crossable = _crossable(other)
    up, down = _run(disc, crossable, Bits.up), _run(disc, crossable, Bits.down)
    enclosed = up.where((up.up(_STEPS) & own).any()) | down.where((down.down(_STEPS) & own).any())
    return enclosed.union()


def _crossable(other: Bits) -> Bits:
    """(4,): the discs of `other` that a line may cross in each of the directions."""
    inner = other & Bits.of(_INNER)
    is_vertical = _STEPS == SIZE
    return Bits(low=jnp.where(is_vertical, other.low, inner.low), high=jnp.where(is_vertical, other.high, inner.high))


def _run(start: Bits, crossable: Bits, moved: Callable[[Bits, np.ndarray], Bits]) -> Bits:
    """(4,): the squares of `crossable` that follow a square of `start` without a gap, at most six in each direction."""
    start = Bits(low=start.low[None], high=start.high[None])
    run = crossable & moved(start, _STEPS)
    run |= crossable & moved(run, _STEPS)
    pairs = crossable & moved(crossable, _STEPS)
    run |= pairs & moved(run, 2 * _STEPS)
    return run | pairs & moved(run, 2 * _STEPS)
