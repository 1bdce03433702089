"""Boards as text in a terminal."""

import re
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest

import jaxenvs

IDS = [id for id, spec in jaxenvs.registry.items() if spec.family in ("board", "two_player")]


def after(id, *moves, **fields):
    """The environment, and its state after some moves."""
    env = jaxenvs.unwrap(jaxenvs.make(id, **fields))
    state, _ = env.reset(jaxenvs.random.key(0))
    step = jax.jit(env.step)
    for move in moves:
        state, _ = step(state, jnp.int32(env.game.action_named(move)))
    return env, state


def plain(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def lines_of(id, *moves, **fields):
    env, state = after(id, *moves, **fields)
    return [line.rstrip() for line in plain(env.render_text(state)).splitlines()]


def test_the_last_move_is_between_brackets():
    assert lines_of("two_player/TicTacToe-v0", "a3", "c3", "c1") == [
        "    a b c",
        " 3  X . O",
        " 2  . . .",
        " 1  . .(X)",
        "O to move, last move c1",
    ]


def test_a_disc_that_fell_is_marked_where_it_lies():
    assert lines_of("two_player/ConnectFour-v0", "d", "d")[-4:] == [
        " . . .(O). . .",
        " . . . X . . .",
        "Red to move, last move d",
        "X is Red, O is Yellow",
    ]


def test_each_row_of_hex_is_half_a_cell_further_to_the_right():
    assert lines_of("two_player/Hex9x9-v0", "b2", size=3) == [
        "    a b c",
        " 1  . . .",
        "  2  .(X).",
        "   3  . . .",
        "Blue to move, last move b2",
        "X is Red, O is Blue",
    ]


def test_the_text_of_othello_counts_the_discs():
    assert lines_of("two_player/Othello-v0", "d3")[-2] == "White to move (4 discs to 1), last move d3"


def test_the_score_of_go_is_told_at_the_end():
    lines = lines_of("two_player/Go9x9-v0", "a1", "e5", "pass", "pass", size=5)
    assert lines[0] == "    a b c d e"
    assert lines[3] == " 3  . . + . ."
    assert lines[-2] == "White won (1 to 8.5 with 7.5 komi), last move pass"


@pytest.mark.parametrize("id", IDS)
def test_every_board_fits_80_columns_and_shows_the_same_pieces_as_the_plain_text(id):
    env = jaxenvs.unwrap(jaxenvs.make(id))
    state = SimpleNamespace(position=env.game.start(), last_action=-1)  # without compiling a step
    text = env.render_text(state)
    assert max(map(len, plain(text).splitlines())) <= 80
    assert text.endswith("\n")
    board, ours = env.game.text(state.position), "".join(plain(text).splitlines(keepends=True)[1:-2])
    assert (ours.count("X"), ours.count("O")) == (board.count("X"), board.count("O"))
