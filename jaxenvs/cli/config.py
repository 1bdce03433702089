"""Config files: the settings of a training in TOML or JSON, with the names used in `run.json`."""

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.monitor.run_folder.run import FORMAT, Settings

_KINDS: dict[str, tuple[type, ...]] = {
    "env_id": (str,),
    "module": (str, type(None)),
    "algorithm": (str,),
    "hyper_parameters": (dict,),
    "fields": (dict,),
    "max_episode_steps": (int, type(None)),
    "seed": (int,),
    "num_seeds": (int,),
    "preprocessed": (bool,),
}
_WORDS = {str: "a string", int: "an integer", bool: "true or false", dict: "entries by name", list: "a list"}
assert _KINDS.keys() == {field.name for field in dataclasses.fields(Settings)}


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
        if name not in _KINDS:
            if is_run:
                continue
            raise InvalidField(
                f"{path}: there is no entry `{name}`.{did_you_mean(name, _KINDS)} The entries are: {', '.join(_KINDS)}."
            )
        if not isinstance(value, _KINDS[name]) or (isinstance(value, bool) and bool not in _KINDS[name]):
            raise InvalidField(f"{path}: `{name}` must be {_WORDS[_KINDS[name][0]]}, got {value!r}.")
    if entries.get("num_seeds", 1) < 1:
        raise InvalidField(f"{path}: `num_seeds` must be at least 1, got {entries['num_seeds']}.")
    return {name: value for name, value in entries.items() if name in _KINDS}
