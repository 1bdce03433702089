"""Games that are won by the higher score, which players can look at before the end."""

import abc
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.games.game import Game


class Scored(abc.ABC):
    """A game in which each position has a score for both players, such as Othello's discs or Go's area."""

    @abc.abstractmethod
    def scores(self, position: Any) -> Array:
        """(2,) float32: what the players 0 and 1 would have if the game ended now."""


def lead(game: Game[Any], position: Any, player: Array) -> Array:
    """() float32: by how much the score of `player` exceeds the other's; 0 in games that are not `Scored`."""
    if not isinstance(game, Scored):
        return jnp.zeros((), jnp.float32)
    first, second = game.scores(position)
    return jnp.where(player == 0, first - second, second - first)
