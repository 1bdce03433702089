"""MultiBinary: arrays of zeros and ones."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import is_integer
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces._convert import as_array, import_gymnasium, validate_integers
from jaxenvs.spaces._draw import as_mask, as_probability, check_only_one
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.space import Space


class MultiBinary(Space[Array]):
    """Arrays of zeros and ones; elements are int8.

    Attributes:
        n: the number of entries, or the shape.
    """

    n: Any = static()

    def __post_init__(self) -> None:
        n = self.n.tolist() if isinstance(self.n, np.ndarray | np.integer) else self.n
        sizes = tuple(n) if isinstance(n, tuple | list) else (n,)
        if not all(is_integer(size) and size > 0 for size in sizes):
            raise InvalidSpace(f"MultiBinary: `n` must be a positive integer or a tuple of them, got {self.n!r}.")
        self._set(n=tuple(int(size) for size in sizes) if isinstance(n, tuple | list) else int(n))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an element."""
        return self.n if isinstance(self.n, tuple) else (self.n,)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of an element: int8."""
        return np.dtype(np.int8)

    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> Array:
        """Tosses a fair coin for each entry.

        Args:
            key: a scalar random key.
            mask: int8 of the space's shape: 0 and 1 fix an entry, 2 leaves it to the coin.
            probability: floats of the space's shape: the probability of a 1.
        """
        key = check_key(key, name="action_space.sample")
        check_only_one(self, mask, probability)
        if probability is not None:
            chance = as_probability(self, probability, self.shape, sums_to_one=False)
            return (jax.random.uniform(key, self.shape, jnp.float32) < chance).astype(jnp.int8)
        coins = (jax.random.bits(key, self.shape, jnp.uint8) >> np.uint8(7)).astype(jnp.int8)
        if mask is None:
            return coins
        mask = as_mask(self, mask, self.shape, largest=2)
        return jnp.where(mask == 2, coins, mask)

    def contains(self, x: Any) -> Array:
        """() bool: whether `x`, of any integer dtype or bool, holds only 0 and 1."""
        array = as_array(x)
        if array is None or array.shape != self.shape or array.dtype.kind not in "biu":
            return jnp.zeros((), bool)
        if array.dtype.kind == "b":
            return jnp.ones((), bool)
        return jnp.asarray(((array == 0) | (array == 1)).all())

    def validate(self, x: Any) -> Array:
        """Returns `x` as int8; bool and any integer dtype are accepted."""
        expected = f"zeros and ones, int8 of shape {self.shape}"
        return validate_integers(x, self.shape, np.int8, expected, allow_bool=True, bounds=(0, 1))

    def flatten(self, x: Array) -> Array:
        """The entries in row-major order, int8."""
        return jnp.asarray(x).astype(jnp.int8).reshape(-1)

    def unflatten(self, x: Array) -> Array:
        """`x` in the space's shape and dtype."""
        return jnp.asarray(x).astype(jnp.int8).reshape(self.shape)

    def flat_space(self) -> Box:
        """The box of vectors with entries from 0 to 1."""
        return Box(0, 1, (self.flat_size,), np.int8)

    @property
    def flat_size(self) -> int:
        return math.prod(self.shape)

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int8)

    def to_gymnasium(self) -> Any:
        return import_gymnasium().spaces.MultiBinary(self.n)

    def element_to_gymnasium(self, x: Array) -> np.ndarray:
        return np.array(x, np.int8)

    def element_from_gymnasium(self, x: Any) -> Array:
        return self.validate(x)

    def __repr__(self) -> str:
        return f"MultiBinary({self.n})"
