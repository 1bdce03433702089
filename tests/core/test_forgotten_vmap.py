"""What is said if `vmap` is forgotten, of each method that takes a state."""

import re

import jax
import jax.numpy as jnp
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField, InvalidState


@pytest.fixture(scope="module", params=["CartPole-v1", "MinAtar/Breakout-v1"])
def batch(request):
    env = jaxenvs.make(request.param)
    return env, jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 4))[0]


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [("step", (jnp.int32(1),), "jax.vmap(env.step)(states, actions)"), ("render", (), "jax.vmap(env.render)(states)")],
)
def test_a_batch_of_states_in_place_of_one_is_named(batch, name, arguments, line):
    env, states = batch
    message = rf"^`\w+\.{name}` takes one state, got a batch of 4\. Write `{re.escape(line)}`\.$"
    with pytest.raises(InvalidState, match=message):
        getattr(env, name)(states, *arguments)


def test_a_random_policy_of_an_environment_says_what_it_takes():
    with pytest.raises(InvalidField, match=r"Write `RandomPolicy\(env\.action_space\)`\.$"):
        jaxenvs.RandomPolicy(jaxenvs.make("CartPole-v1"))
