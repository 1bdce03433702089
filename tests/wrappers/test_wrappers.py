"""Behaviour of single wrappers that the comparison with Gymnasium does not cover."""

import gymnasium.wrappers as theirs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs import wrappers
from jaxenvs.errors import InvalidAction, WrapperOrderError
from jaxenvs.spaces import Box, Dict, Discrete, MultiDiscrete
from jaxenvs.wrappers import (
    AutoReset,
    ClipAction,
    FrameStack,
    NoisyReward,
    OneHot,
    PixelObservation,
    RescaleObservation,
    ScaleReward,
    StickyAction,
    TimeLimit,
)
from tests.wrappers.toy_envs import LENGTH, Counter, GymnasiumScripted, scripted


class OurDraws:
    """Replaces Gymnasium's generator: returns what StickyAction draws from the key in its state."""

    def __init__(self, key, low, high):
        self.key, self.low, self.high = key, low, high

    def next_step(self):
        self.key, self.chance_key, self.duration_key = jax.random.split(self.key, 3)

    def uniform(self):
        return jax.random.uniform(self.chance_key, (), jnp.float32)

    def integers(self, low, high):
        assert (low, high) == (self.low, self.high + 1)
        return int(jax.random.randint(self.duration_key, (), low, high, jnp.int32))


@pytest.mark.parametrize(("duration", "low", "high"), [(1, 1, 1), (3, 3, 3), ((1, 4), 1, 4)])
def test_sticky_action_takes_the_actions_that_gymnasiums_takes_with_the_same_draws(duration, low, high):
    env = StickyAction(scripted(), 0.4, duration)
    state, _ = env.reset(jaxenvs.random.key(4))
    actions = jnp.arange(60, dtype=jnp.int32)
    _, trajectory = jax.jit(lambda s: jax.lax.scan(env.step, s, actions))(state)
    twin = theirs.StickyAction(GymnasiumScripted(scripted(), [0]), 0.4, duration)
    twin.reset()
    twin.unwrapped._np_random = draws = OurDraws(state.key, low, high)
    for t in range(len(actions)):
        draws.next_step()
        assert trajectory.info["taken"][t] == twin.step(int(actions[t]))[-1]["taken"], t


def test_sticky_action_repeats_as_often_as_it_says_and_never_at_first():
    env = AutoReset(StickyAction(TimeLimit(scripted(), 20), 0.25))
    state, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 200))
    actions = jnp.broadcast_to(jnp.arange(40, dtype=jnp.int32)[:, None], (40, 200))
    _, trajectory = jax.jit(lambda s: jax.lax.scan(jax.vmap(env.step), s, actions))(state)
    repeated = np.asarray(trajectory.info["taken"] != actions)
    assert not repeated[[0, 20]].any()
    # 7,600 tosses: a standard deviation of 0.005.
    assert abs(np.delete(repeated, [0, 20], axis=0).mean() - 0.25) < 0.025


def test_rewards_are_scaled_and_noisy_as_told_lane_by_lane():
    scales = jnp.array([0.0, 0.5, 30.0], jnp.float32)
    actions = jnp.zeros(300, jnp.int32)

    @jax.jit
    def rewards(env, key):
        return jax.lax.scan(env.step, env.reset(key)[0], actions)[1].reward

    def in_lanes(wrapper):
        envs = jax.vmap(lambda scale: AutoReset(wrapper(scripted(), scale)))(scales)
        return np.asarray(jax.vmap(rewards, in_axes=(0, None))(envs, jaxenvs.random.key(0)))

    np.testing.assert_array_equal(in_lanes(ScaleReward), np.broadcast_to(scales[:, None], (3, 300)))
    noise = in_lanes(NoisyReward) - 1
    assert (noise[0] == 0).all()
    np.testing.assert_allclose(noise[2], 60 * noise[1], rtol=1e-4, atol=1e-4)  # the same key
    assert scipy.stats.kstest(noise[2], scipy.stats.norm(0, 30).cdf).pvalue > 1e-4


