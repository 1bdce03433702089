"""The opponent that searches: Monte-Carlo tree search with random playouts.

After R. Coulom, "Efficient Selectivity and Backup Operators in Monte-Carlo Tree Search", 2006, and L. Kocsis and
C. Szepesvari, "Bandit Based Monte-Carlo Planning", 2006.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.packages import load_package
from jaxenvs.core.pytree import static
from jaxenvs.core.trees import tree_at, tree_where
from jaxenvs.games.game import Game, Position, outcome
from jaxenvs.games.opponents.opponent import Opponent
from jaxenvs.games.opponents.uniform import uniform_action
from jaxenvs.games.score import lead
from jaxenvs.random import Key

_EXPLORATION = 1.0
"""The weight of the bonus for actions that were tried seldom, in wins; see `_bonuses`."""

_UNTRIED, _WON = 1e6, 1e7
"""Bounds above all others: of actions that were not tried, and of those that win."""


def mctx() -> Any:
    """The module mctx, imported when a search is made.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    return load_package("mctx", "Search needs mctx", '"jaxenvs[games]"')


class SearchOpponent(Opponent):
    """Searches for `num_simulations` simulations, each of which plays one game to its end at random, through mctx.

    A simulation goes down the tree by the upper confidence bound, adds one position, and finishes the game with
    random legal actions. The action that was tried most often is taken; of several, the one that won most, and of
    several of those a random one. More simulations play better: nothing but the rules is known to it.

    The choice is a function of the position and the key alone. All its comparisons are between numbers of wins and
    visits, and sums of two rounded numbers, which are the same however the program is compiled.

    A playout ends after twice as many moves as the board has cells. Then, in games that are `Scored`, who leads has
    won; in others nobody has.

    Attributes:
        num_simulations: simulations for each move.

    Raises:
        DependencyNotInstalled: mctx is missing.
        InvalidField: `num_simulations` is not an integer of at least 1.
    """

    num_simulations: int = static(default=64)

    def __post_init__(self) -> None:
        check_integer(self, "num_simulations", self.num_simulations)
        mctx()

    def choose(self, game: Game[Any], position: Position, legal: Array, key: Key) -> Array:
        root_key, search_key, tie_key = jax.random.split(key, 3)
        root = mctx().RootFnOutput(
            prior_logits=_logits(legal)[None],
            value=_playout(game, position, legal, root_key)[None],
            embedding=jax.tree.map(lambda leaf: leaf[None], position),
        )
        bonuses = _bonuses(self.num_simulations)

        def select(key: Key, tree: Any, node: Array, *_: Any) -> Array:
            return _select(bonuses, key, tree, node)

        # mctx mixes dtypes, which strict type promotion does not allow.
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            tree = mctx().search(
                game,
                search_key,
                root=root,
                recurrent_fn=_expand,
                root_action_selection_fn=select,
                interior_action_selection_fn=select,
                num_simulations=self.num_simulations,
            )
        tree = tree_at(tree, 0)
        visits, wins = tree.children_visits[0], _wins(tree, jnp.zeros((), jnp.int32))
        most = legal & (visits == jnp.where(legal, visits, -1).max())
        return _argmax(jnp.where(most, wins, -jnp.inf), tie_key)


def _expand(game: Game[Any], key: Key, action: Array, positions: Any) -> tuple[Any, Any]:
    """The position after an action, with the value that a playout gives it. Arrays have a leading axis of length 1."""
    before = tree_at(positions, 0)
    after = tree_where(before.is_over, before, game.play(before, action[0]))
    legal = game.legal_actions(after)
    step = mctx().RecurrentFnOutput(
        reward=jnp.where(before.is_over, 0.0, outcome(after, before.player))[None],
        discount=jnp.where(after.is_over, 0.0, -1.0)[None],
        prior_logits=_logits(legal)[None],
        value=jnp.where(after.is_over, 0.0, _playout(game, after, legal, key))[None],
    )
    return step, jax.tree.map(lambda leaf: leaf[None], after)


def _playout(game: Game[Any], position: Any, legal: Array, key: Key) -> Array:
    """() float32: -1, 0 or 1, how a game with random actions ends for the player whose turn it is."""
    rows, columns, _ = game.observation_shape
    limit = 2 * rows * columns

    def going_on(carry: tuple[Any, Array, Key, Array]) -> Array:
        now, _, _, moves = carry
        return ~now.is_over & (moves < limit)

    def move(carry: tuple[Any, Array, Key, Array]) -> tuple[Any, Array, Key, Array]:
        now, legal, key, moves = carry
        key, action_key = jax.random.split(key)
        now = game.play(now, uniform_action(legal, action_key))
        return now, game.legal_actions(now), key, moves + 1

    end, *_ = jax.lax.while_loop(going_on, move, (position, legal, key, jnp.zeros((), jnp.int32)))
    ahead = jnp.sign(lead(game, end, position.player))
    return jnp.where(end.is_over, outcome(end, position.player), ahead)


def _select(bonuses: np.ndarray, key: Key, tree: Any, node: Array) -> Array:
    """() int32: the legal action with the greatest upper confidence bound.

    One that is known to win at once comes before all others, and after it those that were not tried yet.
    """
    visits = tree.children_visits[node]
    tried = jnp.maximum(visits, 1)
    bonus = jnp.asarray(bonuses)[tree.node_visits[node]] / jnp.asarray(np.sqrt(_counts(len(bonuses))))[tried]
    bound = _wins(tree, node) / tried.astype(jnp.float32) + bonus
    bound = jnp.where(visits == 0, _UNTRIED, bound)
    bound = jnp.where(tree.children_rewards[node] > 0, _WON, bound)
    return _argmax(jnp.where(tree.children_prior_logits[node] == 0, bound, -jnp.inf), key)


def _wins(tree: Any, node: Array) -> Array:
    """(num_actions,) float32: wins minus losses after each action of a node, whole numbers.

    mctx keeps means, whose last bits depend on how the program is compiled; whole numbers do not.
    """
    return jnp.round(tree.qvalues(node) * tree.children_visits[node].astype(jnp.float32))


def _bonuses(num_simulations: int) -> np.ndarray:
    """(num_simulations + 2,) float32: the root of the logarithm of each number of visits, scaled."""
    return (_EXPLORATION * np.sqrt(np.log(np.maximum(_counts(num_simulations + 2), 1)))).astype(np.float32)


def _counts(length: int) -> np.ndarray:
    return np.arange(length, dtype=np.float32)


def _logits(legal: Array) -> Array:
    """(num_actions,) float32: equal logits for legal actions, and minus infinity for the others."""
    return jnp.where(legal, 0.0, -jnp.inf).astype(jnp.float32)


def _argmax(values: Array, key: Key) -> Array:
    """() int32: the index of the greatest value; one at random of several."""
    lots = (jax.random.bits(key, values.shape, jnp.uint32) >> 1).astype(jnp.int32)
    return jnp.argmax(jnp.where(values == values.max(), lots, -1)).astype(jnp.int32)
