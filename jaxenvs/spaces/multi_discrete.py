"""MultiDiscrete: arrays of integers, each entry with a range of its own."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidMask, InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces._convert import as_array, import_gymnasium, validate_integers
from jaxenvs.spaces._draw import (
    as_mask,
    as_probability,
    check_only_one,
    choose_valid,
    choose_weighted,
    uniform_integers,
)
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.discrete import Discrete, in_range
from jaxenvs.spaces.space import Space

_INT32 = np.iinfo(np.int32)


class MultiDiscrete(Space[Array]):
    """Arrays of integers, entry i in {start[i], ..., start[i] + nvec[i] - 1}; elements are int32.

    Attributes:
        nvec: number of values of each entry, of any shape; kept as a read-only NumPy array.
        start: smallest value of each entry; zeros by default.
    """

    nvec: Any = static()
    start: Any = static(default=None)

    def __post_init__(self) -> None:
        nvec = _integers("nvec", self.nvec)
        start = np.zeros_like(nvec) if self.start is None else _integers("start", self.start)
        if nvec.ndim == 0 or nvec.size == 0:
            raise InvalidSpace(f"MultiDiscrete: `nvec` must list at least one count, got {self.nvec!r}.")
        if start.shape != nvec.shape:
            raise InvalidSpace(
                f"MultiDiscrete: `start` has shape {start.shape}, `nvec` has {nvec.shape}; make them equal."
            )
        if (nvec < 1).any():
            raise InvalidSpace(f"MultiDiscrete: every count in `nvec` must be at least 1, got {nvec.tolist()}.")
        if (start < _INT32.min).any() or (start > _INT32.max - (nvec - 1)).any():
            raise InvalidSpace("MultiDiscrete: elements are int32, but the ranges go beyond it; use smaller ones.")
        for array in (nvec, start):
            array.flags.writeable = False
        self._set(nvec=nvec, start=start)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an element."""
        return self.nvec.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of an element: int32."""
        return np.dtype(np.int32)

    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> Array:
        """Draws each entry uniformly.

        Args:
            key: a scalar random key.
            mask: a tuple with an array (nvec[i],) int8 or bool for each entry, nested like `nvec`; 1 for values that
                may be drawn. `start[i]` is drawn if there is none.
            probability: a tuple of floating arrays, nested in the same way: the probability of each value.
        """
        key = check_key(key, name="action_space.sample")
        check_only_one(self, mask, probability)
        start = jnp.asarray(self.start.astype(np.int32))
        if mask is None and probability is None:
            return uniform_integers(key, start, jnp.asarray((self.start + self.nvec - 1).astype(np.int32)))
        if mask is not None:
            rows = [as_mask(self, row, (n,)) == 1 for row, n in self._entries(mask, "mask")]
            choose = choose_valid
        else:
            rows = [as_probability(self, row, (n,)) for row, n in self._entries(probability, "probability")]
            choose = choose_weighted
        longest = int(self.nvec.max())
        table = jnp.stack([jnp.pad(row, (0, longest - row.size)) for row in rows])
        chosen = jax.vmap(choose)(jax.random.split(key, len(rows)), table)
        return start + chosen.reshape(self.shape)

    def _entries(self, nested: Any, name: str) -> list[tuple[Any, int]]:
        """The arrays of a nested tuple in row-major order, each with the length it must have."""
        rows = [nested]
        for size in self.shape:
            for row in rows:
                if not isinstance(row, tuple) or len(row) != size:
                    got = f"a tuple of length {len(row)}" if isinstance(row, tuple) else f"a {type(row).__name__}"
                    raise InvalidMask(
                        f"{self!r}: `{name}` must be a tuple with one array for each entry, nested as the shape"
                        f" {self.shape}: a tuple of length {size} here, got {got}."
                    )
            rows = [entry for row in rows for entry in row]
        return list(zip(rows, self.nvec.ravel().tolist()))

    def contains(self, x: Any) -> Array:
        """() bool: whether all entries, of any integer dtype, lie in their ranges."""
        array = as_array(x)
        if array is None or array.shape != self.shape or array.dtype.kind not in "iu":
            return jnp.zeros((), bool)
        return jnp.asarray(in_range(array, self.start, self.start + self.nvec - 1))

    def validate(self, x: Any) -> Array:
        """Returns `x` as int32; any integer dtype is accepted."""
        bounds = self.start, self.start + self.nvec - 1
        return validate_integers(x, self.shape, np.int32, f"integers of shape {self.shape}", bounds=bounds)

    def flatten(self, x: Array) -> Array:
        """(sum of nvec,) int32: the one-hot vectors of all entries, one after the other."""
        entry, value = self._columns()
        return (jnp.asarray(x, jnp.int32).reshape(-1)[entry] == value).astype(jnp.int32)

    def unflatten(self, x: Array) -> Array:
        """The element whose entries have the largest numbers in their parts of `x`, the first one in case of ties."""
        counts = self.nvec.ravel()
        parts = np.split(np.arange(self.flat_size), np.cumsum(counts)[:-1])
        chosen = jnp.stack([jnp.argmax(x[part[0] : part[-1] + 1]).astype(jnp.int32) for part in parts])
        return chosen.reshape(self.shape) + self.start.astype(np.int32)

    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        """For each entry of the flat vector: the entry of the element it belongs to, and the value it stands for."""
        counts = self.nvec.ravel()
        entry = np.repeat(np.arange(counts.size, dtype=np.int32), counts)
        rank = np.arange(self.flat_size) - np.repeat(np.cumsum(counts) - counts, counts)
        return entry, (rank + self.start.ravel()[entry]).astype(np.int32)

    def flat_space(self) -> Box:
        """The box of vectors with entries from 0 to 1."""
        return Box(0, 1, (self.flat_size,), np.int32)

    @property
    def flat_size(self) -> int:
        return int(self.nvec.sum())

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32)

    def to_gymnasium(self) -> Any:
        return import_gymnasium().spaces.MultiDiscrete(self.nvec, start=self.start)

    def element_to_gymnasium(self, x: Array) -> np.ndarray:
        return np.array(x, np.int64)

    def element_from_gymnasium(self, x: Any) -> Array:
        return self.validate(x)

    def __getitem__(self, index: Any) -> "Discrete | MultiDiscrete":
        """The space of one entry, or of some."""
        nvec, start = self.nvec[index], self.start[index]
        return Discrete(int(nvec), int(start)) if np.ndim(nvec) == 0 else MultiDiscrete(nvec, start)

    def __len__(self) -> int:
        """The length of an element's first axis."""
        return len(self.nvec)

    def __repr__(self) -> str:
        start = f", start={_one_line(self.start)}" if self.start.any() else ""
        return f"MultiDiscrete({_one_line(self.nvec)}{start})"


def _integers(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        array = np.zeros((), object)
    if array.dtype.kind not in "iu":
        raise InvalidSpace(
            f"MultiDiscrete: `{name}` must be an array of integers, got {value!r};"
            " it decides shapes, so it cannot be traced."
        )
    return array.astype(np.int64)


def _one_line(array: np.ndarray) -> str:
    return np.array2string(array, threshold=8, edgeitems=2).replace("\n", "")
