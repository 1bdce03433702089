"""The opponent that plays at random."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.games.game import Game, Position
from jaxenvs.games.opponents.opponent import Opponent
from jaxenvs.random import Key


class RandomOpponent(Opponent):
    """Takes each legal action with equal probability."""

    def choose(self, game: Game[Any], position: Position, legal: Array, key: Key) -> Array:
        del game, position
        return uniform_action(legal, key)


def uniform_action(legal: Array, key: Key) -> Array:
    """() int32: one of the actions that are legal, each with equal probability; 0 if none is.

    Args:
        legal: (num_actions,) bool.
        key: a scalar random key.
    """
    places = jnp.cumsum(legal, dtype=jnp.int32)
    chosen = jax.random.randint(key, (), 0, jnp.maximum(places[-1], 1), jnp.int32)
    return jnp.argmax(places > chosen).astype(jnp.int32)
