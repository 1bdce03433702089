"""Transfer from the device to the host."""

from typing import Any

import jax
import numpy as np


def to_host(tree: Any) -> Any:
    """`jax.device_get`: the tree with read-only NumPy arrays in place of JAX arrays.

    On a CPU the arrays are already in host memory, so no asynchronous copies are started: that takes longer
    than a step of a small environment (80 of 190 us for 256 lanes of CartPole-v1).
    """
    if jax.default_backend() != "cpu":
        return jax.device_get(tree)
    leaves, structure = jax.tree.flatten(tree)
    return structure.unflatten([np.asarray(leaf) for leaf in leaves])
