"""The rules of Go in single positions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.errors import InvalidField
from jaxenvs.games import Go
from jaxenvs.games.game import NOBODY
from tests.games.go_played import boards, played, set_up, starts, step

LANES = 16
RULES = ("simple", "positional", "situational")
GAMES = {ko: Go(size=5, ko=ko, move_limit=120) for ko in RULES}
"""With the lanes above, the games of `test_go_beside_plain_python.py` as well, which so shares their programs."""

KO = """
    . X O . .
    X O . O .
    . X O . .
    . . . . .
    . . . . .
"""
TRIPLE_KO = """
    X O . O .
    . X O . .
    X . X O .
    . X O . .
    X O . O .
"""
SENDING_TWO = """
    . X . X .
    O O X . .
    . . . . .
    . . . . .
    . . . . O
"""
SNAPBACK = """
    . . O X .
    O O O X .
    X X X X .
    . . . . .
    . . . . .
"""
SEKI = """
    X X . O O
    X X O O O
    X X . O O
    X X X O O
    X X . O O
"""
SUICIDE = """
    X O . . O
    . O . X .
    O . X . X
    . . . X .
    . . . . O
"""
LADDER = """
    . X . . .
    X O . . .
    X . . . .
    . . . . .
    . . . . .
"""


def after(ko, rows, names=""):
    """What is seen after moves, given by name, from a board with black to move; every move must be legal."""
    game = GAMES[ko]
    return played(game, LANES, [*set_up(game, rows), *map(game.action_named, names.split())])


def is_legal(position, name):
    game = GAMES["simple"]
    return bool(position[1]["legal"][0, game.action_named(name)])


def board_of(rows):
    return "".join(rows.split())


@pytest.mark.parametrize("ko", RULES)
def test_ko_cannot_be_taken_back_at_once_but_after_a_threat(ko):
    taken = after(ko, KO, "c4")
    assert not is_legal(taken, "b4")
    game = GAMES[ko]
    assert np.flatnonzero(taken[1]["ko"][0]).tolist() == [game.action_named("b4")]
    assert is_legal(after(ko, KO, "c4 e1 a1"), "b4")
    assert not is_legal(after(ko, KO, "c4 e1 a1 b4"), "c4")


@pytest.mark.parametrize(("ko", "expected"), [("simple", True), ("positional", False), ("situational", False)])
def test_triple_ko_comes_round_only_under_the_simple_rule(ko, expected):
    position = after(ko, TRIPLE_KO, "c5 b3 c1 b5 c3")
    assert is_legal(position, "b1") == expected
    assert position[1]["ko"][0, 4, 1] == (not expected)


@pytest.mark.parametrize(("ko", "expected"), [("simple", True), ("positional", False), ("situational", True)])
def test_sending_two_and_returning_one_repeats_the_board_but_not_the_situation(ko, expected):
    position = after(ko, SENDING_TWO, "a5 c5")
    assert boards(position[1])[0][:5] == "..OX."
    assert is_legal(position, "b5") == expected


def test_situational_superko_counts_positions_that_arose_by_a_pass():
    # Black has one stone more than white, so the last action before is a pass of white's.
    rows = TRIPLE_KO.replace("X O . O .", "X O . O X")
    assert not is_legal(after("situational", rows, "c5 b3 c1 b5 c3"), "b1")


@pytest.mark.parametrize("ko", RULES)
def test_snapback_takes_back_more_than_the_one_stone(ko):
    taken = after(ko, SNAPBACK, "b5 a5")
    assert boards(taken[1])[0][:5] == "O.OX."
    assert boards(after(ko, SNAPBACK, "b5 a5 b5")[1])[0][:10] == ".X.X....X."


def test_the_last_liberties_of_a_seki_belong_to_nobody_and_may_be_filled_by_either():
    position = after("positional", SEKI)
    assert position[1]["score"][0].tolist() == [11, 11]
    assert is_legal(position, "c5") and is_legal(after("positional", SEKI, "pass"), "c5")
    assert boards(after("positional", SEKI, "c5 c3 c1")[1])[0].count("O") == 0


@pytest.mark.parametrize("ko", RULES)
def test_suicide_is_illegal_for_one_stone_and_for_several(ko):
    position = after(ko, SUICIDE)
    assert not is_legal(position, "a4")  # two stones
    assert is_legal(position, "d3") and not is_legal(after(ko, SUICIDE, "pass"), "d3")  # one stone
    assert is_legal(after(ko, SUICIDE, "pass"), "a4")  # white captures


def test_a_ladder_ends_at_the_edge():
    steps = ["c4", "b3", "b2", "c3", "d3", "c2", "c1", "d2", "e2", "d1"]
    for count in range(1, len(steps) + 1):
        _, now = after("simple", LADDER, " ".join(steps[:count]))
        assert now["liberties"][0, 1, 1] == (1 if count % 2 or count == len(steps) else 2), steps[:count]
    assert boards(after("simple", LADDER, " ".join([*steps, "e1"]))[1])[0].count("O") == 0


def test_a_chain_that_is_several_times_a_neighbour_counts_once():
    ring = """
        X X X . .
        X . X . .
        X X . . .
        . . . . .
        . . . . .
    """
    position = after("positional", ring, "b4")
    assert position[1]["liberties"][0, 1, 1] == 5
    assert position[0].history.hash[0].tolist() == position[0].history.chain_hash[0, :, 13].tolist()


@pytest.mark.parametrize("ko", RULES)
def test_two_passes_in_a_row_end_the_game(ko):
    assert not after(ko, KO, "a1 pass b1")[1]["is_over"][0]
    _, now = after(ko, KO, "a1 pass pass")
    assert now["is_over"][0] and not now["legal"][0].any() and not now["ko"][0].any()


@pytest.mark.parametrize(("komi", "winner"), [(-30.0, 0), (-1.5, 0), (-1.0, NOBODY), (-0.5, 1), (7.5, 1)])
def test_komi_decides_who_wins(komi, winner):
    game = GAMES["simple"].replace(komi=komi)
    _, now = played(game, LANES, [*set_up(game, KO), game.action_named("pass"), game.action_named("pass")])
    assert now["score"][0].tolist() == [4, 5] and now["is_over"][0] and now["winner"][0] == winner


def test_the_move_limit_ends_the_game_and_scores_it():
    game = GAMES["simple"]
    positions, now = starts(game, LANES), None
    for count in range(120):
        positions, now = step(game, positions, np.full(LANES, 25 if count % 2 else count // 2 % 25))
        assert now["is_over"].all() == (count == 119)
    assert now["winner"][0] == 0


def test_names_leave_out_the_letter_i():
    game = Go(size=9)
    assert [game.action_name(action) for action in (0, 7, 8, 72, 80, 81)] == ["a9", "h9", "j9", "a1", "j1", "pass"]
    assert game.action_named("J1") == 80 and game.action_named(" PASS ") == 81
    assert Go(size=25).action_name(24) == "z25"


def test_text_has_coordinates():
    game = Go(size=10)
    board = np.array(game.start().board)
    board[[11, 119]] = 0, 1
    position = game.start().replace(board=jnp.asarray(board))
    lines = game.text(position).splitlines()
    assert lines[0] == "10 X . . . . . . . . ."
    assert lines[9] == " 1 . . . . . . . . . O"
    assert lines[10] == "   a b c d e f g h j k"


def test_observation_is_that_of_a_player():
    position = jax.tree.map(lambda leaf: leaf[0], after("positional", KO, "c4")[0])
    game = GAMES["positional"]
    black, white = (np.asarray(game.observe(position, player)) for player in (0, 1))
    assert black.shape == game.observation_shape and black.dtype == bool
    assert (black[:, :, 0] == white[:, :, 1]).all() and (black[:, :, 1] == white[:, :, 0]).all()
    assert black[:, :, 0].sum() == 4 and black[:, :, 1].sum() == 3
    assert black[1, 1, 2] and white[1, 1, 2] and black[:, :, 2].sum() == 1
    assert black[:, :, 3].all() and not white[:, :, 3].any()
    assert not black[:, :, 4].any()
    passed = jax.tree.map(lambda leaf: leaf[0], after("positional", KO, "c4 pass")[0])
    assert game.observe(passed, 0)[:, :, 4].all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 1}, "`size` must be an integer from 2 to 25, got 1"),
        ({"size": 26}, "`size` must be an integer from 2 to 25, got 26"),
        ({"ko": "super"}, "`ko` must be one of 'simple', 'positional', 'situational', got 'super'"),
        ({"komi": "7.5"}, "`komi` must be a number, got '7.5'. Write it without quotes: komi=7.5"),
        ({"komi": float("nan")}, "`komi` must be a number, got nan"),
        ({"move_limit": 0}, "`move_limit` must be an integer of at least 1, got 0"),
    ],
)
def test_fields_are_checked(fields, message):
    with pytest.raises(InvalidField, match=message.replace("(", r"\(")):
        Go(**fields)