def test_time_limit_goes_on_as_gymnasiums_does_past_the_end_and_sets_both_flags_at_once():
    ends = np.zeros(LENGTH, bool)
    ends[[7, 9]] = True
    env = TimeLimit(scripted(ends=ends), 3)
    state = env.reset(jaxenvs.random.key(0))[0].replace(inner=jnp.int32(4))
    twin = theirs.TimeLimit(GymnasiumScripted(scripted(ends=ends), [4]), 3)
    twin.reset()
    flags = []
    for _ in range(6):
        state, timestep = env.step(state, jnp.int32(0))
        flags.append((bool(timestep.terminated), bool(timestep.truncated)))
        assert flags[-1] == twin.step(0)[2:4]
    assert flags == [(False, False), (False, False), (True, True), (False, True), (True, True), (False, True)]


def test_time_limit_hands_the_key_on():
    key = jaxenvs.random.key(7)
    inner, first = Counter().reset(key)
    state, limited = TimeLimit(Counter(), 3).reset(key)
    np.testing.assert_array_equal(inner.position, state.inner.position)
    np.testing.assert_array_equal(first.observation["position"], limited.observation["position"])


class Gradient(Counter):
    """Draws a colour gradient, wide enough to shrink."""

    def render(self, state):
        rows, columns = jnp.mgrid[:30, :40]
        frame = jnp.stack([rows * 8, columns * 6, jnp.broadcast_to(50 * state.time, (30, 40))], axis=-1)
        return frame.astype(jnp.uint8)


def test_pixels_in_grey_are_gymnasiums():
    frame = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    frame[0, 0], frame[0, 1] = 255, 0

    class Noise(Counter):
        def render(self, state):
            return jnp.asarray(frame)

    _, timestep = PixelObservation(Noise(), grayscale=True).reset(jaxenvs.random.key(0))
    luminance = frame.astype(np.float64) @ np.array([0.2125, 0.7154, 0.0721])
    assert timestep.observation.shape == (30, 40)
    # Theirs rounds down a float64 that may lie just below a whole number, ours the exact value.
    np.testing.assert_array_equal(timestep.observation, np.floor(luminance + 1e-9))
    assert timestep.observation[0, 0] == 255


@pytest.mark.parametrize(("height", "width", "grayscale"), [(10, 8, False), (15, None, True), (None, 80, False)])
def test_pixels_are_resized_by_averaging(height, width, grayscale):
    env = PixelObservation(Gradient(), height, width, grayscale)
    state, timestep = jax.jit(env.reset)(jaxenvs.random.key(0))
    full = np.asarray(PixelObservation(Gradient(), grayscale=grayscale).reset(jaxenvs.random.key(0))[1].observation)
    small = np.asarray(timestep.observation)
    assert small.shape == (height or 30, width or 40, *full.shape[2:]) == env.observation_space.shape
    assert small.dtype == np.uint8 and env.render(state).shape == (30, 40, 3)
    assert abs(small.astype(float).mean() - full.astype(float).mean()) < 2
    checkers = np.indices((30, 40)).sum(0) % 2 * 255

    class Checkers(Counter):
        def render(self, state):
            return jnp.asarray(np.repeat(checkers[..., None], 3, -1).astype(np.uint8))

    half = PixelObservation(Checkers(), 15, 20).reset(jaxenvs.random.key(0))[1].observation[2:-2, 2:-2]
    assert (np.abs(half.astype(jnp.int32) - 127) <= 1).all()  # without antialiasing it would be black or white


@pytest.mark.parametrize(
    ("space", "observation", "encoded"),
    [
        (Discrete(4, start=2), 3, [0, 1, 0, 0]),
        (MultiDiscrete([2, 3]), [1, 2], [0, 1, 0, 0, 1]),
        (MultiDiscrete([2, 2], start=[5, -1]), [5, 0], [1, 0, 0, 1]),
    ],
)
def test_one_hot_encodes_each_part(space, observation, encoded):
    env = OneHot(scripted(space))
    got = env.transform_observation(jnp.asarray(observation, jnp.int32))
    assert got.dtype == np.float32 and env.observation_space == Box(0.0, 1.0, (len(encoded),), np.float32)
    np.testing.assert_array_equal(got, np.array(encoded, np.float32))


