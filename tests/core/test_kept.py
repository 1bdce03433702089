"""An operation that changes nothing, for any batch and in derivatives."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.kept import kept


def test_what_is_kept_does_not_change_in_batches_and_derivatives():
    x = jnp.arange(6.0, dtype=jnp.float32).reshape(2, 3)
    np.testing.assert_array_equal(jax.jit(kept.bind)(x), x)
    for axis in (0, 1):
        np.testing.assert_array_equal(jax.vmap(kept.bind, axis, axis)(x), x)
    np.testing.assert_array_equal(jax.vmap(kept.bind, axis_size=4, in_axes=None)(x), jnp.stack([x] * 4))
    gradient = jax.grad(lambda x: (kept.bind(x) ** 2).sum())(x)
    np.testing.assert_array_equal(gradient, 2 * x)


def test_special_numbers_are_kept():
    x = jnp.array([0.0, -0.0, jnp.inf, -jnp.inf, jnp.nan, 1.2e-38, 3.4e38], jnp.float32)
    np.testing.assert_array_equal(np.asarray(jax.jit(kept.bind)(x)).view(np.int32), np.asarray(x).view(np.int32))


def test_flags_and_integers_are_kept():
    for x in (jnp.array([True, False]), jnp.array([3, 0, -(2**31)], jnp.int32), jnp.array(2**32 - 1, jnp.uint32)):
        result = jax.jit(kept.bind)(x)
        assert result.dtype == x.dtype
        np.testing.assert_array_equal(result, x)


def test_what_is_kept_is_computed_once():
    """Two results, both of which need a long chain: without it, XLA computes the chain for each."""

    def chain(x, keep):
        y = x
        for _ in range(40):
            y = jnp.sin(y) * x
        y = keep(y)
        return y[1:] + x[:-1], y[:-1] * x[1:]

    def sines(keep):
        program = jax.jit(chain, static_argnums=1).lower(jnp.ones(64, jnp.float32), keep).compile()
        return program.as_text().count(" sine(")

    assert sines(kept.bind) == 40
