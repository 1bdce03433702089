"""The environment that an agent is evaluated in, from the one that it is trained in."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import evaluation, wrappers
from jaxenvs.core.wrapper import wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.wrappers import (
    AutoReset,
    ClipReward,
    DomainRandomize,
    EpisodeStatistics,
    EpisodicLife,
    FrameStack,
    NoisyReward,
    NormalizeObservation,
    NormalizeReward,
    OpeningActions,
    ScaleReward,
    StickyAction,
    TimeLimit,
    TransformReward,
)

TAXI = jaxenvs.make("Taxi-v4")
CART_POLE = jaxenvs.make("CartPole-v1", gravity=5.0)


def heavier(key, env):
    return env.replace(gravity=jax.random.uniform(key, (), jnp.float32, 10.0, 20.0))


def halved(reward):
    return reward * 0.5


STACKS: dict[str, tuple[Any, Any]] = {
    "nothing to remove": (AutoReset(FrameStack(CART_POLE, 2)), AutoReset(FrameStack(CART_POLE, 2))),
    "outermost": (ClipReward(TAXI, -1.0, 1.0), TAXI),
    "inside and around AutoReset": (
        NormalizeReward(NormalizeObservation(AutoReset(ScaleReward(CART_POLE, 3.0)), 1e-4)),
        NormalizeObservation(AutoReset(CART_POLE), 1e-4),
    ),
    "several in a row, and between the others": (
        NoisyReward(ClipReward(StickyAction(ScaleReward(ClipReward(TAXI, 0.0), 2.0), 0.25), -1.0), 1.0),
        StickyAction(TAXI, 0.25),
    ),
    "inside a random domain": (
        AutoReset(TimeLimit(DomainRandomize(ClipReward(CART_POLE, 0.0), heavier), 20)),
        AutoReset(TimeLimit(DomainRandomize(CART_POLE, heavier), 20)),
    ),
    "declared to stay": (
        ScaleReward(ClipReward(TAXI, -1.0, 1.0, training_only=False), 2.0),
        ClipReward(TAXI, -1.0, 1.0, training_only=False),
    ),
    "declared to go": (
        TransformReward(
            DomainRandomize(OpeningActions(CART_POLE, (1,), training_only=True), heavier, training_only=True),
            halved,
            training_only=True,
        ),
        CART_POLE,
    ),
    "not by default": (
        TransformReward(DomainRandomize(OpeningActions(CART_POLE, (1,)), heavier), halved),
        TransformReward(DomainRandomize(OpeningActions(CART_POLE, (1,)), heavier), halved),
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_only_what_belongs_to_training_is_removed(name):
    env, expected = STACKS[name]
    result = evaluation(env)
    assert result == expected
    assert evaluation(result) is result


def test_each_wrapper_belongs_to_training_or_not():
    classes = {name: getattr(wrappers, name) for name in dir(wrappers)}
    of_training = {name for name, cls in classes.items() if getattr(cls, "training_only", False)}
    assert of_training == {"ClipReward", "EpisodicLife", "NoisyReward", "NormalizeReward", "ScaleReward"}


def test_rewards_are_the_raw_ones_and_the_episodes_the_same():
    env = EpisodeStatistics(AutoReset(NoisyReward(ClipReward(TimeLimit(TAXI, 7), -1.0, 1.0), 1.0)))
    actions = jnp.asarray(
        np.random.default_rng(0).integers(4, 6, 30), jnp.int32
    )  # each pick-up in the wrong place: -10

    @jax.jit
    def play(env):
        return jax.lax.scan(env.step, env.reset(jaxenvs.random.key(0))[0], actions)[1]

    trained, raw = play(env), play(evaluation(env))
    assert set(np.unique(raw.reward)) <= {-10.0, -1.0, 20.0} and -10.0 in raw.reward
    assert (raw.info["last_return"][6::7] < -7).all() and raw.info["completed_episodes"][-1] == 4
    assert not np.isin(trained.reward, raw.reward).any()
    np.testing.assert_array_equal(raw.done, trained.done)


def test_what_a_random_domain_continues_from_is_freed_as_well():
    env = DomainRandomize(ClipReward(CART_POLE, 0.0), heavier)
    went_on = env.replace(continued=ClipReward(CART_POLE.replace(env=jaxenvs.unwrap(CART_POLE)), 0.0))
    assert evaluation(went_on) == DomainRandomize(CART_POLE, heavier, continued=CART_POLE)


def test_it_works_on_a_batch_of_environments_and_within_a_trace():
    @jax.jit
    def first_reward(factor):
        env = ScaleReward(TransformReward(TAXI, halved), factor)
        state, _ = env.reset(jaxenvs.random.key(0))
        return evaluation(env).step(state, jnp.int32(0))[1].reward, env.step(state, jnp.int32(0))[1].reward

    raw, scaled = jax.vmap(first_reward)(jnp.array([2.0, 4.0], jnp.float32))
    assert (raw.tolist(), scaled.tolist()) == ([-0.5, -0.5], [-1.0, -2.0])
    batch = jax.vmap(lambda gravity: ClipReward(jaxenvs.make("CartPole-v1", gravity=gravity), 0.0))(jnp.arange(3.0))
    assert evaluation(batch).env.gravity.tolist() == [0, 1, 2]


class WithFields(jaxenvs.Env):
    """An environment with a field that only training changes."""

    bonus: float = 0.0
    shaped: bool = jaxenvs.static(default=False)

    training_fields: ClassVar = {"shaped": False}

    observation_space = TAXI.observation_space
    action_space = TAXI.action_space

    def reset(self, key):
        return TAXI.reset(key)

    def step(self, state, action):
        return TAXI.step(state, action)


def test_fields_of_training_get_their_other_value():
    assert evaluation(AutoReset(WithFields(2.0, shaped=True))) == AutoReset(WithFields(2.0))


class Tired(FrameStack):
    """A wrapper that changes observations, and is declared wrongly."""

    training_only = True


class Undecided(jaxenvs.wrappers.RewardWrapper):
    """Its declaration is a leaf, so a batch or a tracer may take its place."""

    training_only: float = 1.0

    def transform_reward(self, reward):
        return reward


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (AutoReset(Tired(CART_POLE, 2)), "Tired is `training_only`, but changes the observation space"),
        (Undecided(TAXI), r"Undecided: `training_only` must be True or False, got 1\.0"),
    ],
)
def test_a_wrong_declaration_is_refused(env, message):
    with pytest.raises(InvalidField, match=message):
        evaluation(env)


@pytest.mark.parametrize(
    ("cls", "arguments"), [(EpisodicLife, ()), (TimeLimit, (5,)), (FrameStack, (2,)), (AutoReset, ())]
)
def test_classes_that_leave_no_choice_say_so(cls, arguments):
    with pytest.raises(InvalidField, match=rf"{cls.__name__} has no field `training_only`\. Its fields are: env"):
        cls(CART_POLE, *arguments, training_only=False)


def test_a_wrapper_of_ones_own_declares_itself():
    class Sign(jaxenvs.wrappers.RewardWrapper):
        training_only = True

        def transform_reward(self, reward):
            return jnp.sign(reward)

    assert evaluation(AutoReset(Sign(TAXI))) == AutoReset(TAXI)
    assert [type(wrapper) for wrapper in wrappers_of(evaluation(Sign(TAXI)))] == [TimeLimit]
