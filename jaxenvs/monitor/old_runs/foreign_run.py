"""ForeignRun: the episodes that another program's monitor recorded."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.errors import CheckpointError


@dataclasses.dataclass(frozen=True)
class ForeignVideo:
    """A video of an episode.

    Attributes:
        path: the file, which may have been deleted since.
        metadata: what the monitor noted about it: `episode_id`, `content_type` and others; empty if that file is gone.
        writer: the writer of the episode.
    """

    path: Path
    metadata: dict[str, Any]
    writer: str


@dataclasses.dataclass(frozen=True)
class ForeignRun:
    """The episodes that another program's monitor recorded, merged from all its files.

    Attributes:
        files: the files that list the episodes: manifests, or CSV files.
        env_id: the id of the environment; None if the monitor did not know it.
        episodes: columns, each (episodes,), in the order in which the episodes ended. `writer` (string) names the files
            that an episode comes from; `episode` (int64) counts within the writer; `mode` is `"training"` or
            `"evaluation"`; `episode_return` (float64), `length` (int64); `env_steps` (int64), the steps of all writers
            when it ended; `seconds` (float64), the time since `started`. `pandas.DataFrame(run.episodes)` is a table of
            them.
        started: when the first episode began, in seconds since 1970; 0 if none did.
        starts: when the first episode of each writer began.
        videos: the videos.
        seeds: the seeds of the environments, as far as they were recorded.
        versions: the versions of the program, in order.
    """

    files: tuple[Path, ...]
    env_id: str | None
    episodes: dict[str, np.ndarray]
    started: float = 0.0
    starts: dict[str, float] = dataclasses.field(default_factory=dict)
    videos: tuple[ForeignVideo, ...] = ()
    seeds: tuple[int, ...] = ()
    versions: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class WriterEpisodes:
    """What the files of one writer say.

    Attributes:
        writer: its name.
        path: the file that the episodes are in, for messages.
        began: when the first episode began, in seconds since 1970; None if none did.
        ends: when each episode ended, in seconds since 1970.
        returns: the sum of rewards of each.
        lengths: the number of steps of each.
        modes: `"training"` or `"evaluation"` for each.
    """

    writer: str
    path: Path
    began: float | None
    ends: Sequence[Any]
    returns: Sequence[Any]
    lengths: Sequence[Any]
    modes: Sequence[str]


def merged(writers: Sequence[WriterEpisodes]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The columns of `ForeignRun.episodes`, and `ForeignRun.starts`.

    Raises:
        CheckpointError: something that should be a number is not, or the lists of a file differ in length.
    """
    starts: dict[str, float] = {}
    tables: list[dict[str, np.ndarray]] = []
    for each in writers:
        count = len(each.ends)
        sizes = {len(each.returns), len(each.lengths), len(each.modes), count}
        if len(sizes) > 1:
            raise CheckpointError(f"{each.path} is damaged: its lists have {sorted(sizes)} entries.")
        if count == 0:
            continue
        try:
            ends = np.asarray(each.ends, np.float64)
            returns = np.asarray(each.returns, np.float64)
            lengths = np.asarray(each.lengths, np.float64)
            began = float(np.nan if each.began is None else each.began)
        except (TypeError, ValueError, OverflowError) as error:
            raise CheckpointError(f"{each.path} is damaged: {error}.") from error
        if not (np.isfinite(ends).all() and np.isfinite(began) and ends.ndim == returns.ndim == lengths.ndim == 1):
            raise CheckpointError(f"{each.path} is damaged: a time is missing or is not a number.")
        if not (np.isfinite(lengths).all() and (lengths >= 0).all() and (lengths == np.floor(lengths)).all()):
            raise CheckpointError(f"{each.path} is damaged: the length of an episode is not a number of steps.")
        starts[each.writer] = began
        tables.append(
            {
                "writer": np.full(count, each.writer),
                "episode": np.arange(count, dtype=np.int64),
                "mode": np.asarray(each.modes, str),
                "episode_return": returns,
                "length": lengths.astype(np.int64),
                "seconds": ends,
            }
        )
    empty = {"writer": "U1", "episode": np.int64, "mode": "U1", "episode_return": np.float64, "length": np.int64}
    columns = {name: np.zeros(0, dtype) for name, dtype in {**empty, "seconds": np.float64}.items()}
    if tables:
        columns = {name: np.concatenate([table[name] for table in tables]) for name in columns}
    order = np.argsort(columns["seconds"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    columns["seconds"] = columns["seconds"] - min(starts.values(), default=0.0)
    columns["env_steps"] = np.cumsum(columns["length"])
    return columns, starts
