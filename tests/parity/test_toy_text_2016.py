"""The other toy-text tasks of OpenAI Gym against transitions of gym 0.17.3, whose chance was scripted."""

import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.toy_text.guessing_game import GuessingGame
from jaxenvs.envs.toy_text.hotter_colder import HotterColder
from jaxenvs.envs.toy_text.kelly_coinflip import KellyCoinflip
from jaxenvs.envs.toy_text.nchain import NChain
from jaxenvs.envs.toy_text.roulette import Roulette
from jaxenvs.errors import InvalidField
from jaxenvs.registration import spec
from tests.parity.differences import assert_close, record, relative
from tests.parity.rows_toy_text import ROWS

RECORDED = json.loads(Path(__file__).with_name("toy_text_of_gym_0_17_3.json").read_text())
TOLERANCE = {row.id: row.tolerance for row in ROWS}
ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed
LANES = 20_000


@functools.cache
def stepped(env, lanes=LANES):
    """Many first steps with random actions: the actions, the states and the timesteps."""
    keys = jax.random.split(jaxenvs.random.key(3), lanes)
    states, _ = jax.vmap(env.reset)(keys)
    actions = jax.vmap(env.action_space.sample)(jax.random.split(jaxenvs.random.key(4), lanes))
    states, timesteps = jax.jit(jax.vmap(env.step))(states, actions)
    return jax.device_get((actions, states, timesteps))


@pytest.mark.measures_parity
def test_every_bet_and_pocket_of_roulette():
    actions, _, timesteps = stepped(Roulette())
    spins = timesteps.info["spin"]
    table = np.array(RECORDED["Roulette-v0"])
    rolled = actions < 37
    assert len(set(zip(actions[rolled].tolist(), spins[rolled].tolist(), strict=True))) == 37 * 37
    assert_close("Roulette-v0", timesteps.reward[rolled], table[actions[rolled], spins[rolled], 0], 0)
    np.testing.assert_array_equal(timesteps.terminated, table[actions, np.maximum(spins, 0), 1] == 1)
    assert (spins[~rolled] == -1).all() and (timesteps.reward[~rolled] == 0).all()
    counts = np.bincount(spins[rolled], minlength=37)
    assert scipy.stats.chisquare(counts).pvalue > ALPHA
    model = Roulette().transition_table()
    np.testing.assert_array_equal(model.reward[0], table[:, :, 0])
    np.testing.assert_array_equal(model.terminated[0], table[:, :, 1] == 1)


@pytest.mark.measures_parity
def test_every_place_and_slip_of_the_chain():
    env = NChain()
    table = RECORDED["NChain-v0"]
    model = env.transition_table()
    step = jax.jit(env.step)
    keys = jax.random.split(jaxenvs.random.key(5), 40)
    seen = set()
    for place, action, slip, after, reward, done in table:
        assert not done
        assert (model.next_state[place, action, slip ^ action], model.reward[place, action, slip ^ action]) == (
            after,
            reward,
        )
        for key in keys:
            state, _ = env.reset(key)
            state, timestep = step(state.replace(index=jnp.int32(place)), jnp.int32(action))
            if int(timestep.info["slipped"]) == slip:
                seen.add((place, action, slip))
                reached = int(timestep.observation), float(timestep.reward)
                record("NChain-v0", relative(reached, (after, reward)))
                assert reached == (after, reward)
                break
    assert len(seen) == len(table)
    slips = stepped(env)[2].info["slipped"].sum()
    assert scipy.stats.binomtest(int(slips), LANES, 0.2).pvalue > ALPHA


@pytest.mark.measures_parity
@pytest.mark.parametrize("env", [GuessingGame(), HotterColder()], ids=["GuessingGame-v0", "HotterColder-v0"])
def test_guesses(env, request):
    id = request.node.callspec.id
    number, guess, count, hint, reward, done, guesses = np.array(RECORDED[id]).T
    state, _ = env.reset(jaxenvs.random.key(0))

    def step(number, guess, count):
        return env.step(state.replace(number=number, guesses=count), guess[None])

    timesteps = jax.vmap(step)(*map(jnp.asarray, (number.astype("f4"), guess.astype("f4"), count.astype("i4"))))[1]
    np.testing.assert_array_equal(timesteps.observation, hint)
    np.testing.assert_array_equal(timesteps.terminated, done == 1)
    np.testing.assert_array_equal(timesteps.info["guesses"], guesses)
    assert_close(id, timesteps.reward, reward, TOLERANCE[id])
    assert set(hint) == {1, 2, 3} and set(done) == {0, 1}
    numbers = stepped(env)[1].number
    assert scipy.stats.kstest(numbers, scipy.stats.uniform(-1000, 2000).cdf).pvalue > ALPHA


