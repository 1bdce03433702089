"""Rain and fickle passengers of Taxi, step by step against Gymnasium with its chance scripted."""

import functools

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.toy_text._chance import draw_side
from jaxenvs.envs.toy_text.taxi import Taxi, TaxiState

ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed

CASES = {
    "dry": {},
    "rain": {"is_rainy": True},
    "fickle": {"fickle_passenger": True},
    "rain and fickle": {"is_rainy": True, "fickle_passenger": True},
}


class Script:
    """Replaces Gymnasium's random generator, and returns what our environment drew."""

    def __init__(self):
        self.uniform, self.destination, self.asked = 0.0, None, False

    def random(self):
        return self.uniform

    def choice(self, destinations):
        self.asked = True
        assert self.destination in destinations
        return self.destination


@functools.lru_cache
def every_transition(case):
    """Every state, with and without a fickle passenger, and every action: the inputs and the results."""
    env = Taxi(**CASES[case])
    index, action, fickle = (x.reshape(-1) for x in np.indices((500, 6, 2), dtype=np.int32))
    fickle = fickle == 1 if env.fickle_passenger else np.zeros(index.size, bool)
    keys = jax.random.split(jaxenvs.random.key(30), index.size)

    def step(index, action, fickle, key):
        samples = env.is_rainy or env.fickle_passenger
        state = TaxiState(index=index, fickle=fickle, key=key if samples else None)
        state, timestep = env.step(state, action)
        side = draw_side(jax.random.split(key)[1], 0.8) if env.is_rainy else jnp.zeros((), jnp.int32)
        return state.fickle, timestep, side

    after, timestep, side = jax.jit(jax.vmap(step))(index, action, fickle, keys)
    return (index, action, fickle), jax.device_get((after, timestep, side))


@pytest.mark.parametrize("case", CASES)
def test_every_transition_is_gymnasiums(case):
    (index, action, fickle), (after, timestep, side) = every_transition(case)
    reference = gymnasium.make("Taxi-v4", **CASES[case]).unwrapped
    reference.reset(seed=0)
    script = reference._np_random = Script()
    changes = 0
    for i in range(index.size):
        reference.s, reference.fickle_step = int(index[i]), bool(fickle[i])
        # The middle of Gymnasium's branch for each side: ahead [0, 0.8), left [0.8, 0.9), right [0.9, 1).
        script.uniform = {0: 0.4, -1: 0.85, 1: 0.95}[int(side[i])]
        script.destination, script.asked = int(timestep.observation[i]) % 4, False
        observation, reward, terminated, truncated, info = reference.step(int(action[i]))
        ours = timestep.observation[i], timestep.reward[i], timestep.terminated[i], timestep.truncated[i]
        assert ours == (observation, reward, terminated, truncated), i
        assert bool(after[i]) == reference.fickle_step, i
        assert timestep.info["prob"][i] == pytest.approx(info["prob"], abs=1e-7)  # float32 rounding
        np.testing.assert_array_equal(timestep.info["action_mask"][i], info["action_mask"])
        changes += script.asked
    assert (changes > 0) == ("fickle" in case)


def test_action_mask_marks_the_actions_that_change_the_state():
    (index, action, _), (_, timestep, _) = every_transition("dry")
    mask = np.asarray(jax.vmap(lambda i: Taxi()._info(i, jnp.ones((), jnp.float32))["action_mask"])(index))
    assert mask.dtype == np.int8
    assert (mask[np.arange(index.size), action] == (timestep.observation != index)).all()


def test_the_same_info_at_reset():
    env = Taxi()
    state, timestep = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(31), 500))
    reference = gymnasium.make("Taxi-v4").unwrapped
    for index, mask in zip(np.asarray(state.index), np.asarray(timestep.info["action_mask"])):
        np.testing.assert_array_equal(mask, reference.action_mask(int(index)))
    assert mask.dtype == np.int8
    assert (np.asarray(timestep.info["prob"]) == 1).all()


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.9, 1.0])
def test_passengers_are_fickle_as_often_as_asked(probability):
    env = Taxi(fickle_passenger=True, fickle_probability=probability)
    keys = jax.random.split(jaxenvs.random.key(32), 20_000)
    fickle = np.asarray(jax.jit(jax.vmap(lambda key: env.reset(key)[0].fickle))(keys))
    assert scipy.stats.binomtest(int(fickle.sum()), fickle.size, probability).pvalue > ALPHA


@pytest.mark.parametrize("destination", range(4))
def test_a_changed_mind_falls_on_each_other_stop_alike(destination):
    env = Taxi(fickle_passenger=True)
    index = Taxi.encode(2, 2, 4, destination)
    keys = jax.random.split(jaxenvs.random.key(33), 6_000)

    def drive(key):
        state = TaxiState(index=jnp.asarray(index, jnp.int32), fickle=jnp.ones((), bool), key=key)
        return env.step(state, jnp.asarray(1, jnp.int32))[1].observation % 4

    counts = np.bincount(np.asarray(jax.jit(jax.vmap(drive))(keys)), minlength=4)
    assert counts[destination] == 0
    assert scipy.stats.chisquare(np.delete(counts, destination)).pvalue > ALPHA


def test_the_mind_changes_once_on_the_first_move_aboard():
    env = Taxi(fickle_passenger=True, fickle_probability=1.0)
    # The taxi is at R, and so is the passenger, who wants to go to B.
    index = jnp.asarray(Taxi.encode(0, 0, 0, 3), jnp.int32)
    state = TaxiState(index=index, fickle=jnp.ones((), bool), key=jaxenvs.random.key(34))
    step = jax.jit(env.step)
    south, north, pick_up, drop_off = 0, 1, 4, 5
    plan = [(pick_up, True), (north, True), (south, False), (north, False), (drop_off, False), (pick_up, False)]
    for action, still_fickle in [*plan, (south, False)]:
        before = int(state.index) % 4
        was_fickle = bool(state.fickle)
        state, timestep = step(state, jnp.asarray(action, jnp.int32))
        assert bool(state.fickle) == still_fickle
        assert (int(timestep.observation) % 4 != before) == (was_fickle and not still_fickle)
