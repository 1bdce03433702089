"""Episodes in the `monitor.csv` files of OpenAI Baselines and Stable-Baselines3."""

import csv
import json
import os
from pathlib import Path
from typing import Any

from jaxenvs.errors import CheckpointError
from jaxenvs.monitor.old_runs.foreign_run import ForeignRun, WriterEpisodes, merged


def read_monitor_csv(path: str | os.PathLike[str]) -> ForeignRun:
    """Reads the episodes that the `Monitor` or `VecMonitor` of Stable-Baselines3, or that of Baselines, recorded.

    The first line of such a file is `#` and a JSON object with `t_start` and `env_id`. Then follow rows with the
    columns `r` (return), `l` (length) and `t` (seconds since `t_start`), and possibly others, which are ignored. All
    episodes count as training. A last line without an end is ignored: somebody may be writing it.

    Args:
        path: such a file, or a folder, of which all files that end in `monitor.csv` are merged.

    Raises:
        CheckpointError: there is no such file, one is damaged, or they are of different environments.
    """
    path = Path(path)
    files = sorted(path.glob("*monitor.csv")) if path.is_dir() else [path]
    if not files:
        raise CheckpointError(f"{path} holds no file that ends in `monitor.csv`.")
    read = {file: _read(file) for file in files}
    ids = {env_id: file.name for file, (env_id, _) in read.items()}
    if len(ids) > 1:
        found = ", ".join(f"{env_id} ({name})" for env_id, name in ids.items())
        raise CheckpointError(f"{path} holds runs of several environments: {found}. Put each in a folder of its own.")
    episodes, starts = merged([writer for _, writer in read.values()])
    return ForeignRun(tuple(files), next(iter(ids)), episodes, min(starts.values(), default=0.0), starts)


def _read(path: Path) -> tuple[str | None, WriterEpisodes]:
    """The environment's id and the episodes of a file."""
    try:
        header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is damaged: {error}.") from error
    started, env_id = _header(path, header)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines.pop()
    table = list(csv.DictReader(lines))
    try:
        ends = [started + float(row["t"]) for row in table]
        returns = [float(row["r"]) for row in table]
        lengths = [float(row["l"]) for row in table]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged: a row lacks a number in the columns r, l and t ({error})."
        ) from error
    name = path.name.removesuffix("monitor.csv").rstrip(".") or "monitor"
    return env_id, WriterEpisodes(name, path, started, ends, returns, lengths, ["training"] * len(table))


def _header(path: Path, line: str) -> tuple[float, str | None]:
    try:
        header: Any = json.loads(line.removeprefix("#")) if line.startswith("#") else None
        env_id = header.get("env_id")
        return float(header["t_start"]), None if env_id in (None, "None") else str(env_id)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f'{path} is not a file of a monitor: its first line must be `#{{"t_start": ..., "env_id": ...}}`.'
        ) from error
