"""EpisodeWriter: episodes, and their actions, into the Parquet files of a run folder. It does not use JAX."""

import atexit
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np

from jaxenvs.errors import InvalidField, NotWritten, RunInUse
from jaxenvs.monitor.recording.parts import (
    Kind,
    PartEncoder,
    part_path,
    parts_in,
    pyarrow,
    read_part,
    rows_of,
    write_part,
)
from jaxenvs.monitor.recording.records import Replays, checked_columns, checked_replays, joined, owned, size_of
from jaxenvs.monitor.recording.writer_name import WriterName
from jaxenvs.monitor.run_folder.manifest import environment_digest, read_manifest

Mode: TypeAlias = Literal["training", "evaluation"]
OnError: TypeAlias = Literal["raise", "warn"]


def check_on_error(who: str, on_error: object) -> None:
    """Raises `InvalidField` if there is no such choice."""
    if on_error not in get_args(OnError):
        raise InvalidField(f"{who}: `on_error` must be 'raise' or 'warn', got {on_error!r}.")


_KINDS: tuple[Kind, ...] = ("episodes", "replays")

_FIRST_SECONDS, _MOST_SECONDS, _GROWTH = 2.0, 300.0, 0.1
"""Records are flushed after 2 s; later after a tenth of the time that the writer exists, up to 5 minutes. So one day
leaves about 340 parts."""
_WRITING_SHARE = 0.02
"""Flushes are spaced so that writing takes at most this fraction of the time."""
_ENCODED_ROWS = 16_384
"""So many records are encoded when they are added. An accelerator computes meanwhile, but would wait for a flush of all
that was added in seconds."""


