"""The contract of a player that an environment contains."""

import abc
from typing import Any

from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.games.game import Game, Position
from jaxenvs.random import Key


class Opponent(PyTreeNode, abc.ABC):
    """A player: a frozen pytree, whose leaves may be the weights of a network."""

    @abc.abstractmethod
    def choose(self, game: Game[Any], position: Position, legal: Array, key: Key) -> Array:
        """The action of the player whose turn it is.

        Args:
            game: the rules.
            position: where the game stands; if the game is over, any action may be returned.
            legal: (num_actions,) bool, `game.legal_actions(position)`.
            key: for all that is random in the choice.

        Returns:
            () int32, a legal action.
        """
