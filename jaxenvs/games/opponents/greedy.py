"""The opponent that looks one move ahead."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.games.game import Game, Position, outcome
from jaxenvs.games.opponents.opponent import Opponent
from jaxenvs.games.opponents.uniform import uniform_action
from jaxenvs.games.score import lead
from jaxenvs.random import Key


class GreedyOpponent(Opponent):
    """Takes the action after which it stands best, and draws between equal ones; it does not see the answer.

    A won game is best, and a lost one worst. In between, the position with the greatest lead is best in games that are
    `Scored`: more discs than the other player in Othello, more area in Go. In the other games all such positions are
    equal, so that the player wins if one move suffices, and otherwise moves at random.
    """

    def choose(self, game: Game[Any], position: Position, legal: Array, key: Key) -> Array:
        def look(action: Array) -> tuple[Array, Array]:
            after = game.play(position, action)
            return outcome(after, position.player), lead(game, after, position.player)

        results, leads = jax.vmap(look)(jnp.arange(game.num_actions, dtype=jnp.int32))
        results = jnp.where(legal, results, -2.0)
        best = results == results.max()
        leads = jnp.where(best, leads, -jnp.inf)
        return uniform_action(best & (leads == leads.max()), key)
