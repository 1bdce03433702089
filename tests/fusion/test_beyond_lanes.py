"""Steps that reach beyond their lane are refused in words, and say what to do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

import jaxenvs
from jaxenvs.errors import JaxenvsError
from tests.conformance.sound import Sound


class Competes(Sound):
    """Rewards are relative to the mean of a team."""

    def step(self, state, action):
        state, timestep = Sound.step(self, state, action)
        return state, timestep.replace(reward=timestep.reward - jax.lax.pmean(timestep.reward, "team"))


class Checks(Sound):
    """Checks its own state."""

    def step(self, state, action):
        checkify.check(state.position < 5, "far away: {x}", x=state.position)
        return Sound.step(self, state, action)


ACTIONS = jnp.zeros((2, 3), jnp.int32)


def starts(env):
    return jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 3))[0]


CALLS = {
    "step": lambda env: jax.vmap(env.step, axis_name="team")(starts(env), ACTIONS[0]),
    "scan": lambda env: env.scan(starts(env), ACTIONS),
    "explain": lambda env: env.explain(),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_sum_over_lanes_is_refused_in_words(name):
    with pytest.raises(JaxenvsError, match=r"combines lanes along the axis 'team'.*`fused.env`, under a `jax.vmap`"):
        CALLS[name](jaxenvs.fuse(Competes()))


@pytest.mark.parametrize("name", CALLS)
def test_a_check_is_refused_in_words(name):
    with pytest.raises(JaxenvsError, match=r"checkify.*Check the environment that was fused"):
        CALLS[name](jaxenvs.fuse(Checks()))


def test_what_the_messages_say_works():
    fused = jaxenvs.fuse(Competes())
    _, timestep = jax.vmap(fused.env.step, axis_name="team")(starts(fused), ACTIONS[0])
    np.testing.assert_allclose(timestep.reward.sum(), 0, atol=1e-6)
    fused = jaxenvs.fuse(Checks())
    error, _ = jax.vmap(checkify.checkify(fused.env.step))(starts(fused), ACTIONS[0])
    error.throw()
