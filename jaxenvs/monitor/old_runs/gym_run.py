"""Runs in the files of OpenAI Gym's monitor: read and written.

`env.monitor.start(folder)` (2016) and `gym.wrappers.Monitor(env, folder)` (to Gym 0.21) left in a folder, for each
monitor of each process:

openaigym.manifest.<n>.<pid>.manifest.json        the names of the other files, the environment's id, Gym's version
openaigym.episode_batch.<n>.<pid>.stats.json      when each episode ended, its length, return and type
openaigym.video.<n>.<pid>.video<episode>.mp4      some episodes; .json for environments that are text
openaigym.video.<n>.<pid>.video<episode>.meta.json
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from jaxenvs.errors import CheckpointError, InvalidField, NotWritten
from jaxenvs.monitor.atomic import replacing, write_bytes
from jaxenvs.monitor.old_runs.foreign_run import ForeignRun, ForeignVideo, WriterEpisodes, merged

_PREFIX = "openaigym"
_MANIFEST = f"{_PREFIX}.manifest."
_MANIFEST_END = ".manifest.json"
_GYM_VERSION = "0.21.0"
"""The last version of Gym whose monitor wrote these files, in this form."""
_MODES = {"t": "training", "e": "evaluation"}
_MOST_BYTES = 2**30
"""The size beyond which a file is not read: a hundred times that of a run of a million episodes."""


def read_gym_run(folder: str | os.PathLike[str]) -> ForeignRun:
    """Reads what OpenAI Gym's monitor wrote to a folder, by any number of monitors and processes.

    Args:
        folder: the folder that was given to `env.monitor.start` or `gym.wrappers.Monitor`.

    Raises:
        CheckpointError: there are no such files, one that a manifest names is missing, one is damaged, or they are of
            different environments.
    """
    path = Path(folder)
    manifests = sorted(path.glob(f"{_MANIFEST}*.json"), key=lambda file: _numbers_in(file.name))
    if not manifests:
        what = f"holds no `{_MANIFEST}*.json`" if path.is_dir() else "does not exist"
        raise CheckpointError(f"{path} {what}. Point to a folder that Gym's monitor wrote.")
    contents = {manifest: _manifest(manifest) for manifest in manifests}
    infos = {manifest: content["env_info"] for manifest, content in contents.items()}
    by_id = {info.get("env_id"): manifest.name for manifest, info in infos.items()}
    if len(by_id) > 1:
        found = ", ".join(f"{env_id} ({name})" for env_id, name in by_id.items())
        raise CheckpointError(f"{path} holds runs of several environments: {found}. Put each in a folder of its own.")
    episodes, starts = merged([_stats(path, manifest, content["stats"]) for manifest, content in contents.items()])
    seeds = (seed for content in contents.values() for seed in content.get("seeds") or [])
    return ForeignRun(
        files=tuple(manifests),
        env_id=next(iter(by_id)),
        episodes=episodes,
        started=min(starts.values(), default=0.0),
        starts=starts,
        videos=tuple(
            _video(path, manifest, video) for manifest, content in contents.items() for video in content["videos"]
        ),
        seeds=tuple(seed for seed in seeds if isinstance(seed, int)),
        versions=tuple(dict.fromkeys(str(info["gym_version"]) for info in infos.values() if "gym_version" in info)),
    )


def load_gym_results(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """What `load_results` of OpenAI Gym returned for a folder, for scripts that use it; see `read_gym_run`.

    Returns:
        A dictionary of lists in the order in which episodes ended: `timestamps`, `episode_lengths`, `episode_rewards`,
        `episode_types` and `data_sources` (the index of the manifest); and of what there is once: `manifests`,
        `env_info`, `initial_reset_timestamp`, `initial_reset_timestamps`, `videos` (pairs of a file and its metadata),
        and `seeds`.

    Raises:
        CheckpointError: see `read_gym_run`.
    """
    run = read_gym_run(folder)
    writers = [_writer(manifest) for manifest in run.files]
    return {
        "manifests": [str(manifest) for manifest in run.files],
        "env_info": {"gym_version": run.versions[0] if run.versions else None, "env_id": run.env_id},
        "data_sources": [writers.index(writer) for writer in run.episodes["writer"].tolist()],
        "timestamps": (run.episodes["seconds"] + run.started).tolist(),
        "episode_lengths": run.episodes["length"].tolist(),
        "episode_rewards": run.episodes["episode_return"].tolist(),
        "episode_types": [mode[0] for mode in run.episodes["mode"].tolist()],
        "initial_reset_timestamps": list(run.starts.values()),
        "initial_reset_timestamp": run.started,
        "videos": [(str(video.path), str(video.path.with_suffix(".meta.json"))) for video in run.videos],
        "seeds": list(run.seeds),
    }


def _numbers_in(name: str) -> list[Any]:
    """Orders names as people count: 2 before 10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in name.split(".")]


