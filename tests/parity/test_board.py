"""Board games in lockstep with OpenSpiel and pgx: random games from the start to the end.

OpenSpiel agrees with these rules in every position, and pgx in all but one kind: in Othello, where neither player can
move although squares are empty, pgx goes on until both have passed. By the rules, the game is over then. Besides, pgx
draws which player moves first, and has a mask of ones after the end.
"""

import pytest

import jaxenvs
from jaxenvs.envs.board.hex import TwoPlayerHex
from tests.games.lockstep import check_in_openspiel, check_in_pgx, record
from tests.parity.differences import assert_close
from tests.parity.rows_board import ROWS

ENOUGH = 100_000
"""Positions that the slow tests compare at least."""

SPIEL = {"TicTacToe": "tic_tac_toe", "ConnectFour": "connect_four", "Othello": "othello"}
SPIEL |= {f"Hex{size}x{size}": f"hex(board_size={size})" for size in (9, 11)}
LENGTHS = {
    "TicTacToe": (10, 7),
    "ConnectFour": (43, 21),
    "Othello": (80, 60),
    "Hex9x9": (82, 65),
    "Hex11x11": (123, 97),
}
"""More steps than any game has, or for Othello any random one; and at most how many a random one has on average."""
PGX = {"TicTacToe": "tic_tac_toe", "ConnectFour": "connect_four", "Othello": "othello", "Hex11x11": "hex"}
TOLERANCE = {row.id: row.tolerance for row in ROWS}
FAST = "two_player/TicTacToe-v0", "two_player/ConnectFour-v0", "two_player/Othello-v0", "two_player/Hex9x9-v0"


def name_of(id):
    return id.removeprefix("two_player/").removesuffix("-v0")


def compare_with_openspiel(id, positions):
    """Plays about as many positions in both, and at least that many."""
    longest, usual = LENGTHS[name_of(id)]
    answers = not id.startswith("two_player")
    played = record(jaxenvs.make(id), max(1, round(1.1 * positions / usual)), longest, seed=1)
    ours, theirs = check_in_openspiel(played, SPIEL[name_of(id)], answers)
    assert_close(id, ours, theirs, TOLERANCE[id])
    return len(ours)


@pytest.mark.measures_parity
@pytest.mark.parametrize("id", FAST)
def test_some_games_are_those_of_openspiel(id):
    assert compare_with_openspiel(id, 800) > 600


@pytest.mark.slow
@pytest.mark.measures_parity
@pytest.mark.parametrize("id", [id for id in TOLERANCE if id.startswith("two_player/")])
def test_many_games_are_those_of_openspiel(id):
    assert compare_with_openspiel(id, ENOUGH) >= ENOUGH


@pytest.mark.slow
@pytest.mark.measures_parity
@pytest.mark.parametrize("id", [id for id in TOLERANCE if not id.startswith("two_player/")])
def test_games_against_the_opponent_are_those_of_openspiel(id):
    assert compare_with_openspiel(id, ENOUGH // 10) >= ENOUGH // 50  # a step is two moves, and some games are resigned


@pytest.mark.slow
def test_games_of_hex_with_swapping_are_those_of_openspiel():
    played = record(TwoPlayerHex(size=5, swap=True), 6000, 27, seed=2)
    ours, theirs = check_in_openspiel(played, "hex(board_size=5,swap=True)", answers=False)
    assert ours == theirs and len(ours) >= ENOUGH


@pytest.mark.slow
@pytest.mark.parametrize("name", PGX)
def test_many_games_are_those_of_pgx(name):
    longest, usual = LENGTHS[name]
    env = TwoPlayerHex(swap=True) if PGX[name] == "hex" else jaxenvs.make(f"two_player/{name}-v0")
    games = round(1.1 * ENOUGH / usual)
    compared, late = check_in_pgx(env, PGX[name], games, longest, seed=3, passes_on=name == "Othello")
    assert compared >= ENOUGH
    assert (late > 0) == (name == "Othello")
