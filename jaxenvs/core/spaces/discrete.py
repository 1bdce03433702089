"""Discrete: {start, ..., start + n - 1}."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.errors import InvalidAction
from jaxenvs.core.random import Key
from jaxenvs.core.spaces.space import Space
from flax import struct


class Discrete(Space[Array]):
    n: int = struct.field(pytree_node=False)
    start: int = struct.field(pytree_node=False, default=0)

    def sample(self, key: Key, mask: Any = None) -> Array:
        return jax.random.randint(key, (), self.start, self.start + self.n, jnp.int32)
    def contains(self, x): return (x >= self.start) & (x < self.start + self.n)
    def validate(self, x):
        x = jnp.asarray(x)
        if x.shape != () or not jnp.issubdtype(x.dtype, np.integer):
            raise InvalidAction(f"expected an integer of shape (), got {x.shape} {x.dtype}")
        return x.astype(jnp.int32)
    def flatten(self, x): return jax.nn.one_hot(x - self.start, self.n, dtype=jnp.int32)
    def unflatten(self, x): return jnp.argmax(x).astype(jnp.int32) + self.start
    @property
    def flat_size(self): return self.n
    def to_gymnasium(self):
        import gymnasium
        return gymnasium.spaces.Discrete(self.n, start=self.start)
    def __eq__(self, other): return isinstance(other, Discrete) and (self.n, self.start) == (other.n, other.start)
