"""The rules of Go."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_choice, check_integer, has_nan, is_real, unquoted
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.games.game import NOBODY, Game, Position
from jaxenvs.games.go.board import BLACK, EMPTY, WHITE, Layout, any_of
from jaxenvs.games.go.chains import Placement, Stones, placed
from jaxenvs.games.go.repetition import History, new_history, remembered, repeating
from jaxenvs.games.go.scoring import area
from jaxenvs.games.score import Scored
from jaxenvs.games.symmetry import Symmetric, Symmetries, of_square

_RULES_OF_KO = "simple", "positional", "situational"

_LETTERS = "abcdefghjklmnopqrstuvwxyz"
"""The names of the columns."""
_ACTIONS_PER_POINT = 2
"""The default move limit: that of AlphaGo Zero (Silver et al. 2017), 722 actions on a board of 19 by 19."""


class GoPosition(Position, kw_only=True):
    """A position of Go. Arrays over all points are laid out as in `jaxenvs.games.go.board`; `Go.stones` and
    `Go.liberties` give them as squares.

    Attributes:
        board: (points,) int8, what is on each point: 0 a black stone, 1 a white stone, 2 nothing, 3 the margin.
        chain: (points,) int16, for each stone the number of its chain, which is the index of one of its points; else 0.
        liberties: (points,) int16, for each stone how many empty points its chain is next to; else 0.
        ko: (points,) bool, where the player to move may not play because the position would repeat; points that the
            other rules forbid may be among them.
        moves: () int32, the number of actions so far.
        passes: () int32, how many of the last actions were passes, up to 2.
        history: what superko compares with; None under the simple rule.
    """

    board: Array
    chain: Array
    liberties: Array
    ko: Array
    moves: Array
    passes: Array
    history: History | None


class Go(Game[GoPosition], Scored, Symmetric):
    """Players place stones on the points of a board in turn; who surrounds more of the board wins. Black, player 0,
    begins.

    * Stones of one colour that are connected by lines of the board are a chain; the empty points beside it are its
      liberties. A stone takes the liberties of its neighbours. Chains of the other player that have none left are
      captured: they are taken off the board. After that, the chain of the new stone must have a liberty: suicide is
      illegal.
    * A move may not repeat an earlier position; see below. Passing is always legal.
    * Two passes in a row end the game, and so does `move_limit`.
    * Area scoring, as by Tromp and Taylor: a point belongs to a player who has a stone there, or if it is empty and
      paths of empty points lead from it to stones of this player only. All stones on the board at the end count as
      alive. `komi` is added to white's points. Who has more points wins; with equal numbers nobody does.

    What a move may not repeat depends on `ko`. In each case, a move that does so is illegal: it is not among
    `legal_actions`, so no game is lost by it.

    * `"simple"`: the board as it was before the other player's last move. Longer cycles are allowed, and end by the
      move limit.
    * `"positional"`: any board of the game so far, whoever moved next; the empty board at the start is one of them.
    * `"situational"`: any board of the game so far after which the same player was to move. A position that arose by a
      pass counts as one.

    Under all three, a pass is legal though it leaves the board as it is. Boards are compared by hashes of 64 bits, kept
    from move to move; `jaxenvs.games.go.repetition` says how, and how unlikely it is that two boards have the same.

    Others differ: the rules of Tromp and Taylor are positional, and allow suicide of several stones. pgx and OpenSpiel
    forbid only what the simple rule forbids. After a move that repeats a board, the player who made it has lost in pgx
    2.6, and the game is drawn in OpenSpiel 2.0. In PettingZoo 1.27 it goes on.

    Actions: the point, row by row from the top left, 0 to size * size - 1; size * size passes. Their names are
    `"a9"`, the top left on a board of 9 by 9, to `"j1"`, without the letter i, and `"pass"`.

    Observation: (size, size, 5) bool: the player's own stones; the other's; empty points where the player to move may
    not move because of ko; whether the player is black; whether the last action was a pass.

    A position takes 3,601 bytes on a board of 9 by 9, 7,121 on 13 by 13 and 14,577 on 19 by 19. About half of that is
    the history, whose length is the move limit. Under the simple rule it is 677, 1,277 and 2,537 bytes. A move takes as
    long at the end of a game as at the beginning, up to the moves that have to be compared with the whole history.

    Attributes:
        size: rows and columns of the board, from 2 to 25.
        komi: points that white gets for moving second. The default is that of Chinese and American tournaments, which
            score by area too; a fraction of a half excludes draws.
        ko: `"simple"`, `"positional"` or `"situational"`.
        move_limit: the number of actions, passes among them, after which the game ends and is scored; None for twice
            the number of points, as in AlphaGo Zero and pgx.
    """

    size: int = static(default=19)
    komi: ArrayLike = 7.5
    ko: str = static(default="positional")
    move_limit: int | None = static(default=None)

    def __post_init__(self) -> None:
        check_integer(self, "size", self.size, 2, len(_LETTERS))
        check_choice(self, "ko", self.ko, _RULES_OF_KO)
        if not is_real(self.komi) or has_nan(self.komi):
            raise InvalidField(f"Go: `komi` must be a number, got {self.komi!r}.{unquoted('komi', self.komi)}")
        if self.move_limit is not None:
            check_integer(self, "move_limit", self.move_limit)

    @property
    def num_actions(self) -> int:
        return self.size**2 + 1

    @property
    def observation_shape(self) -> tuple[int, int, int]:
        return self.size, self.size, 5

    @property
    def symmetries(self) -> Symmetries:
        return of_square(self.size, other_actions=1)

    @property
    def limit(self) -> int:
        """The number of actions after which the game ends."""
        return _ACTIONS_PER_POINT * self.size**2 if self.move_limit is None else self.move_limit

    @property
    def _layout(self) -> Layout:
        return Layout(size=self.size)

    def start(self) -> GoPosition:
        layout = self._layout
        return GoPosition(
            player=jnp.zeros((), jnp.int32),
            is_over=jnp.zeros((), bool),
            winner=jnp.full((), NOBODY, jnp.int32),
            board=jnp.asarray(layout.empty()),
            chain=jnp.zeros(layout.num_points, jnp.int16),
            liberties=jnp.zeros(layout.num_points, jnp.int16),
            ko=jnp.zeros(layout.num_points, bool),
            moves=jnp.zeros((), jnp.int32),
            passes=jnp.zeros((), jnp.int32),
            history=None if self.ko == "simple" else new_history(layout, self.limit),
        )

    def legal_actions(self, position: GoPosition) -> Array:
        layout, board = self._layout, position.board
        own = board == position.player.astype(jnp.int8)
        other = board == (1 - position.player).astype(jnp.int8)
        # A stone beside one of these has a liberty: an empty point, the other liberty of a chain of its own, or what
        # it captures.
        gives_liberty = (board == EMPTY) | (own & (position.liberties > 1)) | (other & (position.liberties == 1))
        legal = layout.inner((board == EMPTY) & ~position.ko) & any_of(layout.neighbours(gives_liberty))
        return jnp.append(layout.square_of_inner(legal).ravel(), True) & ~position.is_over

    def play(self, position: GoPosition, action: ArrayLike) -> GoPosition:
        layout, player, next_player = self._layout, position.player, 1 - position.player
        action = jnp.asarray(action, jnp.int32)
        is_stone = action < self.size**2
        point = layout.point_of(jnp.where(is_stone, action, 0))
        stones = Stones(board=position.board, chain=position.chain, liberties=position.liberties)
        stones, placement = placed(layout, stones, player, point, is_stone)
        moves = position.moves + 1
        passes = jnp.where(is_stone, 0, position.passes + 1)
        is_over = (passes == 2) | (moves >= self.limit)
        situational = self.ko == "situational"
        if position.history is None:
            history, ko = None, self._simple_ko(stones, placement)
        else:
            history = remembered(layout, position.history, player, placement, moves, situational)
            ko = layout.with_margin(repeating(layout, stones, history, next_player, situational))
        area_of_black, area_of_white = area(layout, stones.board, is_over)
        lead = (area_of_black - area_of_white).astype(jnp.float32) - self.komi
        winner = jnp.where(lead > 0, BLACK, jnp.where(lead < 0, WHITE, NOBODY))
        return GoPosition(
            player=next_player,
            is_over=is_over,
            winner=jnp.where(is_over, winner, NOBODY).astype(jnp.int32),
            board=stones.board,
            chain=stones.chain,
            liberties=stones.liberties,
            ko=ko,
            moves=moves,
            passes=passes,
            history=history,
        )

    def score(self, position: GoPosition) -> Array:
        """(2,) int32: the area of black and of white, without komi, as if the game ended here."""
        return area(self._layout, position.board)

    def scores(self, position: GoPosition) -> Array:
        area_of_black, area_of_white = self.score(position).astype(jnp.float32)
        return jnp.stack([area_of_black, area_of_white + self.komi])

    def stones(self, position: GoPosition) -> Array:
        """(2, size, size) bool: black's stones and white's."""
        square = self._layout.square(position.board)
        return jnp.stack([square == BLACK, square == WHITE])

    def liberties(self, position: GoPosition) -> Array:
        """(size, size) int32: for each stone, how many liberties its chain has; 0 elsewhere."""
        return self._layout.square(position.liberties).astype(jnp.int32)

    def observe(self, position: GoPosition, player: ArrayLike) -> Array:
        square = self._layout.square(position.board)
        is_black = jnp.asarray(player) == BLACK
        is_empty = square == EMPTY
        channels = [
            jnp.where(is_black, square == BLACK, square == WHITE),
            jnp.where(is_black, square == WHITE, square == BLACK),
            self._layout.square(position.ko) & is_empty & ~position.is_over,
            jnp.broadcast_to(is_black, square.shape),
            jnp.broadcast_to(position.passes > 0, square.shape),
        ]
        return jnp.stack(channels, axis=-1)

    def action_name(self, action: int) -> str:
        row, column = divmod(action, self.size)
        return "pass" if action == self.size**2 else f"{_LETTERS[column]}{self.size - row}"

    def text(self, position: GoPosition) -> str:
        black, white = np.asarray(self.stones(position))
        width = len(str(self.size))
        rows = [
            f"{self.size - i:>{width}} {' '.join(row)}"
            for i, row in enumerate(np.where(black, "X", np.where(white, "O", ".")))
        ]
        return "\n".join([*rows, f"{'':{width}} {' '.join(_LETTERS[: self.size])}"])

    def _simple_ko(self, stones: Stones, placement: Placement) -> Array:
        """(points,) bool: the point of the only stone captured, if taking back would restore the board."""
        captures_one = placement.captured.sum(dtype=jnp.int32) == 1
        is_alone = ~placement.joined_first.any()
        return placement.captured & captures_one & is_alone & (stones.liberties[placement.point] == 1)
