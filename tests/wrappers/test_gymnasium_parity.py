"""Each wrapper in lockstep with its Gymnasium namesake, over many episodes of a scripted environment."""

import functools
from typing import Any, NamedTuple

import gymnasium
import gymnasium.wrappers as theirs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.wrapper import unwrap_state
from jaxenvs.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from jaxenvs.wrappers import (
    AutoReset,
    ClipAction,
    ClipReward,
    DelayObservation,
    EpisodeStatistics,
    FlattenObservation,
    FrameStack,
    GrayscaleObservation,
    NormalizeObservation,
    PixelObservation,
    RepeatAction,
    RescaleAction,
    RescaleObservation,
    ResizeObservation,
    TimeAwareObservation,
    TimeLimit,
    TransformAction,
    TransformObservation,
    TransformReward,
)
from tests.wrappers.toy_envs import GymnasiumScripted, Script, Scripted

LENGTH, STEPS = 60, 80
RNG = np.random.default_rng(0)
SCRIPT = {"rewards": RNG.normal(size=LENGTH).astype(np.float32), "ends": RNG.random(LENGTH) < 0.1}

HALF_OPEN = Box(np.array([-3.0, -np.inf, 1.0], np.float32), np.array([3.0, np.inf, np.inf], np.float32))
POSITIVE = Box(np.float32(2.0), np.float32(5.0), (2,), np.float32)
IMAGE = Box(0, 255, (4, 5), np.uint8)
COLOURS = Box(0, 255, (21, 16, 3), np.uint8)
MOVE = Box(np.array([-2.0, 0.0], np.float32), np.array([3.0, 1.0], np.float32))
TREE = Dict({"b": HALF_OPEN, "a": Discrete(4, start=2)})
PAIR = Tuple((POSITIVE, MultiDiscrete([3, 2])))


def scripted(space, actions=MOVE):
    """A scripted environment whose observations are random elements of `space`."""
    observations = jax.vmap(space.sample)(jax.random.split(jax.random.key(0), LENGTH))
    return Scripted(Script(jax.tree.map(np.asarray, observations), **SCRIPT), space, actions)


class Row(NamedTuple):
    """One of our wrappers, its Gymnasium counterpart, and the observation space that they are tested on."""

    ours: Any
    theirs: Any
    space: Any = HALF_OPEN
    around: bool = False  # whether it goes around AutoReset
    rtol: float = 0.0  # exact by default
    atol: float = 0.0


def g_frame_stack(env, n, **kwargs):
    return theirs.FrameStackObservation(env, n, **kwargs)


FLOAT32 = 1e-6  # eight ulp of float32: they compute in float64, or fuse the multiplication and addition differently
CUSTOM = np.array([1.0, -1.0, 2.0], np.float32)
LIMIT = 7
LOW3, HIGH3 = np.array([-1, -np.inf, 0], np.float32), np.array([2, np.inf, np.inf], np.float32)


def limited(make):
    return lambda env: make(theirs.TimeLimit(env, LIMIT))


def halve(x):
    return x * 0.5


