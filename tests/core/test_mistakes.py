"""First mistakes: errors if `reset`, `step`, `render` or an attribute of an environment is used wrongly."""

import copy
import inspect
import pickle

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs import AutoReset, TimeLimit
from jaxenvs.core.env import defines_observe
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.errors import (
    AttributeNotFound,
    FrozenField,
    InvalidAction,
    InvalidField,
    InvalidKey,
    InvalidState,
    RenderingUnavailable,
)
from jaxenvs.training import PPO
from jaxenvs.wrappers import FlattenObservation, PixelObservation
from tests.core.newcomer import KEY, Count, Played

POLE = Played(jaxenvs.make("CartPole-v1"))
BARE = Played(CartPole())
AUTO = Played(AutoReset(POLE.env))
FLAT = Played(FlattenObservation(CartPole()))
COUNT = Played(Count())

LINES = r"`state, timestep = env\.reset\(key\)`, then `state, timestep = env\.step\(state, action\)`"


@pytest.mark.parametrize("played", [POLE, BARE, AUTO, FLAT, COUNT], ids=lambda x: type(x.env).__name__)
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: p.env.step(0), InvalidState, f"takes the state and the action, got 0.*{LINES}"),
        (lambda p: p.env.step(p.state), InvalidAction, "got only the state"),
        (
            lambda p: p.env.step(p.timestep.observation, 0),
            InvalidState,
            r"got an array float32\[.\].*not the observation",
        ),
        (lambda p: p.env.step(p.timestep, 0), InvalidState, f"got a TimeStep, which .* return second.*{LINES}"),
        (lambda p: p.env.step((p.state, p.timestep), 0), InvalidState, f"got a tuple, the pair that.*{LINES}"),
        (lambda p: p.env.step(0, p.state), InvalidState, r"Exchange them: `env\.step\(state, action\)`"),
        (lambda p: p.env.step(KEY, p.state, 0), InvalidState, "takes the state and the action, got an array key"),
        (lambda p: jax.jit(p.env.step)(p.timestep, 0), InvalidState, "which `reset` and `step` return second"),
        (
            lambda p: p.env.reset(),
            InvalidKey,
            r"got nothing.*`state, timestep = env\.reset\(jaxenvs\.random\.key\(0\)\)`",
        ),
        (lambda p: p.env.reset(seed=7), InvalidKey, r"got seed=7.*jaxenvs\.random\.key\(7\)"),
        (lambda p: p.env.render(), InvalidState, r"takes the state to look at, got nothing.*`env\.render\(state\)`"),
        (
            lambda p: p.env.action_space.sample(),
            InvalidKey,
            r"takes a random key, and got none: write `space\.sample\(key\)`",
        ),
        (lambda p: [*p.timestep], TypeError, r"is not a tuple.*`timestep\.observation`.*GymnasiumEnv"),
        (lambda p: p.timestep[0], TypeError, r"is not a tuple.*`timestep\.observation`"),
        (lambda p: [*p.env], TypeError, r"cannot be taken apart: write `env = jaxenvs\.make"),
    ],
)
def test_a_wrong_call_says_what_belongs_there(played, call, error, message):
    with pytest.raises(error, match=message) as caught:
        call(played)
    assert isinstance(caught.value, TypeError)  # what a wrong call raises elsewhere


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: POLE.env.step(BARE.state, 0),
            "got a CartPoleState, the state of CartPole inside, without what TimeLimit",
        ),
        (
            lambda: AUTO.env.step(BARE.state, 0),
            "got a CartPoleState, the state of CartPole inside, without what AutoReset",
        ),
        (
            lambda: AUTO.env.step(POLE.state, 0),
            "got a TimeLimitState, the state of TimeLimit inside, without what AutoR",
        ),
        (lambda: AUTO.env.render(POLE.state), "got a TimeLimitState, the state of TimeLimit inside"),
        (
            lambda: POLE.env.step(AUTO.state, 0),
            r"got an AutoResetState, the state of a wrapper.*`jaxenvs\.unwrap_state",
        ),
        (
            lambda: BARE.env.step(AUTO.state, 0),
            r"got an AutoResetState, the state of a wrapper.*`jaxenvs\.unwrap_state",
        ),
    ],
)
def test_a_state_of_another_layer_says_of_which(call, message):
    with pytest.raises(InvalidState, match=message):
        call()


