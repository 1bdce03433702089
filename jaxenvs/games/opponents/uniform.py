"""The opponent that plays at random."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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
    # The legal action with the greatest random number. On a CPU, reductions are many times faster than a cumulative
    # sum, with which one number would do.
    numbers = jnp.where(legal, jax.random.bits(key, legal.shape, jnp.uint32) | 1, 0)
    actions = np.arange(legal.size, dtype=np.int32)
    return jnp.min(jnp.where(numbers == numbers.max(), actions, legal.size - 1)).astype(jnp.int32)
