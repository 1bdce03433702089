"""Run: the folder that a run leaves behind.

run.json            what was run, with which settings, key and versions; when; how it ended

If episodes were recorded:
episodes/           one row per episode, in Parquet files; see `EpisodeWriter`
replays/            their keys and actions, from which they can be played again; see `replay`
videos/             see `VideoRecorder`

If a learner was trained:
progress.csv        one row per report and seed
checkpoint.msgpack  the whole training state, see `checkpoint.py`
evaluation.json     returns over fresh episodes
learning_curve.png
agent.gif
"""

import contextlib
import dataclasses
import datetime
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from jaxenvs.core.env import Env, check_is_env
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import CheckpointError, InvalidField, NotWritten
from jaxenvs.monitor.atomic import append_bytes, write_bytes, write_json
from jaxenvs.monitor.run_folder.checkpoint import load_checkpoint, save_checkpoint
from jaxenvs.monitor.run_folder.description import describe_env, describe_key, describe_machine
from jaxenvs.monitor.run_folder.lock import exclusive
from jaxenvs.monitor.run_folder.manifest import (
    FORMAT,
    FORMAT_VERSION,
    environment_digest,
    make_folder,
    now,
    read_manifest,
)
from jaxenvs.monitor.run_folder.processes import is_writer
from jaxenvs.monitor.run_folder.progress import csv_rows, csv_text
from jaxenvs.monitor.run_folder.settings import Settings as Settings
from jaxenvs.monitor.run_folder.settings import settings_in
from jaxenvs.random import Key