ROWS = {
    "TimeLimit": Row(lambda e: TimeLimit(e, LIMIT), lambda e: theirs.TimeLimit(e, LIMIT)),
    "Flatten-box": Row(FlattenObservation, theirs.FlattenObservation, IMAGE),
    "Flatten-dict": Row(FlattenObservation, theirs.FlattenObservation, TREE),
    "Flatten-tuple": Row(FlattenObservation, theirs.FlattenObservation, PAIR),
    "Flatten-discrete": Row(FlattenObservation, theirs.FlattenObservation, Discrete(5, start=-1)),
    "Flatten-binary": Row(FlattenObservation, theirs.FlattenObservation, MultiBinary((2, 3))),
    "FrameStack": Row(lambda e: FrameStack(e, 3), lambda e: g_frame_stack(e, 3)),
    "FrameStack-one": Row(lambda e: FrameStack(e, 1), lambda e: g_frame_stack(e, 1)),
    "FrameStack-zero": Row(
        lambda e: FrameStack(e, 3, padding_type="zero"), lambda e: g_frame_stack(e, 3, padding_type="zero"), POSITIVE
    ),
    "FrameStack-custom": Row(
        lambda e: FrameStack(e, 3, padding_type="custom", padding=CUSTOM),
        lambda e: g_frame_stack(e, 3, padding_type=CUSTOM),
    ),
    "FrameStack-image": Row(lambda e: FrameStack(e, 2), lambda e: g_frame_stack(e, 2), IMAGE),
    "FrameStack-dict": Row(
        lambda e: FrameStack(e, 4, padding_type="zero"), lambda e: g_frame_stack(e, 4, padding_type="zero"), TREE
    ),
    "FrameStack-tuple": Row(lambda e: FrameStack(e, 2), lambda e: g_frame_stack(e, 2), PAIR),
    "FrameStack-binary": Row(lambda e: FrameStack(e, 2), lambda e: g_frame_stack(e, 2), MultiBinary(3)),
    "Delay": Row(lambda e: DelayObservation(e, 2), lambda e: theirs.DelayObservation(e, 2)),
    "Delay-none": Row(lambda e: DelayObservation(e, 0), lambda e: theirs.DelayObservation(e, 0)),
    "Delay-long": Row(lambda e: DelayObservation(e, 9), lambda e: theirs.DelayObservation(e, 9), POSITIVE),
    "Delay-dict": Row(lambda e: DelayObservation(e, 1), lambda e: theirs.DelayObservation(e, 1), TREE),
    "TimeAware": Row(lambda e: TimeAwareObservation(TimeLimit(e, LIMIT)), limited(theirs.TimeAwareObservation)),
    "TimeAware-normalized": Row(
        lambda e: TimeAwareObservation(TimeLimit(e, LIMIT), normalize_time=True),
        limited(lambda e: theirs.TimeAwareObservation(e, normalize_time=True)),
        rtol=FLOAT32,
    ),
    "TimeAware-unflattened": Row(
        lambda e: TimeAwareObservation(TimeLimit(e, LIMIT), flatten=False),
        limited(lambda e: theirs.TimeAwareObservation(e, flatten=False)),
    ),
    "TimeAware-dict": Row(
        lambda e: TimeAwareObservation(TimeLimit(e, LIMIT), flatten=False, dict_time_key="aa"),
        limited(lambda e: theirs.TimeAwareObservation(e, flatten=False, dict_time_key="aa")),
        TREE,
    ),
    "TimeAware-dict-flattened": Row(
        lambda e: TimeAwareObservation(TimeLimit(e, LIMIT), dict_time_key="aa"),
        limited(lambda e: theirs.TimeAwareObservation(e, dict_time_key="aa")),
        TREE,
    ),
    "TimeAware-tuple": Row(
        lambda e: TimeAwareObservation(TimeLimit(e, LIMIT), flatten=False, normalize_time=True),
        limited(lambda e: theirs.TimeAwareObservation(e, flatten=False, normalize_time=True)),
        PAIR,
        rtol=FLOAT32,
    ),
    "TransformObservation": Row(
        lambda e: TransformObservation(e, halve), lambda e: theirs.TransformObservation(e, halve, None)
    ),
    "TransformReward": Row(lambda e: TransformReward(e, halve), lambda e: theirs.TransformReward(e, halve)),
    "TransformAction": Row(lambda e: TransformAction(e, halve), lambda e: theirs.TransformAction(e, halve, None)),
    "ClipReward": Row(lambda e: ClipReward(e, -0.5, 0.25), lambda e: theirs.ClipReward(e, -0.5, 0.25)),
    "ClipReward-low": Row(lambda e: ClipReward(e, min_reward=0), lambda e: theirs.ClipReward(e, 0)),
    "ClipReward-high": Row(lambda e: ClipReward(e, max_reward=0.5), lambda e: theirs.ClipReward(e, None, 0.5)),
    "ClipAction": Row(ClipAction, theirs.ClipAction),
    "RescaleAction": Row(
        lambda e: RescaleAction(e, -1.0, 1.0), lambda e: theirs.RescaleAction(e, -1.0, 1.0), rtol=FLOAT32, atol=FLOAT32
    ),
    "RescaleAction-array": Row(
        lambda e: RescaleAction(e, np.array([-4.0, 1.0], np.float32), np.array([0.0, 9.0], np.float32)),
        lambda e: theirs.RescaleAction(e, np.array([-4.0, 1.0], np.float32), np.array([0.0, 9.0], np.float32)),
        rtol=FLOAT32,
        atol=FLOAT32,
    ),
    "RescaleObservation": Row(
        lambda e: RescaleObservation(e, -1.0, 1.5),
        lambda e: theirs.RescaleObservation(e, -1.0, 1.5),
        POSITIVE,
        rtol=FLOAT32,
        atol=FLOAT32,
    ),
    "RescaleObservation-unbounded": Row(
        lambda e: RescaleObservation(e, LOW3, HIGH3),
        lambda e: theirs.RescaleObservation(e, LOW3, HIGH3),
        rtol=FLOAT32,
        atol=FLOAT32,
    ),
    "RepeatAction": Row(lambda e: RepeatAction(e, 3), lambda e: theirs.RepeatAction(e, 3), rtol=FLOAT32, atol=FLOAT32),
    "RepeatAction-limited": Row(
        lambda e: RepeatAction(TimeLimit(e, LIMIT), 3),
        limited(lambda e: theirs.RepeatAction(e, 3)),
        rtol=FLOAT32,
        atol=FLOAT32,
    ),
    "RepeatAction-around": Row(
        lambda e: RepeatAction(e, 3), lambda e: theirs.RepeatAction(e, 3), around=True, rtol=FLOAT32, atol=FLOAT32
    ),
    "RepeatAction-one": Row(lambda e: RepeatAction(e, 1), lambda e: theirs.RepeatAction(e, 1)),
    "Resize": Row(lambda e: ResizeObservation(e, (8, 7)), lambda e: theirs.ResizeObservation(e, (8, 7)), COLOURS),
    "Resize-rows": Row(lambda e: ResizeObservation(e, (3, 5)), lambda e: theirs.ResizeObservation(e, (3, 5)), IMAGE),
    "Resize-whole": Row(lambda e: ResizeObservation(e, (7, 4)), lambda e: theirs.ResizeObservation(e, (7, 4)), COLOURS),
    "Grayscale": Row(GrayscaleObservation, theirs.GrayscaleObservation, COLOURS),
    "Grayscale-keep": Row(
        lambda e: GrayscaleObservation(e, keep_dim=True),
        lambda e: theirs.GrayscaleObservation(e, keep_dim=True),
        COLOURS,
    ),
    "Pixel": Row(PixelObservation, theirs.AddRenderObservation),
    "Pixel-both": Row(
        lambda e: PixelObservation(e, render_only=False), lambda e: theirs.AddRenderObservation(e, render_only=False)
    ),
    "Pixel-keys": Row(
        lambda e: PixelObservation(e, render_only=False, render_key="x", obs_key="y"),
        lambda e: theirs.AddRenderObservation(e, render_only=False, render_key="x", obs_key="y"),
    ),
    "Pixel-dict": Row(
        lambda e: PixelObservation(e, render_only=False),
        lambda e: theirs.AddRenderObservation(e, render_only=False),
        TREE,
    ),
    # The first observation is within 1e-4 of the first mean, and the difference of two nearly equal float32
    # numbers is then divided by a deviation of 0.01: rounding of 1e-7 grows to 1e-5 times the observation.
    "NormalizeObservation": Row(NormalizeObservation, theirs.NormalizeObservation, around=True, rtol=1e-5, atol=1e-4),
    "NormalizeObservation-epsilon": Row(
        lambda e: NormalizeObservation(e, epsilon=0.5),
        lambda e: theirs.NormalizeObservation(e, epsilon=0.5),
        IMAGE,
        around=True,
        rtol=1e-5,
        atol=1e-4,
    ),
}


