"""Go in step with OpenSpiel and pgx, whose legal moves are those of the simple rule of ko."""

import jax
import numpy as np
import pytest

from jaxenvs.games import Go
from tests.games.go_played import RepetitionHunter, boards, seen_at_start, starts, step
from tests.games.test_go import GAMES, LANES


def in_step(game, lanes, seed, others):
    """Plays games to the end beside other implementations, and returns the number of positions.

    `others` has two functions: `compare(now, playing)`, with what is seen and which games go on on both sides, says
    which of these have ended there by a repetition; `play(actions, playing)` takes the actions.
    """
    hunter, positions, now = RepetitionHunter(seed), starts(game, lanes), seen_at_start(game, lanes)
    playing, count, earlier = np.ones(lanes, bool), 0, [set() for _ in range(lanes)]
    for _ in range(game.limit + 1):
        repeated = others.compare(now, playing)
        for lane, board in enumerate(boards(now)):
            assert not repeated[lane] or board in earlier[lane], "The game ended without a repetition."
            earlier[lane].add(board)
        count += int(playing.sum())
        playing &= ~now["is_over"] & ~repeated
        if not playing.any():
            return count
        actions = hunter.choose(now)
        others.play(actions, playing)
        positions, now = step(game, positions, actions)
    raise AssertionError("Some game goes on after the move limit.")


class OpenSpiel:
    """Games of OpenSpiel, which counts points from the bottom left, and where a repetition is a draw."""

    def __init__(self, game, lanes):
        pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel")
        fields = f"board_size={game.size},komi={game.komi},max_game_length={game.limit}"
        self.states = [pyspiel.load_game(f"go({fields})").new_initial_state() for _ in range(lanes)]
        points = np.arange(game.size**2).reshape(game.size, game.size)[::-1].ravel()
        self.theirs = np.append(points, game.size**2)
        self.size = game.size

    def compare(self, now, playing):
        repeated = np.zeros(len(playing), bool)
        for lane in np.flatnonzero(playing):
            state = self.states[lane]
            if state.is_terminal() and not now["is_over"][lane]:
                assert state.returns() == [0.0, 0.0]
                repeated[lane] = True
                continue
            legal = np.zeros(self.size**2 + 1, bool)
            legal[[] if state.is_terminal() else state.legal_actions()] = True
            assert (now["legal"][lane] == legal[self.theirs]).all()
            assert state.is_terminal() == now["is_over"][lane]
            if state.is_terminal():
                won = 1.0 if now["winner"][lane] == 0 else -1.0
                # If the last move before the limit also repeats, the game is a draw there.
                assert state.returns() in ([won, -won], [0.0, 0.0])
                repeated[lane] = state.returns() == [0.0, 0.0]
        return repeated

    def play(self, actions, playing):
        for lane in np.flatnonzero(playing):
            self.states[lane].apply_action(int(self.theirs[actions[lane]]))


class Pgx:
    """Games of pgx, where the player who repeats a board has lost."""

    def __init__(self, game, lanes):
        go = pytest.importorskip("pgx.go", reason="needs pgx")
        env = go.Go(size=game.size, komi=game.komi, max_terminal_steps=game.limit)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            self.state = jax.vmap(env.init)(jax.random.split(jax.random.key(0), lanes))
        self.step = jax.jit(jax.vmap(env.step))

    def compare(self, now, playing):
        terminated, repeats = np.asarray(self.state.terminated), np.asarray(self.state._x.is_psk)
        rewards, black = np.asarray(self.state.rewards), np.asarray(self.state._player_order)[:, 0]
        goes_on = playing & ~terminated
        assert (np.asarray(self.state.legal_action_mask)[goes_on] == now["legal"][goes_on]).all()
        assert (terminated == now["is_over"])[playing & ~repeats].all()
        ended = playing & terminated & ~repeats
        rewards_of_black = np.take_along_axis(rewards, black[:, None], axis=1)[:, 0]
        assert (rewards_of_black == np.where(now["winner"] == 0, 1.0, -1.0))[ended].all()
        lost = np.take_along_axis(rewards, np.asarray(self.state.current_player)[:, None], axis=1)[:, 0] == 1
        assert lost[playing & repeats].all()
        return playing & repeats

    def play(self, actions, playing):
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            self.state = self.step(self.state, actions.astype(np.int32))


def test_openspiel_finds_the_same_on_a_small_board():
    game = GAMES["simple"]
    assert in_step(game, LANES, 0, OpenSpiel(game, LANES)) > 300


@pytest.mark.slow
@pytest.mark.parametrize("other", [OpenSpiel, Pgx])
@pytest.mark.parametrize(
    ("size", "lanes", "least"), [(5, 500, 10000), (9, 1000, 100000), (13, 30, 5000), (19, 10, 3000)]
)
def test_others_find_the_same(size, lanes, least, other):
    game = Go(size=size, ko="simple")
    assert in_step(game, lanes, size, other(game, lanes)) > least
