"""Comparing what kernels and XLA compute."""

import jax
import numpy as np

from jaxenvs.fusion.lanes import as_words


def assert_trees_close(result, expected, tolerance=1e-5):
    """Integers, flags and keys equal, floats close; all shapes and dtypes the same."""
    assert jax.tree.structure(result) == jax.tree.structure(expected)
    for (path, x), y in zip(jax.tree_util.tree_leaves_with_path(result), jax.tree.leaves(expected), strict=True):
        x, y, name = np.asarray(as_words(x)), np.asarray(as_words(y)), jax.tree_util.keystr(path)
        assert x.dtype == y.dtype, name
        if x.dtype.kind == "f":
            np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(x, y, err_msg=name)
