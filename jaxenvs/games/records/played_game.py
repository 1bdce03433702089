"""A game replayed move by move on the host, which refuses what the rules do not allow."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
from jax import Array

from jaxenvs.errors import InvalidGameRecord
from jaxenvs.games.game import Game


@jax.jit
def _begin(game: Game[Any]) -> tuple[Any, Array]:
    position = game.start()
    return position, game.legal_actions(position)


@jax.jit
def _advance(game: Game[Any], position: Any, action: Array) -> tuple[Any, Array]:
    position = game.play(position, action)
    return position, game.legal_actions(position)


class PlayedGame:
    """A game that goes on from its start.

    Attributes:
        game: the rules.
        names: the name of each action.
        position: where the game stands.
        actions: those that led there.
    """

    def __init__(self, game: Game[Any]) -> None:
        """Args: the rules."""
        if not isinstance(game, Game):
            raise InvalidGameRecord(
                f"A record belongs to the rules of a game, such as `jaxenvs.games.TicTacToe()`; got {game!r} of type"
                f" {type(game).__name__}. An environment has them as `env.game`."
            )
        self.game = game
        self.names = [game.action_name(action) for action in range(game.num_actions)]
        self.position: Any
        self.position, self._legal = _begin(game)
        self.actions: list[int] = []

    @property
    def player(self) -> int:
        """Whose turn it is, 0 or 1."""
        return len(self.actions) % 2

    @property
    def is_over(self) -> bool:
        """Whether the game is over."""
        return bool(self.position.is_over)

    def play(self, action: int, what: str) -> None:
        """Plays an action.

        Args:
            action: its number.
            what: what to call it in a message, such as `"Move 3"`.

        Raises:
            InvalidGameRecord: the action is illegal, or the game is over.
        """
        if self.is_over:
            raise InvalidGameRecord(f"{what}, {self.names[action]}, comes after the end of the game.")
        if not np.asarray(self._legal)[action]:
            raise InvalidGameRecord(f"{what}, {self.names[action]}, is illegal.")
        self.position, self._legal = _advance(self.game, self.position, np.asarray(action, np.int32))
        self.actions.append(action)


def replayed(game: Game[Any], actions: Iterable[Any]) -> PlayedGame:
    """The game after some actions.

    Args:
        game: the rules.
        actions: their numbers, as integers or as an array of integers, (number of moves,).

    Raises:
        InvalidGameRecord: something is not the number of an action, or an action is illegal; the message names the
            move, counted from 1.
    """
    played = PlayedGame(game)
    for number, action in enumerate(as_integers(actions), 1):
        if not 0 <= action < game.num_actions:
            raise InvalidGameRecord(
                f"Move {number} is {action}, and the actions of {type(game).__name__} go from 0 to"
                f" {game.num_actions - 1}."
            )
        played.play(action, f"Move {number}")
    return played


def as_integers(actions: Iterable[Any]) -> list[int]:
    """Actions as a list of Python integers.

    Raises:
        InvalidGameRecord: they are something else.
    """
    array = np.asarray(actions if isinstance(actions, Array | np.ndarray) else list(actions))
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InvalidGameRecord(
            f"The actions of a game must be a list of integers, got shape {array.shape} and dtype {array.dtype}."
        )
    return [int(action) for action in array]
