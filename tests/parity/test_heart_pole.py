"""HeartPole against transitions of the tutorial's package, whose chance was scripted."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.tutorial.heart_pole import WALK, HeartPole
from jaxenvs.errors import InvalidField
from tests.parity.differences import assert_close
from tests.parity.rows_tutorial import ROWS

ROWS_PLAYED = json.loads(Path(__file__).with_name("heart_pole_of_heartpole_1_2.json").read_text())
NAMES = ("alertness", "hypertension", "intoxication", "time_since_slept", "time_elapsed", "work_done")
KEY = jaxenvs.random.key(0)
ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed


def recorded(dtype):
    columns = list(zip(*ROWS_PLAYED, strict=True))
    states, draws, after = (np.array(columns[i], dtype) for i in (0, 2, 3))
    return states, np.array(columns[1], np.int32), draws, after, np.array(columns[4], np.float64)


def stepped(env, states, actions, draws):
    fresh, _ = env.reset(KEY)

    def step(values, action, draws):
        state = fresh.replace(**{name: values[i] for i, name in enumerate(NAMES)})
        return env.step_with(state, action, draws)

    return jax.jit(jax.vmap(step))(*map(jnp.asarray, (states, actions, draws)))


@pytest.mark.measures_parity
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_transitions_in_float32(row):
    states, actions, draws, after, reward = recorded(np.float32)
    env = jaxenvs.unwrap(jaxenvs.make(row.id))
    _, timesteps = stepped(env, states, actions, draws)
    assert_close(row.id, timesteps.observation, after, row.tolerance)
    assert_close(row.id, timesteps.reward, reward, row.tolerance)
    assert 5 < int(timesteps.info["heart_attack"].sum()) < 150
    assert not timesteps.terminated.any()


def test_transitions_in_float64():
    with jax.enable_x64(True):
        states, actions, draws, after, _ = recorded(np.float64)
        reached, _ = stepped(HeartPole(), states, actions, draws)
        values = np.stack([getattr(reached, name) for name in NAMES], axis=-1)
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, after, rtol=1e-12, atol=1e-12)


def test_chance_has_the_tutorials_distributions():
    env, lanes = HeartPole(), 20_000
    states, timesteps = jax.vmap(env.reset)(jax.random.split(KEY, lanes))
    assert scipy.stats.kstest(timesteps.observation[:, 0], scipy.stats.uniform(0.7, 0.6).cdf).pvalue > ALPHA
    states = states.replace(hypertension=jnp.full(lanes, 8.0, jnp.float32))
    step = jax.jit(jax.vmap(env.step))
    beer, slept = (step(states, jnp.full(lanes, action, jnp.int32)) for action in (2, 3))
    drink = beer[0].intoxication / 0.97
    assert scipy.stats.kstest(drink, scipy.stats.uniform(0.01, 0.02).cdf).pvalue > ALPHA
    pressure = slept[1].info["heart_attack"]
    risk = 0.5 / (1 + np.exp(6 - 8 * 0.97**17))
    assert scipy.stats.binomtest(int(pressure.sum()), lanes, risk).pvalue > ALPHA
    assert not np.corrcoef(beer[0].intoxication, beer[0].alertness)[0, 1] > 0.05


def test_a_walk_lowers_the_pressure_and_takes_an_hour():
    env = HeartPole(has_walk=True)
    state, _ = env.reset(KEY)
    state = state.replace(hypertension=jnp.float32(4.0), alertness=jnp.float32(1.0))
    walked, timestep = env.step_with(state, jnp.int32(WALK), jnp.array([0.5, 0, 0, 0, 1.0], jnp.float32))
    assert float(walked.time_elapsed) == float(walked.time_since_slept) == 3
    assert float(walked.hypertension) == pytest.approx(4.0 * 0.5 * 0.97**3, rel=1e-6)
    lost = sum(1 / (1 + np.exp(4 - t / 10)) for t in range(3))
    assert float(walked.alertness) == pytest.approx(1.15 - lost, rel=1e-5)
    assert float(timestep.reward) == pytest.approx(float(walked.work_done) / 3, rel=1e-6)
    assert HeartPole().action_space.n == 4 and env.action_space.n == 5


def test_a_bad_probability_is_refused():
    with pytest.raises(InvalidField, match="`heart_attack_proclivity` must be a probability"):
        HeartPole(heart_attack_proclivity=2.0)