@pytest.mark.measures_parity
def test_bets_on_the_coin():
    rows = np.array(RECORDED["KellyCoinflip-v0"])
    state, _ = KellyCoinflip().reset(jaxenvs.random.key(0))

    def step(edge, cents, rounds, bet):
        # The coin always falls as recorded: the probability to win is 1 or 0.
        return KellyCoinflip(edge=edge).step(state.replace(cents=cents, rounds=rounds), bet)

    cents, rounds, bet, won, wealth, left, reward, done = rows.T
    arguments = won.astype("f4"), cents.astype("i4"), rounds.astype("i4"), bet.astype("i4")
    timesteps = jax.vmap(step)(*map(jnp.asarray, arguments))[1]
    tolerance = TOLERANCE["KellyCoinflip-v0"]
    assert_close("KellyCoinflip-v0", timesteps.observation[0][:, 0], wealth, tolerance)
    np.testing.assert_array_equal(timesteps.observation[1], left)
    assert_close("KellyCoinflip-v0", timesteps.reward, reward, tolerance)
    np.testing.assert_array_equal(timesteps.terminated, done == 1)
    np.testing.assert_array_equal(timesteps.info["won"], np.where(won == 1, 1, -1))
    wins = (stepped(KellyCoinflip())[2].info["won"] == 1).sum()
    assert scipy.stats.binomtest(int(wins), LANES, 0.6).pvalue > ALPHA


def test_kellys_criterion_comes_to_what_the_paper_says():
    """A fifth of the wealth each time: about 240 dollars on average. 1,000 games; the standard error is about 1.3."""

    def policy(observation, key):
        return jnp.round(observation[0][0] * 20).astype(jnp.int32)

    result = jaxenvs.evaluate(jaxenvs.make("KellyCoinflip-v0"), policy, jaxenvs.random.key(0), num_episodes=1000)
    assert 230 < float(result.mean_return) < 246.61
    assert result.finished.all()


def test_the_best_play_of_the_chain_is_to_go_on():
    """Value iteration on the exact model; going on from everywhere is best at a discount of 0.99."""
    model, values = NChain().transition_table(), np.zeros(5)
    for _ in range(3000):
        q = (model.probability * (model.reward + 0.99 * values[model.next_state])).sum(-1)
        values = q.max(-1)
    assert q.argmax(-1).tolist() == [0] * 5


def test_thresholds_and_limits_are_gyms():
    ids = ("Roulette-v0", "NChain-v0", "GuessingGame-v0", "HotterColder-v0", "KellyCoinflip-v0")
    assert [spec(id).max_episode_steps for id in ids] == [100, 1000, 200, 200, None]
    assert [spec(id).reward_threshold for id in ids] == [None] * 4 + [246.61]


@pytest.mark.parametrize(
    "kind, fields, message",
    [
        (Roulette, {"spots": 1}, "`spots` must be an integer from 2"),
        (NChain, {"n": 1}, "`n` must be"),
        (NChain, {"slip": 1.5}, "`slip` must be a probability"),
        (GuessingGame, {"guess_max": 0}, "GuessingGame: `guess_max`"),
        (KellyCoinflip, {"initial_wealth": 300.0}, "`initial_wealth` must be above 0 and at most `max_wealth`"),
        (KellyCoinflip, {"max_wealth": 0.5}, "`max_wealth` must be an integer"),
        (KellyCoinflip, {"max_rounds": 0}, "`max_rounds` must be"),
        (KellyCoinflip, {"edge": -0.1}, "`edge` must be a probability"),
    ],
)
def test_bad_fields_are_refused(kind, fields, message):
    with pytest.raises(InvalidField, match=message):
        kind(**fields)
