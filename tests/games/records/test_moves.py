"""Moves as text: what is written can be read, in every game, and what cannot be read is refused with its place."""

import random

import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidGameRecord
from jaxenvs.games import ConnectFour, Hex, Othello, TicTacToe
from jaxenvs.games.records import read_moves, write_moves
from jaxenvs.games.records.played_game import PlayedGame

GAMES = [TicTacToe(), ConnectFour(), Othello(), Hex(size=4, swap=True)]


def random_game(game, seed):
    """The actions of a game in which both play at random."""
    numbers, played = np.random.default_rng(seed), PlayedGame(game)
    while not played.is_over:
        played.play(int(numbers.choice(np.flatnonzero(played._legal))), "a move")
    return played.actions


@pytest.mark.parametrize("game", GAMES, ids=lambda game: type(game).__name__)
def test_a_game_that_was_written_can_be_read(game):
    for seed in range(3):
        actions = random_game(game, seed)
        text = write_moves(game, actions)
        assert text.split() == [game.action_name(action) for action in actions]
        assert read_moves(game, text) == actions
        assert read_moves(game, text.upper().replace(" ", "")) == actions
        numbered = " ".join(f"{i // 2 + 1}. {word}" if i % 2 == 0 else word for i, word in enumerate(text.split()))
        assert read_moves(game, numbered.replace(" 3. ", ",\n3. ")) == actions


def test_the_notation_is_that_of_the_players():
    assert read_moves(Othello(), "d3 c5 f6") == [19, 34, 45]
    assert write_moves(Hex(size=11), [0, 110, 12]) == "a1 a11 b2"
    assert read_moves(Hex(size=11), "a1a11b2") == [0, 110, 12]  # not a1, a1 and a stray 1
    assert write_moves(TicTacToe(), jnp.asarray([4, 0, 8])) == "b2 a3 c1"
    assert write_moves(TicTacToe(), []) == "" and read_moves(TicTacToe(), " \n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b2 z9", r"Line 1, column 4: no action is called 'z9'. They go from 'a3' to 'c1'."),
        ("b2\n a3 b2", r"Line 2, column 5: move 3, b2, is illegal."),
        ("a1b1a2b2a3c3", r"Line 1, column 11: move 6, c3, comes after the end of the game."),
        ("b2 1-0", "Line 1, column 4: no action is called '1-0'"),
    ],
)
def test_text_that_is_no_game_is_refused(text, message):
    with pytest.raises(InvalidGameRecord, match=message):
        read_moves(TicTacToe(), text)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([4, 4], "Move 2, b2, is illegal"),
        ([0, 1, 9], "Move 3 is 9, and the actions of TicTacToe go from 0 to 8"),
        ([-1], "Move 1 is -1"),
        ([0.0], "must be a list of integers, got shape .1,. and dtype float64"),
        ([True], "dtype bool"),
        (np.zeros((2, 2), int), r"shape \(2, 2\)"),
    ],
)
def test_actions_that_are_no_game_are_refused(actions, message):
    with pytest.raises(InvalidGameRecord, match=message):
        write_moves(TicTacToe(), actions)


def test_an_environment_is_no_game():
    env = jaxenvs.make("two_player/TicTacToe-v0")
    with pytest.raises(InvalidGameRecord, match=r"An environment has them as `env\.game`"):
        write_moves(env, [4])
    assert write_moves(env.game, [4]) == "b2"


def test_damaged_text_is_read_or_refused_and_nothing_else():
    numbers, text = random.Random(0), write_moves(TicTacToe(), random_game(TicTacToe(), 0))
    outcomes = set()
    for _ in range(200):
        at = numbers.randrange(len(text))
        damaged = text[:at] + numbers.choice(["", "\0", "é", "(", "1.", "b2", "\n", "\ud800"]) + text[at + 1 :]
        try:
            actions = read_moves(TicTacToe(), damaged)
            assert read_moves(TicTacToe(), write_moves(TicTacToe(), actions)) == actions
            outcomes.add("read")
        except InvalidGameRecord:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