def _writer(manifest: Path) -> str:
    return manifest.name.removeprefix(_MANIFEST).removesuffix(".json").removesuffix(".manifest")


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CheckpointError(f"{path} is larger than any that Gym's monitor wrote.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: {error}. Restore it from a copy, or move it away.") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is damaged: it holds a {type(content).__name__}, not an object.")
    return content


def _manifest(path: Path) -> dict[str, Any]:
    content = _json(path)
    for name, kind in (("stats", str), ("videos", list), ("env_info", dict)):
        if not isinstance(content.get(name), kind):
            raise CheckpointError(f"{path} is damaged: `{name}` is missing or is not a {kind.__name__}.")
    if not isinstance(content.get("seeds") or [], list):
        raise CheckpointError(f"{path} is damaged: `seeds` is not a list.")
    return content


def _beside(folder: Path, manifest: Path, name: Any) -> Path:
    """The file that a manifest names, in the folder itself wherever the name points."""
    if not isinstance(name, str) or not (base := PureWindowsPath(name).name):
        raise CheckpointError(f"{manifest} is damaged: {name!r} is not the name of a file.")
    return folder / base


def _stats(folder: Path, manifest: Path, name: str) -> WriterEpisodes:
    path = _beside(folder, manifest, name)
    if not path.exists():
        raise CheckpointError(f"{path} is missing, which {manifest.name} names. Restore it, or move the manifest away.")
    content = _json(path)
    ends, returns, lengths = (_list(path, content, key) for key in ("timestamps", "episode_rewards", "episode_lengths"))
    types = _list(path, content, "episode_types") if "episode_types" in content else ["t"] * len(ends)
    modes = [_MODES.get(each) if isinstance(each, str) else None for each in types]
    if None in modes or len(modes) < len(ends):
        raise CheckpointError(f'{path} is damaged: `episode_types` must hold "t" or "e" for each episode.')
    return WriterEpisodes(
        writer=_writer(manifest),
        path=path,
        began=content.get("initial_reset_timestamp"),
        ends=ends,
        returns=returns,
        lengths=lengths,
        modes=[str(mode) for mode in modes[: len(ends)]],  # an episode that had begun has a type, and no end
    )


def _list(path: Path, content: dict[str, Any], key: str) -> list[Any]:
    values = content.get(key)
    if not isinstance(values, list):
        raise CheckpointError(f"{path} is damaged: `{key}` is missing or is not a list.")
    return values


def _video(folder: Path, manifest: Path, names: Any) -> ForeignVideo:
    if not isinstance(names, list) or len(names) != 2:
        raise CheckpointError(f"{manifest} is damaged: a video must be named with its metadata, got {names!r}.")
    path, metadata = (_beside(folder, manifest, name) for name in names)
    return ForeignVideo(path, _json(metadata) if metadata.exists() else {}, _writer(manifest))


def write_gym_run(
    folder: str | os.PathLike[str],
    episodes: Mapping[str, Any],
    *,
    env_id: str,
    started: float | None = None,
    videos: Mapping[int, str | os.PathLike[str]] | None = None,
    resume: bool = False,
) -> tuple[Path, ...]:
    """Writes episodes to files as those of OpenAI Gym's monitor, for programs that read them.

    Args:
        folder: the folder; it is made if necessary.
        episodes: columns as `read_episodes` returns them: `episode_return`, `length` and `seconds`, and optionally
            `mode` (`"training"` by default) and `writer`. Each writer gets its own files. Others are ignored.
        env_id: the id of the environment.
        started: when `seconds` was 0, in seconds since 1970; by default so that the last episode ended now.
        videos: MP4 files by the row of the episode in `episodes`, to be copied.
        resume: whether the folder may hold such files already, to which these are added.

    Returns:
        The manifests that were written.

    Raises:
        InvalidField: a column is missing or wrong, a video is not an MP4, or the folder holds such files already.
        CheckpointError: with `resume`, the files in the folder are damaged or of another environment.
        NotWritten: the folder cannot be written. No manifest names a file that is not complete.
    """
    columns = _checked(episodes)
    copied = _checked_videos({} if videos is None else videos, len(columns["length"]))
    path = Path(folder)
    _check_folder(path, env_id, resume=resume)
    began = float(time.time() - columns["seconds"].max(initial=0.0) if started is None else started)
    ends = began + columns["seconds"]
    names = list(dict.fromkeys(columns["writer"].tolist())) or [""]
    written: list[Path] = []
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name in names:
            rows = np.flatnonzero(columns["writer"] == name)
            rows = rows[np.argsort(ends[rows], kind="stable")]
            batch = {key: columns[key][rows] for key in ("episode_return", "length", "mode")}
            pictures = {int(np.flatnonzero(rows == row)[0]): file for row, file in copied.items() if row in rows}
            stats = {
                "initial_reset_timestamp": began if len(rows) else None,
                "timestamps": ends[rows].tolist(),
                "episode_lengths": batch["length"].tolist(),
                "episode_rewards": batch["episode_return"].tolist(),
                "episode_types": [mode[0] for mode in batch["mode"].tolist()],
            }
            written.append(_write_monitor(path, env_id, stats, pictures))
    except OSError as error:
        raise NotWritten(
            f"{path} cannot be written: {error.strerror or error}. Free some space, or name another folder."
        ) from error
    return tuple(written)