def test_images_are_rescaled_to_real_numbers():
    env = RescaleObservation(scripted(Box(0, 255, (2, 2), np.uint8)), 0.0, 1.0)
    got = env.transform_observation(jnp.array([[0, 51], [102, 255]], jnp.uint8))
    np.testing.assert_allclose(got, np.array([[0, 0.2], [0.4, 1]], np.float32), rtol=1e-6)
    assert env.observation_space == Box(0.0, 1.0, (2, 2), np.float32)


def test_clip_action_hands_bad_actions_to_nobody():
    env = ClipAction(scripted(actions=Box(-1.0, 1.0, (2,), np.float32)))
    state, _ = env.reset(jaxenvs.random.key(0))
    with pytest.raises(InvalidAction, match="shape"):
        env.step(state, jnp.zeros((3,), jnp.float32))


def test_statistics_cannot_be_added_to_info_twice():
    env = wrappers.EpisodeStatistics(wrappers.EpisodeStatistics(Counter()))
    with pytest.raises(WrapperOrderError, match="only one EpisodeStatistics"):
        env.reset(jaxenvs.random.key(0))


def test_two_wrappers_of_the_same_fields_are_not_taken_for_each_other():
    # JAX compares the structures of dataclasses by their fields alone.
    observed, acted = wrappers.TransformObservation, wrappers.TransformAction
    ends = np.ones(LENGTH, bool)
    space = Box(-1.0, 1.0, (3,), np.float32)
    for kind, factor in ((observed, 0.5), (acted, 1.0)):
        env = AutoReset(kind(scripted(space, space, ends), lambda x: x * 0.5))
        state, _ = env.reset(jaxenvs.random.key(0))
        state, timestep = env.step(state, jnp.zeros(3, jnp.float32))
        raw = jax.tree.leaves(env.env.env.script.observations)[0][state.inner]
        np.testing.assert_array_equal(timestep.observation, raw * np.float32(factor))


def test_frame_stack_takes_a_tree_as_padding():
    padding = {"position": np.ones(2, np.float32), "time": (np.int32(7),)}
    _, timestep = FrameStack(Counter(), 3, "custom", padding).reset(jaxenvs.random.key(0))
    np.testing.assert_array_equal(timestep.observation["time"][0], [7, 7, 0])
    assert isinstance(FrameStack(Counter(), 3).observation_space, Dict)


class Watched(Counter):
    """Counts how often its observation is computed."""

    def reset(self, key):
        state, timestep = Counter.reset(self, key)
        return state, timestep.replace(observation=self.observe(state), final_observation=self.observe(state))

    def step(self, state, action):
        state, timestep = Counter.step(self, state, action)
        return state, timestep.replace(observation=self.observe(state), final_observation=self.observe(state))

    def observe(self, state):
        def count(position):
            OBSERVED.append(position)
            return position

        seen = self._observe(state)
        return seen | {
            "position": jax.pure_callback(count, seen["position"], seen["position"], vmap_method="expand_dims")
        }


OBSERVED = []


def test_repeated_actions_compute_an_observation_once():
    env = wrappers.RepeatAction(Watched(longest=100), 4)
    state, _ = env.reset(jaxenvs.random.key(0))
    step = jax.jit(env.step)
    jax.block_until_ready(step(state, 2))
    OBSERVED.clear()
    after, timestep = jax.block_until_ready(step(state, 2))
    assert len(OBSERVED) == 1
    np.testing.assert_array_equal(timestep.observation["position"], after.position)
    np.testing.assert_array_equal(timestep.final_observation["position"], after.position)


def test_repeated_actions_within_automatic_resets_keep_the_last_observation():
    """The observation is the next episode's then, and the final one is not."""
    env = wrappers.RepeatAction(AutoReset(TimeLimit(Watched(longest=100), 2)), 4)
    state, _ = env.reset(jaxenvs.random.key(0))
    _, timestep = env.step(state, 2)
    assert timestep.truncated and int(timestep.observation["time"][0]) == 0
    assert int(timestep.final_observation["time"][0]) == 2
