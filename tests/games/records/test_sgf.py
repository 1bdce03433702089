"""SGF: games of Go that were written can be read, and what is not SGF, or not Go, is refused with its place."""

import random
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxenvs.errors import InvalidGameRecord
from jaxenvs.games import Othello
from jaxenvs.games.go import Go
from jaxenvs.games.records import from_sgf, to_sgf
from jaxenvs.games.records.played_game import replayed
from jaxenvs.games.records.sgf_syntax import main_line
from tests.games.records.test_moves import random_game

GO = Go(size=5, komi=2.5)
PASS = 25


def text_of(record):
    """The board at the end of a record."""
    return record.game.text(replayed(record.game, record.actions).position)


@pytest.mark.parametrize("ko", ["simple", "positional", "situational"])
def test_a_game_that_was_written_can_be_read(ko):
    game = Go(size=5, komi=2.5, ko=ko)
    for seed in range(2):
        actions = random_game(game, seed)
        text = to_sgf(game, actions, {"PB": "search", "PW": "a [b] \\ c:d", "GC": "two\nlines: é 囲碁"})
        for record in (from_sgf(text), from_sgf(text.encode())):
            assert (record.game, record.actions) == (game, actions)
            assert record.tags["PW"] == "a [b] \\ c:d" and record.tags["GC"] == "two\nlines: é 囲碁"
            assert to_sgf(*record) == to_sgf(game, actions, record.tags)


def test_what_is_written_is_sgf_4():
    assert to_sgf(GO, [0, 6, PASS, 24], {"PB": "me"}) == (
        "(;FF[4]GM[1]CA[UTF-8]SZ[5]KM[2.5]RU[Chinese]PB[me]\n;B[aa];W[bb];B[];W[ee])\n"
    )


@pytest.mark.parametrize(
    ("actions", "result"),
    [
        ([12, PASS, PASS], "B+22.5"),  # the only stone owns the board
        ([PASS, PASS], "W+2.5"),
        ([12, 26], "B+R"),  # white resigns, as the environments with `can_resign` count actions
        ([12, 6, 26], "W+R"),
    ],
)
def test_the_result_is_written(actions, result):
    assert from_sgf(to_sgf(GO, actions)).tags["RE"] == result
    assert from_sgf(to_sgf(GO, actions, {"RE": "Void"})).tags["RE"] == "Void"


def test_a_game_that_goes_on_has_no_result():
    assert "RE" not in from_sgf(to_sgf(GO, [12, 6])).tags


def test_a_drawn_game_is_written_as_zero():
    assert from_sgf(to_sgf(GO.replace(komi=0.0), [PASS, PASS])).tags["RE"] == "0"


def test_the_rules_are_read():
    for rules, ko in {"Japanese": "simple", "AGA": "situational", "chinese": "positional", "?": "positional"}.items():
        assert from_sgf(f"(;SZ[5]KM[0.5]RU[{rules}])").game == Go(size=5, komi=0.5, ko=ko)
    assert from_sgf("(;SZ[5]RU[Japanese])", ko="situational").game.ko == "situational"
    assert from_sgf("(;GM[1])").game == Go(size=19, komi=0.0)


def test_handicap_stones_lead_to_their_position():
    record = from_sgf("(;SZ[5]HA[3]AB[bb][dd][db]KM[0];W[cc];B[bd])")
    assert record.actions == [6, PASS, 18, PASS, 8, 12, 16]
    assert record.tags == {"HA": "3"}
    assert text_of(record).splitlines()[:5] == [
        "5 . . . . .",
        "4 . X . X .",
        "3 . . O . .",
        "2 . X . X .",
        "1 . . . . .",
    ]


