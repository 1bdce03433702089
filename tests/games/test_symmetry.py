"""Symmetries: a game looked at from another side is the same game."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.trees import tree_where
from jaxenvs.games import ConnectFour, Go, Othello, TicTacToe
from jaxenvs.games.opponents import uniform_action


@pytest.mark.parametrize(
    "game", [TicTacToe(), ConnectFour(), Othello(), Go(size=5)], ids=lambda game: type(game).__name__
)
def test_each_way_to_look_at_a_game_is_a_game(game):
    """Othello's start is symmetric in four of the eight ways: in the others, black's discs stand elsewhere."""
    ways = game.symmetries
    np.testing.assert_array_equal(ways.cells[0], np.arange(ways.cells.shape[1]))
    assert len({tuple(cells) for cells in ways.cells}) == len(ways.cells)
    start = np.asarray(game.observe(game.start(), 0)).reshape(ways.cells.shape[1], -1)
    fitting = [way for way, cells in enumerate(ways.cells) if (start[cells] == start).all()]
    assert len(fitting) == (4 if isinstance(game, Othello) else len(ways.cells))
    cells, actions = (jnp.asarray(table[np.asarray(fitting)]) for table in (ways.cells, ways.actions))

    def play(cells, actions, keys):
        """Plays a game and its image side by side; returns whether they were images of each other all along."""

        def step(carry, key):
            one, two = carry
            legal = game.legal_actions(one)
            image = uniform_action(legal[actions], key)
            one = tree_where(one.is_over, one, game.play(one, actions[image]))
            two = tree_where(two.is_over, two, game.play(two, image))
            boards = [game.observe(position, 0).reshape(cells.size, -1) for position in (one, two)]
            same = (boards[0][cells] == boards[1]).all()
            same &= (game.legal_actions(one)[actions] == game.legal_actions(two)).all()
            return (one, two), same & (one.winner == two.winner) & (one.is_over == two.is_over)

        return jax.lax.scan(step, (game.start(), game.start()), keys)[1].all()

    keys = jax.random.split(jaxenvs.random.key(0), (len(fitting), 70))
    assert jax.jit(jax.vmap(play))(cells, actions, keys).all()
