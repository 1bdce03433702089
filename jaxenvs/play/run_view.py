"""What a page shows of run folders, as JSON values."""

import contextlib
import hashlib
import json
import math
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.errors import CheckpointError, DependencyNotInstalled, InvalidField
from jaxenvs.monitor.pictures.statistics import moving_average
from jaxenvs.monitor.recording.episode_table import EpisodeReader
from jaxenvs.monitor.recording.writer_name import has_writers
from jaxenvs.monitor.run_folder.lock import is_locked
from jaxenvs.monitor.run_folder.manifest import environment_id
from jaxenvs.monitor.run_folder.run import Run

MEDIA_TYPES = {
    ".gif": "image/gif",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
"""The files of a run folder that are shown."""

_MOST_RUNS, _MOST_EPISODES, _MOST_MEDIA, _MOST_POINTS = 200, 20, 24, 600
_MOST_EVALUATION_BYTES = 2**24
_NO_QUANTITY = ("update", "env_steps", "seed", "seconds")
_SHOWN_SEPARATELY = ("status", "started", "ended", "versions", "environment", "format", "format_version")


class RunFolder:
    """The folder of a run, or a folder of such folders, read again at each call.

    Args:
        path: the folder.

    Raises:
        CheckpointError: there is no such folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise CheckpointError(f"There is no folder {path}. Name the folder of a run, or a folder of runs.")
        self.path = path.resolve()
        self.is_run = (self.path / "run.json").is_file()
        self._lock = threading.Lock()
        self._readers: dict[Path, EpisodeReader] = {}

    def run_path(self, name: str) -> Path:
        """The folder of the run of this name.

        Raises:
            CheckpointError: there is none in the folder.
        """
        if self.is_run and name == self.path.name:
            return self.path
        path = self.path / name
        if path.parent != self.path or name in ("", ".", "..") or not _is_inside(path, self.path):
            raise CheckpointError(f"There is no run `{name[:100]}` here.")
        return path

    def rows(self) -> list[dict[str, Any]]:
        """The runs, the newest first, each with what a list shows."""
        if self.is_run:
            return [_row(self.path.name, self.path)]
        paths = [path for path in self.path.iterdir() if (path / "run.json").is_file() and _is_inside(path, self.path)]
        rows = [_row(path.name, path) for path in paths]
        return sorted(rows, key=lambda row: row["started"] or "", reverse=True)[:_MOST_RUNS]

    def stamp(self, name: str) -> str:
        """A text that changes when a run's files do."""
        path = self.run_path(name)
        files = [path / each for each in ("run.json", "progress.csv", "evaluation.json")]
        files += [*sorted(path.glob("episodes/*.parquet")), *_media(path)]
        parts = [str(_row(name, path)["status"])]
        for file in files:
            with contextlib.suppress(OSError):
                status = file.stat()
                parts.append(f"{file.name} {status.st_mtime_ns} {status.st_size}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def view(self, name: str, column: str | None = None) -> dict[str, Any]:
        """Everything that a page shows of a run.

        Args:
            name: the name of the run.
            column: the quantity of the curve; None for the mean return.

        Raises:
            CheckpointError: it is not a run folder, or its files are damaged.
            InvalidField: there is no such quantity.
        """
        path = self.run_path(name)
        run = Run.open(path)
        manifest = run.manifest()
        progress = run.read_progress()
        columns = [each for each in (progress[0] if progress else {}) if each not in _NO_QUANTITY]
        if column is not None and column not in columns:
            raise InvalidField(f"There is no quantity `{column[:100]}`; there are {', '.join(columns) or 'none'}.")
        column = column or ("mean_return" if "mean_return" in columns else next(iter(columns), None))
        episodes, problem = self._episodes(path)
        return {
            **_row(name, path),
            "ended": manifest.get("ended"),
            "settings": _settings(manifest),
            "columns": columns,
            "column": column,
            "curve": _curve(progress, column) if column else [],
            "recorded_curve": _episode_curve(episodes) if not progress else [],
            "latest": _latest(progress),
            "episodes": _newest(episodes),
            "num_episodes": len(episodes["length"]) if episodes else 0,
            "problem": problem,
            "evaluation": _evaluation(path),
            "media": [file.relative_to(path).as_posix() for file in _media(path)],
        }

    def media_file(self, name: str, file: str) -> Path | None:
        """The picture or video of a run, or None if there is no such file in its folder."""
        run = self.run_path(name)
        path = run / file
        hidden = any(part.startswith(".") for part in Path(file).parts)
        if hidden or path.suffix.lower() not in MEDIA_TYPES or not _is_inside(path, run) or not path.is_file():
            return None
        return path

    def _episodes(self, path: Path) -> tuple[dict[str, np.ndarray] | None, str | None]:
        """The recorded episodes, or None; and why they cannot be read."""
        if not (path / "episodes").is_dir():
            return None, None
        try:
            with self._lock, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a damaged file is left out
                if path not in self._readers:
                    self._readers[path] = EpisodeReader(path)
                return self._readers[path].read(), None
        except (CheckpointError, DependencyNotInstalled) as error:
            return None, str(error)


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path, after all symbolic links, lies in a folder."""
    try:
        return path.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _row(name: str, path: Path) -> dict[str, Any]:
    row = {"name": name, "title": path.name, "env_id": None, "algorithm": None, "status": "damaged", "started": None}
    with contextlib.suppress(CheckpointError):
        manifest = Run.open(path).manifest()
        row["env_id"] = environment_id(manifest)
        row |= {key: manifest.get(key) for key in ("algorithm", "status", "started")}
        # A process that was killed, and a recorder of a loop, leave the status as it was.
        if row["status"] == "running" and has_writers(path / "episodes") is False and is_locked(path) is False:
            row["status"] = "ended"
    return row


def _settings(manifest: Mapping[str, Any]) -> list[list[str]]:
    """Pairs of a name and a value as text, without those that the page shows elsewhere."""
    flat: dict[str, Any] = {}
    for name, value in manifest.items():
        if name in ("fields", "hyper_parameters") and isinstance(value, dict):
            flat.update(value)
        elif name not in _SHOWN_SEPARATELY and value is not None:
            flat[name] = value
    versions = manifest.get("versions")
    flat.update(versions if isinstance(versions, dict) else {})
    return [[str(name), value if isinstance(value, str) else json.dumps(value)] for name, value in flat.items()]


def _curve(rows: Sequence[Mapping[str, float]], column: str) -> list[dict[str, Any]]:
    """For each seed the steps, the values and their moving average, thinned out."""
    lines = []
    for seed in sorted({int(row["seed"]) for row in rows}):
        own = [row for row in rows if row["seed"] == seed and math.isfinite(row.get(column, math.nan))]
        if own:
            steps, values = (np.array([row[name] for row in own]) for name in ("env_steps", column))
            lines.append(_line(str(seed), steps, values))
    return lines


def _episode_curve(episodes: Mapping[str, np.ndarray] | None) -> list[dict[str, Any]]:
    """The return of each recorded episode over the steps of its writer, for runs without a learner."""
    if episodes is None:
        return []
    lines = []
    for writer in np.unique(episodes["writer"]):
        own = (episodes["writer"] == writer) & np.isfinite(episodes["episode_return"])
        if own.any():
            order = np.argsort(episodes["env_steps"][own], kind="stable")
            lines.append(_line(str(writer), *(episodes[name][own][order] for name in ("env_steps", "episode_return"))))
    return lines


def _line(name: str, steps: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    kept = np.unique(np.linspace(0, len(values) - 1, _MOST_POINTS).round().astype(int))
    return {
        "name": name,
        "steps": steps[kept].tolist(),
        "values": _rounded(values[kept]),
        "smooth": _rounded(moving_average(values)[kept]),
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]


def _latest(rows: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    """The newest report, as the mean over seeds."""
    if not rows:
        return {}
    own = [row for row in rows if row["update"] == rows[-1]["update"]]
    means = {name: float(np.mean([row[name] for row in own])) for name in own[0] if name != "seed"}
    return {name: value if math.isfinite(value) else None for name, value in means.items()}


def _newest(episodes: Mapping[str, np.ndarray] | None) -> list[dict[str, Any]]:
    if episodes is None or not len(episodes["length"]):
        return []
    order = np.argsort(episodes["seconds"], kind="stable")[::-1][:_MOST_EPISODES]
    names = ("writer", "episode", "mode", "episode_return", "length", "terminated", "truncated", "env_steps", "seconds")
    return [
        {
            name: _plain(episodes[name][index].item() if name not in ("writer", "mode") else str(episodes[name][index]))
            for name in names
        }
        for index in order
    ]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _evaluation(path: Path) -> dict[str, Any] | None:
    """The figures of the final evaluation, without the returns of single episodes."""
    try:
        file = path / "evaluation.json"
        if not _is_inside(file, path) or file.stat().st_size > _MOST_EVALUATION_BYTES:
            return None
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    names = ("episodes", "mean_return", "reward_threshold", "solved")
    return {name: _plain(values.get(name)) for name in names}


def _media(path: Path) -> list[Path]:
    """The newest pictures and videos in the folder and in `videos`."""
    files = [
        file
        for folder in (path, path / "videos")
        if folder.is_dir() and _is_inside(folder, path)
        for file in folder.iterdir()
        if file.suffix.lower() in MEDIA_TYPES and not file.name.startswith(".") and _is_inside(file, path)
    ]
    return sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)[:_MOST_MEDIA]
