"""Box: a box in R^n."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.errors import InvalidAction
from jaxenvs.core.random import Key
from jaxenvs.core.spaces.space import Space
from flax import struct


class Box(Space[Array]):
    low: Any
    high: Any
    shape: tuple[int, ...] = struct.field(pytree_node=False, default=None)
    dtype: Any = struct.field(pytree_node=False, default=np.float32)

    def __post_init__(self):
        if self.shape is None:
            object.__setattr__(self, "shape", np.shape(self.low))

    def sample(self, key: Key, mask: Any = None) -> Array:
        low = jnp.broadcast_to(jnp.asarray(self.low, jnp.float32), self.shape)
        high = jnp.broadcast_to(jnp.asarray(self.high, jnp.float32), self.shape)
        bounded = jnp.isfinite(low) & jnp.isfinite(high)
        u = jax.random.uniform(key, self.shape, jnp.float32)
        n = jax.random.normal(key, self.shape, jnp.float32)
        return jnp.where(bounded, jnp.where(bounded, low, 0) + u * jnp.where(bounded, high - low, 0), n).astype(self.dtype)

    def contains(self, x):
        return jnp.all((x >= self.low) & (x <= self.high))

    def validate(self, x):
        x = jnp.asarray(x)
        if x.shape != self.shape or not jnp.issubdtype(x.dtype, np.floating):
            raise InvalidAction(f"expected shape {self.shape} dtype {self.dtype}, got {x.shape} {x.dtype}")
        return x.astype(self.dtype)

    def flatten(self, x): return x.reshape(-1)
    def unflatten(self, x): return x.reshape(self.shape)
    @property
    def flat_size(self): return int(np.prod(self.shape))
    def to_gymnasium(self):
        import gymnasium
        return gymnasium.spaces.Box(np.asarray(self.low), np.asarray(self.high), self.shape, self.dtype)
    def __eq__(self, other): return isinstance(other, Box) and self.shape == other.shape
