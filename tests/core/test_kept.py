"""An operation that changes nothing, for any batch and in derivatives."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.kept import kept


def test_what_is_kept_does_not_change_in_batches_and_derivatives():
    x, below_one = jnp.arange(1.0, 7.0, dtype=jnp.float32).reshape(2, 3), jnp.zeros((), jnp.int32)
    np.testing.assert_array_equal(jax.jit(kept.bind)(x, below_one), x)
    for axes in ((1, None), (0, None), (0, 0), (1, 0)):
        flags = below_one if axes[1] is None else jnp.zeros(x.shape[axes[0]], jnp.int32)
        mapped = jax.vmap(kept.bind, axes, axes[0])
        np.testing.assert_array_equal(mapped(x, flags), x)
    np.testing.assert_array_equal(jax.vmap(kept.bind, (None, 0))(x, jnp.zeros(4, jnp.int32)), jnp.stack([x] * 4))
    gradient = jax.grad(lambda x: (kept.bind(x, below_one) ** 2).sum())(x)
    np.testing.assert_array_equal(gradient, 2 * x)


def test_flags_and_integers_are_kept():
    for x in (jnp.array([True, False]), jnp.array([3, -(2**31)], jnp.int32), jnp.array(2**32 - 1, jnp.uint32)):
        result = jax.jit(kept.bind)(x, jnp.zeros((), jnp.int32))
        assert result.dtype == x.dtype
        np.testing.assert_array_equal(result, x)
