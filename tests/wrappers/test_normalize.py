"""Running statistics: one set per lane, one set for all lanes, frozen, and carried over."""

import functools

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.wrappers import vector
from gymnasium.wrappers.utils import RunningMeanStd

import jaxenvs
from jaxenvs.core.wrapper import unwrap_state
from jaxenvs.spaces import Box, Discrete
from jaxenvs.wrappers import AutoReset, NormalizeObservation, NormalizeReward, RunningStatistics, TimeLimit
from tests.wrappers.toy_envs import GymnasiumScripted, Script, Scripted

LANES, STEPS, LENGTH = 4, 40, 120
RNG = np.random.default_rng(1)
BOX = Box(-np.inf, np.inf, (3,), np.float32)
OBSERVATIONS = RNG.normal(2.0, 3.0, (LENGTH, 3)).astype(np.float32)
REWARDS = RNG.normal(0.5, 2.0, LENGTH).astype(np.float32)
# Sums of about a hundred values in float32, compared with float64.
CLOSE = {"rtol": 2e-5, "atol": 2e-5}


def scripted(ends):
    return Scripted(Script(OBSERVATIONS, REWARDS, ends), BOX, Discrete(2))


ENDLESS = scripted(np.zeros(LENGTH, bool))
ENDING = TimeLimit(scripted(RNG.random(LENGTH) < 0.1), 9)


def play(env, lanes=LANES, axis_name=None):
    """The first timesteps and all others, the script's index after each, and the states, of `lanes` lanes."""
    actions = jnp.zeros((STEPS, lanes), jnp.int32)

    def with_index(out):
        state, timestep = out
        return state, (timestep, unwrap_state(env, state), state)

    @jax.jit
    def run(keys):
        state, first = with_index(jax.vmap(env.reset, axis_name=axis_name)(keys))
        step = jax.vmap(env.step, axis_name=axis_name)
        _, rest = jax.lax.scan(lambda state, action: with_index(step(state, action)), state, actions)
        return first, rest

    return run(jax.random.split(jaxenvs.random.key(3), lanes))


def vector_env(indices, ends, mode):
    return gymnasium.vector.SyncVectorEnv(
        [functools.partial(twin, [int(start) for start in lane], ends) for lane in indices], autoreset_mode=mode
    )


def twin(starts, limited):
    env = GymnasiumScripted(ENDING.env if limited else ENDLESS, starts)
    return gymnasium.wrappers.TimeLimit(env, 9) if limited else env


def starts_of(first_index, trajectory, indices):
    return [
        [first_index[lane], *indices[:, lane][np.asarray(trajectory.done[:, lane])]] for lane in range(len(first_index))
    ]


def test_lanes_that_share_observation_statistics_are_gymnasiums_vector_wrapper():
    (first, index, _), (trajectory, _, _) = play(NormalizeObservation(ENDLESS, axis_name="envs"), axis_name="envs")
    envs = vector.NormalizeObservation(
        vector_env([[i] for i in index], False, gymnasium.vector.AutoresetMode.NEXT_STEP)
    )
    np.testing.assert_allclose(first.observation, envs.reset()[0], **CLOSE)
    for observation in trajectory.observation:
        np.testing.assert_allclose(observation, envs.step(np.zeros(LANES, int))[0], **CLOSE)


@pytest.mark.parametrize("lanes", [1, LANES])
def test_reward_statistics_are_gymnasiums_vector_wrapper_in_same_step_mode(lanes):
    env = NormalizeReward(AutoReset(ENDING), gamma=0.9, axis_name="envs")
    (_, index, _), (trajectory, indices, _) = play(env, lanes, axis_name="envs")
    assert trajectory.done.sum() >= 3 and trajectory.truncated.any()
    assert trajectory.terminated.any() or lanes == 1
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    envs = vector.NormalizeReward(vector_env(starts_of(index, trajectory, indices), True, mode), gamma=0.9)
    envs.reset()
    for mine in range(STEPS):
        _, reward, terminated, truncated, _ = envs.step(np.zeros(lanes, int))
        np.testing.assert_allclose(trajectory.reward[mine], reward, **CLOSE)
        np.testing.assert_array_equal(trajectory.terminated[mine], terminated)
        np.testing.assert_array_equal(trajectory.truncated[mine], truncated)


