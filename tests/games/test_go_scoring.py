"""The area of each player, against floods in plain Python."""

import numpy as np
import pytest

from jaxenvs.games import Go
from tests.games import go_by_hand
from tests.games.go_played import RepetitionHunter, boards, seen_at_start, starts, step
from tests.games.test_go import GAMES, LANES


def assert_scored(game, now):
    """Compares areas and, where a game is over, who has won."""
    for lane, board in enumerate(boards(now)):
        black, white = go_by_hand.area(board, game.size)
        assert now["score"][lane].tolist() == [black, white], board
        winner = (0 if black > white + game.komi else 1) if now["is_over"][lane] else -1
        assert now["winner"][lane] == winner


def play_to_the_end(game, lanes, seed, check_every=None):
    hunter, positions, now = RepetitionHunter(seed), starts(game, lanes), seen_at_start(game, lanes)
    for time in range(game.limit):
        if check_every and time % check_every == 0:
            assert_scored(game, now)
        positions, now = step(game, positions, hunter.choose(now))
    assert now["is_over"].all()
    return now


def test_areas_are_those_of_plain_python():
    game = GAMES["positional"].replace(komi=0.5)
    now = play_to_the_end(game, LANES, 0, check_every=6)
    assert_scored(game, now)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "lanes"), [(2, 500), (5, 3000), (9, 6000), (13, 400), (19, 200)])
def test_areas_of_many_final_positions_are_those_of_plain_python(size, lanes):
    game = Go(size=size, ko="simple", move_limit=size**2 + size**2 // 2)
    assert_scored(game, play_to_the_end(game, lanes, size))


def test_an_area_may_reach_nobody_one_or_both():
    rows = {
        "." * 25: [0, 0],
        "X" + "." * 24: [25, 0],
        "X" + "." * 23 + "O": [1, 1],
        "X.X.O" * 5: [15, 5],
        ".X..." + "XX..." + "...OO" + "...O." + "...OO": [4, 6],
    }
    for board, expected in rows.items():
        assert list(go_by_hand.area(board, 5)) == expected
        game = GAMES["simple"]
        padded = np.array(game.start().board)
        padded[padded == 2] = ["XO.".index(content) for content in board]
        assert game.score(game.start().replace(board=padded)).tolist() == expected
