"""Run: the folder that a training run leaves behind.

run.json            what was trained, with which settings, seed and versions; when; how it ended
progress.csv        one row per report and seed
checkpoint.msgpack  the whole training state, see `checkpoint.py`
evaluation.json     returns over fresh episodes
learning_curve.png
agent.gif
"""

import contextlib
import csv
import dataclasses
import datetime
import io
import json
import os
import platform
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import flax
import jax
from jaxlib.version import __version__ as jaxlib_version

from jaxenvs.errors import CheckpointError, InvalidField, NotWritten
from jaxenvs.monitor.atomic import write_bytes, write_json
from jaxenvs.monitor.checkpoint import load_checkpoint, save_checkpoint
from jaxenvs.monitor.lock import exclusive
from jaxenvs.monitor.processes import is_writer

Tree = TypeVar("Tree")
Status = Literal["running", "finished", "interrupted", "failed"]

FORMAT = "jaxenvs run"
FORMAT_VERSION = 1
_MAX_JSON_BYTES = 2**20


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings from which a run can be rebuilt. Everything in it is JSON.

    Attributes:
        env_id: the registered id.
        fields: the environment's fields that were set, by name.
        max_episode_steps: the time limit that replaces the registered one, -1 for none; None to keep it.
        algorithm: the learner's name, such as `"ppo"`.
        hyper_parameters: all of the learner's settings, by name.
        seed: the seed of the random keys.
        num_seeds: number of agents trained at once.
        module: the module that registers the id, imported before it is looked up; None if no import is needed.
        preprocessed: whether the environment is the one that the id's spec names for training.
    """

    env_id: str
    fields: dict[str, Any]
    max_episode_steps: int | None
    algorithm: str
    hyper_parameters: dict[str, Any]
    seed: int
    num_seeds: int = 1
    module: str | None = None
    preprocessed: bool = False


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder. `Run.create` makes one, and `Run.open` opens an existing one.

    If several processes train together (`jax.distributed`), each has its `Run`, and only the first writes.

    Attributes:
        path: the folder.
        settings: the settings of the run.
    """

    path: Path
    settings: Settings

    @staticmethod
    def create(
        settings: Settings, path: str | os.PathLike[str] | None = None, *, parent: str | os.PathLike[str] = "runs"
    ) -> "Run":
        """Makes the folder with its `run.json`, in one step; it never overwrites anything.

        Args:
            settings: the settings of the run.
            path: the folder to make; by default one in `parent`, named after id, algorithm and time.
            parent: the parent of such a folder.

        Raises:
            InvalidField: `path` exists already, or no folder can be made there.
        """
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        name = f"{re.sub(r'[^A-Za-z0-9._-]', '_', settings.env_id)}-{settings.algorithm}-{stamp}"
        parent = Path(parent)
        first = parent / name if path is None else Path(path)
        if not is_writer():
            return Run(first, settings)
        candidates = [first] if path is not None else [first, *(parent / f"{name}-{n}" for n in range(2, 1000))]
        for candidate in candidates:
            if _make_folder(candidate, _manifest(settings)):
                return Run(candidate, settings)
        raise InvalidField(f"{candidates[-1]} exists already; name another folder, or remove it first.")

    @staticmethod
    def open(path: str | os.PathLike[str]) -> "Run":
        """Reads the folder of an earlier run.

        Raises:
            CheckpointError: it is not a run folder, or its `run.json` is damaged.
        """
        path = Path(path)
        manifest = _read_manifest(path)
        names = {field.name for field in dataclasses.fields(Settings)}
        try:
            settings = Settings(**{name: value for name, value in manifest.items() if name in names})
        except TypeError as error:
            raise CheckpointError(f"{path / 'run.json'} lacks settings: {error}. {_NO_RUN}") from error
        if not all(isinstance(v, dict) for v in (settings.fields, settings.hyper_parameters)) or not (
            isinstance(settings.env_id, str)
            and isinstance(settings.seed, int)
            and isinstance(settings.num_seeds, int)
            and isinstance(settings.module, str | None)
            and isinstance(settings.preprocessed, bool)
        ):
            raise CheckpointError(f"{path / 'run.json'} holds a setting of the wrong kind. {_NO_RUN}")
        return Run(path, settings)

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
        return _read_manifest(self.path)

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
        self.note(status=status, ended=None if status == "running" else _now())

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
            text = _csv(rows, header=not self.progress_path.exists())
            with self.progress_path.open("a", encoding="utf-8", newline="") as file:
                file.write(text)

    def read_progress(self) -> list[dict[str, float]]:
        """The rows of `progress.csv`, without a last row that was cut off while writing."""
        if not self.progress_path.exists():
            return []
        text = self.progress_path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        try:
            return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(whole))]
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
            write_bytes(self.progress_path, _csv(rows, header=True).encode())
        else:
            self.progress_path.unlink(missing_ok=True)


_NO_RUN = "Point to a folder that `jaxenvs train` made."


def _csv(rows: Sequence[Mapping[str, float]], *, header: bool) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows({name: _as_text(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _as_text(value: float) -> str:
    """Formats integers in full (a float cannot hold all of them beyond 2**53), and other numbers to seven digits."""
    is_whole = isinstance(value, int) or (value.is_integer() and abs(value) <= 2**53)
    return str(int(value)) if is_whole else f"{value:.7g}"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _manifest(settings: Settings) -> dict[str, Any]:
    from jaxenvs import __version__

    device = jax.devices()[0]
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "status": "running",
        "started": _now(),
        "ended": None,
        **dataclasses.asdict(settings),
        "key_implementation": "jaxenvs",
        "backend": jax.default_backend(),
        "device": f"{jax.device_count()} x {device.device_kind}",
        "versions": {
            "jaxenvs": __version__,
            "jax": jax.__version__,
            "jaxlib": jaxlib_version,
            "flax": flax.__version__,
            "python": platform.python_version(),
        },
        "platform": platform.platform(),
    }


def _make_folder(path: Path, manifest: Mapping[str, Any]) -> bool:
    """Makes `path` with `run.json` in it, or returns False if `path` exists already."""
    if path.exists():
        return False
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(parents=True)
        write_json(temporary / "run.json", manifest)
        os.rename(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if path.exists():
            return False
        raise InvalidField(f"No run folder can be made at {path}: {error.strerror}. Name another one.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / "run.json"
    try:
        if file.stat().st_size > _MAX_JSON_BYTES:
            raise CheckpointError(f"{file} is larger than any that jaxenvs writes. {_NO_RUN}")
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        what = "is not a run folder: it holds no run.json" if path.is_dir() else "does not exist"
        raise CheckpointError(f"{path} {what}. {_NO_RUN}") from error
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read: {error.strerror}. {_NO_RUN}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is not JSON: {error}. Restore it from a copy, or train again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CheckpointError(f"{file} was not written by jaxenvs. {_NO_RUN}")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(
            f"{file} has format version {manifest.get('format_version')!r}, this jaxenvs reads {FORMAT_VERSION}."
            " Use the version of jaxenvs that it names, or train again."
        )
    return manifest
