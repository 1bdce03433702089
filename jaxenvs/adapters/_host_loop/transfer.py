"""From the device to the host."""

from typing import Any

import jax
import numpy as np


def to_host(tree: Any) -> Any:
    """`jax.device_get`: the tree with NumPy arrays in place of JAX's, read-only.

    On a CPU the arrays lie in the host's memory already, and it does without the start of asynchronous
    copies, which takes longer than a small environment's step (80 of 190 us for 256 of CartPole-v1).
    """
    if jax.default_backend() != "cpu":
        return jax.device_get(tree)
    leaves, structure = jax.tree.flatten(tree)
    return structure.unflatten([np.asarray(leaf) for leaf in leaves])
