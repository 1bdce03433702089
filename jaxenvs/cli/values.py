"""`name=value` on the command line, read by the type of the field that it sets."""

import contextlib
import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax
import numpy as np

from jaxenvs.core.errors import InvalidField, did_you_mean

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def read_assignments(owner: str, cls: type, assignments: Sequence[str]) -> dict[str, Any]:
    """Reads `name=value` texts.

    Args:
        owner: whose fields these are, for messages.
        cls: the dataclass that has the fields.
        assignments: what was typed.

    Returns:
        Values by name, as JSON can hold them; `build_values` makes fields of them.

    Raises:
        InvalidField: no `name=value`, no such field, or a value that is not of its type.
    """
    kinds = field_kinds(cls)
    values: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise InvalidField(f"`{text}` sets nothing; write name=value, such as {next(iter(kinds), 'name')}=1.")
        if name not in kinds:
            raise InvalidField(
                f"{owner} has no field `{name}`.{did_you_mean(name, kinds)}"
                f" Its fields are: {', '.join(kinds) or 'none'}."
            )
        values[name] = _read(owner, name, value.strip(), *kinds[name])
    return values


def build_values(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values from what `read_assignments` returned, or from its JSON."""
    kinds = field_kinds(cls)
    return {name: _build(value, kinds[name][0]) if name in kinds else value for name, value in values.items()}


def jsonable(value: Any) -> Any:
    """A field's value as JSON can hold it, or its `repr` where it cannot."""
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if isinstance(value, bool | int | float | str) or value is None else repr(value)


def field_kinds(cls: type) -> dict[str, tuple[Any, Any]]:
    """Type annotation and default of every field that a caller may set."""
    hints = typing.get_type_hints(cls)
    return {
        field.name: (hints[field.name], field.default)
        for field in dataclasses.fields(cls)
        if field.init and not field.name.startswith("_")
    }


def _options(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the hint alone."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _is_array(options: tuple[Any, ...]) -> bool:
    return jax.Array in options or np.ndarray in options


def _read(owner: str, name: str, text: str, hint: Any, default: Any) -> Any:
    options = _options(hint)
    choices = [
        choice for option in options if typing.get_origin(option) is Literal for choice in typing.get_args(option)
    ]
    number = type(default) if type(default) in (int, float) else float
    if type(None) in options and text.lower() in ("none", "null"):
        return None
    if choices:
        for choice in choices:
            if text == str(choice):
                return choice
        raise InvalidField(f"{owner}: `{name}` must be one of {', '.join(map(str, choices))}; got `{text}`.")
    try:
        if bool in options and not _is_array(options):
            return _read_bool(text)
        if _is_array(options):
            return _read_numbers(text, float if number is float else int)
        if any(typing.get_origin(option) is tuple or option is tuple for option in options):
            return _read_list(text)
        if float in options:
            return float(text)
        if int in options:
            return _read_int(text)
    except ValueError as error:
        raise InvalidField(f"{owner}: `{name}` cannot be set to `{text}`: {error}.") from error
    if str in options or isinstance(default, str):
        return text
    raise InvalidField(f"{owner}: `{name}` cannot be set from the command line; set it from Python.")


def _read_bool(text: str) -> bool:
    if text.lower() in _TRUE or text.lower() in _FALSE:
        return text.lower() in _TRUE
    raise ValueError("it is true or false")


def _read_int(text: str) -> int:
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        value = float(text)  # 1e6 is a handy way to write a million
        if value.is_integer():
            return int(value)
    raise ValueError("it is a whole number")


def _read_numbers(text: str, kind: type) -> Any:
    if text.startswith("["):
        return json.loads(text)
    try:
        return _read_int(text) if kind is int else float(text)
    except ValueError:
        raise ValueError("it is a number, or a list of numbers such as [1, 2]") from None


def _read_list(text: str) -> list[Any]:
    if text.startswith("["):
        return json.loads(text)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return [_read_int(part) for part in parts]
    except ValueError:
        return list(parts)


def _build(value: Any, hint: Any) -> Any:
    options = _options(hint)
    if isinstance(value, str) and (_is_array(options) or float in options):
        try:
            return float(value)  # JSON has no number for infinity
        except ValueError as error:
            raise InvalidField(f"`{value}` is no number.") from error
    if not isinstance(value, list):
        return value
    if _is_array(options):
        return np.asarray(value, np.float32)
    return _as_tuple(value)


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value