@pytest.mark.parametrize(
    ("node", "name", "message"),
    [
        (BARE.env, "gravity", r"cannot assign to field `gravity`.*`changed = env\.replace\(gravity=\.\.\.\)`"),
        (POLE.env, "gravity", r"CartPole, the environment inside, has.*rewrap\(env, .*\.replace\(gravity=\.\.\.\)\)`"),
        (AUTO.env, "gravity", r"CartPole, the environment inside, has.*rewrap\(env, .*\.replace\(gravity=\.\.\.\)\)`"),
        (AUTO.env, "max_episode_steps", r"TimeLimit, a wrapper inside, has.*env=env\.env\.replace\(max_episode_steps"),
        (
            AUTO.state,
            "theta",
            r"CartPoleState, a state inside it, has: `changed ="
            r" state\.replace\(inner=state\.inner\.replace\(inner=state\.inner\.inner\.replace\(theta=\.\.\.\)\)\)`",
        ),
        (BARE.env, "speed", "cannot assign to `speed`.*belongs in the state"),
    ],
)
def test_an_assignment_says_how_to_make_a_changed_copy(node, name, message):
    with pytest.raises(FrozenField, match=message):
        setattr(node, name, 1.0)


def test_a_right_call_with_a_wrong_action_still_speaks_of_the_action():
    with pytest.raises(InvalidAction, match="Expected an integer"):
        AUTO.env.step(AUTO.state, 0.5)


def test_methods_keep_name_signature_docstring_and_owner():
    assert inspect.signature(CartPole.step) == inspect.signature(CartPole.step.__wrapped__)
    assert CartPole.step.__name__ == "step"
    assert CartPole.step.__doc__ == CartPole.step.__wrapped__.__doc__
    assert [*inspect.signature(CartPole).parameters][:2] == ["gravity", "cart_mass"]
    assert defines_observe(CartPole)
    assert not defines_observe(Count)
    again = pickle.loads(pickle.dumps(POLE.env.step))
    assert again.__self__ == POLE.env


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (
            lambda: POLE.env.gravity,
            r"CartPole, the environment inside, has: write `jaxenvs\.unwrap\(env\)\.gravity`\."
            r" `jaxenvs\.rewrap\(env, jaxenvs\.unwrap\(env\)\.replace\(gravity=\.\.\.\)\)`",
        ),
        (lambda: AUTO.env.observe_angle, r"^AutoReset has no attribute `observe_angle`\. Did you mean: `observe`\?"),
        (lambda: AUTO.env.max_episode_steps, r"TimeLimit, a wrapper inside, has: write `env\.env\.max_episode_steps`"),
        (lambda: BARE.env.gravty, r"Did you mean: `gravity`\? Its parameters are `gravity`, `cart_mass`"),
        (lambda: POLE.env.unwrapped, r"`jaxenvs\.unwrap\(env\)` is the environment under all wrappers"),
        (lambda: POLE.env.spec, r"`jaxenvs\.spec\(id\)`"),
        (lambda: POLE.env.close(), "nothing to close"),
        (lambda: POLE.env.seed(0), r"`env\.reset\(jaxenvs\.random\.key\(seed\)\)`"),
        (lambda: POLE.env.np_random, "randomness comes from the key"),
        (lambda: POLE.env.num_envs, r"`jax\.vmap\(env\.reset\)\(keys\)`"),
        (lambda: COUNT.env.default_params, "parameters are fields of the environment"),
        (
            lambda: POLE.state.theta,
            r"TimeLimitState has no attribute `theta`; CartPoleState, a state inside it, has: write"
            r" `state\.inner\.theta`, or `jaxenvs\.unwrap_state\(env, state\)\.theta`\.$",
        ),
        (lambda: AUTO.state.elapsed, r"TimeLimitState, a state inside it, has: write `state\.inner\.elapsed`\.$"),
        (lambda: AUTO.state.theta, r"has: write `state\.inner\.inner\.theta`, or "),
        (lambda: BARE.state.thetta, r"CartPoleState has no attribute `thetta`\. Did you mean: `theta`\?"),
        (lambda: POLE.timestep.obs, r"it is `timestep\.observation`"),
        (lambda: POLE.timestep.last(), r"`timestep\.done`"),
        (lambda: POLE.timestep.rewards, r"Did you mean: `reward`\? Its fields are: observation, reward, "),
        (lambda: POLE.timestep.extras, r"it is `timestep\.info`"),
        (lambda: POLE.timestep.first(), r"`reset` returns the first timestep"),
        (lambda: POLE.env.action_space.seed(0), r"`space\.sample\(key\)`"),
        (lambda: POLE.env.action_space.num_values, r"Discrete has no attribute `num_values`: it is `space\.n`\."),
        (lambda: POLE.env.observation_space.num_values, r"Box has no attribute `num_values`\. Its fields are: low"),
        (lambda: POLE.env.observation_space.minimum, r"it is `space\.low`"),
        (lambda: POLE.env.observation_space.is_bounded("both"), r"`jnp\.isfinite\(space\.low\)`"),
        (lambda: POLE.env.action_space.to_jsonable([0]), r"`space\.to_gymnasium\(\)`"),
        (lambda: POLE.env.action_space.starts, r"Discrete has no attribute `starts`\. Did you mean: `start`\?"),
        (lambda: PPO().learn(1000), r"`state, metrics = learner\.train\(env, key\)`"),
        (lambda: PPO().predict(0), r"`policy = learner\.policy\(env, state\.agent\)`"),
    ],
)
def test_an_attribute_that_is_elsewhere_says_where(look, message):
    with pytest.raises(AttributeNotFound, match=message):
        look()


