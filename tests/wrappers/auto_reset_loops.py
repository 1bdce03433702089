"""What AutoReset must do, as a loop over lanes, and the methods that are compared with it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.wrappers import (
    TimeLimit,
)
from jaxenvs.wrappers.auto_reset import AutoResetState
from tests.wrappers.toy_envs import Counter

LANES, STEPS = 7, 15
LIMITED = TimeLimit(Counter(), max_episode_steps=4)  # both kinds of end occur: lengths are 1 to 6
METHODS = [
    pytest.param("select", 64, id="select"),
    pytest.param("cond", 64, id="cond"),
    pytest.param("auto", 64, id="auto"),
    pytest.param("chunked", 1, id="chunked-1"),
    pytest.param("chunked", 3, id="chunked-3"),
    pytest.param("chunked", 64, id="chunked-64"),
    pytest.param("chunked", None, id="chunked-auto"),
]
ONE_OF_EACH = [
    param
    if param.id in ("select", "cond", "chunked-3")
    else pytest.param(*param.values, id=param.id, marks=pytest.mark.slow)
    for param in METHODS
]
"""Here `auto` is `cond`, and the other sizes of chunks are compared with the loop over lanes."""
KEYS = {
    "jaxenvs": lambda: jax.random.split(jaxenvs.random.key(3), LANES),
    "threefry": lambda: jax.random.split(jax.random.key(3), LANES),
    "raw": lambda: jax.random.split(jax.random.PRNGKey(3), LANES),
}


def actions(*shape):
    return jax.random.randint(jax.random.key(1), (STEPS, *shape), 0, 3, jnp.int32)


def assert_equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = (jax.random.key_data(v) if jnp.issubdtype(v.dtype, jax.dtypes.prng_key) else v for v in (x, y))
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@functools.cache
def _jitted(env_type):
    return jax.jit(lambda env, key: env.reset(key)), jax.jit(lambda env, state, action: env.step(state, action))


def loop(env, key, lane_actions):
    """What AutoReset must do, written as a loop over one lane of the environment inside it."""
    reset, step = _jitted(type(env))
    key = key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(key)
    state, first = reset(env, jax.random.fold_in(key, 0))
    episodes, timesteps = jnp.ones((), jnp.int32), []
    for action in lane_actions:
        state, timestep = step(env, state, action)
        if timestep.done:
            state, start = reset(env, jax.random.fold_in(key, episodes))
            episodes = episodes + 1
            timestep = timestep.replace(observation=start.observation)
        timesteps.append(timestep)
    return (
        AutoResetState(inner=state, key=key, episodes=episodes),
        first,
        jax.tree.map(lambda *x: jnp.stack(x), *timesteps),
    )


def reference(env, keys, all_actions):
    lanes = [loop(env, key, all_actions[:, i]) for i, key in enumerate(keys)]
    state, first, _ = (jax.tree.map(lambda *x: jnp.stack(x), *parts) for parts in zip(*lanes, strict=True))
    return state, first, jax.tree.map(lambda *x: jnp.stack(x, axis=1), *(lane[2] for lane in lanes))


@functools.cache
def expected(kind):
    return reference(LIMITED, KEYS[kind](), actions(LANES))


def play(env, keys, all_actions, wrap=lambda f: f):
    state, first = wrap(jax.vmap(env.reset))(keys)
    state, trajectory = jax.lax.scan(wrap(jax.vmap(env.step)), state, all_actions)
    return state, first, trajectory