Tree = TypeVar("Tree")
Status = Literal["running", "finished", "interrupted", "failed"]


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder.

    `Run.create` makes one for a training, `Run.record` makes one for any other loop, and `Run.open` opens an existing
    one. If several processes train together (`jax.distributed`), each has its `Run`, and only the first writes.

    Attributes:
        path: the folder.
        training: the settings of the training; None for a run without a learner.
    """

    path: Path
    training: Settings | None

    @staticmethod
    def create(
        settings: Settings,
        path: str | os.PathLike[str] | None = None,
        *,
        parent: str | os.PathLike[str] = "runs",
        env: Env[Any, Any] | None = None,
        key: Key | None = None,
    ) -> "Run":
        """Makes the folder of a training with its `run.json`, in one step; it never overwrites anything.

        Args:
            settings: the settings of the run.
            path: the folder to make; by default one in `parent`, named after id, algorithm and time.
            parent: the parent of such a folder.
            env: the environment, which `run.json` then describes in full, so that recorded episodes can be replayed.
            key: the key that determines the training, to be noted.

        Raises:
            InvalidField: `path` exists already, or no folder can be made there.
        """
        described = {} if env is None else {"environment": describe_env(env, settings.env_id)}
        entries = {**dataclasses.asdict(settings), **described, **describe_key(key)}
        return Run(_made(f"{settings.env_id}-{settings.algorithm}", path, parent, entries), settings)

    @staticmethod
    def record(
        env: Env[Any, Any],
        *,
        key: Key | None = None,
        path: str | os.PathLike[str] | None = None,
        parent: str | os.PathLike[str] = "runs",
        seed: int | None = None,
        env_id: str | None = None,
        join: bool = False,
    ) -> "Run":
        """Makes the folder of a run without a learner: a loop, a rollout, a script with an adapter.

        `run.json` describes the environment with every field and wrapper, the versions, the machine and the key.

        Args:
            env: the environment that is recorded, with all its wrappers.
            key: the root key, from which all others are derived.
            path: the folder to make; by default one in `parent`, named after the environment and the time.
            parent: the parent of such a folder.
            seed: the seed of the key, if there is one.
            env_id: the id of the environment; by default a registered one with its class and fields.
            join: whether to open `path` instead if it is the folder of a run of the same environment.

        Raises:
            InvalidField: `env` is not an environment, or `path` exists already, holds a run of another environment, or
                cannot be made.
        """
        check_is_env("Run.record", env)
        environment = describe_env(env, env_id)
        entries = {"environment": environment, "seed": seed, **describe_key(key)}
        if join and path is not None:
            if make_folder(Path(path), _manifest(entries)):
                return Run(Path(path), None)
            run = Run.open(path)
            if environment_digest(run.manifest()) != environment_digest(entries):
                raise InvalidField(
                    f"{path} is the run of another environment, or of one with other fields or wrappers. Name another"
                    " folder."
                )
            return run
        name = environment["id"] or type(unwrap(env)).__name__
        return Run(_made(f"{name}-recorded", path, parent, entries), None)

    @staticmethod
    def open(path: str | os.PathLike[str]) -> "Run":
        """Reads the folder of an earlier run.

        Raises:
            CheckpointError: it is not a run folder, or its `run.json` is damaged.
        """
        path = Path(path)
        manifest = read_manifest(path)
        return Run(path, settings_in(manifest, path / "run.json"))

    @property
    def settings(self) -> Settings:
        """The settings of the training.

        Raises:
            CheckpointError: the run was recorded without a learner.
        """
        if self.training is None:
            raise CheckpointError(
                f"{self.path} is a recorded run, without a learner and its settings. `jaxenvs.monitor.read_episodes`"
                " and `jaxenvs replay` show what it holds."
            )
        return self.training

    @property
    def episodes_path(self) -> Path:
        """The folder of the episodes' records, which `pandas.read_parquet` reads."""
        return self.path / "episodes"

    @property
    def videos_path(self) -> Path:
        """The folder of the videos."""
        return self.path / "videos"

    @property
    def checkpoint_path(self) -> Path:
        """The file of the training state."""
        return self.path / "checkpoint.msgpack"

    @property
    def progress_path(self) -> Path:
        """The file of the figures of each report."""
        return self.path / "progress.csv"

    @property
    def curve_path(self) -> Path:
        """The file of the learning curve."""
        return self.path / "learning_curve.png"

    @property
    def animation_path(self) -> Path:
        """The file of the animation of the trained agent."""
        return self.path / "agent.gif"

    @property
    def evaluation_path(self) -> Path:
        """The file of the final evaluation."""
        return self.path / "evaluation.json"

    def manifest(self) -> dict[str, Any]:
        """The content of `run.json`."""
        return read_manifest(self.path)

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keeps other processes and threads from training in the folder while the block runs; blocks may be nested.

        Raises:
            RunInUse: another one is training in it.
        """
        if is_writer():
            with exclusive(self.path):
                yield
        else:
            yield

    def note(self, **entries: Any) -> None:
        """Adds entries to `run.json`, replacing those of the same name.

        Raises:
            NotWritten: the folder cannot be written.
        """
        if is_writer():
            try:
                write_json(self.path / "run.json", {**self.manifest(), **entries})
            except OSError as error:
                raise NotWritten(
                    f"{self.path} cannot be written: {error.strerror}. Free some space, or make the folder writable."
                ) from error

    def mark(self, status: Status) -> None:
        """Records the status of the run, and when it ended if it did."""
        self.note(status=status, ended=None if status == "running" else now())

    def save(self, state: Any, progress: Mapping[str, int]) -> None:
        """Saves the training state in the checkpoint file; see `save_checkpoint`."""
        if is_writer():
            save_checkpoint(self.checkpoint_path, state, progress)

    def save_elsewhere(self, state: Any, progress: Mapping[str, int]) -> Path:
        """Writes a checkpoint to a new temporary folder; returns its path."""
        path = Path(tempfile.mkdtemp(prefix="jaxenvs-")) / self.checkpoint_path.name
        if is_writer():
            save_checkpoint(path, state, progress)
        return path

    def load(self, template: Tree) -> tuple[Tree, dict[str, int]]:
        """Loads the training state from the checkpoint file; see `load_checkpoint`."""
        return load_checkpoint(self.checkpoint_path, template)

    def append_progress(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Adds rows to `progress.csv`, all with the columns of the first; integers are written in full."""
        if rows and is_writer():
            text = csv_text(rows, header=not self.progress_path.exists())
            append_bytes(self.progress_path, text.encode())

    def read_progress(self) -> list[dict[str, float]]:
        """The rows of `progress.csv`, without a last row that was cut off while writing."""
        if not self.progress_path.exists():
            return []
        try:
            return csv_rows(self.progress_path.read_text(encoding="utf-8"))
        except (TypeError, ValueError) as error:
            raise CheckpointError(
                f"{self.progress_path} is damaged: {error}. Restore it from a copy, or train again."
            ) from error

    def rewind_progress(self, updates: int) -> None:
        """Drops the rows of reports after `updates`, which a resumed run writes again."""
        rows = [row for row in self.read_progress() if row["update"] <= updates]
        if not is_writer():
            return
        if rows:
            write_bytes(self.progress_path, csv_text(rows, header=True).encode())
        else:
            self.progress_path.unlink(missing_ok=True)


def _made(
    name: str, path: str | os.PathLike[str] | None, parent: str | os.PathLike[str], entries: Mapping[str, Any]
) -> Path:
    """Makes a run folder at `path`, or one in `parent` named after `name` and the time; returns its path."""
    stamped = f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}-{datetime.datetime.now().strftime('%Y%m%d-%H%M%S')}"
    first = Path(parent) / stamped if path is None else Path(path)
    if not is_writer():
        return first
    more = [Path(parent) / f"{stamped}-{n}" for n in range(2, 1000)] if path is None else []
    for candidate in (first, *more):
        if make_folder(candidate, _manifest(entries)):
            return candidate
    raise InvalidField(f"{(first, *more)[-1]} exists already; name another folder, or remove it first.")


def _manifest(entries: Mapping[str, Any]) -> dict[str, Any]:
    first = {"format": FORMAT, "format_version": FORMAT_VERSION, "status": "running", "started": now(), "ended": None}
    return {**first, **entries, **describe_machine()}
