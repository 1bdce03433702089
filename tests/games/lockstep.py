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


def check_in_pgx(env: jaxenvs.Env[Any, Any], name: str, games: int, steps: int, seed: int) -> int:
    """Plays random games between two players here and in pgx; returns the number of positions compared.

    Masks, ends, rewards of both players and observations must agree. After the end, pgx has a mask of ones.
    """
    pgx = pytest.importorskip("pgx", reason="needs pgx, which is in the extra `test`")
    theirs = pgx.make(name)

    def move(carry: Any, key: Any) -> Any:
        state, other = carry
        legal = state.legal_action_mask
        live = ~state.position.is_over
        action = jax.vmap(uniform_action)(legal, jax.random.split(key, games))
        same_mask = ~live | (legal == other.legal_action_mask).all(axis=-1)
        state, timestep = jax.vmap(env.step)(state, action)
        other = jax.vmap(theirs.step)(other, action)
        rewards = jnp.take_along_axis(other.rewards, jnp.stack([first, 1 - first], axis=-1), axis=-1)
        same = {
            "mask": same_mask,
            "end": timestep.terminated == other.terminated,
            "rewards": (timestep.info["rewards"] == rewards).all(axis=-1),
            "observation": ~live | (timestep.observation == other.observation).all(axis=(1, 2, 3)),
        }
        return (state, other), (same, live)

    start, actions, order = jax.random.split(jaxenvs.random.key(seed), 3)
    state, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(start, games))
    other = jax.jit(jax.vmap(theirs.init))(jax.random.split(order, games))
    first = other.current_player
    play = jax.jit(lambda *carry: jax.lax.scan(move, carry, jax.random.split(actions, steps)))
    (state, _), (same, live) = play(state, other)
    assert state.position.is_over.all()
    assert {what: int((~np.asarray(agrees)).sum()) for what, agrees in same.items()} == dict.fromkeys(same, 0)
    return int(np.asarray(live).sum())
