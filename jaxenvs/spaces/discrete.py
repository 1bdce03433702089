"""Discrete: {start, ..., start + n - 1}."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import is_integer
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidSpace
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.spaces._convert import as_array, check_range, import_gymnasium, validate_integers
from jaxenvs.spaces._draw import (
    as_mask,
    as_probability,
    check_only_one,
    choose_valid,
    choose_weighted,
    uniform_integers,
)
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.space import Space

_INT32 = np.iinfo(np.int32)


class Discrete(Space[Array]):
    """The integers {start, ..., start + n - 1}; elements are () int32.

    Attributes:
        n: number of elements, at least 1.
        start: the smallest element.
    """

    n: int = static()
    start: int = static(default=0)

    def __post_init__(self) -> None:
        self._set(n=_integer("n", self.n), start=_integer("start", self.start))
        if self.n < 1:
            raise InvalidSpace(f"Discrete: `n` must be at least 1, got {self.n}.")
        if self.start < _INT32.min or self.start + self.n - 1 > _INT32.max:
            raise InvalidSpace(f"Discrete: elements are int32, but {self!r} holds integers beyond it; use fewer.")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an element: ()."""
        return ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of an element: int32."""
        return np.dtype(np.int32)

    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> Array:
        """Draws uniformly.

        Args:
            key: a scalar random key.
            mask: (n,) int8 or bool, 1 for elements that may be drawn; `start` is drawn if there is none.
            probability: (n,) floating, the probability of each element.
        """
        key = check_key(key, name="action_space.sample")
        check_only_one(self, mask, probability)
        start = jnp.asarray(self.start, jnp.int32)
        if mask is not None:
            return start + choose_valid(key, as_mask(self, mask, (self.n,)) == 1)
        if probability is not None:
            return start + choose_weighted(key, as_probability(self, probability, (self.n,)))
        if self.n <= 2**16:
            return start + draw_below(key, self.n)
        return uniform_integers(key, start, jnp.asarray(self.start + self.n - 1, jnp.int32))

    def contains(self, x: Any) -> Array:
        """() bool: whether `x` is an integer, of any integer dtype, in the range."""
        array = as_array(x)
        if array is None or array.shape != () or array.dtype.kind not in "iu":
            return jnp.zeros((), bool)
        return jnp.asarray(in_range(array, np.asarray(self.start), np.asarray(self.start + self.n - 1)))

    def validate(self, x: Any) -> Array:
        """Returns `x` as () int32; any integer dtype is accepted."""
        bounds = self.start, self.start + self.n - 1
        expected = f"an integer from {bounds[0]} to {bounds[1]}, of shape ()"
        if isinstance(x, Array) and x.shape == () and x.dtype == np.int32 and not x.weak_type:  # pyright: ignore[reportAttributeAccessIssue]
            check_range(x, bounds, expected)
            return x
        return validate_integers(x, (), np.int32, expected, bounds=bounds)

    def flatten(self, x: Array) -> Array:
        return jax.nn.one_hot(jnp.asarray(x, jnp.int32) - self.start, self.n, dtype=jnp.int32)

    def unflatten(self, x: Array) -> Array:
        """The element with the largest entry, the first one in case of ties."""
        return jnp.argmax(x).astype(jnp.int32) + self.start

    def flat_space(self) -> Box:
        """The box of vectors with entries from 0 to 1."""
        return Box(0, 1, (self.n,), np.int32)

    @property
    def flat_size(self) -> int:
        return self.n

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32)

    def to_gymnasium(self) -> Any:
        """`gymnasium.spaces.Discrete(n, start=start)`, whose dtype is int64."""
        return import_gymnasium().spaces.Discrete(self.n, start=self.start)

    def element_to_gymnasium(self, x: Array) -> int:
        """A Python integer, which Gymnasium's Discrete of any dtype contains."""
        return int(x)

    def element_from_gymnasium(self, x: Any) -> Array:
        return self.validate(x)

    def __repr__(self) -> str:
        return f"Discrete({self.n}" + (f", start={self.start})" if self.start else ")")


def _integer(name: str, value: Any) -> int:
    if not is_integer(value):
        raise InvalidSpace(
            f"Discrete: `{name}` must be a Python integer, got {value!r}; it decides shapes, so it cannot be traced."
        )
    return int(value)


def in_range(x: Array | np.ndarray, low: np.ndarray, high: np.ndarray) -> Array | np.bool_:
    """() bool: whether all of `x` lie from `low` to `high`, compared in the dtype of `x`, so that nothing wraps.

    Args:
        x: integers of any dtype.
        low: int64, of the shape of `x`.
        high: int64, of the shape of `x`.
    """
    if isinstance(x, np.ndarray):
        return np.all((x >= low) & (x <= high))
    limits = np.iinfo(x.dtype)
    if (low > limits.max).any() or (high < limits.min).any():
        return jnp.zeros((), bool)
    # min and max as Python integers: uint64's maximum is beyond int64, and then no bound needs clipping to it.
    low = np.maximum(low, max(limits.min, -(2**63))).astype(x.dtype)
    high = np.minimum(high, min(limits.max, 2**63 - 1)).astype(x.dtype)
    return jnp.all((x >= low) & (x <= high))
