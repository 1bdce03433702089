"""Go against a program in plain Python that plays every move and compares whole boards, in games that seek cycles."""

from collections import Counter
from itertools import cycle

import jax
import numpy as np
import pytest

from jaxenvs.games import Go
from jaxenvs.games.go.board import Layout
from jaxenvs.games.go.repetition import stone_words, white_to_move
from tests.games import go_by_hand
from tests.games.go_played import RepetitionHunter, boards, seen_at_start, set_up, starts, step
from tests.games.test_go import GAMES, LANES, RULES, SENDING_TWO, TRIPLE_KO


def cycles_in_games(game, lanes, seed, openings=(), checked=None):
    """Plays games beside plain Python and compares everything at every move.

    Args:
        game: the rules.
        lanes: the number of games.
        seed: of the choice of moves.
        openings: lists of actions, with which the games begin in turn.
        checked: the number of games to compare; None for all.

    Returns:
        How many moves were illegal because of a repetition, by how many moves ago the position was.
    """
    cycles, hunter = Counter(), RepetitionHunter(seed)
    records = [go_by_hand.Record(game.size, game.ko) for _ in range(lanes)]
    positions, now = starts(game, lanes), seen_at_start(game, lanes)
    for time in range(game.limit + 1):
        for lane, (record, board) in enumerate(zip(records[:checked], boards(now)[:checked], strict=True)):
            if now["is_over"][lane]:
                assert record.passes == 2 or len(record.positions) == game.limit + 1
                assert not now["legal"][lane].any()
                continue
            assert record.passes < 2 and len(record.positions) <= game.limit
            assert board == record.board
            assert now["legal"][lane].tolist() == record.legal(), record.board
            liberties = [
                len(go_by_hand.liberties(board, game.size, point)) if board[point] != "." else 0
                for point in range(game.size**2)
            ]
            assert now["liberties"][lane].ravel().tolist() == liberties
            repetitions = {point: after for point, after, repeats in record.moves() if repeats}
            assert set(repetitions) <= set(np.flatnonzero(now["ko"][lane]))
            for after in repetitions.values():
                times = [before for before, (earlier, _) in enumerate(record.positions) if earlier == after]
                cycles[len(record.positions) - times[-1]] += 1
        if now["is_over"].all():
            return cycles
        actions = hunter.choose(now)
        for lane, opening in zip(range(lanes), cycle(openings)):
            actions[lane] = opening[time] if time < len(opening) else actions[lane]
        for lane in np.flatnonzero(~now["is_over"]):
            records[lane].play(int(actions[lane]))
        positions, now = step(game, positions, actions)
    raise AssertionError("Some game goes on after the move limit.")


@pytest.mark.parametrize(
    ("ko", "lengths"), [("simple", {2}), ("positional", {2, 3, 6}), ("situational", {2, 6})], ids=RULES
)
def test_what_is_legal_is_what_plain_python_finds(ko, lengths):
    openings = [set_up(GAMES[ko], rows) for rows in (TRIPLE_KO, SENDING_TWO)]
    cycles = cycles_in_games(GAMES[ko], LANES, 0, openings, checked=8)
    assert lengths <= set(cycles) and (ko != "simple" or lengths == set(cycles)), cycles


@pytest.mark.slow
@pytest.mark.parametrize("ko", RULES)
@pytest.mark.parametrize(("size", "lanes", "least"), [(2, 200, 1000), (3, 100, 500), (4, 60, 50), (5, 60, 50)])
def test_what_is_legal_is_what_plain_python_finds_on_all_small_boards(size, lanes, least, ko):
    cycles = Counter()
    for seed in range(3):
        cycles += cycles_in_games(Go(size=size, ko=ko, move_limit=150), lanes, seed)
    assert sum(cycles.values()) >= least or ko == "simple", cycles


def test_hashes_tell_boards_apart_and_are_those_of_their_stones():
    game, words = GAMES["situational"], stone_words(Layout(size=5).num_points)
    points = np.flatnonzero(np.asarray(game.start().board) == 2)
    hunter, hashes = RepetitionHunter(1), {}
    positions, now = starts(game, LANES), seen_at_start(game, LANES)
    for _ in range(100):
        positions, now = step(game, positions, hunter.choose(now))
        found = np.asarray(positions.history.hash)
        for board, hash in zip(boards(now), found, strict=True):
            expected = np.zeros(2, np.uint32)
            for content, point in zip(board, points, strict=True):
                if content != ".":
                    expected ^= words["XO".index(content), :, point]
            assert hash.tolist() == expected.tolist()
            assert hashes.setdefault(board, tuple(hash)) == tuple(hash)
    assert len(hashes) > 500 and len(set(hashes.values())) == len(hashes)
    keys = np.asarray(positions.history.keys)[:, :, 1:100:2] ^ white_to_move()[None, :, None]
    assert set(map(tuple, keys.transpose(0, 2, 1).reshape(-1, 2))) <= set(hashes.values()) | {tuple(white_to_move())}


def test_no_two_words_of_stones_are_equal():
    words = np.append(stone_words(Layout(size=25).num_points).transpose(0, 2, 1).reshape(-1, 2), [white_to_move()], 0)
    assert len(set(map(tuple, words))) == len(words)
    assert abs(np.unpackbits(words.view(np.uint8)).mean() - 0.5) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("ko", RULES)
def test_a_game_alone_is_the_game_in_a_batch(ko):
    game, hunter = GAMES[ko], RepetitionHunter(2)
    positions, now = starts(game, LANES), seen_at_start(game, LANES)
    for _ in range(40):
        positions, now = step(game, positions, hunter.choose(now))
    action = hunter.choose(now)
    after, _ = step(game, positions, action)
    alone = jax.tree.map(lambda leaf: leaf[3], positions)
    expected = jax.tree.map(lambda leaf: leaf[3], after)
    with jax.disable_jit():
        jax.tree.map(np.testing.assert_array_equal, game.play(alone, action[3]), expected)
