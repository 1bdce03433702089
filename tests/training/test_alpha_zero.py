"""AlphaZero: a few updates, what is learnt from, and what is refused; and that its presets learn."""

import dataclasses
import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.games import ConnectFour, Othello, TicTacToe
from jaxenvs.games.game import NOBODY
from jaxenvs.games.opponents import GreedyOpponent, RandomOpponent, SearchOpponent, match, worst_outcome
from jaxenvs.training import LEARNERS, AlphaZero, NetworkOpponent, preset
from jaxenvs.training.alpha_zero import game_of, seen_from_random_sides
from jaxenvs.training.alpha_zero_state import Example
from jaxenvs.training.board_network import _convolve
from jaxenvs.wrappers import FlattenObservation

KEY = jaxenvs.random.key(0)
ENV = jaxenvs.make("two_player/TicTacToe-v0")
TINY = AlphaZero(
    total_steps=1280,
    num_envs=16,
    num_steps=10,
    num_simulations=4,
    gradient_steps=20,
    batch_size=32,
    buffer_size=640,
    learning_rate=5e-3,
    channels=8,
    blocks=1,
)


@functools.cache
def programs():
    """The first state, and the compiled update."""
    return jax.jit(TINY.init)(ENV, KEY), jax.jit(TINY.update_with_endings)


@functools.cache
def trained():
    """The last state, and the metrics and endings of each update."""
    state, update = programs()
    rows = []
    for _ in range(TINY.num_updates):
        state, *row = update(ENV, state)
        rows.append(row)
    return state, rows


def test_updates_lower_the_losses_and_count_games():
    state, rows = trained()
    (first, _), (last, _) = rows[0], rows[-1]
    assert float(last.policy_loss) < 0.7 * float(first.policy_loss)
    assert float(last.illegal) < 0.5 * float(first.illegal)
    assert (int(state.updates), float(state.env_steps)) == (8, 1280) == (8, float(last.env_steps))
    for metrics, endings in rows:
        assert endings.ended.shape == (10, 16)
        assert int(metrics.episodes) == int(endings.ended.sum())
        lengths = np.asarray(endings.length)[np.asarray(endings.ended)]
        assert lengths.min() >= 5 and lengths.max() <= 9
        assert set(np.asarray(endings.episode_return).ravel().tolist()) <= {0.0, 1.0}
    assert jax.tree.all(jax.tree.map(lambda x: bool(jnp.isfinite(x).all()), rows[-1][0]))


def test_training_is_determined_by_the_key():
    state, update = programs()
    again = update(ENV, state)
    jax.tree.map(np.testing.assert_array_equal, again[1:], tuple(trained()[1][0]))
    other = update(ENV, state.replace(key=jaxenvs.random.key(1)))
    assert float(other[1].policy_loss) != float(again[1].policy_loss)


def test_what_is_learnt_is_masked_to_legal_moves():
    """An action is legal where nobody has marked the cell, which boards of tic-tac-toe show."""
    examples = trained()[0].buffer.items
    legal = ~np.asarray(examples.board).any(axis=-1).reshape(-1, 9)
    policy = np.asarray(examples.policy)
    assert (policy[~legal] == 0).all() and legal.any(axis=1).all()
    np.testing.assert_allclose(policy.sum(axis=1), 1, atol=1e-5)
    assert np.abs(examples.value).max() <= 1


def test_values_are_the_outcome_for_who_moves():
    """Two games: one that the player of the last move wins, and one that goes on, which the network judges."""
    over = jnp.array([[False, False], [False, False], [True, False]])
    rewards = jnp.array([[0, 0], [0, 0], [1, 0]], jnp.float32)
    values = jnp.array([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]], jnp.float32)
    last, none = jnp.array([0.9, 0.5], jnp.float32), jnp.zeros((3, 2), bool)
    end_alone = TINY.replace(value_lambda=1.0)._targets(rewards, over, none, values, last)
    np.testing.assert_allclose(end_alone, [[1, -0.5], [-1, 0.5], [1, -0.5]])
    next_alone = TINY.replace(value_lambda=0.0)._targets(rewards, over, none, values, last)
    np.testing.assert_allclose(next_alone, [[-0.2, -0.2], [-0.3, -0.3], [1, -0.5]])
    mixed = TINY.replace(value_lambda=0.5)._targets(rewards, over, none, values, last)
    explored = TINY.replace(value_lambda=1.0)._targets(rewards, over, none.at[1].set(True), values, last)
    np.testing.assert_allclose(explored, [[-0.2, -0.2], [0.2, 0.2], [1, -0.5]])
    np.testing.assert_allclose(mixed[:, 0], [-(0.5 * -0.65 + 0.5 * 0.2), -(0.5 * 1 + 0.5 * 0.3), 1], atol=1e-6)


def test_nothing_is_weakly_typed_and_64_bit_types_change_nothing():
    def signature(tree):
        return jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree)

    narrow = jax.eval_shape(TINY.init, ENV, KEY)
    once = jax.eval_shape(TINY.update, ENV, narrow)
    assert signature(once[0]) == signature(narrow)
    assert not [x for x in jax.tree.leaves(once) if x.weak_type]
    with jax.enable_x64(True):
        assert signature(jax.eval_shape(TINY.update, ENV, narrow)) == signature(once)


def test_the_trained_player_makes_legal_moves_and_draws_no_lots():
    state, _ = trained()
    player = TINY.opponent(ENV, state.agent, num_simulations=4)
    assert isinstance(player, NetworkOpponent) and player.num_simulations == 4
    env = jaxenvs.make("TicTacToe-v0", custom_opponent=player, agent_moves_first=False)
    moves = {int(jax.jit(env.reset)(jaxenvs.random.key(seed))[0].last_action) for seed in range(4)}
    assert len(moves) == 1 and moves <= set(range(9))
    raw = TINY.opponent(ENV, state.agent, num_simulations=0)
    worst, games = worst_outcome(TicTacToe(), raw, KEY, moves_first=True)
    assert worst in (-1, 0, 1) and games > 1


