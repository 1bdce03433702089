"""from_pgx: games of pgx as ours: each transition is that of pgx, with our conventions for reward and info."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import adapters
from jaxenvs.errors import InvalidAction, InvalidField, NameNotFound, RenderingUnavailable
from jaxenvs.testing import CHECKS
from jaxenvs.testing.subject import Subject

pgx = pytest.importorskip("pgx", reason="pgx is not installed")

QUICK_CHECKS = ("spaces", "timestep", "info", "same_types", "no_weak_types", "in_spaces", "ends_are_reached")
"""Those that compile little. The slow tests make all of them, for several games."""


def _grey(state, params):
    """A picture for the check that needs one: a band whose brightness is the number of moves."""
    del params
    shade = (state._step_count % 200 + 50).astype(jnp.uint8)
    return jnp.zeros((8, 8, 3), jnp.uint8).at[:4].set(shade)


def test_a_game_conforms():
    subject = Subject(adapters.from_pgx("tic_tac_toe", draw=_grey), eager=False, steps=100, lanes=2)
    for check in CHECKS:
        if check.name in QUICK_CHECKS:
            check(subject)


@pytest.mark.slow
@pytest.mark.parametrize("id", ["tic_tac_toe", "2048", "backgammon", "minatar-freeway", "kuhn_poker"])
def test_it_conforms(id):
    """Two players, one player, dice, a game without an end that random play reaches, and hidden cards."""
    subject = Subject(adapters.from_pgx(id, draw=_grey), steps=2600 if id == "minatar-freeway" else 600, lanes=4)
    for check in CHECKS:
        check(subject)


@pytest.mark.parametrize("id", ["tic_tac_toe", "2048", pytest.param("backgammon", marks=pytest.mark.slow)])
def test_transitions_are_pgxs_own(id):
    env, theirs = adapters.from_pgx(id), pgx.make(id)
    key, start_key = jax.random.split(jax.random.key(0))
    state, timestep = jax.jit(env.reset)(jax.random.key(0))
    step, their_step = jax.jit(env.step), jax.jit(theirs.step)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        theirs_now = jax.jit(theirs.init)(start_key)
    numbers = np.random.default_rng(0)
    for _ in range(40):
        np.testing.assert_array_equal(timestep.observation, theirs_now.observation)
        legal = np.flatnonzero(timestep.info["legal_action_mask"])
        over = bool(theirs_now.terminated)
        if over:
            break
        np.testing.assert_array_equal(timestep.info["legal_action_mask"], theirs_now.legal_action_mask)
        action = jnp.asarray(numbers.choice(legal), jnp.int32)
        mover = int(timestep.info["current_player"])
        key, step_key = jax.random.split(key)
        state, timestep = step(state, action)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            theirs_now = their_step(theirs_now, action, step_key)
        np.testing.assert_array_equal(timestep.info["rewards"], theirs_now.rewards)
        assert float(timestep.reward) == float(theirs_now.rewards[mover])
        assert bool(timestep.terminated) == bool(theirs_now.terminated)
        assert int(timestep.info["current_player"]) == int(theirs_now.current_player)
    assert over == (id == "tic_tac_toe") and not (over and legal.size)


def test_an_illegal_action_ends_the_game():
    env = adapters.from_pgx("tic_tac_toe")
    step = jax.jit(env.step)
    state, timestep = step(jax.jit(env.reset)(jax.random.key(0))[0], 4)
    mover = int(timestep.info["current_player"])
    _, timestep = step(state, 4)
    assert bool(timestep.terminated) and float(timestep.reward) == float(timestep.info["rewards"][mover]) == -1.0
    assert not timestep.info["legal_action_mask"].any()


def test_games_go_on_from_one_to_the_next():
    """Twelve random legal moves of tic-tac-toe are more than one game."""
    env = jaxenvs.AutoReset(adapters.from_pgx("tic_tac_toe"))

    def move(state, key):
        legal = jaxenvs.unwrap_state(env, state).inner.legal_action_mask
        state, timestep = env.step(state, env.action_space.sample(key, legal))
        return state, (timestep, legal)

    state, _ = jax.jit(env.reset)(jaxenvs.random.key(0))
    _, (seen, legal) = jax.lax.scan(move, state, jax.random.split(jaxenvs.random.key(1), 12))
    assert seen.terminated.any() and legal.sum(axis=1)[0] == 9
    over = np.flatnonzero(seen.terminated)[0]
    assert legal[over + 1].all() and not seen.info["legal_action_mask"][over].any()
    assert set(np.asarray(seen.reward)) <= {0.0, 1.0}  # who moves last never loses


def test_equal_games_are_equal_programs():
    from pgx.go import Go

    one, two = adapters.from_pgx("tic_tac_toe"), adapters.from_pgx(pgx.make("tic_tac_toe"))
    pickled = pickle.loads(pickle.dumps(one))
    assert jax.tree.structure(one) == jax.tree.structure(two) == jax.tree.structure(pickled)
    small, same, other = (adapters.from_pgx(Go(size=3, komi=komi)) for komi in (0.5, 0.5, 1.5))
    assert jax.tree.structure(small) == jax.tree.structure(same) != jax.tree.structure(other)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: adapters.from_pgx("tictac_toe"), NameNotFound, "Did you mean: `tic_tac_toe`"),
        (lambda: adapters.from_pgx(jaxenvs.make("TicTacToe-v0")), InvalidField, "an id or a game of pgx 2"),
        (lambda: _step(9), InvalidAction, "an integer from 0 to 8"),
        (lambda: _game().render(_begun()), RenderingUnavailable, "Pass a function"),
    ],
    ids=["unknown id", "ours", "no such action", "no picture"],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def _game():
    return adapters.from_pgx("tic_tac_toe")


def _begun():
    return jax.jit(_game().reset)(jax.random.key(0))[0]


def _step(action):
    return _game().step(_begun(), action)
