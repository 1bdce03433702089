"""ActionPacking: actions as the bits that they need. Once it is made, it does not use JAX."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxenvs import spaces
from jaxenvs.errors import CheckpointError, InvalidAction, InvalidField
from jaxenvs.monitor.recording.packed_bytes import PackedBytes


@dataclasses.dataclass(frozen=True)
class _Array:
    """The part of an action that is one array.

    Attributes:
        path: where it is in an action: the indices of tuples and the keys of dicts.
        shape: its shape.
        dtype: its dtype.
        bits: (entries,) int64, the bits of each entry.
        start: (entries,) int64, the smallest value of each; None if it is stored as it is in memory.
        count: (entries,) int64, how many values each has; None if it is stored as it is in memory.
    """

    path: tuple[Any, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bits: np.ndarray
    start: np.ndarray | None = None
    count: np.ndarray | None = None

    @property
    def size(self) -> int:
        """The bits of the whole array."""
        return int(self.bits.sum())


class ActionPacking:
    """How the actions of a space are packed.

    An entry with n values takes ceil(log2 n) bits, a bool one bit, and any other entry of a Box the bytes of its dtype,
    the lowest first. The entries of an action, its actions and their bits follow each other from the highest bit of the
    first byte on. Zeros fill the last byte of an episode.

    Attributes:
        space: the space.
        bits: the bits of one action.
    """

    def __init__(self, space: spaces.Space[Any]) -> None:
        """Looks at the parts of the space.

        Args:
            space: a Discrete, MultiDiscrete, MultiBinary or Box, or a Tuple or Dict of them.

        Raises:
            InvalidField: actions of this space cannot be packed.
        """
        self.space = space
        self._arrays = tuple(_arrays_of(space, ()))
        self.bits = sum(array.size for array in self._arrays)
        self._is_bytes = all(array.start is None for array in self._arrays)
        only = self._arrays[0] if len(self._arrays) == 1 else None
        self._is_small = only is not None and only.start is not None and only.shape == () and only.size <= 8

    def codes(self, actions: Any, batch: tuple[int, ...]) -> np.ndarray:
        """Actions as whole bytes, which `packed` then joins without gaps.

        Args:
            actions: elements of the space, as NumPy or JAX arrays with leading axes `batch`.
            batch: the leading axes, such as (steps, lanes).

        Returns:
            (*batch, ceil(bits / 8)) uint8, the bits of an action from the highest bit of its first byte on.

        Raises:
            InvalidAction: a shape or dtype does not fit, or an integer is not in the space.
        """
        arrays = [_checked(array, _part(actions, array.path), batch) for array in self._arrays]
        if self._is_small:
            return (arrays[0] << (8 - self.bits)).astype(np.uint8)[..., : -(-self.bits // 8)]
        if self._is_bytes:
            return np.concatenate([np.zeros((*batch, 0), np.uint8), *map(_bytes_of, arrays)], axis=-1)
        bits = [
            _bytes_to_bits(_bytes_of(values)) if array.start is None else _integers_to_bits(values, array.bits)
            for array, values in zip(self._arrays, arrays)
        ]
        return np.packbits(np.concatenate(bits, axis=-1), axis=-1)

    def packed(self, codes: np.ndarray, lengths: np.ndarray) -> PackedBytes:
        """The actions of episodes, packed.

        Args:
            codes: (steps, ceil(bits / 8)) uint8 as `codes` returns them, the episodes one after the other.
            lengths: (episodes,) int64, the steps of each.
        """
        lengths = np.asarray(lengths, np.int64)
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(-(-lengths * self.bits // 8), out=offsets[1:])
        if self.bits % 8 == 0:
            return PackedBytes(np.ascontiguousarray(codes).reshape(-1), offsets)
        if self.bits < 8:
            bits = ((codes >> np.arange(7, 7 - self.bits, -1, dtype=np.uint8)) & np.uint8(1)).reshape(-1)
        else:
            bits = np.unpackbits(codes, axis=-1, count=self.bits).reshape(-1)
        # Each episode begins with a byte: where its bits begin, less where they would without gaps.
        gaps = 8 * offsets[:-1] - self.bits * (np.cumsum(lengths) - lengths)
        spread = np.zeros(8 * offsets[-1], np.uint8)
        spread[np.arange(len(bits)) + np.repeat(gaps, lengths * self.bits)] = bits
        return PackedBytes(np.packbits(spread), offsets)

    def pack(self, actions: Any, length: int) -> bytes:
        """The actions of one episode, packed.

        Args:
            actions: elements of the space with a leading axis of `length`.
            length: the steps.

        Raises:
            InvalidAction: a shape or dtype does not fit, or an integer is not in the space.
        """
        return self.packed(self.codes(actions, (length,)), np.array([length]))[0]

    def unpack(self, data: bytes, length: int) -> Any:
        """The actions of an episode of `length` steps: elements of the space with that leading axis, in NumPy.

        Raises:
            CheckpointError: `data` is not as long as so many actions are.
        """
        if len(data) != -(-length * self.bits // 8):
            raise CheckpointError(
                f"{length} actions of {self.space!r} take {-(-length * self.bits // 8)} bytes, got {len(data)}. They"
                " were recorded in another action space, or are damaged."
            )
        bits = np.unpackbits(np.frombuffer(data, np.uint8), count=length * self.bits).reshape(length, self.bits)
        ends = np.cumsum([array.size for array in self._arrays]).tolist()
        values = [_unpacked(array, bits[:, end - array.size : end]) for array, end in zip(self._arrays, ends)]
        return _rebuilt(self.space, iter(values))


def _arrays_of(space: spaces.Space[Any], path: tuple[Any, ...]) -> Iterator[_Array]:
    """The arrays that make up an element of a space, in order."""
    if isinstance(space, spaces.Tuple):
        for index, part in enumerate(space.spaces):
            yield from _arrays_of(part, (*path, index))
    elif isinstance(space, spaces.Dict):
        for name, part in space.spaces.items():
            yield from _arrays_of(part, (*path, name))
    elif isinstance(space, spaces.Discrete):
        yield _integers(path, (), space.dtype, np.array([space.start]), np.array([space.n]))
    elif isinstance(space, spaces.MultiDiscrete):
        yield _integers(path, space.shape, space.dtype, space.start.ravel(), space.nvec.ravel())
    elif isinstance(space, spaces.MultiBinary) or (isinstance(space, spaces.Box) and space.dtype.kind == "b"):
        size = math.prod(space.shape)
        yield _integers(path, space.shape, space.dtype, np.zeros(size, np.int64), np.full(size, 2))
    elif isinstance(space, spaces.Box):
        yield _Array(path, space.shape, space.dtype, np.full(math.prod(space.shape), 8 * space.dtype.itemsize))
    else:
        raise InvalidField(
            f"Actions of {space!r} cannot be packed: only those of Discrete, MultiDiscrete, MultiBinary and Box, and of"
            " Tuple and Dict of them, can. Record this run without replays."
        )


def _integers(path: tuple[Any, ...], shape: tuple[int, ...], dtype: Any, start: Any, count: Any) -> _Array:
    bits = np.array([(int(n) - 1).bit_length() for n in count], np.int64)
    return _Array(path, shape, np.dtype(dtype), bits, start.astype(np.int64), count.astype(np.int64))


def _part(actions: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        actions = actions[step]
    return actions


def _checked(array: _Array, values: Any, batch: tuple[int, ...]) -> np.ndarray:
    """(*batch, entries): the entries in their dtype; for integers, how far each is above the smallest."""
    values = np.asarray(values)
    shape = (*batch, *array.shape)
    if values.shape != shape or not (
        np.can_cast(values.dtype, array.dtype, "same_kind") or values.dtype.kind in "iu" == array.start is not None
    ):
        raise InvalidAction(f"Actions must be {shape} {array.dtype}, got {values.shape} {values.dtype}.")
    if array.start is None or array.count is None:
        return values.astype(array.dtype, copy=False).reshape(*batch, len(array.bits))
    values = values.astype(np.uint8) if values.dtype == bool else values
    values = values.reshape(*batch, len(array.bits))
    if len(array.start) == 1 and values.size:
        bounds = int(values.min()) >= array.start[0], int(values.max()) < array.start[0] + array.count[0]
        inside = all(bounds)
    else:
        inside = bool(((values >= array.start) & (values < array.start + array.count)).all())
    if not inside:
        raise InvalidAction(
            f"Actions are outside their space, from {values.min()} to {values.max()}, and the bits for that space do"
            " not hold them. Keep the policy's actions in the space, or record without replays."
        )
    return values - array.start.astype(values.dtype)


def _bytes_of(values: np.ndarray) -> np.ndarray:
    """(*batch, entries) of any dtype as (*batch, bytes) uint8, little-endian."""
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    return little.view(np.uint8).reshape(*values.shape[:-1], values.shape[-1] * values.dtype.itemsize)


def _bytes_to_bits(values: np.ndarray) -> np.ndarray:
    return np.unpackbits(values, axis=-1)


def _integers_to_bits(values: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """(*batch, entries) as (*batch, sum of bits) uint8, the highest bit of each first."""
    entry = np.repeat(np.arange(len(bits)), bits)
    shift = np.cumsum(bits)[entry] - 1 - np.arange(len(entry))
    return ((values.astype(np.int64)[..., entry] >> shift) & 1).astype(np.uint8)


def _unpacked(array: _Array, bits: np.ndarray) -> np.ndarray:
    """(length, *shape): the array of which these are the bits, (length, bits of an action)."""
    if array.start is None:
        data = np.packbits(bits, axis=-1).tobytes()
        values = np.frombuffer(data, array.dtype.newbyteorder("<")).astype(array.dtype)
    else:
        values = np.empty((len(bits), len(array.bits)), np.int64)
        for index, (end, count) in enumerate(zip(np.cumsum(array.bits).tolist(), array.bits.tolist())):
            values[:, index] = bits[:, end - count : end] @ (1 << np.arange(count - 1, -1, -1, dtype=np.int64))
        values = (values + array.start).astype(array.dtype)
    return values.reshape(len(bits), *array.shape)


def _rebuilt(space: spaces.Space[Any], values: Iterator[np.ndarray]) -> Any:
    """An element of a space from its arrays, in the order of `_arrays_of`."""
    if isinstance(space, spaces.Tuple):
        return tuple(_rebuilt(part, values) for part in space.spaces)
    if isinstance(space, spaces.Dict):
        return {name: _rebuilt(part, values) for name, part in space.spaces.items()}
    return next(values)
