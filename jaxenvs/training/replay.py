"""ReplayBuffer: the latest transitions, in device memory."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.random import Key


class Transition(PyTreeNode):
    """One step, as DQN and SAC keep it.

    Attributes:
        features: (n,) float32, of the observation acted on.
        choice: of the learner's policy; `to_action` makes the action of it.
        reward: () float32.
        terminated: () bool.
        next_features: (n,) float32, of the `final_observation`: what the step led to.
    """

    features: Array
    choice: Array
    reward: Array
    terminated: Array
    next_features: Array


class ReplayBuffer(PyTreeNode):
    """The latest `capacity` items; once it is full, new ones replace the oldest.

    Attributes:
        items: a pytree of arrays (capacity, ...); the first `size` rows hold items.
        position: () int32, the row that is written next.
        size: () int32, how many items there are.
    """

    items: Any
    position: Array
    size: Array

    @staticmethod
    def empty(item: Any, capacity: int) -> "ReplayBuffer":
        """A buffer for items of the shapes and dtypes of `item`."""
        items = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape), x.dtype), item)
        return ReplayBuffer(items=items, position=jnp.zeros((), jnp.int32), size=jnp.zeros((), jnp.int32))

    @property
    def capacity(self) -> int:
        """The number of rows."""
        return jax.tree.leaves(self.items)[0].shape[0]

    def add(self, items: Any) -> "ReplayBuffer":
        """With a batch of items (n, ...) added; n divides the capacity and is the same at every call."""
        count = jax.tree.leaves(items)[0].shape[0]
        assert self.capacity % count == 0, (self.capacity, count)

        def write(rows: Array, new: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(rows, new, self.position, axis=0)

        return ReplayBuffer(
            items=jax.tree.map(write, self.items, items),
            position=(self.position + count) % self.capacity,
            size=jnp.minimum(self.size + count, self.capacity),
        )

    def sample(self, key: Key, count: int) -> Any:
        """Draws (count, ...) items uniformly, with replacement; zeros where the buffer is empty."""
        index = jax.random.randint(key, (count,), 0, jnp.maximum(self.size, 1), jnp.int32)
        return jax.tree.map(lambda rows: rows[index], self.items)
