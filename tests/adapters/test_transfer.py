"""Transfer of arrays to the host."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.adapters._host_loop.transfer import to_host


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_a_tree_comes_as_numpy_arrays(monkeypatch, backend):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    tree = {"a": jnp.arange(3), "b": (jnp.ones((2, 2)), None)}
    host = to_host(tree)
    assert jax.tree.structure(host) == jax.tree.structure(tree)
    for mine, original in zip(jax.tree.leaves(host), jax.tree.leaves(tree), strict=True):
        assert type(mine) is np.ndarray and mine.dtype == original.dtype
        np.testing.assert_array_equal(mine, original)