@pytest.mark.parametrize("wrapper", [NormalizeReward, NormalizeObservation])
def test_without_an_axis_name_each_lane_is_on_its_own(wrapper):
    batch = play(wrapper(AutoReset(ENDING)))
    keys = jax.random.split(jaxenvs.random.key(3), LANES)
    env = wrapper(AutoReset(ENDING))
    for lane in range(LANES):
        state, _ = env.reset(keys[lane])
        _, alone = jax.jit(lambda s: jax.lax.scan(env.step, s, jnp.zeros(STEPS, jnp.int32)))(state)
        for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(batch[1][0]), strict=True):
            # A reset without jit differs by an ulp, which the first normalised values enlarge a hundredfold.
            np.testing.assert_allclose(a, b[:, lane], rtol=1e-4, atol=1e-4)


def test_around_auto_reset_final_observations_count_first_and_then_the_new_starts():
    env = NormalizeObservation(AutoReset(ENDING), axis_name="envs", epsilon=1e-3)
    (_, index, _), (trajectory, indices, states) = play(env, axis_name="envs")
    # The raw observations, from the same play without the wrapper.
    (raw_first, raw_index, _), (raw, raw_indices, _) = play(AutoReset(ENDING))
    np.testing.assert_array_equal(index, raw_index)
    np.testing.assert_array_equal(indices, raw_indices)
    reference = RunningMeanStd(shape=(3,))
    reference.update(np.asarray(raw_first.observation))
    done = np.asarray(trajectory.done)
    assert done.any()
    for t in range(STEPS):
        reference.update(np.asarray(raw.final_observation[t]))
        if done[t].any():
            reference.update(np.asarray(raw.observation[t])[done[t]])
        for name in ("observation", "final_observation"):
            expected = (np.asarray(getattr(raw, name)[t]) - reference.mean) / np.sqrt(reference.var + 1e-3)
            np.testing.assert_allclose(getattr(trajectory, name)[t], expected, **CLOSE)
        for lane in range(LANES):
            np.testing.assert_allclose(states.statistics.mean[t, lane], reference.mean, **CLOSE)
            np.testing.assert_allclose(states.statistics.variance[t, lane], reference.var, **CLOSE)
            np.testing.assert_allclose(states.statistics.count[t, lane], reference.count, rtol=1e-6)


@pytest.mark.parametrize("wrapper", [NormalizeReward, NormalizeObservation])
def test_frozen_statistics_carry_on_where_training_left_them(wrapper):
    _, (_, _, states) = play(wrapper(AutoReset(ENDING)))
    learnt = jax.tree.map(lambda x: x[-1, 0], states.statistics)
    (first, _, _), (trajectory, _, after) = play(wrapper(AutoReset(ENDING), update=False, initial=learnt))
    (raw_first, _, _), (raw, _, _) = play(AutoReset(ENDING))
    for final, kept in zip(jax.tree.leaves(after.statistics), jax.tree.leaves(learnt), strict=True):
        np.testing.assert_array_equal(final[-1, 2], kept)
    deviation, mean = np.sqrt(np.asarray(learnt.variance) + 1e-8), np.asarray(learnt.mean)
    if wrapper is NormalizeReward:
        np.testing.assert_allclose(trajectory.reward, np.asarray(raw.reward) / deviation, rtol=1e-6)
    else:
        for mine, theirs in ((first.observation, raw_first.observation), (trajectory.observation, raw.observation)):
            np.testing.assert_allclose(mine, (np.asarray(theirs) - mean) / deviation, rtol=1e-5, atol=1e-6)


def test_statistics_of_many_values_agree_with_float64():
    values = RNG.normal(100.0, 0.5, (50_000,)).astype(np.float32)

    @jax.jit
    def count_all(values):
        return jax.lax.scan(lambda s, x: (s.update(x), None), RunningStatistics.of_shape(()), values)[0]

    statistics = count_all(jnp.asarray(values))
    reference = RunningMeanStd()
    reference.update(values.astype(np.float64))
    np.testing.assert_allclose(statistics.mean, reference.mean, rtol=1e-5)
    # A mean of 100 in float32 has a spacing of 8e-6, which each of 50,000 deltas inherits.
    np.testing.assert_allclose(statistics.variance, reference.var, rtol=1e-2)
    assert np.isfinite(statistics.count)


def test_values_that_do_not_count_change_nothing():
    before = RunningStatistics.of_shape((2,)).update(jnp.array([1.0, 2.0], jnp.float32))
    after = before.update(jnp.array([50.0, 60.0], jnp.float32), where=False)
    for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        np.testing.assert_array_equal(a, b)
