"""The values of an environment's fields as JSON, and back, exactly."""

import dataclasses
import hashlib
import importlib
import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxenvs.core.trees import is_key
from jaxenvs.errors import CheckpointError
from jaxenvs.monitor.run_folder.key_words import implementation_of, key_from_words, key_words

_MOST_ENTRIES = 4096
"""Larger arrays are described by their digest: run.json is for people as well."""
_MOST_TEXT = 200


class NotRebuildable(CheckpointError):
    """A value that a manifest names but does not hold, such as a function."""


def path_of(cls: Any) -> str:
    """`module:Class`, which `class_at` finds again."""
    return f"{cls.__module__}:{cls.__qualname__}"


def class_at(path: str) -> Any:
    """The class or function that `path_of` describes.

    Raises:
        NotRebuildable: there is none, or it was defined inside a function.
    """
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise NotRebuildable(f"`{path}` cannot be imported: {error}") from error
    return found


def to_json(value: Any) -> Any:
    """A value as JSON. Values that have no form in JSON become objects that say what they are."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"class": path_of(type(value)), "items": [to_json(item) for item in value]}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, list):
        return {"list": [to_json(item) for item in value]}
    if isinstance(value, Mapping):
        return {"mapping": [[to_json(key), to_json(item)] for key, item in value.items()]}
    if is_key(value):
        return {"key": key_words(value), "implementation": implementation_of(value)}
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return _array_to_json(np.asarray(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
        return {"class": path_of(type(value)), "fields": {name: to_json(item) for name, item in fields.items()}}
    if callable(value) and hasattr(value, "__qualname__"):
        return {"function": path_of(value)}
    return {"unknown": repr(value)[:_MOST_TEXT]}


def _array_to_json(array: np.ndarray) -> dict[str, Any]:
    described = {"dtype": str(array.dtype), "shape": list(array.shape)}
    if array.size > _MOST_ENTRIES or array.dtype.kind not in "biuf":
        return {"digest": hashlib.sha256(array.tobytes()).hexdigest(), **described}
    entries = array.ravel().tolist()
    if array.dtype.kind == "f":
        entries = [entry if math.isfinite(entry) else repr(entry) for entry in entries]
    return {"array": entries, **described}


def from_json(value: Any) -> Any:
    """The value of which `to_json` made this; arrays as NumPy arrays.

    Raises:
        NotRebuildable: JSON does not hold it, such as a function.
    """
    if isinstance(value, list):
        return tuple(map(from_json, value))
    if not isinstance(value, dict):
        return value
    try:
        match value:
            case {"float": text}:
                return float(text)
            case {"list": items}:
                return list(map(from_json, items))
            case {"mapping": pairs}:
                return {from_json(key): from_json(item) for key, item in pairs}
            case {"key": words, "implementation": name}:
                return key_from_words(words, name)
            case {"array": entries, "dtype": dtype, "shape": shape}:
                numbers = list(map(float, entries)) if np.dtype(dtype).kind == "f" else entries
                return np.array(numbers, dtype).reshape(shape)
            case {"class": path, "items": items}:
                return class_at(path)(*map(from_json, items))
            case {"class": path, "fields": fields}:
                return build(path, fields)
    except (TypeError, ValueError) as error:
        if isinstance(error, NotRebuildable):
            raise
        raise NotRebuildable(f"{value} cannot be read: {error}") from error
    kind, what = next(iter(value.items()))
    raise NotRebuildable(f"the {'large array' if kind == 'digest' else kind} `{what}` is not in it")


def build(path: str, fields: Mapping[str, Any], **more: Any) -> Any:
    """An instance of a dataclass. Large arrays, of which JSON holds the digest, must be those of the class.

    Args:
        path: the class, as `path_of` describes it.
        fields: its fields, as `to_json` made them.
        more: further fields as they are.

    Raises:
        NotRebuildable: there is no such class, or a field is not in the manifest.
    """
    cls = class_at(path)
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise NotRebuildable(f"`{path}` is not a dataclass")
    known = {field.name: field for field in dataclasses.fields(cls) if field.init}
    values = {}
    for name, value in fields.items():
        if name not in known:
            raise NotRebuildable(f"{cls.__name__} of this version has no field `{name}`")
        try:
            values[name] = from_json(value)
        except NotRebuildable as error:
            default = _default(known[name]) if "digest" in value else None
            if default is None or to_json(default) != value:
                raise NotRebuildable(f"{cls.__name__}: field `{name}`: {error}") from error
            values[name] = default
    return cls(**values, **more)


def _default(field: dataclasses.Field[Any]) -> Any:
    """The default of a field; None if it has none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default
