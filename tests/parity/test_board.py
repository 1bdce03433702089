"""Board games in lockstep with OpenSpiel and pgx: random games from the start to the end.

OpenSpiel and pgx agree with these rules in every position that was compared, so there is no list of differences. What
differs is around the rules: pgx draws which player moves first, and has a mask of ones after the end.
"""

import pytest

import jaxenvs
from jaxenvs.envs.board.hex import TwoPlayerHex
from tests.games.lockstep import check_in_openspiel, check_in_pgx, record
from tests.parity.differences import record as record_difference
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
FAST = "two_player/TicTacToe-v0", "two_player/ConnectFour-v0", "two_player/Othello-v0", "two_player/Hex9x9-v0"


def name_of(id):
    return id.removeprefix("two_player/").removesuffix("-v0")


def in_openspiel(id, positions):
    longest, usual = LENGTHS[name_of(id)]
    played = record(jaxenvs.make(id), max(1, round(positions / usual * 1.05)), longest, seed=1)
    compared = check_in_openspiel(played, SPIEL[name_of(id)], answers=not id.startswith("two_player"))
    record_difference(id, 0.0)
    return compared


@pytest.mark.measures_parity
@pytest.mark.parametrize("id", FAST)
def test_some_games_are_those_of_openspiel(id):
    assert in_openspiel(id, 800) > 600


@pytest.mark.slow
@pytest.mark.measures_parity
@pytest.mark.parametrize("id", [row.id for row in ROWS])
def test_many_games_are_those_of_openspiel(id):
    assert in_openspiel(id, 1.2 * ENOUGH if id.startswith("two_player") else ENOUGH // 10) >= (
        ENOUGH if id.startswith("two_player") else ENOUGH // 20
    )


@pytest.mark.slow
def test_games_of_hex_with_swapping_are_those_of_openspiel():
    played = record(TwoPlayerHex(size=5, swap=True), 6000, 26, seed=2)
    assert check_in_openspiel(played, "hex(board_size=5,swap=True)", answers=False) >= ENOUGH


@pytest.mark.slow
@pytest.mark.parametrize("name", PGX)
def test_many_games_are_those_of_pgx(name):
    longest, usual = LENGTHS[name]
    env = TwoPlayerHex(swap=True) if PGX[name] == "hex" else jaxenvs.make(f"two_player/{name}-v0")
    assert check_in_pgx(env, PGX[name], round(1.2 * ENOUGH / usual), longest, seed=3) >= ENOUGH
