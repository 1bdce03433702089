"""The algorithmic tasks against episodes that gym 0.17.3 played, right and wrong ones and ones too slow."""

import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.registration import spec
from tests.parity.differences import assert_close
from tests.parity.rows_algorithmic import ROWS

PLAYED = json.loads(Path(__file__).with_name("algorithmic_of_gym_0_17_3.json").read_text())
EACH = pytest.mark.parametrize("id", [row.id for row in ROWS])


@functools.cache
def bare(id):
    return jaxenvs.unwrap(jaxenvs.make(id))


def placed(env, state, symbols):
    """`state` with another input: a list of symbols, or of the columns of a grid."""
    columns = np.array(symbols, np.int32).reshape(len(symbols), -1)
    grid = np.full(state.symbols.shape, env.base, np.int32)
    grid[: len(columns)] = columns
    length = jnp.int32(len(columns))
    target, target_length = env.target_of(jnp.asarray(grid), length)
    return state.replace(symbols=jnp.asarray(grid), length=length, target=target, target_length=target_length)


@pytest.mark.measures_parity
@EACH
def test_episodes_go_as_gym_played_them(id):
    env = bare(id)
    fresh, _ = env.reset(jaxenvs.random.key(0))
    roll = jax.jit(lambda state, actions: jax.lax.scan(env.step, state, actions))
    ends = set()
    longest = max(len(episode["actions"]) for episode in PLAYED[id]["episodes"])
    for episode in PLAYED[id]["episodes"]:
        state = placed(env, fresh, episode["input"])
        most = len(episode["target"])
        assert int(state.target_length) == most
        assert state.target[:most].tolist() == episode["target"]
        assert env.observe(state) == episode["observations"][0]
        steps = len(episode["actions"])
        actions = np.zeros((longest, 3), np.int32)  # one length, one program
        actions[:steps] = episode["actions"]
        _, played = roll(state, tuple(actions.T))
        assert_close(id, played.observation[:steps], episode["observations"][1:], 0)
        assert_close(id, played.reward[:steps], episode["rewards"], 0)
        assert played.terminated[:steps].tolist() == episode["done"]
        ends.add(episode["rewards"][-1])
    assert ends == {1.0, -0.5, -1.0}


@EACH
def test_levels_rise_as_they_did_in_gym(id):
    env, played = bare(id), PLAYED[id]
    ended, _ = env.reset(jaxenvs.random.key(0))
    levels = []
    for total, length in zip(played["totals"], played["target_lengths"], strict=True):
        levels.append(int(env.level))
        ended = ended.replace(
            level=jnp.int32(env.level),
            streak=jnp.int32(env.streak),
            total=jnp.float32(total),
            target_length=jnp.int32(length),
        )
        env = env.after_episode(ended)
    assert levels == played["levels"]
    assert levels[-1] > levels[0]


@EACH
def test_inputs_have_the_lengths_and_symbols_that_the_level_says(id):
    env = bare(id).replace(level=5)
    states, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(1), 300))
    expected = {4, 6} if id == "DuplicatedInput-v0" else {5, 6, 7}
    assert set(states.length.tolist()) == expected
    inside = np.arange(states.symbols.shape[1]) < np.asarray(states.length)[:, None]
    symbols = np.asarray(states.symbols)
    assert set(symbols[inside].ravel().tolist()) == set(range(env.base))
    assert (symbols[~inside] == env.base).all()
    if id == "DuplicatedInput-v0":
        assert (symbols[:, 0:32:2] == symbols[:, 1:32:2]).all()


def test_thresholds_and_limits_are_gyms():
    thresholds = {row.id: spec(row.id).reward_threshold for row in ROWS}
    assert list(thresholds.values()) == [25, 75, 9, 25, 25, 25]
    assert {spec(row.id).max_episode_steps for row in ROWS} == {200}
