"""The numbers of positions and of games of Go, against published counts and against plain Python."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.games import Go
from jaxenvs.games.go.board import EMPTY
from tests.games import go_by_hand
from tests.games.go_by_hand import Record
from tests.games.perft import Perft
from tests.games.test_go import RULES

LEGAL_POSITIONS = {2: 57, 3: 12675}
"""By size: John Tromp and Gunnar Farnebäck, "Combinatorics of Go" (2007), table 1."""


@jax.jit
@partial(jax.vmap, in_axes=(None, 0))
def every_move(game, position):
    """What is legal, and the positions after every action, made such that nothing before them matters."""
    afters = jax.vmap(game.play, in_axes=(None, 0))(position, jnp.arange(game.num_actions, dtype=jnp.int32))
    zeros = jnp.zeros_like(afters.moves)
    forgotten = {"moves": zeros, "passes": zeros, "is_over": zeros != 0, "ko": jnp.zeros_like(afters.ko)}
    return game.legal_actions(position), afters.replace(**forgotten)


def reachable(size, chunk, check=None):
    """The positions that can be reached if repetitions are allowed: boards as bytes, with the player to move.

    Args:
        size: of the board.
        chunk: how many positions are computed at a time.
        check: a function that is called for each position, with the position, what is legal, and the boards after
            each action.
    """
    game = Go(size=size, ko="simple")
    start = jax.tree.map(lambda leaf: np.asarray(leaf)[None], game.start())
    found, waiting = {(start.board.tobytes(), 0)}, start
    while len(waiting.moves):
        part, waiting = _rows(waiting, slice(chunk)), _rows(waiting, slice(chunk, None))
        full = jax.tree.map(lambda leaf: np.resize(leaf, (chunk, *leaf.shape[1:])), part)
        legal, afters = jax.tree.map(np.asarray, every_move(game, full))
        for index in range(len(part.moves)):
            if check:
                check(_rows(part, index), legal[index], afters.board[index])
        afters = _rows(_rows(afters, slice(len(part.moves))), legal[: len(part.moves)])
        new = []
        for index, (board, player) in enumerate(zip(afters.board, afters.player, strict=True)):
            if (board.tobytes(), int(player)) not in found:
                found.add((board.tobytes(), int(player)))
                new.append(index)
        waiting = jax.tree.map(lambda *leaves: np.concatenate(leaves), waiting, _rows(afters, np.array(new, int)))
    return found


def _rows(tree, index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


@pytest.mark.parametrize(("size", "chunk"), [pytest.param(2, 64, marks=pytest.mark.slow), (3, 2048)])
def test_as_many_positions_can_be_reached_as_are_legal(size, chunk):
    found = reachable(size, chunk)
    assert len({board for board, _ in found}) == LEGAL_POSITIONS[size]
    assert len(found) == 2 * LEGAL_POSITIONS[size]


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3])
def test_every_move_in_every_position_is_that_of_plain_python(size):
    on_board = np.asarray(Go(size=size).start().board) == EMPTY

    def check(position, legal, afters):
        board = "".join("XO."[content] for content in position.board[on_board])
        for point in range(size**2):
            after = go_by_hand.after(board, size, point, "XO"[position.player])
            assert legal[point] == (after is not None)
            assert after is None or after == "".join("XO."[content] for content in afters[point][on_board])

    reachable(size, 2048, check)


def games_by_hand(record, depth):
    """The number of sequences of `depth` actions from a record on."""
    if record.passes == 2:
        return 0
    legal = [action for action, allowed in enumerate(record.legal()) if allowed]
    if depth == 1:
        return len(legal)
    count = 0
    for action in legal:
        after = record.copy()
        after.play(action)
        count += games_by_hand(after, depth - 1)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("ko", RULES)
@pytest.mark.parametrize(("size", "depth"), [(2, 7), (3, 4)])
def test_there_are_as_many_games_as_in_plain_python(size, depth, ko):
    counted = Perft(Go(size=size, ko=ko, move_limit=50)).sequences(depth)
    assert counted == [games_by_hand(Record(size, ko), moves) for moves in range(1, depth + 1)]
