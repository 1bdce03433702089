"""NetworkOpponent: a player that searches with a network, and the search that it shares with AlphaZero."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.pytree import static
from jaxenvs.core.trees import tree_where
from jaxenvs.games.game import Game, Position, outcome
from jaxenvs.games.opponents.opponent import Opponent
from jaxenvs.games.opponents.search import mctx
from jaxenvs.random import Key
from jaxenvs.training.board_network import BoardNetwork

_MOST_CONSIDERED = 16
"""Actions that a search looks at in its first position: the number of the Gumbel paper."""


class NetworkOpponent(Opponent):
    """A player that searches with a trained network, such as AlphaZero's; it draws no lots.

        opponent = learner.opponent(env, state.agent, num_simulations=64)
        env = jaxenvs.make("ConnectFour-v0", custom_opponent=opponent)

    Attributes:
        weights: of the network.
        network: the network without its weights.
        num_simulations: simulations for each move; with 0, the legal action that the policy prefers is taken.

    Raises:
        DependencyNotInstalled: mctx is missing.
        InvalidField: `num_simulations` is not an integer of at least 0.
    """

    weights: Any
    network: BoardNetwork = static()
    num_simulations: int = static(default=64)

    def __post_init__(self) -> None:
        check_integer(self, "num_simulations", self.num_simulations, 0)
        mctx()

    def choose(self, game: Game[Any], position: Position, legal: Array, key: Key) -> Array:
        positions = jax.tree.map(lambda leaf: leaf[None], position)
        if self.num_simulations == 0:
            logits, _ = evaluate_positions(self.network, self.weights, game, positions)
            return jnp.argmax(jnp.where(legal, logits[0], -jnp.inf)).astype(jnp.int32)
        action, _, _ = search(self.network, self.weights, game, positions, key, self.num_simulations, noise=0.0)
        return action[0]


def evaluate_positions(network: BoardNetwork, weights: Any, game: Game[Any], positions: Any) -> tuple[Array, Array]:
    """What the network says of n positions, to the player whose turn it is: (n, num_actions) logits, (n,) values."""
    boards = jax.vmap(lambda position: game.observe(position, position.player))(positions)
    return network.outputs(weights, boards)


def search(
    network: BoardNetwork,
    weights: Any,
    game: Game[Any],
    positions: Any,
    key: Key,
    num_simulations: int,
    *,
    noise: float,
) -> tuple[Array, Array, Array]:
    """Searches in n positions at once, none of which is over.

    It is the search of I. Danihelka et al., "Policy improvement by planning with Gumbel", 2022: it improves the policy
    with few simulations already.

    Args:
        network: the network.
        weights: its weights.
        game: the rules.
        positions: n positions.
        key: a scalar random key, for the noise.
        num_simulations: simulations of each search.
        noise: the scale of the noise by which actions are drawn; 0 for the best ones.

    Returns:
        (n,) int32, the actions; (n, num_actions) float32, the improved policies, 0 for actions that are not legal; and
        (n,) float32, the values of the positions, for the player whose turn it is.
    """
    logits, values = evaluate_positions(network, weights, game, positions)
    legal = jax.vmap(game.legal_actions)(positions)
    root = mctx().RootFnOutput(prior_logits=logits, value=values, embedding=positions)
    # mctx mixes dtypes, which strict type promotion does not allow.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        result = mctx().gumbel_muzero_policy(
            (weights, game),
            key,
            root,
            partial(_expand, network),
            num_simulations,
            invalid_actions=~legal,
            max_num_considered_actions=min(_MOST_CONSIDERED, game.num_actions),
            gumbel_scale=noise,
        )
        values = result.search_tree.summary().value
    return (
        result.action.astype(jnp.int32),
        jnp.where(legal, result.action_weights, 0.0).astype(jnp.float32),
        values.astype(jnp.float32),
    )


def _expand(network: BoardNetwork, params: Any, key: Key, actions: Array, positions: Any) -> tuple[Any, Any]:
    """The positions after actions, with what the network says of them."""
    del key
    weights, game = params

    def play(position: Any, action: Array) -> tuple[Any, Array, Array]:
        after = tree_where(position.is_over, position, game.play(position, action))
        reward = jnp.where(position.is_over, 0.0, outcome(after, position.player))
        return after, reward, game.legal_actions(after)

    after, rewards, legal = jax.vmap(play)(positions, actions)
    logits, values = evaluate_positions(network, weights, game, after)
    step = mctx().RecurrentFnOutput(
        reward=rewards,
        discount=jnp.where(after.is_over, 0.0, -1.0).astype(jnp.float32),
        prior_logits=jnp.where(legal, logits, jnp.finfo(jnp.float32).min),
        value=jnp.where(after.is_over, 0.0, values),
    )
    return step, after
