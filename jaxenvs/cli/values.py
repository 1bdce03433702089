"""`name=value` on the command line, parsed by the type of the field that it sets."""

import contextlib
import json
import typing
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import typer

from jaxenvs.agents.fields import build_values as build_values
from jaxenvs.agents.fields import field_kinds, is_array, options_of
from jaxenvs.errors import InvalidField
from jaxenvs.training.settings import nearest_setting

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def read_count(text: str) -> int:
    """A positive whole number as people type it: 100000, 100_000 or 1e5; for options of the command line."""
    with contextlib.suppress(ValueError):
        if (count := _read_int(text)) >= 1:
            return count
    raise typer.BadParameter(f"{text!r} is not a whole number of at least 1, such as 100000, 100_000 or 1e5.")


def read_assignments(owner: str, cls: type, assignments: Sequence[str]) -> dict[str, Any]:
    """Reads `name=value` texts.

    Args:
        owner: the owner of the fields, for error messages.
        cls: the dataclass that has the fields.
        assignments: the texts that were typed.

    Returns:
        JSON values by name; `build_values` turns them into fields.

    Raises:
        InvalidField: not of the form `name=value`, no such field, or a value of the wrong type.
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
                f"{owner} has no field `{name}`.{nearest_setting(name, kinds)}"
                f" Its fields are: {', '.join(kinds) or 'none'}."
            )
        values[name] = _read(owner, name, value.strip(), *kinds[name])
    return values


def _read(owner: str, name: str, text: str, hint: Any, default: Any) -> Any:
    options = options_of(hint)
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
        if bool in options and not is_array(options):
            return _read_bool(text)
        if is_array(options):
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
    raise ValueError("it must be true or false")


def _read_int(text: str) -> int:
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        value = float(text)  # 1e6 is a convenient way to write a million
        if value.is_integer():
            return int(value)
    raise ValueError("it must be a whole number")


def _read_numbers(text: str, kind: type) -> Any:
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        if text.startswith("["):
            value = json.loads(text)
            if np.asarray(value).dtype.kind in "iuf":  # neither ragged nor of anything but numbers
                return value
            raise ValueError
        return _read_int(text) if kind is int else float(text)
    raise ValueError("it must be a number, or a list of numbers such as [1, 2]")


def _read_list(text: str) -> list[Any]:
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("it must be a list, such as [1, 2] or 1,2") from None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return [_read_int(part) for part in parts]
    except ValueError:
        return list(parts)
