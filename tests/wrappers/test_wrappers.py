"""Behaviour of single wrappers that the comparison with Gymnasium does not cover."""

import gymnasium.wrappers as theirs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from toy_envs import Counter, GymnasiumScripted, Script, Scripted

import jaxenvs
from jaxenvs import wrappers
from jaxenvs.errors import InvalidAction, InvalidField, WrapperOrderError
from jaxenvs.spaces import Box, Dict, Discrete, MultiDiscrete
from jaxenvs.wrappers import (
    AutoReset,
    ClipAction,
    DomainRandomize,
    FrameStack,
    NoisyReward,
    OneHot,
    PixelObservation,
    RescaleObservation,
    ScaleReward,
    StickyAction,
    TimeLimit,
)

BOX = Box(-2.0, 3.0, (3,), np.float32)
LENGTH = 400


def scripted(space=BOX, actions=None, ends=None):
    observations = jax.tree.map(np.asarray, jax.vmap(space.sample)(jax.random.split(jax.random.key(0), LENGTH)))
    ends = np.zeros(LENGTH, bool) if ends is None else ends
    return Scripted(Script(observations, np.ones(LENGTH, np.float32), ends), space, actions or Discrete(1000))


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


def new_drift(key, env):
    return env.replace(drift=jax.random.uniform(key, ()))


@pytest.mark.parametrize("method", ["select", "chunked"])
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda env: TimeLimit(DomainRandomize(env, new_drift), 3), id="limit-around"),
        pytest.param(lambda env: DomainRandomize(TimeLimit(env, 3), new_drift), id="limit-inside"),
    ],
)
def test_domain_randomize_keeps_its_parameters_for_an_episode_and_draws_new_ones_for_the_next(wrap, method):
    env = AutoReset(wrap(Counter(longest=5)), method=method)
    state, first = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), 6))
    actions = jnp.ones((30, 6), jnp.int32)
    _, trajectory = jax.jit(lambda s: jax.lax.scan(jax.vmap(env.step), s, actions))(state)
    shown = np.concatenate([first.observation["position"][None], trajectory.observation["position"]])
    # Action 1 moves by the drift.
    drifts = np.asarray(trajectory.final_observation["position"])[..., 0] - shown[:-1, :, 0]
    done = np.asarray(trajectory.done)
    assert trajectory.truncated.any()
    per_episode = []
    for lane in range(6):
        for episode in np.split(drifts[:, lane], np.flatnonzero(done[:, lane]) + 1):
            # The difference of two positions up to 5 in size.
            np.testing.assert_allclose(episode, episode[:1].repeat(len(episode)), atol=2e-6)
            per_episode += list(episode[:1])
    per_episode = np.array(per_episode)
    assert ((per_episode > -1e-5) & (per_episode < 1)).all() and per_episode.std() > 0.2
    assert len(np.unique(per_episode.round(4))) > 0.9 * len(per_episode)


def test_domain_randomize_draws_arrays_of_no_weak_type_and_renders_the_drawn_environment():
    class Coloured(Counter):
        def render(self, state):
            return jnp.full((2, 2, 3), 200 * self.drift, jnp.float32).astype(jnp.uint8)

    env = DomainRandomize(TimeLimit(Coloured(), 9), lambda _, base: base.replace(drift=0.25, longest=3))
    state, _ = env.reset(jaxenvs.random.key(0))
    drift, longest = state.parameters
    assert (drift.dtype, longest.dtype) == (np.float32, np.int32)
    assert not drift.weak_type and not longest.weak_type
    assert env.render(state)[0, 0, 0] == 50
    assert jaxenvs.unwrap(env.drawn(state)).drift == 0.25


def test_domain_randomize_needs_no_trace_of_its_own_for_each_draw():
    env = DomainRandomize(Counter(), new_drift)
    reset = jax.jit(env.reset)
    drifts = {float(reset(jaxenvs.random.key(seed))[0].parameters[0]) for seed in range(5)}
    assert len(drifts) == 5 and reset._cache_size() == 1


def raise_means(key, env):
    return env if env.means is None else env.replace(means=env.means + 1)


def test_domain_randomize_goes_on_with_what_outlives_an_episode():
    """The bandit draws its means in the first episode; each later one begins in what `randomize` makes of them."""
    bandit = jaxenvs.make("rlenvs/MultiArmedBandit-v0", max_episode_steps=3)
    env = AutoReset(DomainRandomize(bandit, raise_means))

    def play(key):
        def body(state, action):
            state, _ = env.step(state, action)
            return state, jaxenvs.unwrap_state(env, state).means

        state, _ = env.reset(key)
        return jaxenvs.unwrap_state(env, state).means, jax.lax.scan(body, state, jnp.zeros((9,), jnp.int32))[1]

    first, means = jax.jit(jax.vmap(play))(jaxenvs.random.keys([0, 1]))
    expected = np.asarray(first)[:, None] + np.array([0, 0, 1, 1, 1, 2, 2, 2, 3], np.float32)[None, :, None]
    np.testing.assert_allclose(means, expected, rtol=1e-6)


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
        env = AutoReset(kind(scripted(space, space, ends), halve))
        state, _ = env.reset(jaxenvs.random.key(0))
        state, timestep = env.step(state, jnp.zeros(3, jnp.float32))
        raw = jax.tree.leaves(env.env.env.script.observations)[0][state.inner]
        np.testing.assert_array_equal(timestep.observation, raw * np.float32(factor))


