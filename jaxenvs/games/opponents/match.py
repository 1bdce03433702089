"""Games between two players: many at once, and all games against a player that always answers in one way."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.trees import tree_at, tree_where
from jaxenvs.errors import InvalidField
from jaxenvs.games.game import Game, outcome
from jaxenvs.games.opponents.opponent import Opponent
from jaxenvs.random import Key, check_key

_BATCH = 1024
"""Positions in which a player is asked for its move at once, by `worst_outcome`."""


def match(game: Game[Any], player: Opponent, other: Opponent, key: Key, num_games: int) -> Array:
    """Plays games between two players in parallel, of which each moves first in one half.

        outcomes = match(ConnectFour(), SearchOpponent(64), RandomOpponent(), jaxenvs.random.key(0), 200)
        (outcomes > 0).mean()     # the share that the search won

    A game that has not ended after four times as many moves as the board has cells counts as drawn.

    Args:
        game: the rules.
        player: one player.
        other: the other.
        key: a scalar random key, for both players.
        num_games: an even number.

    Returns:
        (num_games,) float32: 1 if `player` won, -1 if `other` did, 0 for a draw. In the first half, `player` moved
        first.

    Raises:
        InvalidField: `num_games` is not an even number of at least 2.
    """
    check_integer("match", "num_games", num_games, 2)
    if num_games % 2:
        raise InvalidField(f"match: `num_games` must be even, so that each moves first in one half, got {num_games}.")
    return _match(game, (player, other), check_key(key, name="match"), num_games // 2)


@partial(jax.jit, static_argnums=3)
def _match(game: Game[Any], players: tuple[Opponent, Opponent], key: Key, games: int) -> Array:
    rows, columns, _ = game.observation_shape
    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (games, *leaf.shape)), game.start())

    def moved(player: Opponent, positions: Any, key: Key) -> Any:
        def one(position: Any, key: Key) -> Any:
            action = player.choose(game, position, game.legal_actions(position), key)
            return tree_where(position.is_over, position, game.play(position, action))

        return jax.vmap(one)(positions, jax.random.split(key, games))

    def move(carry: tuple[Any, Any, Key, Array]) -> tuple[Any, Any, Key, Array]:
        its_turn, others_turn, key, moves = carry
        key, one_key, two_key = jax.random.split(key, 3)
        one, two = moved(players[0], its_turn, one_key), moved(players[1], others_turn, two_key)
        return two, one, key, moves + 1  # the turns change

    def going_on(carry: tuple[Any, Any, Key, Array]) -> Array:
        one, two, _, moves = carry
        return ~(one.is_over.all() & two.is_over.all()) & (moves < 4 * rows * columns)

    carry = start, start, key, jnp.zeros((), jnp.int32)
    one, two, _, moves = jax.lax.while_loop(going_on, move, carry)
    one, two = tree_where(moves % 2 == 0, (one, two), (two, one))
    result = jax.vmap(outcome, in_axes=(0, None))
    return jnp.concatenate([result(one, 0), result(two, 1)])


def worst_outcome(game: Game[Any], player: Opponent, key: Key, *, moves_first: bool) -> tuple[float, int]:
    """The worst that can happen to a player, over everything that the other may do: a proof for small games.

    It follows one answer of `player` in each position, that for `key`, so it proves something only about a player who
    does not draw lots, such as a trained network's.

    Args:
        game: the rules; its positions are few enough to be visited one by one.
        player: the player.
        key: a scalar random key.
        moves_first: whether it makes the first move.

    Returns:
        1.0 if it always wins, 0.0 if it never loses, -1.0 if it can lose; and the number of games that were followed.
    """
    worst, games, is_turn = 1.0, 0, moves_first
    positions = jax.tree.map(lambda leaf: np.asarray(leaf)[None], game.start())
    while positions.player.size:
        if is_turn:
            parts = [_answered(game, player, part, key) for part in _parts(positions)]
            positions = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
        else:
            positions = _all_moves(game, positions)
        is_turn = not is_turn
        over = positions.is_over
        if over.any():
            results = np.asarray(
                jax.vmap(outcome, in_axes=(0, None))(tree_at(positions, over), 0 if moves_first else 1)
            )
            worst, games = min(worst, float(results.min())), games + len(results)
        positions = tree_at(positions, ~over)
    return worst, games


def _parts(positions: Any) -> list[Any]:
    count = len(positions.player)
    return [tree_at(positions, slice(begin, begin + _BATCH)) for begin in range(0, count, _BATCH)]


def _answered(game: Game[Any], player: Opponent, positions: Any, key: Key) -> Any:
    """The positions, at most `_BATCH`, after the player's moves."""
    count = len(positions.player)
    padded = jax.tree.map(lambda leaf: np.resize(leaf, (_BATCH, *leaf.shape[1:])), positions)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], _answers(game, player, padded, key))


@jax.jit
def _answers(game: Game[Any], player: Opponent, positions: Any, key: Key) -> Any:
    def one(position: Any) -> Any:
        return game.play(position, player.choose(game, position, game.legal_actions(position), key))

    return jax.vmap(one)(positions)


def _all_moves(game: Game[Any], positions: Any) -> Any:
    """The positions after every legal action in each of the positions."""
    legal = np.asarray(jax.vmap(game.legal_actions)(positions))
    lanes, actions = (index.astype(np.int32) for index in legal.nonzero())
    return jax.tree.map(np.asarray, jax.vmap(game.play)(tree_at(positions, lanes), actions))
