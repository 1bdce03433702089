"""The polynomial sine and cosine against NumPy's in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.core.trigonometry import cos, sin, wrap_angle

FUNCTIONS = [pytest.param(sin, np.sin, id="sin"), pytest.param(cos, np.cos, id="cos")]


@pytest.mark.parametrize(("function", "reference"), FUNCTIONS)
@pytest.mark.parametrize(("bound", "error"), [(0.25, 1.1e-7), (7.0, 1.1e-7), (25_000.0, 1.1e-7), (1e6, 2e-7)])
def test_the_error_is_as_small_as_promised(function, reference, bound, error):
    angles = np.linspace(-bound, bound, 1_000_001).astype(np.float32)
    values = np.asarray(jax.jit(function)(angles))
    assert values.dtype == np.float32
    assert np.abs(values - reference(angles.astype(np.float64))).max() <= error


@pytest.mark.parametrize(("function", "reference"), FUNCTIONS)
def test_values_never_leave_the_unit_interval(function, reference):
    crests = (np.arange(-2000, 2000) * (np.pi / 2)).astype(np.float32)
    near = np.nextafter(crests, np.float32(np.inf)), crests, np.nextafter(crests, np.float32(-np.inf))
    large = np.float32([1e7, -3e8, 1e12, 3e38, -3e38])
    values = np.asarray(jax.jit(function)(np.concatenate([*near, large])))
    assert (np.abs(values) <= 1).all()
    assert np.isnan(np.asarray(function(jnp.float32([np.inf, -np.inf, np.nan])))).all()


def test_the_values_at_rest_are_exact():
    zero = jnp.zeros((), jnp.float32)
    assert sin(zero) == 0 and cos(zero) == 1


@pytest.mark.parametrize(("function", "reference"), FUNCTIONS)
def test_float64_is_numpys(function, reference):
    angles = np.linspace(-30, 30, 1001)
    with jax.enable_x64(True):
        np.testing.assert_allclose(function(jnp.asarray(angles)), reference(angles), rtol=0, atol=4e-16)


@pytest.mark.parametrize(("function", "slope"), [(sin, np.cos), (cos, lambda x: -np.sin(x))])
def test_gradients_are_those_of_the_functions_in_both_modes(function, slope):
    angles = np.linspace(-10, 10, 2001).astype(np.float32)
    forward = jax.jit(jax.vmap(lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]))(angles)
    reverse = jax.jit(jax.vmap(jax.grad(function)))(angles)
    for got in (forward, reverse):
        np.testing.assert_allclose(got, slope(angles.astype(np.float64)), rtol=0, atol=1.2e-7)


@pytest.mark.parametrize(("dtype", "error"), [(jnp.float32, 3e-6), (jnp.float64, 1e-13)])
def test_wrapped_takes_whole_turns_off(dtype, error):
    with jax.enable_x64(dtype == jnp.float64):
        angles = jnp.linspace(-100, 100, 40_001, dtype=dtype)
        got = np.asarray(jax.jit(wrap_angle)(angles), np.float64)
    assert (np.abs(got) <= np.pi + 1e-5).all()
    turns = (np.asarray(angles, np.float64) - got) / (2 * np.pi)
    np.testing.assert_allclose(turns, np.round(turns), rtol=0, atol=error / (2 * np.pi))