@pytest.mark.parametrize(
    ("text", "black", "white", "mover"),
    [
        ("AB[aa:ba]AW[ee]", "a5 b5", "e1", 1),
        ("AW[ee][de]", "", "e1 d1", 0),
        ("AB[aa]AW[ee]PL[W]", "a5", "e1", 1),
        ("AB[aa]PL[B]", "a5", "", 0),
        ("AB[aa][ba]AW[ee];B[cc]", "a5 b5 c3", "e1", 1),
        ("AB[aa];;AW[ee];W[cc]", "a5", "e1 c3", 0),
        (";W[cc]", "", "c3", 0),
    ],
)
def test_stones_are_set_up_whoever_begins(text, black, white, mover):
    game, actions, _ = from_sgf(f"(;SZ[5]{text})")
    position = replayed(game, actions).position
    for stones, names in zip(np.asarray(game.stones(position)), (black, white), strict=True):
        assert {game.action_name(int(point)) for point in np.flatnonzero(stones)} == set(names.split())
    assert int(position.player) == mover


def test_the_main_line_is_read():
    record = from_sgf("(;SZ[5];B[aa](;W[bb];B[cc](;W[dd])(;W[ee]))(;W[ab];B[zz])) (;SZ[9])")
    assert record.actions == [0, 6, 12, 18]


def test_old_and_loose_text_is_read():
    loose = "\ufeff\n( ;GaMe[1]SiZe[5] ;\nBlack [a\\\na]\r\n;White[tt]C[a comment \\] with (;B\\[aa\\]]\n"
    old = loose + ";B[]LB[aa:1][bb:2])"
    assert from_sgf(old).actions == [0, PASS, PASS]
    big = from_sgf("(;SZ[21];B[tt])")  # a point on boards of more than 19
    assert big.actions == [19 * 21 + 19]


def test_bytes_are_decoded_as_the_record_says():
    assert from_sgf("(;SZ[5]PB[é])".encode("latin-1")).tags == {"PB": "é"}
    assert from_sgf("(;SZ[5]PB[é])".encode()).tags == {"PB": "é"}
    assert from_sgf("(;CA[euc-jp]SZ[5]PB[囲碁])".encode("euc-jp")).tags == {"PB": "囲碁"}


