"""Random games of an environment, and the same games in OpenSpiel and pgx."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.games.opponents import uniform_action


class Record(PyTreeNode):
    """Games that were played side by side, as arrays of (steps, games, ...); steps after the end are included.

    Attributes:
        legal: bool, what was legal before each step.
        action: int32, what the player, or the agent, did.
        last_action: int32, the last move on the board after the step: the opponent's, if there is one that answered.
        reward: float32, the reward of the step, for who took it.
        terminated: bool, whether the game was over after the step.
    """

    legal: np.ndarray
    action: np.ndarray
    last_action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray


def record(env: jaxenvs.Env[Any, Any], games: int, steps: int, seed: int) -> Record:
    """Games of random legal actions."""

    def move(state: Any, key: Any) -> Any:
        legal = state.legal_action_mask
        action = jax.vmap(uniform_action)(legal, jax.random.split(key, games))
        state, timestep = jax.vmap(env.step)(state, action)
        return state, Record(legal, action, state.last_action, timestep.reward, timestep.terminated)

    @jax.jit
    def play() -> Any:
        start, actions = jax.random.split(jaxenvs.random.key(seed))
        state, _ = jax.vmap(env.reset)(jax.random.split(start, games))
        return jax.lax.scan(move, state, jax.random.split(actions, steps))[1]

    return jax.tree.map(np.asarray, play())


def check_in_openspiel(played: Record, name: str, answers: bool) -> tuple[list[float], list[float]]:
    """Plays recorded games in OpenSpiel, in which masks and ends must be the same.

    Args:
        played: the games, in which the agent moves first.
        name: what OpenSpiel calls the game.
        answers: whether an opponent answers within a step.

    Returns:
        The rewards of each step here, and there.
    """
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel, which is in the extra `test`")
    game, ours, theirs = pyspiel.load_game(name), [], []
    count = game.num_distinct_actions()
    steps, games = played.action.shape
    for lane in range(games):
        state = game.new_initial_state()
        for at in range(steps):
            if state.is_terminal():
                break
            assert played.legal[at, lane, :count].tolist() == [bool(x) for x in state.legal_actions_mask()], state
            mover = state.current_player()
            if played.action[at, lane] == count:  # resigning, which OpenSpiel does not have
                assert played.terminated[at, lane] and played.reward[at, lane] == -1
                break
            state.apply_action(int(played.action[at, lane]))
            if answers and not state.is_terminal():
                state.apply_action(int(played.last_action[at, lane]))
            assert played.terminated[at, lane] == state.is_terminal(), state
            ours.append(float(played.reward[at, lane]))
            theirs.append(state.returns()[mover] if state.is_terminal() else 0.0)
        else:
            raise AssertionError(f"{steps} steps do not reach beyond the end:\n{state}")
    return ours, theirs


def check_in_pgx(
    env: jaxenvs.Env[Any, Any], name: str, games: int, steps: int, seed: int, passes_on: bool = False
) -> tuple[int, int]:
    """Plays random games between two players here and in pgx.

    Masks, ends, observations, and the sums of both players' rewards must agree. After the end, pgx has a mask of ones.

    Args:
        env: the environment.
        name: what pgx calls the game.
        games: how many are played at once.
        steps: at least as many as any of them has.
        seed: for the actions.
        passes_on: whether pgx ends a game in which neither player can move only after passes, its last action.

    Returns:
        The number of positions compared, and how many games ended later in pgx.
    """
    pgx = pytest.importorskip("pgx", reason="needs pgx, which is in the extra `test`")
    theirs = pgx.make(name)

    def move(carry: Any, key: Any) -> Any:
        state, other, totals = carry
        legal, live = state.legal_action_mask, ~state.position.is_over
        action = jax.vmap(uniform_action)(legal, jax.random.split(key, games))
        action = jnp.where(live, action, legal.shape[-1] - 1)
        same_mask = (legal == other.legal_action_mask).all(axis=-1)
        state, timestep = jax.vmap(env.step)(state, action)
        other = jax.vmap(theirs.step)(other, action)
        is_late = timestep.terminated & ~other.terminated & ~other.legal_action_mask[:, :-1].any(axis=-1) & passes_on
        same = {
            "mask": same_mask | ~live,
            "end": (timestep.terminated == other.terminated) | is_late,
            "observation": (timestep.observation == other.observation).all(axis=(1, 2, 3)) | ~live,
        }
        players = jnp.stack([first, 1 - first], axis=-1)
        rewards = timestep.info["rewards"], jnp.take_along_axis(other.rewards, players, axis=-1)
        return (state, other, jax.tree.map(jnp.add, totals, rewards)), (same, live, is_late & live)

    start, actions, order = jax.random.split(jaxenvs.random.key(seed), 3)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # pgx mixes types
        state, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(start, games))
        other = jax.jit(jax.vmap(theirs.init))(jax.random.split(order, games))
        first, zeros = other.current_player, jnp.zeros((games, 2), jnp.float32)
        play = jax.jit(lambda *carry: jax.lax.scan(move, carry, jax.random.split(actions, steps)))
        (state, other, totals), (same, live, is_late) = play(state, other, (zeros, zeros))
    assert state.position.is_over.all() and other.terminated.all(), "the games need more steps"
    differ = {what: int((~np.asarray(agrees)).sum()) for what, agrees in same.items()}
    assert not any(differ.values()), differ
    np.testing.assert_array_equal(*totals)
    return int(np.asarray(live).sum()), int(np.asarray(is_late).sum())
