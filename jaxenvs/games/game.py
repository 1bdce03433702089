"""The contract of a game: positions are values, and a move is a pure function from one to the next."""

import abc
from typing import Generic, TypeVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.trees import tree_where

NOBODY = -1
"""The winner of a game that is drawn, or that goes on."""


class Position(PyTreeNode, kw_only=True):
    """What every game knows of a position. Each game has its own subclass, with the board.

    Attributes:
        player: () int32, who moves next: 0, who moved first, or 1. The two move in turn, also where one passes.
        is_over: () bool, whether the game is over.
        winner: () int32, 0 or 1 if that player has won, `NOBODY` if the game is drawn or goes on.
    """

    player: Array
    is_over: Array
    winner: Array


Pos = TypeVar("Pos", bound=Position)


class Game(PyTreeNode, abc.ABC, Generic[Pos]):
    """The rules of a game for two players who move in turn and see everything. A frozen pytree of pure functions.

        game = TicTacToe()
        position = game.start()
        position = game.play(position, 4)     # the centre
        game.legal_actions(position)          # (9,) bool, all but the centre

    Actions are numbers from 0 to `num_actions` - 1. Code is written for one game; `jax.vmap` plays many.
    """

    @property
    @abc.abstractmethod
    def num_actions(self) -> int:
        """The number of actions, legal or not."""

    @property
    @abc.abstractmethod
    def observation_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of what a player sees."""

    @abc.abstractmethod
    def start(self) -> Pos:
        """The position in which the game begins."""

    @abc.abstractmethod
    def legal_actions(self, position: Pos) -> Array:
        """(num_actions,) bool: what the player whose turn it is may do. At least one action, until the game is over;
        then none.
        """

    @abc.abstractmethod
    def play(self, position: Pos, action: ArrayLike) -> Pos:
        """The position after an action.

        Args:
            position: one in which the game is not over.
            action: () int32, a legal action. Another one gives some position that the rules do not allow.
        """

    @abc.abstractmethod
    def observe(self, position: Pos, player: ArrayLike) -> Array:
        """`observation_shape` bool: what `player`, 0 or 1, sees, with the player's own pieces in channel 0 and the
        other's in channel 1.
        """

    @abc.abstractmethod
    def action_name(self, action: int) -> str:
        """An action in the notation that players of the game use, such as `"d4"`."""

    @abc.abstractmethod
    def text(self, position: Pos) -> str:
        """The board as lines of text, without colours, on the host."""

    def action_named(self, name: str) -> int:
        """The action that has a name; see `action_name`. Case does not matter.

        Raises:
            ValueError: no action has it.
        """
        names = {self.action_name(action).lower(): action for action in range(self.num_actions)}
        try:
            return names[name.strip().lower()]
        except KeyError:
            known = list(names)
            raise ValueError(f"No action is called {name!r}. They go from {known[0]!r} to {known[-1]!r}.") from None


def play_or_lose(game: Game[Pos], position: Pos, action: Array, legal: Array) -> tuple[Pos, Array]:
    """The position after any action: a player who takes an illegal one loses with the board as it is.

    Args:
        game: the rules.
        position: where the game stands; after the end, nothing changes.
        action: () int32, of any value.
        legal: (num_actions,) bool, `game.legal_actions(position)`.

    Returns:
        The position, and whether the action was legal, () bool.
    """
    known = jnp.clip(action, 0, game.num_actions - 1)
    is_legal = legal[known] & (known == action)
    winner = jnp.where(position.is_over, position.winner, 1 - position.player)
    ended = position.replace(is_over=jnp.ones((), bool), winner=winner)
    return tree_where(is_legal, game.play(position, known), ended), is_legal


def outcome(position: Position, player: ArrayLike) -> Array:
    """() float32: 1 if `player` has won, -1 if the other has, 0 if nobody has, or not yet."""
    won = position.winner == player
    return jnp.where(position.winner == NOBODY, 0.0, jnp.where(won, 1.0, -1.0)).astype(jnp.float32)
