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
    count = jnp.maximum(legal.sum(dtype=jnp.int32), 1)
    return nth_legal(legal, jax.random.randint(key, (), 0, count, jnp.int32))


def nth_legal(legal: Array, index: Array) -> Array:
    """() int32: the legal action that `index` legal ones come before; 0 if there is none.

    Args:
        legal: (num_actions,) bool.
        index: () int32.
    """
    return jnp.argmax(jnp.cumsum(legal, dtype=jnp.int32) > index).astype(jnp.int32)