def random_actions(space):
    """STEPS actions, some of them outside the bounds if the space has bounds."""
    return 2.5 * jax.random.normal(jax.random.key(2), (STEPS, *space.shape), jnp.float32)


@functools.cache
def play(name):
    """Our trajectory: the first timestep, all others, and the script's index after each."""
    row = ROWS[name]
    env = row.ours(AutoReset(scripted(row.space))) if row.around else AutoReset(row.ours(scripted(row.space)))
    actions = random_actions(env.action_space)

    @jax.jit
    def run(key):
        def step(state, action):
            state, timestep = env.step(state, action)
            return state, (timestep, unwrap_state(env, state))

        state, first = env.reset(key)
        return unwrap_state(env, state), first, jax.lax.scan(step, state, actions)[1]

    index, first, (trajectory, indices) = jax.tree.map(np.asarray, run(jaxenvs.random.key(6)))
    starts = [index, *indices[trajectory.done]]
    return env, actions, starts, first, trajectory


def assert_close(ours, reference, row):
    """Compares trees of arrays, theirs perhaps in wider dtypes and richer containers."""
    if isinstance(reference, dict):
        assert set(ours) == set(reference)
        for key in reference:
            assert_close(ours[key], reference[key], row)
    elif isinstance(reference, tuple):
        assert len(ours) == len(reference)
        for a, b in zip(ours, reference, strict=True):
            assert_close(a, b, row)
    else:
        assert np.shape(ours) == np.shape(reference)
        np.testing.assert_allclose(ours, reference, rtol=row.rtol, atol=row.atol)


