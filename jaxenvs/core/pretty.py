"""How IPython and notebooks show nodes: over several lines if they are long, and large arrays by shape and dtype.

`repr` stays on one line, with every number.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jax import Array

_SHOWN = 16
"""An array of more elements is shown by its shape and dtype."""


def show_in_ipython(cls: type[Any]) -> None:
    """Lets IPython show the objects of a dataclass in this way, unless the class has a `__repr__` of its own.

    IPython looks for either method in each class before it looks in the class's bases.
    """
    if hasattr(cls.__dict__.get("__repr__"), "__wrapped__"):  # that of dataclasses
        cls._repr_pretty_ = _show


def _show(node: Any, printer: Any, cycle: bool) -> None:
    """What IPython calls, with its `IPython.lib.pretty.RepresentationPrinter`. A node is in no cycle."""
    del cycle
    fields = [(f"{field.name}=", getattr(node, field.name)) for field in dataclasses.fields(node) if field.repr]
    _show_parts(f"{type(node).__name__}(", fields, ")", printer)


def _show_parts(begin: str, parts: Iterable[tuple[str, Any]], end: str, printer: Any) -> None:
    with printer.group(4, begin, end):
        for number, (label, value) in enumerate(parts):
            if number:
                printer.text(",")
                printer.breakable()
            else:
                printer.breakable("")
            printer.text(label)
            _show_value(value, printer)


def _show_value(value: Any, printer: Any) -> None:
    if isinstance(value, Array | np.ndarray) and value.size > _SHOWN:
        printer.text(f"{value.dtype}{list(value.shape)}")
    elif isinstance(value, Mapping):
        _show_parts("{", [(f"{key!r}: ", entry) for key, entry in value.items()], "}", printer)
    elif type(value) is tuple or type(value) is list:
        begin, end = ("(", ")") if type(value) is tuple else ("[", "]")
        _show_parts(begin, [("", entry) for entry in value], end, printer)
    else:
        printer.pretty(value)
