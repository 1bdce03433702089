"""Mistakes are refused, at construction if possible, with advice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import wrappers
from jaxenvs.errors import InvalidField, WrapperOrderError
from jaxenvs.spaces import Box, Discrete
from jaxenvs.wrappers import (
    AutoReset,
    FrameStack,
    TimeLimit,
)
from tests.wrappers.toy_envs import Counter, new_drift, scripted


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
