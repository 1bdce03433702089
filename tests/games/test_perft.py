"""The number of games and of positions, against published counts and against plain Python."""

from functools import cache

import pytest

from jaxenvs.games import ConnectFour, Hex, Othello, TicTacToe
from tests.games.perft import Perft

CONNECT_FOUR = [7, 49, 343, 2401, 16807, 117649, 823536, 5673234, 39394572]
"""Sequences of moves by their number, as several programs print them; plain Python counts them again below."""
CONNECT_FOUR_POSITIONS = [1, 7, 49, 238, 1120, 4263, 16422, 54859, 184275]
"""Different positions by the number of discs: John Tromp, A212693 of the On-Line Encyclopedia of Integer Sequences."""
OTHELLO = [4, 12, 56, 244, 1396, 8200, 55092, 390216, 3005288, 24571284]
"""Sequences of moves and passes by their number: Aart Bik, "Perft for Reversi", 2009."""


@pytest.fixture(scope="module")
def tic_tac_toe():
    return Perft(TicTacToe())


@pytest.fixture(scope="module")
def connect_four():
    return Perft(ConnectFour(), chunk=2**14)


@pytest.fixture(scope="module")
def othello():
    return Perft(Othello(), chunk=2**14)


def test_games_of_tic_tac_toe(tic_tac_toe):
    levels = tic_tac_toe.levels(9)
    assert [level.finished for level in levels] == [0, 0, 0, 0, 0, 1440, 5328, 47952, 72576, 127872]
    assert sum(level.finished for level in levels) == 255_168


def test_positions_of_tic_tac_toe(tic_tac_toe):
    levels = tic_tac_toe.levels(9, different=True)
    assert sum(level.sequences for level in levels) == 5478
    assert sum(level.finished for level in levels) == 958


def test_sequences_in_connect_four(connect_four):
    assert connect_four.sequences(7) == CONNECT_FOUR[:7]


def test_positions_of_connect_four(connect_four):
    levels = connect_four.levels(6, different=True)
    assert [level.sequences for level in levels] == CONNECT_FOUR_POSITIONS[:7]


def test_sequences_in_othello(othello):
    assert othello.sequences(7) == OTHELLO[:7]


@pytest.mark.slow
def test_longer_sequences_in_connect_four(connect_four):
    assert connect_four.sequences(9) == CONNECT_FOUR


@pytest.mark.slow
def test_more_positions_of_connect_four(connect_four):
    assert [level.sequences for level in connect_four.levels(8, different=True)] == CONNECT_FOUR_POSITIONS


@pytest.mark.slow
def test_longer_sequences_in_othello(othello):
    """The published count of 10 has one more pass after each of the 228 games that end with the ninth move."""
    counts, ends = othello.sequences_and_ends(10)
    assert ends == [0] * 8 + [228]
    assert [*counts[:9], counts[9] + ends[8]] == OTHELLO


@pytest.mark.slow
def test_sequences_in_connect_four_by_plain_python():
    def wins(columns, column, player):
        row, found = len(columns[column]) - 1, False
        for across, up in ((0, 1), (1, 0), (1, 1), (1, -1)):
            length = 1
            for sign in (1, -1):
                x, y = column + sign * across, row + sign * up
                while 0 <= x < 7 and 0 <= y < len(columns[x]) and columns[x][y] == player:
                    length, x, y = length + 1, x + sign * across, y + sign * up
            found |= length >= 4
        return found

    def count(columns, player, depth):
        total = 0
        for column in (column for column in range(7) if len(columns[column]) < 6):
            columns[column].append(player)
            if depth == 1:
                total += 1
            elif not wins(columns, column, player):
                total += count(columns, 1 - player, depth - 1)
            columns[column].pop()
        return total

    assert count([[] for _ in range(7)], 0, 8) == CONNECT_FOUR[7]


@pytest.mark.parametrize(("size", "swap", "games"), [(2, False, 24), (2, True, 48), (3, False, 257_760)])
def test_games_of_hex_are_those_of_plain_python(size, swap, games):
    counted = plain_hex(size, swap)
    assert counted == games
    assert sum(level.finished for level in Perft(Hex(size=size, swap=swap)).levels(size**2 + 1)) == games


def plain_hex(size, swap):
    """The number of games, by a flood from side to side after every move."""

    def is_connected(stones, axis):
        reached = [cell for cell in stones if cell[axis] == 0]
        seen = set(reached)
        while reached:
            row, column = reached.pop()
            if (row, column)[axis] == size - 1:
                return True
            for neighbour in (
                *((row, column - 1), (row, column + 1), (row - 1, column)),
                *((row - 1, column + 1), (row + 1, column), (row + 1, column - 1)),
            ):
                if neighbour in stones and neighbour not in seen:
                    seen.add(neighbour)
                    reached.append(neighbour)
        return False

    @cache
    def count(own, other, player, turn):
        total = 0
        for cell in ((row, column) for row in range(size) for column in range(size)):
            if cell not in own | other:
                now = own | {cell}
                total += 1 if is_connected(now, player) else count(other, now, 1 - player, turn + 1)
        if swap and turn == 1:
            ((row, column),) = other
            total += count(frozenset(), frozenset({(column, row)}), 0, 2)
        return total

    return count(frozenset(), frozenset(), 0, 0)