def _checked(episodes: Mapping[str, Any]) -> dict[str, np.ndarray]:
    missing = [name for name in ("episode_return", "length", "seconds") if name not in episodes]
    if missing:
        raise InvalidField(f"write_gym_run: `episodes` lacks the columns {', '.join(missing)}.")
    try:
        columns = {
            "episode_return": np.asarray(episodes["episode_return"], np.float64),
            "length": np.asarray(episodes["length"]),
            "seconds": np.asarray(episodes["seconds"], np.float64),
        }
    except (TypeError, ValueError) as error:
        raise InvalidField(f"write_gym_run: a column of `episodes` does not hold numbers: {error}.") from error
    count = len(columns["length"]) if columns["length"].ndim == 1 else -1
    columns["mode"] = np.asarray(episodes.get("mode", np.full(max(count, 0), "training")), str)
    columns["writer"] = np.asarray(episodes.get("writer", np.full(max(count, 0), "")), str)
    if wrong := [name for name, values in columns.items() if values.shape != (count,)]:
        raise InvalidField(f"write_gym_run: the columns {', '.join(wrong)} must have one entry for each episode.")
    if count and (columns["length"].dtype.kind not in "iu" or columns["length"].min() < 0):
        raise InvalidField("write_gym_run: `length` must hold numbers of steps.")
    if not np.isfinite(columns["seconds"]).all():
        raise InvalidField("write_gym_run: `seconds` must be finite.")
    if other := sorted({*columns["mode"].tolist()} - {"training", "evaluation"}):
        raise InvalidField(f"write_gym_run: `mode` must be 'training' or 'evaluation', got {other[0]!r}.")
    return columns


def _checked_videos(videos: Mapping[int, str | os.PathLike[str]], count: int) -> dict[int, Path]:
    paths = {row: Path(file) for row, file in videos.items()}
    for row, path in paths.items():
        if not 0 <= row < count:
            raise InvalidField(f"write_gym_run: there is a video of episode {row}, but there are {count} episodes.")
        if path.suffix != ".mp4" or not path.is_file():
            raise InvalidField(f"write_gym_run: `{path}` is not an MP4 file.")
    return paths


def _check_folder(path: Path, env_id: str, *, resume: bool) -> None:
    if path.exists() and not path.is_dir():
        raise InvalidField(f"write_gym_run: {path} is a file. Name a folder.")
    if next(path.glob(f"{_PREFIX}.*"), None) is None:
        return
    if not resume:
        raise InvalidField(
            f"{path} holds files of Gym's monitor already. Name another folder, or pass `resume=True`"
            " (`--resume`) to add to them."
        )
    if next(path.glob(f"{_MANIFEST}*"), None) is not None and (known := read_gym_run(path).env_id) != env_id:
        raise CheckpointError(f"{path} holds a run of {known}, not of {env_id}. Name another folder.")


def _write_monitor(path: Path, env_id: str, stats: dict[str, Any], videos: dict[int, Path]) -> Path:
    """Writes the files of one monitor: the manifest last, so that it names only files that are complete."""
    number = 0
    while next(path.glob(f"{_PREFIX}.*.{number}.{os.getpid()}.*"), None) is not None:
        number += 1
    infix = f"{number}.{os.getpid()}"
    stats_path = path / f"{_PREFIX}.episode_batch.{infix}.stats.json"
    write_bytes(stats_path, json.dumps(stats).encode())
    names: list[tuple[str, str]] = []
    for episode, file in sorted(videos.items()):
        video = path / f"{_PREFIX}.video.{infix}.video{episode:06}.mp4"
        with replacing(video) as temporary:
            shutil.copyfile(file, temporary)
        metadata = video.with_suffix(".meta.json")
        write_bytes(metadata, json.dumps({"episode_id": episode, "content_type": "video/mp4"}).encode())
        names.append((video.name, metadata.name))
    manifest = path / f"{_MANIFEST}{infix}{_MANIFEST_END}"
    info = {"gym_version": _GYM_VERSION, "env_id": env_id}
    write_bytes(manifest, json.dumps({"stats": stats_path.name, "videos": names, "env_info": info}).encode())
    return manifest