def test_the_policy_acts_on_observations_alone():
    state, _ = trained()
    best, drawn = (TINY.policy(ENV, state.agent, stochastic=stochastic) for stochastic in (False, True))
    evaluation = jaxenvs.evaluate(jaxenvs.make("TicTacToe-v0"), best, KEY, num_episodes=16)
    assert evaluation.finished.all()
    _, timestep = ENV.reset(KEY)
    actions = {int(drawn(timestep.observation, key)) for key in jax.random.split(KEY, 20)}
    assert len(actions) > 1 and {int(best(timestep.observation, KEY))} == {
        int(best(timestep.observation, jaxenvs.random.key(1)))
    }


def test_the_gradient_of_the_convolution_is_that_of_xla():
    def xla(x, kernel):
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    keys = jax.random.split(KEY, 3)
    x = jax.random.normal(keys[0], (3, 4, 5, 2), jnp.float32)
    kernel = jax.random.normal(keys[1], (3, 3, 2, 6), jnp.float32)
    weight = jax.random.normal(keys[2], (3, 4, 5, 6), jnp.float32)
    ours, theirs = (
        jax.grad(lambda x, kernel, f=f: (f(x, kernel) * weight).sum(), argnums=(0, 1))(x, kernel)
        for f in (_convolve, xla)
    )
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-4), ours, theirs)


def test_examples_are_seen_from_all_sides():
    """A board with a mark in one corner only, and a policy that prefers this corner."""
    corner = jnp.zeros((64, 9), jnp.float32).at[:, 0].set(1.0)
    board = jnp.zeros((64, 3, 3, 2), bool).at[:, 0, 0, 0].set(True)
    seen = seen_from_random_sides(TicTacToe(), Example(board, corner, jnp.ones(64, jnp.float32)), KEY)
    np.testing.assert_array_equal(seen.board[..., 0].reshape(64, 9), seen.policy == 1)
    assert set(np.argmax(seen.policy, axis=1).tolist()) == {0, 2, 6, 8}


@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_learners_for_one_agent_refuse_games_of_two_players(name):
    env = jaxenvs.TimeLimit(jaxenvs.make("two_player/TicTacToe-v0"), 9)
    with pytest.raises(InvalidField, match=r"2 players act in turn. Use AlphaZero, or .* `TicTacToe-v0`"):
        LEARNERS[name]().check_env(env)
    LEARNERS[name]().check_env(jaxenvs.make("TicTacToe-v0"))


def test_other_environments_are_refused():
    with pytest.raises(InvalidField, match=r"AlphaZero plays board games .* CartPole is none"):
        TINY.train(jaxenvs.make("CartPole-v1"), KEY)
    with pytest.raises(InvalidField, match="must not change observations or actions"):
        TINY.train(FlattenObservation(ENV), KEY)
    with pytest.raises(InvalidField, match="AlphaZero takes an environment, got the string"):
        TINY.train("two_player/TicTacToe-v0", KEY)
    with pytest.raises(InvalidField, match="AlphaZero learns on one device"):
        TINY.init(ENV, KEY, mesh=1)


def test_settings_are_checked():
    with pytest.raises(InvalidField, match=r"buffer_size \(100\) must be a multiple of the 160 moves .* such as 160"):
        TINY.replace(buffer_size=100)
    with pytest.raises(InvalidField, match=r"`value_lambda` must be in \[0, 1\]"):
        TINY.replace(value_lambda=2.0)
    with pytest.raises(InvalidField, match="`num_simulations` must be an integer of at least 1"):
        TINY.replace(num_simulations=0)
    assert AlphaZero(**dataclasses.asdict(TINY)) == TINY


def test_a_missing_mctx_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mctx", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[games\]"'):
        TINY.train(ENV, KEY)


@pytest.mark.slow
def test_tic_tac_toe_is_never_lost():
    """Over all replies, moving first and second: a proof."""
    learner = preset("two_player/TicTacToe-v0", "alphazero")
    state, _ = jax.jit(learner.train)(ENV, KEY)
    player = learner.opponent(ENV, state.agent)
    for moves_first in (True, False):
        worst, games = worst_outcome(TicTacToe(), player, KEY, moves_first=moves_first)
        assert worst >= 0 and games > 20
    for other in (RandomOpponent(), GreedyOpponent(), SearchOpponent(64)):
        assert (match(TicTacToe(), player, other, KEY, 200) >= 0).all()


@pytest.mark.slow
def test_connect_four_is_won_against_the_search():
    """After a fifth of the preset's moves, more than half of the games."""
    env = jaxenvs.make("two_player/ConnectFour-v0")
    learner = preset("two_player/ConnectFour-v0", "alphazero", total_steps=20_480)
    state, _ = jax.jit(learner.train)(env, KEY)
    outcomes = match(ConnectFour(), learner.opponent(env, state.agent), SearchOpponent(64), KEY, 200)
    assert float((outcomes > 0).mean()) > 0.5


@pytest.mark.parametrize("game", [ConnectFour(), Othello()], ids=["ConnectFour", "Othello"])
def test_every_game_can_be_learnt(game):
    """The shapes of an update."""
    env = jaxenvs.make(f"two_player/{type(game).__name__}-v0")
    assert game_of(env) == game and int(game.start().winner) == NOBODY
    state = jax.eval_shape(TINY.init, env, KEY)
    after, _ = jax.eval_shape(TINY.update, env, state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
