"""Numbers of 64 bits: a kernel computes them as XLA does, or says which it cannot."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxenvs
from jaxenvs.fusion import kernel
from jaxenvs.fusion.equations import CannotFuse
from jaxenvs.fusion.functions import ACCURATE, FUNCTIONS
from jaxenvs.fusion.lanes import lane_program
from jaxenvs.fusion.layout import Kind
from jaxenvs.fusion.program import program
from tests.fusion.comparison import both, by_kernel, differences, edges, pairs
from tests.fusion.test_edges import binary, reference
from tests.fusion.trees import assert_trees_close

TYPES = ["int64", "uint64", "float64"]


@pytest.fixture(autouse=True)
def numbers_of_64_bits():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("dtype", TYPES)
def test_operations_of_two_numbers(dtype):
    names = [name for name in binary("float32" if dtype == "float64" else dtype) if name not in ("pow", "nextafter")]

    def all_of_them(x, y):
        return {name: getattr(lax, name)(x, y) for name in names}

    x, y = pairs(edges(dtype), edges(dtype))
    assert not differences(*both(all_of_them, x, y), 1e-14)


@pytest.mark.parametrize("dtype", TYPES)
def test_operations_of_one_number(dtype):
    names = ["sign", "square", *(["neg", "abs"] if dtype != "uint64" else [])]
    others = ["int32", "uint32", "int64", "uint64", "float32", "float64", "bool", "int8"]

    def all_of_them(x):
        results = {name: getattr(lax, name)(x) for name in names}
        return results | {f"as {new}": lax.convert_element_type(x, new) for new in others}

    x = edges(dtype)
    assert not differences(*both(all_of_them, np.tile(x, -(-16 // len(x)))), 1e-14)


@pytest.mark.parametrize("name", sorted(ACCURATE - {"atan2"}))
def test_functions_reach_the_accuracy_of_float64(name):
    low, high = {"exp": (-700, 700), "log": (1e-300, 1e300), "rsqrt": (1e-300, 1e300), "asin": (-1, 1),
                 "acos": (-1, 1)}.get(name, (-1e5, 1e5))  # fmt: skip
    x = np.linspace(low, high, 10_001)
    result = np.asarray(by_kernel(getattr(lax, name), x))[0]
    expected = reference(name, x)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - ACCURATE))
def test_functions_of_less_accuracy_are_refused_by_name(name):
    number = jax.ShapeDtypeStruct((), jnp.float64)
    count = 2 if name == "pow" else 1
    lane = lane_program(lambda x: (x, getattr(lax, name)(*[x] * count)), (number,))
    with pytest.raises(CannotFuse, match=f"`{name}` of float64 is not supported"):
        kernel.write(program(lane.closed, [False]), (Kind.CARRY,))


@pytest.mark.parametrize("id", ["CartPole-v1", "Blackjack-v1"])
def test_environments_are_the_same(id):
    env: Any = jaxenvs.fuse(jaxenvs.AutoReset(jaxenvs.make(id)))
    assert env.explain().fused
    state, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 16))
    sample = jax.vmap(jax.vmap(env.action_space.sample))
    actions = sample(jax.random.split(jaxenvs.random.key(1), (30, 16)))
    expected = jax.jit(lambda *xs: lax.scan(jax.vmap(env.env.step), *xs))(state, actions)
    assert_trees_close(env.scan(state, actions), expected)
    mapped = jax.vmap(env.step)(state, jax.tree.map(lambda x: x[0], actions))
    assert_trees_close(mapped[1], jax.tree.map(lambda x: x[0], expected[1]))


def test_a_step_is_read_again_when_numbers_become_wider():
    """What a step makes of a Python number depends on the setting."""
    env: Any = jaxenvs.fuse(jaxenvs.make("CartPole-v1"))
    with jax.enable_x64(False):
        state, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 16))
        actions = jnp.zeros(16, jnp.int32)
        narrow = jax.vmap(env.step)(state, actions)
    assert_trees_close(jax.vmap(env.step)(state, actions), narrow)
