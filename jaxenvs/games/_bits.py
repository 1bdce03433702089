"""Sets of up to 64 squares as bits, in two words of 32, since JAX has no 64-bit integers unless they are enabled."""

from collections.abc import Iterable
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import PyTreeNode

_WORD = 32


class Bits(PyTreeNode):
    """A set of squares, numbered from 0 to 63, or an array of sets.

    Attributes:
        low: () uint32, squares 0 to 31, the lowest bit first.
        high: () uint32, squares 32 to 63.
    """

    low: Array
    high: Array

    @classmethod
    def of(cls, squares: Iterable[int]) -> Self:
        """The set of the given squares, which are known before tracing."""
        number = sum(1 << square for square in {int(square) for square in squares})
        return cls(low=jnp.asarray(np.uint32(number % 2**_WORD)), high=jnp.asarray(np.uint32(number >> _WORD)))

    @classmethod
    def one(cls, square: ArrayLike) -> Self:
        """The set of one square, () int32; the empty set if it is not from 0 to 63."""
        square = jnp.asarray(square, jnp.int32)
        bit = jnp.uint32(1) << (square & (_WORD - 1)).astype(jnp.uint32)
        half, zero = square >> 5, jnp.uint32(0)
        return cls(low=jnp.where(half == 0, bit, zero), high=jnp.where(half == 1, bit, zero))

    def __and__(self, other: Self) -> Self:
        return type(self)(low=self.low & other.low, high=self.high & other.high)

    def __or__(self, other: Self) -> Self:
        return type(self)(low=self.low | other.low, high=self.high | other.high)

    def __xor__(self, other: Self) -> Self:
        return type(self)(low=self.low ^ other.low, high=self.high ^ other.high)

    def __invert__(self) -> Self:
        return type(self)(low=~self.low, high=~self.high)

    def up(self, places: int | np.ndarray) -> Self:
        """Every square moved to one with a greater number, by 1 to 31 places."""
        carried = self.low >> np.uint32(_WORD - places)
        return type(self)(low=self.low << np.uint32(places), high=self.high << np.uint32(places) | carried)

    def down(self, places: int | np.ndarray) -> Self:
        """Every square moved to one with a smaller number, by 1 to 31 places."""
        carried = self.high << np.uint32(_WORD - places)
        return type(self)(low=self.low >> np.uint32(places) | carried, high=self.high >> np.uint32(places))

    def where(self, condition: Array) -> Self:
        """The set where a condition holds, elsewhere the empty set."""
        zero = jnp.uint32(0)
        return type(self)(low=jnp.where(condition, self.low, zero), high=jnp.where(condition, self.high, zero))

    def union(self) -> Self:
        """The squares that are in any of the sets along the last axis."""
        return type(self)(low=jnp.bitwise_or.reduce(self.low, axis=-1), high=jnp.bitwise_or.reduce(self.high, axis=-1))

    def any(self) -> Array:
        """() bool, whether the set has a square. This and `count` are of the shape of the words."""
        return (self.low | self.high) != 0

    def count(self) -> Array:
        """() int32, the number of squares."""
        return (jax.lax.population_count(self.low) + jax.lax.population_count(self.high)).astype(jnp.int32)

    def has(self, squares: np.ndarray) -> Array:
        """Bool of the shape of `squares`, which are known before tracing: whether each is in the set."""
        word = jnp.where(squares < _WORD, self.low, self.high)
        return (word >> (squares % _WORD).astype(np.uint32) & 1).astype(bool)
