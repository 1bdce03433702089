"""Several processes that train together: all compute, only the first writes, and they agree on timing."""

from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

Tree = TypeVar("Tree")


def is_writer() -> bool:
    """Whether this is the process that writes to the run folder: the first, or the only one."""
    return jax.process_index() == 0


def first_process_value(value: float) -> float:
    """The first process's `value`, in all of them; every process must call this, in the same order.

    What the processes compute together waits for all of them, so none may decide by its own clock.
    """
    return value if jax.process_count() == 1 else float(multihost_utils.broadcast_one_to_all(np.float32(value)))


def gathered(tree: Tree, mesh: Mesh | None) -> Tree:
    """`tree` with every array complete in every process, if several share it; every process must call this."""
    if mesh is None or jax.process_count() == 1:
        return tree
    return jax.jit(lambda t: t, out_shardings=NamedSharding(mesh, PartitionSpec()))(tree)
