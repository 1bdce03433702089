"""Errors if a class is not yet an environment."""

import abc
import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

import jaxenvs
from jaxenvs import Env, GoalEnv, PyTreeNode, transition
from jaxenvs.envs.classic_control.cart_pole import CartPoleState
from jaxenvs.errors import FrozenField, InvalidEnv, InvalidField
from jaxenvs.spaces import Box, Discrete
from tests.core.newcomer import KEY, Count, CountState, Played

COUNT = Played(Count())


def own_constructor():
    class Wrong(Count):
        def __init__(self, size):
            self.size = size


def assigned_in_reset():
    class Wrong(Count):
        def reset(self, key):
            self.t = 0

    Wrong().reset(KEY)


def assigned_in_step():
    class Wrong(Count):
        def step(self, state, action):
            state.t = state.t + 1

    Wrong().step(CountState(jnp.int32(0)), 0)


def without_annotation():
    class Wrong(Count):
        speed = 9.8

    Wrong(speed=3.0)


def static_without_annotation():
    class Wrong(Count):
        size = jaxenvs.static(default=3)


def without_methods():
    class Wrong(Env):
        def reset(self, key):
            """Nothing yet."""

    Wrong()


def without_methods_of_its_own():
    class Wrong(Count, GoalEnv):
        def compute_reward(self, achieved_goal, desired_goal, info):
            """Nothing yet."""

        @abc.abstractmethod
        def speed(self):
            """Of a base class of the user's."""

    Wrong()


def string_that_is_data():
    class Wrong(Count):
        mode: str = "fast"

    Wrong()


def reward_of_one_entry():
    class Wrong(Count):
        def step(self, state, action):
            return state, transition(jnp.zeros(1), jnp.zeros(1), False)

    Wrong().step(*COUNT.env.reset(KEY))


def step_that_takes(*arguments):
    """A class whose `step` has these arguments."""
    text = f"class Wrong(Count):\n    def step({', '.join(arguments)}): ...\n"
    return lambda: exec(text, {"Count": Count})


def reset_without_a_key():
    class Wrong(Count):
        def reset(self):
            """Nothing."""


def render_without_a_state():
    class Wrong(Count):
        def render(self):
            """Nothing."""


def observe_without_a_state():
    class Wrong(Count):
        def observe(self):
            """Nothing."""


def space_as_a_method():
    class Wrong(Count):
        def action_space(self):
            return Discrete(2)


def space_as_a_field():
    class Wrong(Count):
        observation_space: Box = Box(0, 1, (2,))


def space_of_gymnasium():
    gymnasium = pytest.importorskip("gymnasium")

    class Wrong(Count):
        @property
        def action_space(self):
            return gymnasium.spaces.Discrete(2)

    Wrong().action_space  # noqa: B018  # reading it is the test


def default_that_can_change(default):
    def build():
        class Wrong(Count):
            walls: object = default

    return build


def field_without_a_default_after_one_with():
    class Wrong(Count):
        size: int = jaxenvs.static()


def returning(result, name):
    """Calls an environment whose method `name` returns `result(state, timestep)`."""

    def returned(method):
        return lambda self, *arguments: result(*method(self, *arguments))

    def build():
        wrong = type("Wrong", (Count,), {name: returned(getattr(Count, name).__wrapped__)})()
        wrong.reset(KEY)
        wrong.step(COUNT.state, 0)

    return build


class Plain:
    """Not a class that JAX can take apart."""


class Labelled(PyTreeNode):
    name: str
    t: Array


