"""Laws that hold for every wrapper."""

import functools
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import unwrap, wrappers
from jaxenvs.core.wrapper import StatefulWrapper, Wrapper, unwrap_state
from jaxenvs.spaces import Box, Discrete
from jaxenvs.wrappers import AutoReset
from tests.wrappers.toy_envs import Counter, Game, Script, Scripted

LANES, STEPS = 3, 9
BOX = Box(-2.0, 3.0, (3,), np.float32)
MOVE = Box(-1.0, 1.0, (2,), np.float32)


def box_env(space=BOX):
    observations = np.asarray(jax.jit(jax.vmap(space.sample))(jax.random.split(jax.random.key(0), 20)))
    return Scripted(Script(observations, np.linspace(-1, 1, 20, dtype=np.float32), np.arange(20) % 5 == 4), space, MOVE)


def halve(x):
    return x * 0.5


def new_drift(key, env):
    return env.replace(drift=jax.random.uniform(key, (), jnp.float32))


WRAPPERS: dict[str, Any] = {
    "AutoReset": lambda: AutoReset(Counter()),
    "ClipAction": lambda: wrappers.ClipAction(box_env()),
    "ClipReward": lambda: wrappers.ClipReward(Counter(), -1, 5),
    "DelayObservation": lambda: wrappers.DelayObservation(Counter(), 2),
    "DomainRandomize": lambda: wrappers.DomainRandomize(Counter(), new_drift),
    "EpisodeStatistics": lambda: wrappers.EpisodeStatistics(AutoReset(Counter())),
    "EpisodicLife": lambda: wrappers.EpisodicLife(Game()),
    "FlattenObservation": lambda: wrappers.FlattenObservation(Counter()),
    "FrameStack": lambda: wrappers.FrameStack(Counter(), 3),
    "GrayscaleObservation": lambda: wrappers.GrayscaleObservation(box_env(Box(0, 255, (3, 2, 3), np.uint8))),
    "NoisyReward": lambda: wrappers.NoisyReward(Counter(), 0.5),
    "NormalizeObservation": lambda: wrappers.NormalizeObservation(AutoReset(box_env())),
    "NormalizeReward": lambda: wrappers.NormalizeReward(AutoReset(Counter())),
    "OneHot": lambda: wrappers.OneHot(box_env(Discrete(4, start=1))),
    "OpeningActions": lambda: wrappers.OpeningActions(Counter(), (2, 1)),
    "PixelObservation": lambda: wrappers.PixelObservation(Counter(), height=3, render_only=False),
    "RepeatAction": lambda: wrappers.RepeatAction(Counter(), 3),
    "RescaleAction": lambda: wrappers.RescaleAction(box_env(), -3.0, 5),
    "RescaleObservation": lambda: wrappers.RescaleObservation(box_env(), 0.0, 1.0),
    "ResizeObservation": lambda: wrappers.ResizeObservation(box_env(Box(0, 255, (5, 4), np.uint8)), (2, 3)),
    "ScaleReward": lambda: wrappers.ScaleReward(Counter(), 30.0),
    "StickyAction": lambda: wrappers.StickyAction(Counter(), 0.5, (1, 2)),
    "TimeAwareObservation": lambda: wrappers.TimeAwareObservation(
        Counter(), dict_time_key="steps", max_episode_steps=50
    ),
    "TimeLimit": lambda: wrappers.TimeLimit(Counter(), 3),
    "TransformAction": lambda: wrappers.TransformAction(box_env(), halve),
    "TransformObservation": lambda: wrappers.TransformObservation(box_env(), halve),
    "TransformReward": lambda: wrappers.TransformReward(Counter(), halve),
}
ABSTRACT = {"ActionWrapper", "HistoryWrapper", "ObservationWrapper", "RewardWrapper"}


def test_the_table_lists_every_wrapper():
    classes = {name: getattr(wrappers, name) for name in dir(wrappers)}
    exported = {name for name, value in classes.items() if issubclass(value, Wrapper)}
    assert exported - ABSTRACT == set(WRAPPERS)


def inside_or_around(env):
    """`env` with an AutoReset where it belongs."""
    has_one = env.placement in ("around", "between")
    return env if has_one else AutoReset(env)


@functools.cache
def run(name):
    env = inside_or_around(WRAPPERS[name]())
    keys = jax.random.split(jaxenvs.random.key(1), LANES)
    sample = env.action_space.sample
    actions = jax.vmap(jax.vmap(sample))(jax.random.split(jax.random.key(2), (STEPS, LANES)))
    step = jax.jit(jax.vmap(env.step))

    @jax.jit
    def play(keys):
        state, first = jax.vmap(env.reset)(keys)
        outcomes = jax.lax.scan(lambda s, a: (lambda out: (out[0], out))(jax.vmap(env.step)(s, a)), state, actions)[1]
        return state, first, outcomes

    state, first, outcomes = play(keys)
    return env, keys, actions, state, first, step, outcomes


def arrays(tree):
    return [np.asarray(as_data(leaf)) for leaf in jax.tree.leaves(tree)]


