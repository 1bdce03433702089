"""Games between two players, and the proof of what a player can be made to suffer."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.games import TicTacToe
from jaxenvs.games.game import NOBODY
from jaxenvs.games.opponents import Opponent, match, worst_outcome

KEY = jaxenvs.random.key(0)


class Lowest(Opponent):
    """Takes the first legal action."""

    def choose(self, game, position, legal, key):
        return jnp.argmax(legal).astype(jnp.int32)


class Highest(Opponent):
    """Takes the last legal action."""

    def choose(self, game, position, legal, key):
        return (legal.size - 1 - jnp.argmax(legal[::-1])).astype(jnp.int32)


class Listed(Opponent):
    """Takes the action that a list names for the marks on the board."""

    actions: jnp.ndarray

    def choose(self, game, position, legal, key):
        return self.actions[code(position.marks)]


def code(marks):
    """() int32: a number of the marks, (2, 9) bool."""
    return (marks[0].astype(jnp.int32) + 2 * marks[1].astype(jnp.int32)) @ jnp.asarray(3 ** np.arange(9), jnp.int32)


def test_each_player_moves_first_in_one_half():
    # First 0, 8, 1, 7, 2: the one who begins completes the upper row; then 8, 0, 7, 1, 6 the lower one.
    np.testing.assert_array_equal(match(TicTacToe(), Lowest(), Highest(), KEY, 6), [1, 1, 1, -1, -1, -1])


@pytest.mark.parametrize("count", [3, 0, 2.0])
def test_games_are_even_in_number(count):
    with pytest.raises(InvalidField, match="`num_games` must be"):
        match(TicTacToe(), Lowest(), Highest(), KEY, count)


LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


def winner(board):
    """Of a tuple of nine marks, "X", "O" or "."."""
    return next((board[a] for a, b, c in LINES if board[a] == board[b] == board[c] != "."), None)


def marked(board, cell):
    mark = "XO"[9 - board.count(".") & 1]
    return (*board[:cell], mark, *board[cell + 1 :])


def value(board, player, answer):
    """The worst outcome for `player`, "X" or "O", whose action is `answer(board)`, and the number of games."""
    if winner(board) or "." not in board:
        return {player: 1, None: 0}.get(winner(board), -1), 1
    free = [cell for cell in range(9) if board[cell] == "."]
    is_turn = "XO"[9 - len(free) & 1] == player
    results = [value(marked(board, cell), player, answer) for cell in ([answer(board)] if is_turn else free)]
    return min(result for result, _ in results), sum(games for _, games in results)


@pytest.mark.parametrize("moves_first", [True, False])
def test_the_worst_outcome_is_that_of_all_replies(moves_first):
    expected = value((".",) * 9, "X" if moves_first else "O", lambda board: board.index("."))
    assert worst_outcome(TicTacToe(), Lowest(), KEY, moves_first=moves_first) == expected


def test_a_perfect_player_never_loses():
    """The best action in each position, by looking at all that can follow."""
    best = np.zeros(3**9, np.int32)

    def solve(board):
        if winner(board) or "." not in board:
            return -1 if winner(board) else 0
        results = {cell: -solve(marked(board, cell)) for cell in range(9) if board[cell] == "."}
        best[sum(".XO".index(mark) * 3**cell for cell, mark in enumerate(board))] = max(results, key=results.get)
        return max(results.values())

    assert solve((".",) * 9) == 0 == NOBODY + 1
    player = Listed(jnp.asarray(best))
    for moves_first in (True, False):
        assert worst_outcome(TicTacToe(), player, KEY, moves_first=moves_first)[0] == 0
    assert (match(TicTacToe(), player, Lowest(), KEY, 2) >= 0).all()