def test_a_longer_record_raises_the_limit_of_moves():
    record = from_sgf("(;SZ[2]KM[0]RU[Japanese];B[aa];W[];B[bb];W[];B[ba];W[ab];B[bb];W[];B[aa];W[])")
    assert record.game.limit > Go(size=2).limit and len(record.actions) == 10
    assert record.game.replace(move_limit=None) == Go(size=2, komi=0.0, ko="simple")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no game"),
        ("hello", r"Line 1, column 1: a game begins with `\(;`, not with 'h'"),
        ("(;SZ[5]", r"column 1: this `\(` is never closed"),
        ("(;B[aa", "column 4: the value of B is never closed"),
        ("(;B)", "column 4: the property B has no value"),
        ("(;b[aa])", "column 3: the name of a property has capital letters, and 'b' has none"),
        ("()", "a game without a node"),
        ("((;B[aa]))", "a variation begins before the first node"),
        ("(;SZ[5]\n;B[aa]B[bb])", "Line 2, column 7: the property B occurs twice"),
        ("(;SZ[5];B[aa](;W[bb]);B[cc])", "column 22: a node after a variation"),
        ("(;SZ[5];B[aa]!)", "column 14: expected `;`, `\\(` or `\\)`, found '!'"),
        ("(;SZ[5];B[aa])]", "column 15: a game begins with"),
        ("(;GM[2])", "column 6: this is a game of another kind"),
        ("(;FF[7])", "FF.7. is unknown"),
        ("(;SZ[9:13])", "the size of the board must be a number"),
        ("(;SZ[99])", "column 6: the rules do not allow this game.*from 2 to 25, got 99"),
        ("(;SZ[5]KM[nan])", "column 11: komi must be a number"),
        ("(;SZ[5][6])", "column 9: SZ has one value, not 2"),
        ("(;SZ[5];B[zz])", "column 11: move 1 is 'zz', which is not a point of this board"),
        ("(;SZ[5];B[aa];B[bb])", "column 17: move 2 is Black's, and it is White's turn"),
        ("(;SZ[5];B[aa]\n;W[aa])", "Line 2, column 4: move 2, a5, is illegal"),
        ("(;SZ[5];B[];W[tt];B[aa])", "column 21: move 3, a5, comes after the end"),
        ("(;SZ[5];B[aa]W[bb])", "move 1 is both Black's and White's"),
        ("(;SZ[5];B[aa];AB[bb])", "column 18: AB changes the board after move 1"),
        ("(;SZ[5]AE[aa])", "AE removes stones"),
        ("(;SZ[5]AB[aa]AW[aa])", "column 17: AW must place a stone on a free point"),
        ("(;SZ[5]AB[])", "AB must place a stone on a free point, not ''"),
        ("(;SZ[5]AB[bb:aa])", "'bb:aa' is not a rectangle on a board of 5 by 5"),
        ("(;SZ[5]AB[aa]PL[x])", "PL says who is to move, B or W, not 'x'"),
        ("(;SZ[5]AW[aa]AB[ba][ab])", "capture each other"),
        (Path("game.sgf"), "For a file, pass `path.read_bytes\\(\\)`"),
        (b"(;CA[nope]SZ[5])", "CA names an unknown character set, 'nope'"),
        (b"(;CA[UTF\0-8]SZ[5])", "CA names an unknown character set"),
        (b"(;CA[UTF-8]SZ[5]PB[\xff])", "is not in 'UTF-8', as CA says"),
    ],
)
def test_text_that_is_no_game_of_go_is_refused_with_its_place(text, message):
    with pytest.raises(InvalidGameRecord, match=message):
        from_sgf(text)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: to_sgf(Othello(), [19]), "SGF is for Go, got Othello. Use `write_moves`"),
        (lambda: to_sgf(GO, [0, 0]), "Move 2, a5, is illegal"),
        (lambda: to_sgf(GO, [PASS, PASS, 26]), "resigns after the end of the game"),
        (lambda: to_sgf(GO, [], {"SZ": "9"}), "none of FF, GM, CA, SZ.*got 'SZ'"),
        (lambda: to_sgf(GO, [], {"pb": "me"}), "in capital letters.*got 'pb'"),
        (lambda: to_sgf(GO, [], {"PB": 3}), "The tag PB must be text, got 3"),
        (
            lambda: to_sgf(GO, [], {"RU": "Japanese"}),
            "'Japanese', means 'simple' ko here, and the game has 'positional'",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(call, message):
    with pytest.raises(InvalidGameRecord, match=message):
        call()


ALPHABET = ["", "(", ")", ";", "[", "]", "\\", ":", "B[aa]", ";W[bb]", "AB[cc]", "tt", "é", "\0", "\n", "9", "-"]


@pytest.mark.parametrize(
    ("seed", "count"), [(0, 300), pytest.param(1, 5_000, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_damaged_text_is_read_or_refused_and_nothing_else(seed, count):
    numbers = random.Random(seed)
    text = to_sgf(GO, random_game(GO, 3)[:12], {"PB": "me", "C": "x [y] \\"})
    after_size = text.index("KM") if count < 1000 else 0  # each size of the board is a program to compile
    outcomes = set()
    for _ in range(count):
        damaged = text
        for _ in range(numbers.randint(1, 3)):
            at = numbers.randrange(after_size, len(damaged))
            damaged = damaged[:at] + numbers.choice(ALPHABET) + damaged[at + numbers.randint(0, 2) :]
        try:
            record = from_sgf(damaged if numbers.random() < 0.5 else damaged.encode())
            again = from_sgf(to_sgf(*record))
            assert again.actions == record.actions
            outcomes.add("read")
        except InvalidGameRecord:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_deep_variations_do_not_exhaust_the_stack():
    depth = 5_000
    assert len(main_line("(;C[x]" * depth + ")" * depth)) == depth


def test_actions_may_be_an_array_on_the_device():
    assert to_sgf(GO, jax.numpy.asarray([0, 6])) == to_sgf(GO, [0, 6])
