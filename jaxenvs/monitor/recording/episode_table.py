"""read_episodes: the episodes of a run, merged from the files of all its writers. It does not use JAX."""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.errors import CheckpointError
from jaxenvs.monitor.recording.parts import EPISODE_COLUMNS, PartName, TornPart, parts_in, read_part, rows_of
from jaxenvs.monitor.run_folder.manifest import environment_digest, read_manifest

_TRIES = 5
"""How often the folder is read again if files changed meanwhile, which they only do when a run is resumed."""


def read_episodes(run: Any, *, strict: bool = False) -> dict[str, np.ndarray]:
    """The episodes that a run has recorded so far, whether or not somebody is writing to it.

    Args:
        run: a `Run`, or the path of its folder.
        strict: whether a damaged file is an error. Otherwise it is left out, with a warning.

    Returns:
        The columns, each (episodes,): `writer` and `mode` as strings, `episode` (within the writer) int64, `seed` and
        `lane` int32, `episode_return` float64, `length` int64, `terminated` and `truncated` bool, `env_steps` int64,
        and `seconds` float64. They are sorted by writer and episode.

    Raises:
        CheckpointError: the folder is not a run folder; a file in it is of another environment; an episode is there
            twice; or, with `strict`, a file is damaged.
        DependencyNotInstalled: pyarrow is missing.
    """
    return EpisodeReader(run).read(strict=strict)


class EpisodeReader:
    """Reads the episodes of a run again and again, each file once; for programs that watch a run."""

    def __init__(self, run: Any) -> None:
        """Reads nothing yet.

        Args:
            run: a `Run`, or the path of its folder.

        Raises:
            CheckpointError: the folder is not a run folder.
        """
        self.path = Path(getattr(run, "path", run))
        self._digest = environment_digest(read_manifest(self.path))
        self._known: dict[Path, tuple[Any, dict[str, np.ndarray]]] = {}
        self._torn: set[Path] = set()

    def read(self, *, strict: bool = False) -> dict[str, np.ndarray]:
        """The episodes so far; see `read_episodes`. A damaged file is reported once."""
        for _ in range(_TRIES):
            parts = parts_in(self.path / "episodes")
            tables = self._tables(parts, strict)
            if tables is not None:
                return _merged(self.path, tables)
        raise CheckpointError(f"The files in {self.path / 'episodes'} change all the time. Read them again later.")

    def _tables(self, parts: list[PartName], strict: bool) -> list[dict[str, np.ndarray]] | None:
        """The columns of each part; None if one was changed or removed after the first was read."""
        try:
            stamps = {part.path: _stamp(part.path) for part in parts}
            for path, stamp in stamps.items():
                is_known = path in self._known and self._known[path][0] == stamp
                if not is_known or (strict and path in self._torn):
                    self._known[path] = stamp, self._read(path, strict)
            if any(_stamp(path) != stamp for path, stamp in stamps.items()):
                return None
        except FileNotFoundError:
            return None
        self._known = {path: self._known[path] for path in stamps}
        return [rows for _, rows in self._known.values()]

    def _read(self, path: Path, strict: bool) -> dict[str, np.ndarray]:
        try:
            rows = rows_of(read_part(path, "episodes", self._digest), "episodes")
        except TornPart as error:
            if strict:
                raise
            if path not in self._torn:
                self._torn.add(path)
                warnings.warn(f"{error} Its episodes are left out.", stacklevel=6)
            return rows_of_nothing()
        self._torn.discard(path)
        return rows


def rows_of_nothing() -> dict[str, np.ndarray]:
    """The columns of no episodes."""
    return {
        name: np.zeros(0, object if type_name == "string" else type_name) for name, type_name in EPISODE_COLUMNS.items()
    }


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes if a file is replaced."""
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_size


def _merged(path: Path, tables: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    merged = {name: np.concatenate([rows[name] for rows in [rows_of_nothing(), *tables]]) for name in EPISODE_COLUMNS}
    for name in ("writer", "mode"):
        merged[name] = merged[name].astype(str)
    order = np.lexsort((merged["episode"], merged["writer"]))
    merged = {name: values[order] for name, values in merged.items()}
    again = (merged["writer"][1:] == merged["writer"][:-1]) & (merged["episode"][1:] == merged["episode"][:-1])
    if again.any():
        first = int(np.argmax(again))
        raise CheckpointError(
            f"{path / 'episodes'} holds episode {merged['episode'][first]} of `{merged['writer'][first]}` twice. Move"
            " the file that does not belong there out of the folder."
        )
    return merged
