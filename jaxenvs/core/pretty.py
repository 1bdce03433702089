"""How `print`, IPython and notebooks show nodes: over several lines if they are long, large arrays by shape and dtype.

`repr` stays on one line, with every number.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.trees import is_key

_SHOWN = 16
"""An array of more elements is shown by its shape and dtype, and so are random keys."""
_WIDTH = 79
"""The longest line of `print`."""
_INDENT = 4
_UNIONS = (typing.get_origin(ArrayLike), types.UnionType)


def show_in_lines(cls: type[Any]) -> None:
    """Lets `print` and IPython show the objects of a dataclass in this way, unless it has a `__repr__` of its own.

    IPython looks for either method in each class before it looks in the class's bases.
    """
    if _is_shown(cls):
        cls._repr_pretty_ = _show
    if "__str__" not in cls.__dict__:
        setattr(cls, "__str__", _text if _is_shown(cls) else object.__str__)  # noqa: B010  # pyright wants it bound


def _is_shown(cls: type[Any]) -> bool:
    """Whether a class has the `__repr__` of dataclasses, and not one of its own."""
    return hasattr(cls.__dict__.get("__repr__"), "__wrapped__")


class _Named:
    """An annotation that `help` shows by a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def shorten_signature(cls: type[Any]) -> None:
    """Lets `help` show `ArrayLike` in the constructor of a dataclass, rather than the types that it stands for."""
    hints = cls.__init__.__annotations__
    numbers = set(typing.get_args(ArrayLike))
    for name, hint in hints.items():
        parts = typing.get_args(hint) if typing.get_origin(hint) in _UNIONS else ()
        if numbers <= set(parts):
            rest = [getattr(part, "__name__", str(part)) for part in parts if part not in numbers]
            hints[name] = _Named(" | ".join(["ArrayLike", *rest]).replace("NoneType", "None"))
        elif hint is Array:
            hints[name] = _Named("Array")


def _text(node: Any) -> str:
    return _lines(node, _WIDTH, 0, 0)


def _show(node: Any, printer: Any, cycle: bool) -> None:
    """What IPython calls, with its `IPython.lib.pretty.RepresentationPrinter`. A node is in no cycle."""
    del cycle
    for number, line in enumerate(_lines(node, printer.max_width - printer.indentation, 0, 0).split("\n")):
        if number:
            printer.break_()
        printer.text(line)


def _lines(value: Any, width: int, indent: int, column: int) -> str:
    """A value as text, on one line if it fits.

    Args:
        value: what to show.
        width: the longest line.
        indent: how far further lines are indented.
        column: where the first line begins.
    """
    flat = _flat(value)
    parts = _parts(value)
    if parts is None:
        return flat.replace("\n", "\n" + " " * column)
    if "\n" not in flat and column + len(flat) < width:  # what follows is a comma or a bracket
        return flat
    begin, entries, end = parts
    inner = indent + _INDENT
    shown = (f"{label}{_lines(entry, width, inner, inner + len(label))}" for label, entry in entries)
    margin = "\n" + " " * inner
    return f"{begin}{margin}{f',{margin}'.join(shown)}{end}" if entries else f"{begin}{end}"


def _flat(value: Any) -> str:
    """A value on one line, but for arrays of several rows."""
    parts = _parts(value)
    if parts is not None:
        begin, entries, end = parts
        return f"{begin}{', '.join(f'{label}{_flat(entry)}' for label, entry in entries)}{end}"
    if isinstance(value, Array | np.ndarray) and (value.size > _SHOWN or is_key(value)):
        return f"{value.dtype}{list(value.shape)}"
    return repr(value)


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str] | None:
    """The beginning, the labelled entries and the end of what has entries; None for anything else."""
    if _is_shown(type(value)) and getattr(type(value), "_repr_pretty_", None) is _show:
        entries = [(f"{field.name}=", getattr(value, field.name)) for field in dataclasses.fields(value) if field.repr]
        return f"{type(value).__name__}(", entries, ")"
    if isinstance(value, Mapping):
        return "{", [(f"{key!r}: ", entry) for key, entry in value.items()], "}"
    if type(value) is tuple or type(value) is list:
        brackets = "()" if type(value) is tuple else "[]"
        return (
            brackets[0],
            [("", entry) for entry in value],
            "," * (type(value) is tuple and len(value) == 1) + brackets[1],
        )
    return None
