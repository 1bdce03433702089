"""Starts that C MuJoCo continues from have the same bits in every program, since chaos makes much of the last one."""

import functools

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled
from jaxenvs.registration.catalog import CATALOG

LANES, MORE_LANES = 16, 256

FAST = ["HalfCheetah-v5", "Pusher-v5", "FetchPush-v4"]
"""Gaussian noise, products with constants, and draws in a batch of candidates."""

SLOW = [
    spec.id
    for spec in CATALOG
    if spec.entry_point.startswith(("jaxenvs.envs.mujoco", "jaxenvs.envs.robotics")) and spec.id not in FAST
]


def check(env_id):
    try:
        env = jaxenvs.make(env_id, engine="c")
    except DependencyNotInstalled as error:
        pytest.skip(str(error))
    keys = jax.random.split(jaxenvs.random.key(7), MORE_LANES)
    start = jax.vmap(lambda env, key: env.reset(key)[0], in_axes=(None, 0))
    wanted = jax.jit(functools.partial(start, env))(keys)
    programs = {
        "not compiled": start(env, keys[:LANES]),
        "fewer lanes": jax.jit(functools.partial(start, env))(keys[:LANES]),
        "numbers as arguments": jax.jit(start)(env, keys[:LANES]),
        "one lane": jax.tree.map(lambda x: x[None], jax.jit(lambda key: env.reset(key)[0])(keys[0])),
    }
    for name, states in programs.items():
        for leaf, other in zip(jax.tree.leaves(states), jax.tree.leaves(wanted), strict=True):
            if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
                leaf, other = jax.random.key_data(leaf), jax.random.key_data(other)
            np.testing.assert_array_equal(leaf, other[: len(leaf)], err_msg=name)


@pytest.mark.parametrize("env_id", FAST)
def test_a_start_has_the_same_bits_in_every_program(env_id):
    check(env_id)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", SLOW)
def test_every_start_has_the_same_bits_in_every_program(env_id):
    check(env_id)
