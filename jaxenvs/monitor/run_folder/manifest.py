"""run.json: the manifest of a run folder, written and read. This module does not use JAX."""

import datetime
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxenvs.errors import CheckpointError, InvalidField
from jaxenvs.monitor.atomic import write_json

FORMAT = "jaxenvs run"
FORMAT_VERSION = 1
_MAX_JSON_BYTES = 2**20
NO_RUN = "Point to a folder that `jaxenvs train` or `jaxenvs.monitor.Run.record` made."

_IDENTITY = "environment", "env_id", "fields", "max_episode_steps", "preprocessed"
"""The entries of a manifest that say which environment the run is of."""


def now() -> str:
    """The time in UTC, to the second, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def make_folder(path: Path, manifest: Mapping[str, Any]) -> bool:
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


def read_manifest(path: Path) -> dict[str, Any]:
    """The content of the `run.json` in a folder.

    Raises:
        CheckpointError: there is none, or jaxenvs did not write it.
    """
    file = path / "run.json"
    try:
        if file.stat().st_size > _MAX_JSON_BYTES:
            raise CheckpointError(f"{file} is larger than any that jaxenvs writes. {NO_RUN}")
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        what = "is not a run folder: it holds no run.json" if path.is_dir() else "does not exist"
        raise CheckpointError(f"{path} {what}. {NO_RUN}") from error
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read: {error.strerror}. {NO_RUN}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is not JSON: {error}. Restore it from a copy, or train again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CheckpointError(f"{file} was not written by jaxenvs. {NO_RUN}")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(
            f"{file} has format version {manifest.get('format_version')!r}, this jaxenvs reads {FORMAT_VERSION}."
            " Use the version of jaxenvs that it names, or train again."
        )
    return manifest


def environment_id(manifest: Mapping[str, Any]) -> str | None:
    """The id of the environment that a manifest describes; None if it has none."""
    described = manifest.get("environment")
    return manifest.get("env_id") or (described.get("id") if isinstance(described, dict) else None)


def environment_name(manifest: Mapping[str, Any]) -> str:
    """The id of the environment that a manifest describes, or the path of its class."""
    return environment_id(manifest) or (manifest.get("environment") or {}).get("class") or "(unknown)"


def environment_digest(manifest: Mapping[str, Any]) -> str:
    """The digest of the environment that a manifest describes, 64 hexadecimal digits.

    It is equal for two runs if, and only if, their environments have the same id, fields and wrappers.
    """
    described = {name: manifest[name] for name in _IDENTITY if name in manifest}
    if "environment" in described:
        described = {"environment": described["environment"]}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