def transition_of(*rest):
    class Wrong(Count):
        def step(self, state, action):
            return state, transition(jnp.zeros(1), *rest)

    return lambda: Wrong().step(COUNT.state, 0)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (step_that_takes("self", "state"), InvalidEnv, r"takes \(self, state\), and is called as `env\.step\(state, a"),
        (
            step_that_takes("self", "key", "state", "action"),
            InvalidEnv,
            r"The state holds the keys .*`def step\(self, st",
        ),
        (
            reset_without_a_key,
            InvalidEnv,
            r"takes \(self\), and is called as `env\.reset\(key\)`.*`def reset\(self, key\):`",
        ),
        (render_without_a_state, InvalidEnv, r"does not keep its state\. Write `def render\(self, state\):`"),
        (observe_without_a_state, InvalidEnv, r"Write `def observe\(self, state\):`"),
        (
            space_as_a_method,
            InvalidEnv,
            r"`Wrong\.action_space` is a property: write `@property` above `def action_space",
        ),
        (space_as_a_field, InvalidEnv, r"`Wrong\.observation_space` is a property and not a field\. Write `@property`"),
        (
            space_of_gymnasium,
            InvalidEnv,
            r"from `jaxenvs\.spaces`, got Discrete\(2\) of the class gymnasium\.spaces.*Convert it",
        ),
        (
            default_that_can_change([1, 2]),
            InvalidField,
            r"`walls` is a list, .*`walls: tuple = jaxenvs\.static\(default=",
        ),
        (default_that_can_change({}), InvalidField, r"default of `walls` is a dict"),
        (
            default_that_can_change(np.zeros(3)),
            InvalidField,
            r"`walls` is an array, .*default_factory=lambda: jnp\.zeros",
        ),
        (default_that_can_change(jaxenvs.static(default=[1])), InvalidField, r"default of `walls` is a list"),
        (
            field_without_a_default_after_one_with,
            InvalidField,
            r"`size` has no default, .*`class Wrong\(Count, kw_only=True\)`",
        ),
        (
            returning(lambda state, timestep: None, "reset"),
            InvalidEnv,
            r"`Wrong\.reset` .*returned nothing\. Write `retu",
        ),
        (
            returning(lambda state, timestep: None, "step"),
            InvalidEnv,
            r"nothing.*`return state, jaxenvs\.transition\(obs",
        ),
        (returning(lambda state, timestep: timestep, "reset"), InvalidEnv, r"returned a TimeStep alone\..*restart"),
        (
            returning(lambda state, timestep: (timestep, state), "step"),
            InvalidEnv,
            r"Exchange them: `return state, time",
        ),
        (
            returning(lambda state, timestep: (state, timestep.observation), "reset"),
            InvalidEnv,
            r"returned \(a CountState, an array float32\[1\]\)\. Write `return state, jaxenvs\.restart\(observation\)`",
        ),
        (
            returning(lambda state, timestep: (timestep.observation, 1.0, False, False, {}), "step"),
            InvalidEnv,
            r"`Wrong\.step` must return a state and a TimeStep, and returned \(an array float32\[1\], 1\.0, False, ",
        ),
        (returning(lambda state, timestep: (state, timestep, {}), "step"), InvalidEnv, r"a TimeStep, a dict\)\. Write"),
        (
            returning(lambda state, timestep: (None, timestep), "step"),
            InvalidEnv,
            r"an empty tuple: `return \(\), times",
        ),
        (
            returning(lambda state, timestep: (Plain(), timestep), "reset"),
            InvalidEnv,
            r"Plain is not a class that JAX can",
        ),
        (
            returning(lambda state, timestep: (Labelled("a", state.t), timestep), "reset"),
            InvalidEnv,
            r"returns 'a' in `state\.name`, where an array belongs.*`name: str = jaxenvs\.static\(\)`",
        ),
        (
            returning(lambda state, timestep: (state, timestep.replace(info={"way": "left"})), "reset"),
            InvalidEnv,
            r"returns 'left' in `timestep\.info\['way'\]`, where an array belongs",
        ),
        (transition_of(None, False), InvalidEnv, "one `reward`, which is a number, got None"),
        (transition_of(1.0, "no"), InvalidEnv, "one `terminated`, which is a number, got 'no'"),
        (
            transition_of(1.0, False, False),
            InvalidEnv,
            r"`info` is a dictionary of arrays, got a bool.*`jaxenvs\.TimeLim",
        ),
        (own_constructor, InvalidEnv, r"Wrong defines `__init__`.*`size: int = jaxenvs\.static\(default=5\)`"),
        (assigned_in_reset, FrozenField, "Wrong is frozen: cannot assign to `t`.*belongs in the state"),
        (assigned_in_step, FrozenField, r"CountState is frozen.*field `t`.*`changed = state\.replace\(t=\.\.\.\)`"),
        (without_annotation, InvalidField, r"`speed`\. In Wrong it has no annotation.*`speed: ArrayLike = 9\.8`"),
        (static_without_annotation, InvalidField, r"Wrong: `size` has no annotation.*Write `size: int = \.\.\.`"),
        (
            without_methods,
            InvalidEnv,
            r"abstract\. It lacks `observation_space` \(a prop.*`action_space`.*`step` \(`def st",
        ),
        (
            without_methods_of_its_own,
            InvalidEnv,
            r"It lacks `compute_terminated` \(with the same arguments.*; `compute_truncated` \(the same.*; `speed`\.$",
        ),
        (string_that_is_data, InvalidField, r"'fast' of type str.*`mode: str = jaxenvs\.static\(\)`"),
        (reward_of_one_entry, InvalidEnv, r"one `reward`, of shape \(\), got shape \(1,\)"),
    ],
)
def test_a_class_that_is_no_environment_yet_says_what_to_write(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_frozen_field_is_the_error_of_dataclasses():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CartPoleState(*jnp.zeros(5)).x = 1.0
