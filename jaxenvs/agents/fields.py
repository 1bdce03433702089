"""Conversion of fields of environments and learners to and from JSON."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxenvs.errors import InvalidField


def build_values(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values from what `Settings` or JSON made of them."""
    kinds = field_kinds(cls)
    return {name: _build(name, value, kinds[name][0]) if name in kinds else value for name, value in values.items()}


def field_kinds(cls: type) -> dict[str, tuple[Any, Any]]:
    """Type annotation and default of every field that a caller may set."""
    hints = typing.get_type_hints(cls)
    return {
        field.name: (hints[field.name], field.default)
        for field in dataclasses.fields(cls)
        if field.init and not field.name.startswith("_")
    }


def options_of(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the hint alone."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def is_array(options: tuple[Any, ...]) -> bool:
    """Whether arrays are among the members of a union."""
    return jax.Array in options or np.ndarray in options


def _build(name: str, value: Any, hint: Any) -> Any:
    options = options_of(hint)
    if isinstance(value, str) and (is_array(options) or float in options):
        try:
            return float(value)  # JSON has no number for infinity
        except ValueError as error:
            raise InvalidField(f"`{name}` cannot be `{value}`: that is not a number.") from error
    if not isinstance(value, list):
        return value
    if is_array(options):
        try:
            return np.asarray(value, np.float32)
        except (TypeError, ValueError) as error:
            raise InvalidField(f"`{name}` cannot be {value}: that is not an array of numbers.") from error
    return _as_tuple(value)


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value
