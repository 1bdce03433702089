"""A function of many lanes with a single one: two lanes for XLA, with the values and derivatives of the function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.core.alone import bind


@pytest.fixture
def double():
    """A function of lanes, (lanes, 3) float32 and (lanes,) int32, and the numbers of lanes that it was traced with."""
    traced = []

    @jax.jit
    def function(x, number):
        traced.append(x.shape[0])
        return [x * 2 + number[:, None].astype(jnp.float32), number + 1]

    return function, traced


ARGUMENTS = np.array([[1, 2, 3]], np.float32), np.array([7], np.int32)


@pytest.mark.parametrize("call", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_a_single_lane_is_computed_as_two(double, call):
    function, traced = double
    result = call(lambda *arguments: bind(function, *arguments))(*ARGUMENTS)
    np.testing.assert_array_equal(result[0], [[9, 11, 13]])
    np.testing.assert_array_equal(result[1], [8])
    assert 2 in traced
    text = jax.jit(lambda *arguments: bind(function, *arguments)).lower(*ARGUMENTS).as_text()
    assert "tensor<2x3xf32>" in text


def test_derivatives_are_those_of_the_function(double):
    function, _ = double

    def of_floats(x):
        return bind(function, x, ARGUMENTS[1])[0]

    x, tangent = ARGUMENTS[0], np.array([[1, 0, -1]], np.float32)
    value, slope = jax.jvp(of_floats, (x,), (tangent,))
    np.testing.assert_array_equal(value, [[9, 11, 13]])
    np.testing.assert_array_equal(slope, [[2, 0, -2]])
    np.testing.assert_array_equal(jax.grad(lambda x: of_floats(x).sum())(x), [[2, 2, 2]])