def halve(x):
    return x * 0.5


def grow(key, env):
    return env.replace(drift=jnp.zeros((2,), jnp.float32))


def swap(key, env):
    return TimeLimit(env, 3)


def change_static(key, env):
    return env.replace(actions=Discrete(3))


CONTINUOUS = scripted(actions=Box(-1.0, 1.0, (2,), np.float32))
HALF_OPEN = scripted(Box(np.array([0.0, -np.inf], np.float32), np.array([1.0, np.inf], np.float32)))
AROUND = AutoReset(Counter())
W = wrappers


INTEGERS = ("Copy-v0", "rlenvs/DynaMaze-v0")
"""Environments whose leaves are integers, all of them."""


@pytest.mark.parametrize("id", INTEGERS)
@pytest.mark.parametrize(
    ("wrap", "message"),
    [
        (lambda env: W.ClipReward(env, 1, 0), "is above"),
        (lambda env: W.ClipReward(env, jnp.float32(1), jnp.float32(0)), "is above"),
        (lambda env: W.ClipReward(env), "`min_reward`, `max_reward` or both"),
        (lambda env: W.NoisyReward(env, -1), "at least 0"),
        (lambda env: W.NoisyReward(env, jnp.int32(-1)), "at least 0"),
        (lambda env: W.NoisyReward(env, np.inf), "finite"),
        (lambda env: W.ScaleReward(env, np.inf), "must be finite"),
        (lambda env: W.ScaleReward(env, "2"), "must be a number"),
        (lambda env: W.StickyAction(env, 1), "less than 1"),
        (lambda env: W.StickyAction(env, np.array([0, 1])), "less than 1"),
        (lambda env: W.NormalizeReward(env, gamma=2), r"\[0, 1\]"),
        (lambda env: W.NormalizeReward(env, gamma=np.array([1, 2])), r"\[0, 1\]"),
        (lambda env: W.NormalizeReward(env, gamma=1, epsilon=0), "above 0"),
        (lambda env: W.NormalizeObservation(env, epsilon=0), "above 0"),
        (lambda env: W.ClipAction(env), "needs a Box action space"),
        (lambda env: W.RescaleAction(env, -1, 1), "needs a Box action space"),
        (lambda env: W.RescaleObservation(env, 0, 1), "needs Box observations"),
        (lambda env: W.TransformReward(env, lambda r: (r, r)), "one number"),
        (lambda env: W.TransformObservation(env, lambda x: jnp.zeros(2)), "gives float32"),
        (lambda env: W.TransformAction(env, lambda x: jnp.zeros(7)), "gives float32"),
        (lambda env: W.GrayscaleObservation(env), "needs images"),
        (lambda env: W.ResizeObservation(env, (2, 2)), "needs images"),
        (lambda env: W.OpeningActions(env, (77,)), "is not an action of|needs a Discrete action space"),
        (lambda env: W.DomainRandomize(env, lambda key, base: None), "became NoneType"),
        (lambda env: W.FrameStack(env, 2, "custom", np.zeros(4, np.float32)), r"float32\[4\]"),
    ],
)
def test_a_mistake_is_refused_around_an_environment_of_integers(id, wrap, message):
    env = jaxenvs.make(id)
    assert all(isinstance(leaf, int) for leaf in jax.tree.leaves(env))
    for inside in (env, jaxenvs.unwrap(env)):
        with pytest.raises(InvalidField, match=message):
            wrap(inside)


