"""The ids of Go in step with OpenSpiel, which allows moves that repeat a board, and calls the game a draw then.

`tests/games/test_go_lockstep.py` compares the rules themselves in more positions, also with pgx.
"""

import numpy as np
import pytest

import jaxenvs
from tests.games.lockstep import record
from tests.parity.differences import assert_close
from tests.parity.rows_go import ROWS

TOLERANCE = {row.id: row.tolerance for row in ROWS}


def compared_positions(id, games):
    """Plays random games of an id in OpenSpiel, and returns the number of positions that were compared."""
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel, which is in the extra `test`")
    env = jaxenvs.make(id)
    game = jaxenvs.unwrap(env).game
    played = record(env, games, game.limit + 1, seed=0)
    # Points are counted from the bottom left there.
    points = np.arange(game.size**2).reshape(game.size, game.size)[::-1].ravel()
    theirs = np.append(points, game.size**2)
    answers, compared = not id.startswith("two_player"), 0
    ours, rewards = [], []
    for lane in range(games):
        state = pyspiel.load_game(f"go(board_size={game.size},komi=7.5)").new_initial_state()
        for at in range(game.limit + 1):
            legal = played.legal[at, lane, : game.num_actions]
            allowed = np.array(state.legal_actions_mask(), bool)[theirs]
            assert not (legal & ~allowed).any(), state
            for action in np.flatnonzero(allowed & ~legal):
                after = state.child(int(theirs[action]))
                assert after.is_terminal() and after.returns() == [0.0, 0.0], after
            mover, action = state.current_player(), played.action[at, lane]
            if action == game.num_actions:  # resigning, which OpenSpiel does not have
                assert played.terminated[at, lane] and played.reward[at, lane] == -1
                break
            state.apply_action(int(theirs[action]))
            if answers and not state.is_terminal():
                state.apply_action(int(theirs[played.last_action[at, lane]]))
                compared += 1
            compared += 1
            assert played.terminated[at, lane] == state.is_terminal(), state
            ours.append(played.reward[at, lane])
            rewards.append(state.returns()[mover] if state.is_terminal() else 0.0)
            if state.is_terminal():
                break
    assert_close(id, ours, rewards, TOLERANCE[id])
    return compared


@pytest.mark.measures_parity
def test_some_games_are_those_of_openspiel():
    assert compared_positions("two_player/Go9x9-v0", 4) > 100


@pytest.mark.slow
@pytest.mark.measures_parity
@pytest.mark.parametrize("id", [row.id for row in ROWS])
def test_many_games_are_those_of_openspiel(id):
    assert compared_positions(id, 40) > 1000
