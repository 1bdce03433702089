"""The built-in players: what they choose, and how well."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.trees import tree_at
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.games import ConnectFour, Game, Go, Othello, TicTacToe
from jaxenvs.games.opponents import GreedyOpponent, RandomOpponent, SearchOpponent, match, uniform_action

KEY = jaxenvs.random.key(0)
GAMES = [TicTacToe(), ConnectFour(), Othello()]
BY_NAME = pytest.mark.parametrize("game", GAMES, ids=lambda game: type(game).__name__)


def after(game: Game, *names: str):
    """The position after actions by their names."""
    position = game.start()
    for name in names:
        position = game.play(position, jnp.asarray(game.action_named(name), jnp.int32))
    return position


@jax.jit
def random_positions(game: Game, keys: jax.Array):
    """(lanes, moves) positions of games with random actions."""

    def step(position, key):
        position = game.play(position, uniform_action(game.legal_actions(position), key))
        return position, position

    return jax.vmap(lambda keys: jax.lax.scan(step, game.start(), keys)[1])(keys)


@jax.jit
def choices(game: Game, player, positions, keys):
    return jax.vmap(lambda position, key: player.choose(game, position, game.legal_actions(position), key))(
        positions, keys
    )


def choose(game, player, position, key):
    return player.choose(game, position, game.legal_actions(position), key)


def many(position, count):
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), position)


WINS = [
    (TicTacToe(), ("a1", "a2", "b1", "b2"), {"c1"}),
    (ConnectFour(), ("c", "c", "d", "d", "e", "e"), {"b", "f"}),
]


@pytest.mark.parametrize("player", [GreedyOpponent(), SearchOpponent(48)], ids=["greedy", "search"])
@pytest.mark.parametrize("game, moves, winning", WINS, ids=["TicTacToe", "ConnectFour"])
def test_a_move_that_wins_is_taken(player, game, moves, winning):
    chosen = choices(game, player, many(after(game, *moves), 32), jax.random.split(KEY, 32))
    names = {game.action_name(int(action)) for action in chosen}
    assert names == winning if isinstance(player, GreedyOpponent) else names <= winning


@pytest.mark.parametrize(
    "game, moves, saving",
    [(TicTacToe(), ("a1", "b2", "b1"), "c1"), (ConnectFour(), ("d", "a", "d", "a", "d"), "d")],
    ids=["TicTacToe", "ConnectFour"],
)
def test_the_search_prevents_what_would_lose(game, moves, saving):
    chosen = choices(game, SearchOpponent(160), many(after(game, *moves), 8), jax.random.split(KEY, 8))
    assert {game.action_name(int(action)) for action in chosen} == {saving}


def test_greedy_turns_as_many_discs_as_possible():
    game = Othello()
    positions = tree_at(random_positions(game, jax.random.split(KEY, (8, 30))), np.s_[:, 29])
    chosen = choices(game, GreedyOpponent(), positions, jax.random.split(KEY, 8))
    for lane, action in enumerate(chosen):
        position = tree_at(positions, lane)
        leads = {}
        for legal in np.flatnonzero(game.legal_actions(position)):
            own, other = np.asarray(game.discs(game.play(position, jnp.asarray(legal, jnp.int32)))).sum((1, 2))
            leads[int(legal)] = (own - other) * (1 if position.player == 0 else -1)
        assert leads[int(action)] == max(leads.values())


def test_greedy_draws_between_equal_actions():
    chosen = choices(TicTacToe(), GreedyOpponent(), many(TicTacToe().start(), 200), jax.random.split(KEY, 200))
    assert set(np.asarray(chosen).tolist()) == set(range(9))


def test_scores_are_those_of_black_and_white():
    """Whoever moves next."""
    game = Othello()
    positions = random_positions(game, jax.random.split(KEY, (2, 9)))
    discs = jax.vmap(jax.vmap(game.discs))(positions).sum((-2, -1))
    np.testing.assert_array_equal(jax.vmap(jax.vmap(game.scores))(positions), discs)
    go = Go(size=5, komi=0.5)
    np.testing.assert_array_equal(go.scores(after(go, "c3")), [25, 0.5])


@pytest.mark.parametrize(
    "game, simulations",
    [
        pytest.param(TicTacToe(), 20, id="TicTacToe"),
        pytest.param(ConnectFour(), 12, id="ConnectFour", marks=pytest.mark.slow),
    ],
)
def test_the_move_of_the_search_is_a_function_of_position_and_key(game, simulations):
    """Under jit, vmap with other lanes, and eagerly."""
    player = SearchOpponent(simulations)
    table = random_positions(game, jax.random.split(KEY, (6, 4)))
    positions = jax.tree.map(lambda leaf: leaf.reshape(24, *leaf.shape[2:]), table)
    keys = jax.random.split(jaxenvs.random.key(1), 24)
    together = np.asarray(choices(game, player, positions, keys))
    alone = jax.jit(choose)
    np.testing.assert_array_equal(together, [alone(game, player, tree_at(positions, i), keys[i]) for i in range(24)])
    backwards = choices(game, player, jax.tree.map(lambda leaf: leaf[::-1], positions), keys[::-1])
    np.testing.assert_array_equal(together, backwards[::-1])
    for lane in (0, 13):
        assert int(choose(game, player, tree_at(positions, lane), keys[lane])) == together[lane]
    others = choices(game, player, positions, jax.random.split(jaxenvs.random.key(2), 24))
    assert (others != together).any(), "otherwise this could not tell"


@BY_NAME
@pytest.mark.parametrize("player", [RandomOpponent(), GreedyOpponent()], ids=["random", "greedy"])
def test_choices_are_legal(game, player):
    positions = random_positions(game, jax.random.split(KEY, (16, 4)))
    positions = jax.tree.map(lambda leaf: leaf.reshape(64, *leaf.shape[2:]), positions)
    legal = jax.vmap(game.legal_actions)(positions)
    chosen = choices(game, player, positions, jax.random.split(KEY, 64))
    assert np.asarray(legal)[np.arange(64), chosen].all() and chosen.dtype == jnp.int32


@pytest.mark.parametrize("opponent, reply", [("greedy", 1), ("search", 1)])
def test_an_environment_answers_with_its_opponent(opponent, reply):
    """The agent leaves two discs of the opponent's in a row open: the third is the winning answer."""
    env = jaxenvs.make("TicTacToe-v0", opponent=opponent, num_simulations=48)
    state, _ = env.reset(KEY)
    position = after(env.game, "a1", "a3", "b1", "c3")
    state = state.replace(position=position, legal_action_mask=env.game.legal_actions(position))
    state, timestep = jax.jit(env.step)(state, jnp.asarray(env.game.action_named("a2"), jnp.int32))
    assert int(state.last_action) == reply == env.game.action_named("b3")
    assert bool(timestep.terminated) and float(timestep.reward) == -1