class EpisodeWriter:
    """Writes episodes to the files of a run folder, from one process.

        with jaxenvs.monitor.EpisodeWriter(run) as writer:
            writer.add({"episode_return": returns, "length": lengths, ...})

    Records are kept in memory and flushed to a new file when there are many, or after some time: 2 s at first, later
    up to 5 minutes, so that a day leaves a few hundred files. A file appears completely or not at all. If the process
    is killed, only the records that were not flushed are missing. Several writers may write to one folder, each
    under its own name. Threads may share one writer.
    """

    def __init__(
        self,
        run: Any,
        *,
        mode: Mode = "training",
        writer: str | None = None,
        on_error: OnError = "raise",
        flush_seconds: float | None = None,
        flush_bytes: int = 64 * 2**20,
        most_bytes: int = 256 * 2**20,
    ) -> None:
        """Takes a name in the run folder.

        Args:
            run: a `Run`, or the path of its folder.
            mode: what the episodes were played for.
            writer: the name of the writer. A writer of that name that wrote to the folder before is continued. By
                default it is the mode, followed by a number if others took that name.
            on_error: what to do if a file cannot be written, for example because the disk is full. `"raise"` raises
                `NotWritten`; the records are kept, and the next flush tries again. `"warn"` warns once, and tries again
                later.
            flush_seconds: the time after which records are flushed; None for times that grow as described above.
            flush_bytes: the size of records in memory at which they are flushed earlier.
            most_bytes: the size of records in memory beyond which the oldest are dropped, with a warning, as long as
                nothing can be written.

        Raises:
            CheckpointError: the folder is not a run folder, or the files of this writer are damaged.
            RunInUse: a living writer has this name.
            NotWritten: the folder cannot be written.
            InvalidField: a name or a size is invalid.
            DependencyNotInstalled: pyarrow is missing.
        """
        if mode not in ("training", "evaluation"):
            raise InvalidField(f"EpisodeWriter: `mode` must be 'training' or 'evaluation', got {mode!r}.")
        check_on_error("EpisodeWriter", on_error)
        if not 0 < flush_bytes <= most_bytes:
            raise InvalidField(
                f"EpisodeWriter: `flush_bytes` must be positive and at most `most_bytes` ({most_bytes}),"
                f" got {flush_bytes}."
            )
        pyarrow()
        self.path = Path(getattr(run, "path", run))
        self.mode: Mode = mode
        self._digest = environment_digest(read_manifest(self.path))
        self._on_error, self._flush_seconds = on_error, flush_seconds
        self._flush_bytes, self._most_bytes = flush_bytes, most_bytes
        self._lock, self._pid = threading.RLock(), os.getpid()
        self._claim = WriterName(self.path / "episodes", writer, mode, must_exist=on_error == "raise")
        self._rows: dict[Kind, list[dict[str, Any]]] = {kind: [] for kind in _KINDS}
        self._encoded: dict[Kind, list[PartEncoder]] = {kind: [] for kind in _KINDS}
        self._bytes = self._dropped = 0
        self._is_failing = self._is_closed = False
        self._episodes, self._part, self._seconds_before = self._continued()
        self._began = time.perf_counter()
        self._flushed = self._began
        self._pause = _FIRST_SECONDS if flush_seconds is None else flush_seconds
        atexit.register(self.close)

    @property
    def writer(self) -> str:
        """The name of the writer: the column `writer` of its episodes."""
        return self._claim.name

    @property
    def episodes(self) -> int:
        """The number of the next episode."""
        return self._episodes

    def _continued(self) -> tuple[int, int, float]:
        """The next episode, the next part and the seconds so far, of an earlier writer of this name."""
        episodes, seconds = 0, 0.0
        for part in parts_in(self.path / "episodes", self.writer):
            rows = rows_of(read_part(part.path, "episodes", self._digest), "episodes")
            episodes = max(episodes, int(rows["episode"].max(initial=-1)) + 1)
            seconds = max(seconds, float(rows["seconds"].max(initial=0.0)))
        numbers = [part.number for kind in _KINDS for part in parts_in(self.path / kind, self.writer)]
        return episodes, max(numbers, default=-1) + 1, seconds

    def add(self, columns: Mapping[str, Any], replays: Replays | None = None) -> np.ndarray:
        """Adds episodes, and flushes if that is due.

        Args:
            columns: arrays of equal lengths, one entry for each episode, in the order in which they ended.
                `episode_return`, `length`, `terminated`, `truncated` and `env_steps` (the steps of all lanes when it
                ended) are needed. `seed` and `lane` are 0 by default, and `seconds` is the time since the writer was
                made, plus that of an earlier writer which it continues.
            replays: the keys and actions of some or all of them.

        Returns:
            (episodes,) int64, the number that each of them got.

        Raises:
            InvalidField: a column is missing, unknown, of the wrong type or of another length.
            NotWritten: a flush failed, and `on_error` is `"raise"`. The episodes were added nevertheless.
            RunInUse: the writer belongs to the process that forked this one.
        """
        with self._lock:
            self._check_usable()
            now = time.perf_counter()
            checked = checked_columns(columns, self._seconds_before + now - self._began)
            count = len(checked["length"])
            numbers = np.arange(self._episodes, self._episodes + count, dtype=np.int64)
            actions = None if replays is None else checked_replays(replays, numbers)
            self._keep("episodes", {"episode": numbers, **checked})
            if actions is not None:
                self._keep("replays", actions)
            self._episodes += count
            is_full = self._bytes >= self._flush_bytes and not self._is_failing
            try:
                if self._bytes and (is_full or now - self._flushed >= self._pause):
                    self._flush()
            finally:
                self._drop_oldest()
            return numbers

    def flush(self) -> None:
        """Writes the records in memory to a new file.

        Raises:
            NotWritten: it cannot be written, and `on_error` is `"raise"`.
        """
        with self._lock:
            self._check_usable()
            self._flush()

    def close(self) -> None:
        """Flushes, and gives the name back; closing twice has no effect. Python closes writers when it ends.

        If the folder cannot be written, the records go to a temporary folder, which the error or the warning names.

        Raises:
            NotWritten: the folder cannot be written, and `on_error` is `"raise"`.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            atexit.unregister(self.close)
            try:
                self._write()
            except OSError as error:
                message = f"{self.path} cannot be written: {error.strerror or error}. {self._rescued()}"
                if self._on_error == "raise":
                    raise NotWritten(message) from error
                warnings.warn(message, stacklevel=2)
            finally:
                self._claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rewind(self, env_steps: int) -> None:
        """Drops the episodes that ended after `env_steps` steps, which a run that resumes there plays again.

        Files are changed one at a time, the newest first. If the process is killed while it does this, resume again.

        Args:
            env_steps: the steps of all lanes at the checkpoint.

        Raises:
            NotWritten: the files cannot be changed.
        """
        with self._lock:
            self._check_usable()
            self._flush()
            try:
                kept = self._rewound(env_steps)
            except OSError as error:
                raise self._not_written(error) from error
            self._episodes = int(kept.max(initial=-1)) + 1

    def _rewound(self, env_steps: int) -> np.ndarray:
        """The numbers of the episodes that stay; the files of all others are changed or removed."""
        tables: dict[Kind, list[tuple[Path, dict[str, np.ndarray]]]] = {
            kind: [
                (part.path, rows_of(read_part(part.path, kind, self._digest), kind))
                for part in parts_in(self.path / kind, self.writer)
            ]
            for kind in _KINDS
        }
        kept = np.concatenate(
            [
                np.zeros(0, np.int64),
                *(rows["episode"][rows["env_steps"] <= env_steps] for _, rows in tables["episodes"]),
            ]
        )
        for kind in reversed(_KINDS):  # so that there is never a replay without its episode
            for path, rows in reversed(tables[kind]):
                stays = np.isin(rows["episode"], kept)
                if not stays.any():
                    path.unlink(missing_ok=True)
                elif not stays.all():
                    write_part(path, kind, [{name: values[stays] for name, values in rows.items()}], self._digest)
        return kept

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
            raise RunInUse(
                f"The writer `{self.writer}` belongs to the process that forked this one. Make one in each process."
            )
        if self._is_closed:
            raise InvalidField(f"The writer `{self.writer}` is closed. Make a new one, which can have its name.")

    def _keep(self, kind: Kind, rows: dict[str, Any]) -> None:
        if len(rows["episode"]):
            self._rows[kind].append(rows)
            self._bytes += size_of(rows)
            if not self._is_failing and sum(len(rows["episode"]) for rows in self._rows[kind]) >= _ENCODED_ROWS:
                self._encode(kind)
            else:
                self._rows[kind][-1] = owned(rows)  # the caller may write to its arrays

    def _encode(self, kind: Kind) -> None:
        """Moves records into the part that is written next."""
        if not (self._encoded[kind] and self._encoded[kind][-1].is_open):
            self._encoded[kind].append(PartEncoder(kind, self._digest))
        part = self._encoded[kind][-1]
        self._bytes -= part.nbytes + sum(map(size_of, self._rows[kind]))
        part.add(self._batches(kind))
        self._bytes += part.nbytes
        self._rows[kind] = []

    def _drop_oldest(self) -> None:
        """Keeps the records in memory within their bound, if nothing can be written."""
        if self._bytes <= self._most_bytes:
            return
        first = self._dropped == 0
        for kind in reversed(_KINDS):
            while self._bytes > self._most_bytes and self._encoded[kind]:
                part = self._encoded[kind].pop(0)
                self._bytes -= part.nbytes
                self._dropped += part.rows if kind == "episodes" else 0
            while self._bytes > self._most_bytes and self._rows[kind]:
                rows = self._rows[kind].pop(0)
                self._bytes -= size_of(rows)
                self._dropped += len(rows["episode"]) if kind == "episodes" else 0
        if first:
            warnings.warn(
                f"{self.path} cannot be written, and the {self._most_bytes} bytes that `{self.writer}` may keep in"
                " memory are full: from now on the oldest records are dropped.",
                stacklevel=3,
            )

    def _flush(self) -> None:
        started = time.perf_counter()
        try:
            self._write()
        except OSError as error:
            self._pause_from(time.perf_counter(), 0.0)
            self._report(error)
        else:
            if self._dropped:
                warnings.warn(
                    f"{self.path} can be written again. {self._dropped} episodes of `{self.writer}` are missing.",
                    stacklevel=3,
                )
            self._is_failing, self._dropped = False, 0
            ended = time.perf_counter()
            self._pause_from(ended, ended - started)

    def _pause_from(self, ended: float, seconds: float) -> None:
        """Sets the time of the next flush, after one that took `seconds`."""
        grown = min(max(_FIRST_SECONDS, _GROWTH * (ended - self._began)), _MOST_SECONDS)
        wanted = grown if self._flush_seconds is None else self._flush_seconds
        self._flushed, self._pause = ended, max(wanted, seconds / _WRITING_SHARE)

    def _write(self) -> None:
        """Writes what is in memory: the episodes first, so that there is never a replay without its episode."""
        for kind in _KINDS:
            if not self._rows[kind] and not self._encoded[kind]:
                continue
            (self.path / kind).mkdir(exist_ok=True)
            if self._rows[kind] and self._encoded[kind] and self._encoded[kind][-1].is_open:
                self._encode(kind)
            while self._encoded[kind]:
                part = self._encoded[kind][0]
                self._bytes -= part.nbytes
                part.close()
                self._bytes += part.nbytes
                part.write(self._next_path(kind))
                self._bytes -= part.nbytes
                self._encoded[kind].pop(0)
            if self._rows[kind]:
                write_part(self._next_path(kind), kind, self._batches(kind), self._digest)
                self._bytes -= sum(map(size_of, self._rows[kind]))
                self._rows[kind] = []

    def _next_path(self, kind: Kind) -> Path:
        """The file of the next part."""
        while part_path(self.path / kind, self.writer, self._part).exists():
            self._part += 1
        return part_path(self.path / kind, self.writer, self._part)

    def _batches(self, kind: Kind) -> list[dict[str, Any]]:
        """The records in memory as the rows of a part."""
        names = {"writer": self.writer, "mode": self.mode} if kind == "episodes" else {"writer": self.writer}
        return [{**names, **batch} for batch in joined(self._rows[kind])]

    def _report(self, error: OSError) -> None:
        """Raises, or warns once until a flush succeeds."""
        if self._on_error == "raise":
            raise self._not_written(error) from error
        if not self._is_failing:
            warnings.warn(f"{self._not_written(error)} It is tried again from time to time.", stacklevel=4)
        self._is_failing = True

    def _not_written(self, error: OSError) -> NotWritten:
        return NotWritten(
            f"{self.path} cannot be written: {error.strerror or error}. Free some space, or make the folder writable."
            f" The records of `{self.writer}` are kept in memory."
        )

    def _rescued(self) -> str:
        """Writes what is in memory to a temporary folder; returns a sentence that says where it is."""
        count = sum(len(rows["episode"]) for rows in self._rows["episodes"])
        count += sum(part.rows for part in self._encoded["episodes"])
        folder = self.path
        try:
            self.path = Path(tempfile.mkdtemp(prefix="jaxenvs-"))
            self._write()
        except OSError:
            return f"The last {count} episodes of `{self.writer}` are lost."
        finally:
            self.path, elsewhere = folder, self.path
        return f"The last {count} episodes of `{self.writer}` are in {elsewhere}: move its content to {folder}."
