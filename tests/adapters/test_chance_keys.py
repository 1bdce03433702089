"""rekey: all randomness of a step comes from its key."""

import jax
import jax.numpy as jnp
import pytest

import jaxenvs
from jaxenvs.adapters._chance_keys import rekey
from jaxenvs.errors import InvalidKey
from jaxenvs.testing.trees import identical
from jaxenvs.wrappers import StickyAction


def test_every_layer_that_draws_gets_a_key_of_its_own():
    env = StickyAction(jaxenvs.make("FrozenLake-v1"), 0.5)
    state, _ = env.reset(jax.random.key(0))
    fresh = [rekey(state, jax.random.key(seed)) for seed in (1, 1, 2)]
    assert identical(fresh[0], fresh[1])
    keys = [state.key, *(f.key for f in fresh[1:]), *(f.inner.inner.key for f in fresh[1:])]
    assert len({tuple(jax.random.key_data(key).tolist()) for key in keys}) == 5
    assert identical(jax.tree.map(_without_keys, fresh[0]), jax.tree.map(_without_keys, state))


def test_a_state_that_draws_nothing_stays_as_it_is():
    state, _ = jaxenvs.make("CartPole-v1").reset(jax.random.key(0))
    assert identical(rekey(state, jax.random.key(1)), state)


def test_keys_of_another_kind_are_refused():
    state, _ = jaxenvs.make("FrozenLake-v1").reset(jax.random.key(0))
    with pytest.raises(InvalidKey, match="Use keys of one kind throughout"):
        rekey(state, jaxenvs.random.key(0))


def _without_keys(leaf):
    return jnp.zeros(()) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