def test_fields_of_the_opponent_are_checked(monkeypatch):
    with pytest.raises(InvalidField, match=r"`opponent` must be one of 'random', 'greedy', 'search', got 'serch'"):
        jaxenvs.make("TicTacToe-v0", opponent="serch")
    with pytest.raises(InvalidField, match="`num_simulations` must be an integer of at least 1, got 0"):
        jaxenvs.make("TicTacToe-v0", opponent="search", num_simulations=0)
    monkeypatch.setitem(sys.modules, "mctx", None)
    jaxenvs.make("TicTacToe-v0", opponent="greedy")
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[games\]"'):
        jaxenvs.make("TicTacToe-v0", opponent="search")


@pytest.mark.parametrize(
    "game, player, least, most_lost",
    [
        (TicTacToe(), GreedyOpponent(), 0.6, 0.35),
        (ConnectFour(), GreedyOpponent(), 0.6, 0.4),
        (Othello(), GreedyOpponent(), 0.55, 0.45),
        pytest.param(ConnectFour(), SearchOpponent(64), 0.95, 0.05, marks=pytest.mark.slow),
        pytest.param(TicTacToe(), SearchOpponent(512), 0.85, 0.0, marks=pytest.mark.slow),
    ],
    ids=["greedy TicTacToe", "greedy ConnectFour", "greedy Othello", "search ConnectFour", "search TicTacToe"],
)
def test_each_player_beats_random_moves(game, player, least, most_lost):
    outcomes = match(game, player, RandomOpponent(), KEY, 200)
    assert float((outcomes > 0).mean()) >= least and float((outcomes < 0).mean()) <= most_lost


@pytest.mark.slow
def test_more_simulations_play_better():
    outcomes = match(ConnectFour(), SearchOpponent(128), SearchOpponent(16), KEY, 100)
    assert float(outcomes.mean()) > 0.5
