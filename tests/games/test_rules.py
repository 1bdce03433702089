"""The rules of each game in single positions, and what all games have in common."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.games import ConnectFour, Hex, Othello, TicTacToe
from jaxenvs.games.game import outcome
from jaxenvs.games.opponents import uniform_action

GAMES = [TicTacToe(), ConnectFour(), Othello(), Hex(size=4, swap=True)]


@pytest.fixture(scope="module", params=GAMES, ids=lambda game: f"{type(game).__name__}-{game.num_actions}")
def game(request):
    return request.param


LARGE = [Hex(size=11, swap=True), Hex(size=12)]


@pytest.fixture(scope="module")
def played(game):
    """The positions of eight random games, and what was legal, as arrays of (moves, games)."""

    def move(position, key):
        legal = jax.vmap(game.legal_actions)(position)
        actions = jax.vmap(uniform_action)(legal, jax.random.split(key, 8))
        after = jax.vmap(game.play)(position, actions)
        hold = position.is_over
        after = jax.tree.map(lambda a, b: jnp.where(hold.reshape(8, *(1,) * (a.ndim - 1)), a, b), position, after)
        return after, (position, legal, actions)

    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (8, *leaf.shape)), game.start())
    longest = 5 * math.prod(game.observation_shape[:2]) // 4 + 2  # more than the board holds, since players may pass
    keys = jax.random.split(jaxenvs.random.key(3), longest)
    return jax.jit(lambda: jax.lax.scan(move, start, keys)[1])()


def moves(game, names):
    """The position after actions that are given by name."""
    position, play = game.start(), jax.jit(game.play)
    for name in names.split():
        assert not position.is_over and game.legal_actions(position)[game.action_named(name)], name
        position = play(position, jnp.int32(game.action_named(name)))
    return position


def test_every_action_has_a_name_of_its_own(game):
    assert [game.action_named(game.action_name(action)) for action in range(game.num_actions)] == list(
        range(game.num_actions)
    )


def test_there_is_a_legal_action_until_the_end_and_none_after(played):
    positions, legal, _ = played
    np.testing.assert_array_equal(legal.any(axis=-1), ~positions.is_over)
    assert positions.is_over[-1].all() and not positions.is_over[0].any()


def test_players_alternate_and_nobody_wins_before_the_end(played):
    positions, _, _ = played
    going_on = ~np.asarray(positions.is_over)
    number = np.arange(len(going_on))[:, None]
    assert (np.asarray(positions.player) == number % 2)[going_on].all()
    assert (np.asarray(positions.winner)[going_on] == -1).all()


def test_what_one_player_sees_is_what_the_other_sees_with_colours_exchanged(game, played):
    positions, _, _ = played
    see = jax.jit(jax.vmap(jax.vmap(game.observe, (0, None)), (0, None)))
    first, second = see(positions, jnp.int32(0)), see(positions, jnp.int32(1))
    assert first.shape[2:] == game.observation_shape and first.dtype == bool
    np.testing.assert_array_equal(first[..., :2], second[..., 1::-1])
    assert not (first[..., 0] & first[..., 1]).any()


def test_outcomes_of_the_players_sum_to_zero(played):
    last = jax.tree.map(lambda leaf: leaf[-1], played[0])
    values = np.array([jax.vmap(outcome, (0, None))(last, player) for player in (0, 1)])
    assert (values.sum(axis=0) == 0).all() and set(values.ravel().tolist()) <= {-1.0, 0.0, 1.0}


def test_the_text_has_a_symbol_for_every_piece(game, played):
    position = jax.tree.map(lambda leaf: leaf[-1, 0], played[0])
    text = game.text(position)
    pieces = np.asarray(game.observe(position, 0))[..., :2].sum(axis=(0, 1))
    assert (text.count("X"), text.count("O")) == tuple(pieces)


@pytest.mark.parametrize("game", [*GAMES, *LARGE], ids=lambda game: f"{type(game).__name__}-{game.num_actions}")
def test_positions_keep_their_types_with_64_bit_types_as_well(game):
    def types():
        positions = jax.eval_shape(lambda: (game.start(), game.play(game.start(), jnp.int32(0))))
        return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), positions)

    start, after = types()
    with jax.enable_x64(True):
        assert types() == (start, after)
    assert start == after


FOUR = {
    "row": "a a b b c c d",
    "column": "a b a b a b a",
    "rising": "a b b c c d c d d f d",
    "falling": "g f f e e d e d d b d",
    "of the second, at the right edge": "a g a g b g b g",
}


@pytest.mark.parametrize("names", FOUR.values(), ids=FOUR)
def test_four_in_a_line_win_in_connect_four(names):
    position = moves(ConnectFour(), names)
    assert position.is_over and position.winner == (len(names.split()) - 1) % 2


def test_four_across_the_top_of_one_column_and_the_bottom_of_the_next_do_not_win():
    position = moves(ConnectFour(), "b a g a g a a d a d a")
    assert not position.is_over


def test_a_full_column_is_illegal_in_connect_four():
    position = moves(ConnectFour(), "a a a a a a")
    assert ConnectFour().legal_actions(position).tolist() == [False] + [True] * 6


def test_a_full_board_without_a_line_is_a_draw_in_connect_four():
    columns = "a b a b a b b a b a b a c d c d c d d c d c d c e f e f e f f e f e f e g g g g g g"
    position = moves(ConnectFour(), columns)
    assert position.is_over and position.winner == -1
    assert "." not in ConnectFour().text(position)


def test_discs_between_turn_in_all_directions_in_othello():
    game = Othello()
    position = moves(game, "d3 c3 c4")
    first, second = np.asarray(game.discs(position))
    assert first.sum() == 5 and second.sum() == 2
    assert {game.action_name(int(square)) for square in np.flatnonzero(first)} == {"d3", "d4", "d5", "e4", "c4"}


def test_a_player_without_discs_loses_in_othello():
    """The shortest game: nine moves, after which white has no disc left."""
    game = Othello()
    position = moves(game, "e6 f4 e3 f6 g5 d6 e7 f5 c5")
    first, second = np.asarray(game.discs(position))
    assert position.is_over and position.winner == 0 and not second.any() and first.sum() == 13


def test_a_player_passes_in_othello_only_if_there_is_no_other_move():
    game = Othello()
    position = moves(game, "c4 c3 d3 c5 b3 f4 b5 b4 f5")
    assert not game.legal_actions(position)[64]


def test_a_chain_that_bends_wins_in_hex():
    position = moves(Hex(size=3), "b2 a1 c1 b1 b3")
    assert position.is_over and position.winner == 0


def test_cells_that_touch_only_at_a_corner_are_not_neighbours_in_hex():
    """b2 and a1 are not neighbours, nor are b2 and c3."""
    position = moves(Hex(size=3), "a1 b1 b2 a2 c3 b3")
    assert not position.is_over


def test_the_second_player_connects_left_and_right_in_hex():
    position = moves(Hex(size=3), "a1 a3 b1 b2 a2 c3")
    assert not position.is_over
    position = moves(Hex(size=3), "a1 a3 b1 b2 a2 c1")
    assert position.is_over and position.winner == 1


def test_the_edge_of_a_row_is_not_beside_the_start_of_the_next_in_hex():
    position = moves(Hex(size=3), "c1 a1 a3 c3 a2 b1")
    assert not position.is_over


def test_a_swapped_stone_is_mirrored_and_changes_its_owner():
    game = Hex(size=4, swap=True)
    position = moves(game, "c1 swap")
    first, second = np.asarray(game.stones(position))
    assert not first.any() and np.argwhere(second).tolist() == [[2, 0]]
    assert position.player == 0 and not game.legal_actions(position)[16]
    position = moves(game, "c1 swap b1 b3 b2 c3 a1 d3")
    assert position.is_over and position.winner == 1


def test_swapping_is_legal_only_as_the_second_action():
    game = Hex(size=3, swap=True)
    legal = [bool(game.legal_actions(moves(game, names))[9]) for names in ("", "a1", "a1 b1")]
    assert legal == [False, True, False]
    assert game.observe(moves(game, "a1"), 1)[..., 3].all() and not game.observe(moves(game, "a1 b1"), 0)[..., 3].any()


@pytest.mark.parametrize("size", [1, 27, 3.0, True])
def test_a_board_of_hex_has_from_2_to_26_rows(size):
    with pytest.raises(InvalidField, match="`size` must be an integer from 2 to 26"):
        Hex(size=size)


def test_an_unknown_name_of_an_action_is_refused():
    with pytest.raises(ValueError, match=r"No action is called 'i9'\. They go from 'a1' to 'pass'"):
        Othello().action_named("i9")


def test_random_actions_are_uniform_over_the_legal_ones():
    legal = jnp.array([False, True, True, False, True, False])
    keys = jax.random.split(jaxenvs.random.key(1), 30_000)
    counts = np.bincount(jax.jit(jax.vmap(uniform_action, (None, 0)))(legal, keys), minlength=6)
    assert (counts[~np.asarray(legal)] == 0).all()
    assert np.abs(counts[np.asarray(legal)] / 10_000 - 1).max() < 0.04  # five standard deviations
    assert uniform_action(jnp.zeros(6, bool), keys[0]) == 0