def test_arguments_may_be_batches():
    env = jaxenvs.unwrap(jaxenvs.make("Copy-v0"))
    for numbers in (np.array([0.1, 0.2]), jnp.array([0.1, 0.2])):
        assert W.StickyAction(env, numbers).repeat_probability is numbers
        assert W.NormalizeReward(env, gamma=numbers).gamma is numbers


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: W.ClipAction(Counter()), "needs a Box action space, got Discrete"),
        (lambda: W.RescaleAction(Counter()), "needs a Box action space, got Discrete"),
        (lambda: W.ClipAction(scripted(actions=Box(0, 9, (2,), np.int32))), "real actions, got one of dtype int32"),
        (lambda: W.RescaleAction(CONTINUOUS, 1.0, 1.0), "must be below"),
        (lambda: W.RescaleAction(CONTINUOUS, np.zeros(3, np.float32), 1.0), r"a number or of shape \(2,\)"),
        (lambda: W.RescaleAction(CONTINUOUS, -np.inf, 1.0), "unbounded"),
        (lambda: W.RescaleObservation(Counter(), 0.0, 1.0), "needs Box observations, got Dict"),
        (lambda: W.RescaleObservation(HALF_OPEN, 0.0, 1.0), "unbounded"),
        (lambda: W.ClipReward(Counter()), "`min_reward`, `max_reward` or both"),
        (lambda: W.ClipReward(Counter(), 2.0, 1.0), "is above"),
        (lambda: W.OneHot(scripted()), "got Box"),
        (lambda: W.NormalizeObservation(Counter()), "one array, got Dict"),
        (lambda: W.NormalizeObservation(scripted(), epsilon=0.0), "above 0"),
        (lambda: W.NormalizeObservation(scripted(), axis_name=3), "axis_name"),
        (lambda: W.NormalizeReward(Counter(), gamma=1.5), r"\[0, 1\]"),
        (lambda: W.NormalizeReward(Counter(), epsilon=-1.0), "above 0"),
        (lambda: W.NoisyReward(Counter(), -0.1), "`noise_scale` must be at least 0"),
        (lambda: W.StickyAction(Counter(), 1.0), "less than 1"),
        (lambda: W.StickyAction(Counter(), -0.1), "at least 0"),
        (lambda: W.StickyAction(Counter(), 0.5, 0), "repeat_duration"),
        (lambda: W.StickyAction(Counter(), 0.5, (3, 2)), "rising order"),
        (lambda: W.StickyAction(Counter(), 0.5, (1, 2, 3)), "pair"),
        (lambda: W.RepeatAction(Counter(), 0), "at least 1"),
        (lambda: W.RepeatAction(Counter(), 2.0), "integer"),
        (lambda: W.DelayObservation(Counter(), -1), "at least 0"),
        (lambda: W.FrameStack(Counter(), 0), "at least 1"),
        (
            lambda: W.FrameStack(Counter(), 2, padding_type="mirror"),
            "must be one of 'reset', 'zero', 'custom', got 'mirror'",
        ),
        (lambda: W.FrameStack(Counter(), 2, padding_type="custom"), "give `padding`"),
        (lambda: W.FrameStack(scripted(), 2, "custom", np.zeros(4, np.float32)), r"float32\[4\].*float32\[3\]"),
        (lambda: W.TimeLimit(Counter(), 0), "at least 1"),
        (lambda: W.TimeLimit(Counter(), 3.0), "integer"),
        (lambda: W.TimeAwareObservation(scripted()), "Put it around a `TimeLimit`"),
        (lambda: W.TimeAwareObservation(TimeLimit(Counter(), 3)), "already have the key 'time'"),
        (lambda: W.PixelObservation(Counter(), height=0), "at least 1"),
        (lambda: W.PixelObservation(Counter(), render_only=False, render_key="time"), "already have the key"),
        (lambda: W.PixelObservation(Counter(), render_key="x", obs_key="x"), "must differ"),
        (lambda: W.TransformObservation(scripted(), "halve"), "must be a function"),
        (lambda: W.TransformObservation(scripted(), lambda x: x[:2]), r"gives float32\[2\].*float32\[3\].*space="),
        (lambda: W.TransformAction(CONTINUOUS, lambda x: x.sum()), r"gives float32\[\].*float32\[2\]"),
        (lambda: W.TransformReward(Counter(), lambda r: (r, r)), "one number"),
        (lambda: W.DomainRandomize(Counter(), 3), "must be a function"),
        (lambda: W.DomainRandomize(Counter(), grow), r"`env.drift` had shape \(\) and got shape \(2,\)"),
        (lambda: W.DomainRandomize(Counter(), swap), "`env` was Counter and became TimeLimit"),
        (lambda: W.DomainRandomize(scripted(), change_static), "static `env.actions.n` was 1000 and became 3"),
        (lambda: W.DomainRandomize(Counter(), lambda key, env: None), "became NoneType"),
    ],
)
def test_a_mistake_is_refused_at_construction_with_advice(build, message):
    with pytest.raises(InvalidField, match=message):
        build()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda env: W.TimeLimit(env, 3),
        lambda env: W.FrameStack(env, 3),
        lambda env: W.DelayObservation(env, 3),
        lambda env: W.TimeAwareObservation(env, max_episode_steps=3),
        lambda env: W.StickyAction(env, 0.1),
        lambda env: W.DomainRandomize(env, new_drift),
        lambda env: W.PixelObservation(env),
    ],
)
def test_what_must_see_whole_episodes_is_refused_around_auto_reset(wrap):
    with pytest.raises(WrapperOrderError, match=r"Put it inside: `AutoReset\("):
        wrap(AROUND)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (W.NormalizeObservation(scripted(), initial=W.RunningStatistics.of_shape((4, 3))), "Take one lane's"),
        (FrameStack(scripted(), 2, "custom", jnp.zeros(4, jnp.float32)), r"gives float32\[4\]"),
    ],
)
def test_arrays_of_wrong_shapes_are_refused_at_reset(env, message):
    # JAX arrays may be a batch that a transformation is building, so the constructor leaves them alone.
    with pytest.raises(InvalidField, match=message):
        env.reset(jaxenvs.random.key(0))


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
