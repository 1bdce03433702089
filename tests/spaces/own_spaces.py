"""Spaces as users write them: `sample` and `contains`, and where it helps, `flat_space`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs import static
from jaxenvs.spaces import Box, Space


class Simplex(Space[Array]):
    """Weights that are at least 0 and add up to 1."""

    count: int = static()

    def sample(self, key):
        parts = jax.random.exponential(key, (self.count,), jnp.float32)
        return parts / parts.sum()

    def contains(self, x):
        return (x >= 0).all() & (jnp.abs(x.sum() - 1) < 1e-4)


class Even(Space[Array]):
    """Pairs of even whole numbers from 0 to `most`."""

    most: Any

    def sample(self, key, mask=None, probability=None):
        return 2 * jax.random.randint(key, (2,), 0, jnp.asarray(self.most, jnp.int32) // 2 + 1, jnp.int32)

    def contains(self, x):
        return ((x % 2 == 0) & (x >= 0) & (x <= self.most)).all()

    def flat_space(self):
        return Box(0, self.most, (2,), np.int32)


class Placed(Space[dict[str, Array]]):
    """A place on the unit circle, and a colour."""

    def sample(self, key, mask=None, probability=None):
        angle = jax.random.uniform(key, (), jnp.float32, 0, 6.28)
        return {"place": jnp.stack([jnp.cos(angle), jnp.sin(angle)]), "colour": jnp.zeros((), jnp.uint8)}

    def contains(self, x):
        return jnp.abs((x["place"] ** 2).sum() - 1) < 1e-3
