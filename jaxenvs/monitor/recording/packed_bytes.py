"""PackedBytes: many strings of bytes in one array. It does not use JAX."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class PackedBytes:
    """Strings of bytes, such as the packed actions of several episodes, in one array.

    Attributes:
        data: (bytes,) uint8, one after the other.
        offsets: (count + 1,) int64, where each begins, and the end.
    """

    data: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> bytes:
        begin, end = self.offsets[:-1][index], self.offsets[1:][index]
        return self.data[begin:end].tobytes()

    @staticmethod
    def of(strings: Sequence[bytes]) -> "PackedBytes":
        """The same strings in one array."""
        offsets = np.zeros(len(strings) + 1, np.int64)
        np.cumsum([len(string) for string in strings], out=offsets[1:])
        return PackedBytes(np.frombuffer(b"".join(strings), np.uint8), offsets)

    @staticmethod
    def joined(parts: Sequence["PackedBytes"]) -> "PackedBytes":
        """Those of several arrays in one."""
        begins = np.cumsum([0, *(part.offsets[-1] for part in parts)])
        offsets = [begin + part.offsets[:-1] for begin, part in zip(begins, parts)]
        return PackedBytes(np.concatenate([part.data for part in parts]), np.concatenate([*offsets, begins[-1:]]))