@pytest.mark.parametrize(
    ("replace", "message"),
    [
        (
            lambda: POLE.env.replace(gravity=1.6),
            r"`jaxenvs\.rewrap\(env, jaxenvs\.unwrap\(env\)\.replace\(gravity=\.\.\.\)\)`",
        ),
        (
            lambda: AUTO.env.replace(max_episode_steps=3),
            r"`env\.replace\(env=env\.env\.replace\(max_episode_steps=\.\.\.\)\)`",
        ),
        (lambda: BARE.env.replace(gravty=1.6), r"CartPole has no field `gravty`\. Did you mean: `gravity`\?"),
        (lambda: CartPole(gravty=1.6), r"__init__\(\) got an unexpected keyword argument 'gravty'"),
    ],
)
def test_replacing_a_field_that_is_elsewhere_says_how(replace, message):
    with pytest.raises(InvalidField, match=message):
        replace()


def test_the_lines_that_the_messages_give_work():
    moon = jaxenvs.rewrap(AUTO.env, jaxenvs.unwrap(AUTO.env).replace(gravity=1.6))
    assert jaxenvs.unwrap(moon).gravity == 1.6
    assert type(moon) is AutoReset
    shorter = AUTO.env.replace(env=AUTO.env.env.replace(max_episode_steps=3))
    assert shorter.env.max_episode_steps == 3


def test_attributes_that_are_missing_stay_missing_to_those_who_ask():
    assert not hasattr(POLE.env, "gravity")
    assert getattr(POLE.env, "unwrapped", None) is None
    assert copy.copy(AUTO.env) == copy.deepcopy(AUTO.env) == pickle.loads(pickle.dumps(AUTO.env)) == AUTO.env
    assert not hasattr(POLE.state, "theta")
    assert not hasattr(POLE.env.action_space, "seed")
    again = pickle.loads(pickle.dumps(copy.deepcopy(copy.copy(POLE.state))))
    assert jax.tree.map(float, again) == jax.tree.map(float, POLE.state)


def test_an_attribute_error_within_a_property_is_seen():
    class Wrong(Count):
        @property
        def action_space(self):
            return np.zeros(3).nowhere

    with pytest.raises(AttributeError, match=r"'numpy\.ndarray' object has no attribute 'nowhere'"):
        Wrong().action_space  # noqa: B018  # reading it is the test


def test_a_batch_in_the_place_of_a_number_is_named_where_it_fails():
    env = CartPole(gravity=np.linspace(1.0, 9.0, 3))
    message = r"CartPole holds a batch in place of a single number: `gravity` \(3,\)"
    with jax.numpy_rank_promotion("allow"), pytest.raises(ValueError, match=message):
        env.step(BARE.state, 0)


def test_an_environment_without_a_picture():
    env = TimeLimit(Count(), 9)
    assert not env.can_render
    assert POLE.env.can_render
    state, _ = env.reset(KEY)
    with pytest.raises(RenderingUnavailable, match="Count has no picture: its class does not define `render`"):
        env.render(state)
    with pytest.raises(InvalidField, match="PixelObservation needs pictures, and Count does not define `render`"):
        PixelObservation(env)