def assert_same(a, b, *, rtol=0.0):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(arrays(a), arrays(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)


def at(tree, *index):
    return jax.tree.map(lambda x: x[index], tree)


def has_memory(name):
    return issubclass(getattr(wrappers, name), StatefulWrapper)


# A wrapper without memory cannot tell a step in a scan from another; the next test compares those with eager steps.
@pytest.mark.parametrize("name", [n if has_memory(n) else pytest.param(n, marks=pytest.mark.slow) for n in WRAPPERS])
def test_a_scan_of_a_batch_equals_jitted_steps_and_compiles_once(name):
    _, _, actions, state, _, step, states_and_trajectory = run(name)
    for t in range(STEPS):
        state, timestep = step(state, actions[t])
        assert_same((state, timestep), at(states_and_trajectory, t))
    assert step._cache_size() == 1


@pytest.mark.parametrize("name", WRAPPERS)
def test_one_lane_without_jit_or_vmap_gives_the_same(name):
    env, keys, actions, batch, first, _, states_and_trajectory = run(name)
    # Fused multiplication and addition differ by an ulp or two from separate ones; normalised values by
    # more, for the reason that the parity test of NormalizeObservation gives.
    rtol = 1e-4 if name == "NormalizeObservation" else 1e-6
    state, timestep = env.reset(keys[1])
    assert_same((state, timestep), at((batch, first), 1), rtol=rtol)
    for t in range(2):
        state, timestep = env.step(state, actions[t, 1])
        assert_same((state, timestep), at(states_and_trajectory, t, 1), rtol=rtol)


@pytest.mark.parametrize("name", WRAPPERS)
def test_reset_and_step_give_the_same_tree_of_strong_types(name):
    _, _, _, state, first, _, (states, trajectory) = run(name)
    for opening, later in ((state, states), (first, trajectory)):
        assert jax.tree.structure(opening) == jax.tree.structure(later)
        for a, b in zip(jax.tree.leaves(opening), jax.tree.leaves(later), strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape[1:])
            assert jnp.issubdtype(a.dtype, jax.dtypes.prng_key) or not (a.weak_type or b.weak_type)
            assert a.dtype not in (np.float64, np.int64)
    assert trajectory.reward.dtype == np.float32
    assert trajectory.terminated.dtype == trajectory.truncated.dtype == bool
    assert set(first.info) == set(trajectory.info)


@pytest.mark.parametrize("name", WRAPPERS)
def test_observations_lie_in_the_space_and_final_ones_too(name):
    env, _, _, _, first, _, (_, trajectory) = run(name)
    assert trajectory.done.any() and not trajectory.done.all()
    for observations, depth in ((first.observation, 1), (trajectory.observation, 2), (trajectory.final_observation, 2)):
        contains = env.observation_space.contains
        for _ in range(depth):
            contains = jax.vmap(contains)
        assert contains(observations).all()
    # Where the episode goes on, the two are one; at its end they are a start and an end.
    done = np.asarray(trajectory.done)
    pairs = zip(arrays(trajectory.observation), arrays(trajectory.final_observation), strict=True)
    assert all(np.array_equal(shown[~done], final[~done]) for shown, final in pairs)


@pytest.mark.parametrize("name", WRAPPERS)
def test_state_and_environment_survive_pickling_and_rendering(name):
    env, _, _, state, *_ = run(name)
    state = at(state, 0)
    copy, state_copy = pickle.loads(pickle.dumps((env, jax.tree.map(as_data, state))))
    assert jax.tree.structure(copy) == jax.tree.structure(env)
    assert_same(jax.tree.map(as_data, state), state_copy)
    frame = jax.jit(env.render)(state)
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, unwrap(env).render(unwrap_state(env, state)))


def as_data(x):
    """A key as plain data: JAX's typed keys do not pickle."""
    return jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x


@pytest.mark.parametrize("name", WRAPPERS)
def test_it_runs_in_32_bits_with_64_bit_types_on(name):
    with jax.enable_x64(True):
        env = inside_or_around(WRAPPERS[name]())

        def begin(key):
            state, first = env.reset(key)
            return state, first, *env.step(state, env.action_space.sample(key))

        state, first, later, second = jax.eval_shape(begin, jaxenvs.random.key(1))
        for tree in ((state, later), (first, second)):
            assert [x.dtype for x in jax.tree.leaves(tree[0])] == [x.dtype for x in jax.tree.leaves(tree[1])]
        dtypes = {x.dtype for x in jax.tree.leaves((later, second))}
        assert not dtypes & {np.dtype(np.float64), np.dtype(np.int64)}


@pytest.mark.parametrize("name", WRAPPERS)
def test_it_is_a_tree_that_can_be_built_within_and_by_transformations(name):
    env = WRAPPERS[name]()
    leaves, structure = jax.tree.flatten(env)
    for placeholder in (object(), 0, None, True):
        structure.unflatten([placeholder] * len(leaves))
    batch = jax.vmap(lambda _: jax.tree.map(jnp.asarray, env))(jnp.arange(2, dtype=jnp.int32))
    keys = jax.random.split(jaxenvs.random.key(0), 2)
    state, _ = jax.eval_shape(jax.vmap(lambda e, k: e.reset(k)), batch, keys)
    assert all(x.shape[0] == 2 for x in jax.tree.leaves(state))
