"""The pictures of boards: pieces where they stand, and the marks of the last move, winning lines, atari and area."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.envs.board._connect_four_picture import connect_four_look, draw_connect_four
from jaxenvs.envs.board._go_picture import area_of, draw_go, go_look
from jaxenvs.envs.board._hex_picture import connecting, draw_hex, hex_look
from jaxenvs.envs.board._lines import in_line
from jaxenvs.envs.board._othello_picture import draw_othello, othello_look
from jaxenvs.envs.board._tic_tac_toe_picture import draw_tic_tac_toe, tic_tac_toe_look
from jaxenvs.games.go import Go

BOARDS = {
    "tic-tac-toe": (draw_tic_tac_toe, tic_tac_toe_look(), (3, 3)),
    "Connect Four": (draw_connect_four, connect_four_look(), (6, 7)),
    "Othello": (draw_othello, othello_look(), (8, 8)),
    "Hex": (draw_hex, hex_look(5), (5, 5)),
    "Go": (draw_go, go_look(9), (9, 9)),
}
NOTHING = np.int32(-1)


def drawn(name, pieces, last=NOTHING):
    return np.asarray(_compiled(name)(pieces, jnp.asarray(last, jnp.int32))).astype(int)


def _compiled(name, cache={}):  # noqa: B006  # one program for each board, for all tests
    return cache.setdefault(name, jax.jit(BOARDS[name][0]))


def pieces_at(name, first=(), second=()):
    pieces = np.zeros((2, *BOARDS[name][2]), bool)
    for player, cells in enumerate((first, second)):
        for cell in cells:
            pieces[(player, *cell)] = True
    return pieces


def changed(one, other):
    """Which pixels differ visibly."""
    return np.abs(one - other).max(-1) > 20


def place(name, cell):
    """(row, column) of the pixel in the middle of a cell."""
    _, look, (_, columns) = BOARDS[name]
    height, width, _ = drawn(name, pieces_at(name)).shape
    x, y, _ = look.points[cell[0] * columns + cell[1]]
    return y * height, x * width


def spacing(name):
    one, other = (np.array(place(name, (2, column))) for column in (1, 2))
    return np.linalg.norm(one - other)


@pytest.mark.parametrize("name", BOARDS)
def test_a_piece_is_drawn_at_its_place_and_in_its_players_colour(name):
    empty = drawn(name, pieces_at(name))
    for cell in ((0, 0), (1, 2), tuple(size - 1 for size in BOARDS[name][2])):
        first, second = (drawn(name, pieces_at(name, *cells)) for cells in (([cell],), ([], [cell])))
        row, column = place(name, cell)
        for picture in (first, second):
            rows, columns = np.nonzero(changed(picture, empty))
            assert len(rows) > 200
            assert np.hypot(rows - row, columns - column).max() < 0.75 * spacing(name)
            assert abs(rows.mean() - row) < 0.12 * spacing(name)
            assert abs(columns.mean() - column) < 0.12 * spacing(name)
        assert changed(first, second).sum() > 200


@pytest.mark.parametrize("name", BOARDS)
def test_the_last_move_is_marked_on_its_piece(name):
    cell = (BOARDS[name][2][0] - 1, 1)
    pieces = pieces_at(name, [cell], [(cell[0], 2)])
    action = BOARDS[name][1].points[cell[0] * BOARDS[name][2][1] + cell[1]][2]
    rows, columns = np.nonzero(changed(drawn(name, pieces, action), drawn(name, pieces)))
    assert len(rows) >= 20
    row, column = place(name, cell)
    assert np.hypot(rows - row, columns - column).max() < 0.5 * spacing(name)


@pytest.mark.parametrize("name", BOARDS)
def test_pictures_are_the_same_eagerly_compiled_and_in_a_batch(name):
    draw, _, shape = BOARDS[name]
    kinds = np.random.default_rng(3).integers(0, 3, (2, *shape))
    pieces = jnp.asarray(np.stack([kinds == 1, kinds == 2], 1))
    last = jnp.array([1, shape[0] * shape[1]], jnp.int32)
    batch = jax.jit(jax.vmap(draw))(pieces, last)
    assert batch.dtype == jnp.uint8
    for lane in (0, 1):
        np.testing.assert_array_equal(batch[lane], _compiled(name)(pieces[lane], last[lane]))
    if name == "Go":  # for each board, it would take seconds to compile operation by operation
        np.testing.assert_array_equal(batch[0], draw(pieces[0], last[0]))


@pytest.mark.parametrize("name, length", [("tic-tac-toe", 3), ("Connect Four", 4)])
def test_winning_lines_are_marked(name, length):
    rows, _ = BOARDS[name][2]
    line = [(rows - 1 - i, i) for i in range(length)]
    whole = drawn(name, pieces_at(name, line))
    for cell in line:
        others = drawn(name, pieces_at(name, [other for other in line if other != cell]))
        x, y = (int(value) for value in place(name, line[0] if cell != line[0] else line[1]))
        near = np.s_[x - 40 : x + 40, y - 40 : y + 40]
        assert changed(whole[near], others[near]).sum() > 100, "the mark of a line needs all of its pieces"


def test_pieces_in_a_line_are_those_of_rows_columns_and_diagonals():
    pieces = np.zeros((6, 7), bool)
    pieces[5, 0:3] = True
    assert not in_line(jnp.asarray(pieces), 4).any()
    pieces[5, 3] = pieces[0, 6] = True
    np.testing.assert_array_equal(in_line(jnp.asarray(pieces), 4), pieces & (np.arange(6) == 5)[:, None])
    for diagonal in (np.eye(6, 7, dtype=bool), np.eye(6, 7, dtype=bool)[:, ::-1], np.eye(6, 7, 3, dtype=bool)):
        np.testing.assert_array_equal(in_line(jnp.asarray(diagonal), 4), diagonal)


def test_a_chain_that_connects_the_edges_of_hex_is_marked_whole():
    stones = np.zeros((5, 5), bool)
    chain = [(0, 3), (1, 2), (2, 2), (3, 1), (4, 1), (2, 3)]
    for cell in chain:
        stones[cell] = True
    stones[0, 0] = stones[4, 4] = True  # not part of it
    found = np.argwhere(connecting(jnp.asarray(stones))).tolist()
    assert sorted(found) == sorted(map(list, chain))
    stones[2, 2] = False
    assert not connecting(jnp.asarray(stones)).any()
    stones = np.eye(5, dtype=bool)  # neighbours on this diagonal do not touch
    assert not connecting(jnp.asarray(stones)).any()
    assert connecting(jnp.asarray(stones[:, ::-1])).sum() == 5


def test_the_last_liberty_and_the_area_of_go_are_marked():
    stones = pieces_at("Go", [(0, 1), (1, 0), (1, 1), (4, 4)], [(3, 4), (4, 3), (5, 4)])
    liberties = np.where(stones.any(axis=0), 3, 0)
    liberties[4, 4] = 1
    draw = jax.jit(draw_go)

    def marked(liberties, area):
        picture = np.asarray(draw(stones, jnp.int32(-1), liberties, area)).astype(int)
        rows, columns = np.nonzero(changed(picture, drawn("Go", stones)))
        return {(round((y - 60) / 61), round((x - 60) / 61)) for y, x in zip(rows.tolist(), columns.tolist())}

    nothing = np.zeros((2, 9, 9), bool)
    assert marked(liberties, nothing) == {(4, 5)}
    area = np.asarray(area_of(jnp.asarray(stones)))
    np.testing.assert_array_equal(np.argwhere(area), [[0, 0, 0]])
    assert marked(np.zeros((9, 9), int), area) == {(0, 0)}


def test_the_area_of_go_is_what_its_rules_count():
    game = Go(size=5, ko="simple")
    play = jax.jit(game.play)
    for seed in range(3):
        random, position = np.random.default_rng(seed), game.start()
        for _ in range(18):
            action = random.choice(np.flatnonzero(game.legal_actions(position))[:-1])
            position = play(position, jnp.int32(action))
        stones = game.stones(position)
        counted = np.asarray(stones | area_of(stones)).sum((1, 2))
        np.testing.assert_array_equal(counted, game.score(position))


def test_swapping_and_passing_are_named():
    for name, action in (("Hex", 25), ("Go", 81), ("Othello", 64)):
        pieces = pieces_at(name, [(2, 2)])
        rows, columns = np.nonzero(changed(drawn(name, pieces, action), drawn(name, pieces)))
        height, width, _ = drawn(name, pieces).shape
        assert len(rows) > 30
        assert rows.max() < 0.1 * height
        assert columns.min() > 0.85 * width