@pytest.mark.filterwarnings("ignore:.*precision lowered:UserWarning")
@pytest.mark.parametrize("name", ROWS)
def test_a_wrapper_goes_in_lockstep_with_its_namesake(name):
    row = ROWS[name]
    env, actions, starts, first, trajectory = play(name)
    twin = row.theirs(GymnasiumScripted(scripted(row.space), starts))
    pixels = name.startswith("Pixel")  # AddRenderObservation resets once in its constructor
    if pixels:
        twin.unwrapped.starts = iter(starts)
    assert_close(first.observation, twin.reset()[0], row)
    assert trajectory.done.sum() >= 4
    normalizes = name.startswith("NormalizeObservation")
    for t in range(STEPS):
        mine = jax.tree.map(lambda x, t=t: x[t], trajectory)
        observation, reward, terminated, truncated, info = twin.step(np.asarray(actions[t]))
        if not (normalizes and mine.done):  # ours are normalised after the new start counted too
            assert_close(mine.final_observation, observation, row)
        assert_close(mine.reward, reward, row)
        assert (mine.terminated, mine.truncated) == (terminated, truncated)
        assert_close(mine.info["taken"], info["taken"], row)
        if mine.done:
            observation, _ = twin.reset()
        assert_close(mine.observation, observation, row)
    if normalizes:
        np.testing.assert_allclose(env.observation_space.high, twin.observation_space.high)


def assert_same_set(ours, reference):
    """Compares Gymnasium spaces, of which theirs may be of wider dtypes: ours never exceed 32 bits."""
    assert type(ours) is type(reference)
    if isinstance(reference, gymnasium.spaces.Box):
        assert (ours.shape, ours.dtype.kind) == (reference.shape, reference.dtype.kind)
        np.testing.assert_array_equal(ours.low, reference.low)
        np.testing.assert_array_equal(ours.high, reference.high)
    elif isinstance(reference, gymnasium.spaces.Dict | gymnasium.spaces.Tuple):
        keys = reference.keys() if isinstance(reference, gymnasium.spaces.Dict) else range(len(reference))
        assert len(ours.spaces) == len(reference.spaces)
        for key in keys:
            assert_same_set(ours[key], reference[key])
    else:
        assert ours == reference


# Theirs says "precision lowered" of the Python floats that it was given as bounds.
@pytest.mark.filterwarnings("ignore:.*precision lowered:UserWarning")
@pytest.mark.parametrize("name", ROWS)
def test_its_spaces_are_those_of_its_namesake(name):
    row = ROWS[name]
    twin = row.theirs(GymnasiumScripted(scripted(row.space), [0]))
    env = row.ours(scripted(row.space))
    assert env.action_space.to_gymnasium() == twin.action_space
    assert_same_set(env.observation_space.to_gymnasium(), twin.observation_space)


def test_episode_statistics_are_those_of_record_episode_statistics():
    scripted_env = TimeLimit(scripted(HALF_OPEN), LIMIT)
    env = EpisodeStatistics(AutoReset(scripted_env))
    actions = random_actions(MOVE)
    state, first = env.reset(jaxenvs.random.key(5))
    indices = [int(unwrap_state(env, state))]
    step = jax.jit(env.step)
    returns, lengths = [], []
    twin = None
    assert set(first.info) > {"episode_return", "episode_length", "completed_episodes"}
    for action in actions:
        if twin is None:
            twin = theirs.RecordEpisodeStatistics(
                theirs.TimeLimit(GymnasiumScripted(scripted(HALF_OPEN), indices), LIMIT)
            )
            twin.reset()
        state, timestep = step(state, action)
        info = twin.step(np.asarray(action))[-1]
        assert timestep.done == ("episode" in info)
        if timestep.done:
            # Theirs adds float64, ours float32: a few ulp.
            np.testing.assert_allclose(timestep.info["episode_return"], info["episode"]["r"], rtol=1e-6, atol=1e-6)
            assert timestep.info["episode_length"] == info["episode"]["l"]
            assert timestep.info["last_return"] == timestep.info["episode_return"]
            assert timestep.info["last_length"] == timestep.info["episode_length"]
            returns.append(info["episode"]["r"])
            lengths.append(info["episode"]["l"])
            indices = [int(unwrap_state(env, state))]
            twin = None
        assert timestep.info["completed_episodes"] == len(returns)
        np.testing.assert_allclose(timestep.info["mean_return"], np.mean(returns or [0.0]), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(timestep.info["mean_length"], np.mean(lengths or [0]), rtol=1e-6)
    assert len(returns) >= 5
