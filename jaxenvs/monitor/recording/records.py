"""What an EpisodeWriter is given: the columns of episodes, and their keys and actions. It does not use JAX."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxenvs.errors import InvalidField
from jaxenvs.monitor.recording.packed_bytes import PackedBytes
from jaxenvs.monitor.recording.parts import EPISODE_COLUMNS

REQUIRED = "episode_return", "length", "terminated", "truncated", "env_steps"
OPTIONAL = "seed", "lane", "seconds"


@dataclasses.dataclass(frozen=True)
class Replays:
    """What it takes to play some episodes again.

    Attributes:
        key: (episodes, words) uint32, the words of the key that each began with: that of `reset` of the environment
            inside AutoReset.
        key_implementation: the name of the keys' implementation, such as `"jaxenvs"`.
        actions: the packed actions of each.
        rows: (episodes,) int64, the row of `EpisodeWriter.add`'s columns that each belongs to; None if each row has
            one.
    """

    key: np.ndarray
    key_implementation: str
    actions: PackedBytes
    rows: np.ndarray | None = None


def checked_columns(columns: Mapping[str, Any], seconds: float) -> dict[str, np.ndarray]:
    """The columns of `EpisodeWriter.add` as arrays of their types, with those that were left out.

    Args:
        columns: what a caller gave.
        seconds: the time for the column of that name if it was left out.

    Raises:
        InvalidField: a column is missing, unknown, of the wrong type or of another length.
    """
    missing = [name for name in REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown:
        what = f"lacks {missing}" if missing else f"does not know {unknown}"
        raise InvalidField(
            f"EpisodeWriter.add {what}. The columns are {', '.join(REQUIRED)}, and optionally {', '.join(OPTIONAL)}."
        )
    out = {name: _column(name, values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in out.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidField(f"EpisodeWriter.add: columns must have one length, got {lengths}.")
    count = lengths["length"]
    for name in ("seed", "lane"):
        out.setdefault(name, np.zeros(count, np.int32))
    out.setdefault("seconds", np.full(count, seconds))
    return out


def _column(name: str, values: Any) -> np.ndarray:
    """A column in its type, which must hold every value exactly; the caller's array if it has that type."""
    array, wanted = np.asarray(values), np.dtype(EPISODE_COLUMNS[name])
    kinds = {"f": "fiu", "i": "iu", "b": "b"}[wanted.kind]
    if array.ndim != 1 or (array.size and array.dtype.kind not in kinds):
        raise InvalidField(
            f"EpisodeWriter.add: `{name}` must be (episodes,) {wanted}, got {array.shape} {array.dtype}."
        )
    converted = array.astype(wanted, copy=False)
    if wanted.kind == "i" and not np.can_cast(array.dtype, wanted) and not np.array_equal(converted, array):
        raise InvalidField(f"EpisodeWriter.add: `{name}` holds numbers that {wanted} cannot hold.")
    return converted


def checked_replays(replays: Replays, numbers: np.ndarray) -> dict[str, Any]:
    """The columns of the folder `replays` for episodes of the given numbers, bytes as `PackedBytes`.

    Raises:
        InvalidField: the numbers of keys, actions and rows differ, or the keys are not words.
    """
    rows = np.arange(len(numbers)) if replays.rows is None else np.asarray(replays.rows, np.int64)
    key = np.asarray(replays.key)
    counts = {"rows": len(rows), "key": len(key), "actions": len(replays.actions)}
    if len(set(counts.values())) > 1 or key.dtype != np.uint32 or key.ndim != 2:
        raise InvalidField(
            "EpisodeWriter.add: `replays` must hold the key, (words,) uint32, and the actions of each row, got"
            f" {counts} and keys of shape {key.shape} {key.dtype}."
        )
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(numbers) and len(np.unique(rows)) == len(rows)):
        raise InvalidField(f"EpisodeWriter.add: `replays.rows` must be different rows of the {len(numbers)} episodes.")
    words = np.ascontiguousarray(key.astype("<u4"))
    offsets = np.arange(len(words) + 1, dtype=np.int64) * (4 * key.shape[1])
    return {
        "episode": numbers[rows],
        "key": PackedBytes(words.view(np.uint8).reshape(-1), offsets),
        "key_implementation": np.full(len(rows), replays.key_implementation),
        "actions": replays.actions,
    }


_LEAST_ROWS = 4096
"""Batches of records of this size are encoded as they are; joining them would take longer than it saves."""


def joined(batches: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same records in batches that are not small, but for the last one."""
    out, small, rows = [], [], 0
    for batch in batches:
        small.append(batch)
        rows += len(batch["episode"])
        if rows >= _LEAST_ROWS:
            out.append(_concatenated(small))
            small, rows = [], 0
    return [*out, _concatenated(small)] if small else out


def _concatenated(batches: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    first = batches[0]
    if len(batches) == 1:
        return first
    return {
        name: PackedBytes.joined([batch[name] for batch in batches])
        if isinstance(values, PackedBytes)
        else np.concatenate([batch[name] for batch in batches])
        for name, values in first.items()
    }


def owned(rows: Mapping[str, Any]) -> dict[str, Any]:
    """The same records in arrays of their own."""
    return {name: values.copy() if isinstance(values, np.ndarray) else values for name, values in rows.items()}


def size_of(rows: Mapping[str, Any]) -> int:
    """The memory that records take, in bytes."""
    return sum(
        values.data.nbytes + values.offsets.nbytes if isinstance(values, PackedBytes) else values.nbytes
        for values in rows.values()
    )
