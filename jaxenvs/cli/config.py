"""Config files: the settings of a training in TOML or JSON, with the names used in `run.json`."""

import json
import tomllib
from pathlib import Path
from typing import Any

from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.monitor.run_folder.manifest import FORMAT
from jaxenvs.monitor.run_folder.settings import KINDS, is_of_kind

_WORDS = {str: "a string", int: "an integer", bool: "true or false", dict: "entries by name", list: "a list"}


def read_config(path: Path) -> dict[str, Any]:
    """The entries of a config file, by the names of `Settings`; missing ones get their defaults.

    The `run.json` of an earlier run is a config file as well; its other entries are ignored.

    Raises:
        InvalidField: there is no such file, it is neither TOML nor JSON, or it has an unknown entry.
    """
    try:
        text = path.read_text(encoding="utf-8")
        entries = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise InvalidField(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise InvalidField(f"{path} is not {kind}: {error}. A config file is named .toml or .json.") from error
    if not isinstance(entries, dict):
        what = _WORDS.get(type(entries), "a single value")
        raise InvalidField(f"{path} holds {what}; a config file holds entries by name.")
    is_run = entries.get("format") == FORMAT
    for name, value in entries.items():
        if name not in KINDS:
            if is_run:
                continue
            raise InvalidField(
                f"{path}: there is no entry `{name}`.{did_you_mean(name, KINDS)} The entries are: {', '.join(KINDS)}."
            )
        if not is_of_kind(name, value):
            raise InvalidField(f"{path}: `{name}` must be {_WORDS[KINDS[name][0]]}, got {value!r}.")
    if entries.get("num_seeds", 1) < 1:
        raise InvalidField(f"{path}: `num_seeds` must be at least 1, got {entries['num_seeds']}.")
    return {name: value for name, value in entries.items() if name in KINDS}
