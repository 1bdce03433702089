"""Compact forms of a column, which a Parquet file stores as they are. This module does not use JAX."""

import dataclasses
from typing import Any, TypeAlias

import numpy as np

_MOST_INDEXED = 2**16
"""Tables of up to so many values have indices of two bytes."""


@dataclasses.dataclass(frozen=True)
class Indexed:
    """A column of few different values: a table of them, and for each row where its value stands in it.

    Attributes:
        values: (count,), any type.
        index: (rows,) unsigned integers.
    """

    values: np.ndarray
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.index)

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return self.values.nbytes + self.index.nbytes

    def expanded(self) -> np.ndarray:
        """(rows,), the value of each row."""
        return self.values[self.index]


@dataclasses.dataclass(frozen=True)
class Runs:
    """A column whose neighbouring rows have the same value, for example because all have.

    Attributes:
        values: (runs,), any type.
        counts: (runs,) integers, the number of rows of each.
    """

    values: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return int(self.counts.sum())

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return self.values.nbytes + self.counts.nbytes

    def expanded(self) -> np.ndarray:
        """(rows,), the value of each row."""
        return np.repeat(self.values, self.counts)

    @staticmethod
    def of(value: Any, count: int, dtype: Any = None) -> "Runs":
        """One value for so many rows."""
        return Runs(np.array([value], dtype), np.array([count]))


Column: TypeAlias = np.ndarray | Indexed | Runs


def expanded(column: Column | range) -> np.ndarray:
    """(rows,), the value of each row."""
    return np.asarray(column) if isinstance(column, np.ndarray | range) else column.expanded()


def compact(column: Column | range | str, count: int) -> Column | range:
    """The form that takes the least room in a file; the same array if none takes less.

    Args:
        column: the column; a string is the value of all rows.
        count: the number of rows.
    """
    if isinstance(column, str):
        return Runs.of(column, count, object)
    if not isinstance(column, np.ndarray) or not count:
        return column
    same = bits_of(column)
    starts = np.flatnonzero(same[1:] != same[:-1]) + 1
    if len(starts) < count // 8:
        starts = np.concatenate([[0], starts])
        return Runs(column[starts], np.diff(starts, append=count))
    if column.dtype == object:
        values, index = np.unique(column.astype(str), return_inverse=True)
        return Indexed(values.astype(object), index.astype(np.uint16)) if len(values) <= _MOST_INDEXED else column
    return _indexed_numbers(column) if column.dtype.kind in "if" else column


def _indexed_numbers(column: np.ndarray) -> Column:
    """Numbers as indices of a table of consecutive whole numbers, if they are such and the table is not long."""
    low, high = column.min(), column.max()
    most = min(_MOST_INDEXED, len(column) - 2 * len(column) // column.itemsize)
    if not (float(low).is_integer() and float(high).is_integer() and int(high) - int(low) < most):
        return column
    index = (column - low).astype(np.uint16)
    values = np.arange(int(low), int(high) + 1).astype(column.dtype)
    return Indexed(values, index) if np.array_equal(bits_of(values[index]), bits_of(column)) else column


def bits_of(column: np.ndarray) -> np.ndarray:
    """A column to compare with others: 0.0 and -0.0 differ, and NaN does not differ from itself."""
    return np.ascontiguousarray(column).view(np.int64) if column.dtype == np.float64 else column
