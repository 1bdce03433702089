"""Checks of the fields of environments, wrappers and learners against their annotations."""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import numpy as np
from jax.typing import ArrayLike

from jaxenvs.core.checks import INT32_MAX, has_nan, is_integer, is_real, unquoted
from jaxenvs.core.pytree import PyTreeNode, adopt_numbers, is_static
from jaxenvs.core.trees import is_key
from jaxenvs.errors import InvalidField, did_you_mean

Kind: TypeAlias = Literal["number", "numbers", "integer", "flag", "string", "any"]

_NUMBERS = {*typing.get_args(ArrayLike), jax.Array, np.ndarray, float, int, bool}
_PLAIN: dict[Any, Kind] = {int: "integer", bool: "flag", str: "string"}
_WANTED: dict[Kind, str] = {
    "number": "a number",
    "numbers": "a number or several",
    "integer": "a Python integer",
    "flag": "True or False",
    "string": "a string",
}
_UNTRACEABLE = (
    str,
    bytes,
    set,
    frozenset,
    range,
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    functools.partial,
)


_UNIONS = (typing.get_origin(ArrayLike), types.UnionType)


class Field(NamedTuple):
    """What is known about a field.

    Attributes:
        name: name of the field.
        kind: what it holds; "any" if the annotation does not say, or says more than is checked here.
        is_static: whether it is part of the program.
        optional: whether it may be None.
        default: the default value; `dataclasses.MISSING` if there is none, or a factory makes it.
        required: whether a value must be given.
        nodes: the classes of its value, if the annotation allows only nodes of a tree.
        size: how many numbers it holds, if the annotation is a tuple of that many; else None.
    """

    name: str
    kind: Kind
    is_static: bool
    optional: bool
    default: Any
    required: bool
    nodes: tuple[type[Any], ...]
    size: int | None


@functools.cache
def fields_of(cls: type[Any]) -> tuple[Field, ...]:
    """The fields of a dataclass, in order."""
    hints = _hints(cls)
    return tuple(_field(field, hints.get(field.name, Any)) for field in dataclasses.fields(cls))


def _hints(cls: type[Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except Exception:  # noqa: BLE001  # a name in a quoted annotation that only a type checker can find
        return {field.name: field.type for field in dataclasses.fields(cls)}


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    is_union = typing.get_origin(hint) in _UNIONS
    parts = set(typing.get_args(hint)) if is_union else {hint}
    optional = type(None) in parts or field.default is None
    parts -= {type(None)}
    several = {part for part in parts if typing.get_origin(part) in (tuple, list, Sequence)}
    kind: Kind = "any"
    if is_static(field):
        kind = _PLAIN.get(next(iter(parts)), "any") if len(parts) == 1 else "any"
    elif parts and parts <= _NUMBERS:
        kind = "number"
    elif several and all({*typing.get_args(part)} - {...} <= {ArrayLike, float, int, jax.Array} for part in several):
        kind = "numbers" if parts - several <= _NUMBERS else "any"
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    nodes = tuple(typing.get_origin(part) or part for part in parts)
    if is_static(field) or not all(isinstance(part, type) and issubclass(part, PyTreeNode) for part in nodes):
        nodes = ()
    sizes = {len(typing.get_args(part)) for part in several if ... not in typing.get_args(part)}
    is_tuple = kind == "numbers" and {typing.get_origin(part) for part in parts} == {tuple}
    size = sizes.pop() if is_tuple and len(sizes) == 1 else None
    return Field(field.name, kind, is_static(field), optional, field.default, required, nodes, size)


def check_leaves(node: Any) -> None:
    """Raises `InvalidField` if a data field holds something else: a string, None, a list, a function, NaN.

    It refuses only what is wrong for any values: tracers, batches and placeholders pass. So do trees of axis
    numbers (`is_axes`).
    """
    for field in fields_of(type(node)):
        if field.is_static:
            continue
        value = getattr(node, field.name)
        if value is None and not field.optional:
            if is_axes(node):
                return
            raise InvalidField(f"{_what(node, field)} must be {_wanted(field)}, got None.{_default(field)}")
        if field.nodes and isinstance(value, (*_UNTRACEABLE, list, tuple, dict)):
            names = " or ".join(kind.__name__ for kind in field.nodes)
            raise InvalidField(f"{_what(node, field)} must be of the class {names}, got {_of_type(value)}.")
        if field.kind == "any":
            _check_traceable(node, field, value)
        elif value is not None:
            _check_number(node, field, value)
            _check_count(node, field, value)


def _check_count(node: Any, field: Field, value: Any) -> None:
    """Raises `InvalidField` if a field that holds a certain count of numbers holds more, fewer, or None among them."""
    if field.size is None:
        return
    if isinstance(value, list | tuple):
        is_complete = all(part is not None for part in value) or is_axes(node)
        count = len(value) if is_complete else None
    else:
        count = next(iter(getattr(value, "shape", ())), None)
    if count != field.size:
        raise InvalidField(f"{_what(node, field)} must be {_wanted(field)}, got {value!r}.{_default(field)}")


def _check_number(node: Any, field: Field, value: Any, *, is_part: bool = False) -> None:
    if isinstance(value, list | tuple):
        if field.kind == "number" and isinstance(field.default, int | float):
            raise InvalidField(
                f"{_what(node, field)} must be a number, got the {type(value).__name__} {value!r}."
                " For an environment a value, map over its construction:"
                f" `jax.vmap(lambda value: {type(node).__name__}({field.name}=value))(jnp.array(...))`."
            )
        for part in value:
            if part is not None:
                _check_number(node, field, part, is_part=True)
    elif not _may_be_number(value) and not (is_key(value) and not isinstance(field.default, int | float)):
        raise InvalidField(
            f"{_what(node, field)} must be {_wanted(field)}, got {_of_type(value)}.{_default(field)}"
            f"{'' if is_part else unquoted(field.name, value)}"
        )
    elif is_integer(value) and abs(value) > INT32_MAX and jax.dtypes.canonicalize_dtype(int).itemsize < 8:
        raise InvalidField(
            f"{_what(node, field)} is {value!r}, which has no place in the 32 bits of JAX's integers. Write it with a"
            f" point: {field.name}={float(value)!r}."
        )
    elif not isinstance(value, jax.Array) and has_nan(value):  # to look into one on a device would wait for it
        raise InvalidField(f"{_what(node, field)} is NaN; give it a number.")


def _may_be_number(value: Any) -> bool:
    """Whether a value is a real number, an array of them, or a placeholder of either with a shape and a dtype."""
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return is_real(value) or value.dtype == jax.dtypes.float0  # the derivative by an integer
    return isinstance(value, int | float) or (hasattr(value, "shape") and hasattr(value, "dtype"))


def _check_traceable(node: Any, field: Field, value: Any) -> None:
    for leaf in jax.tree.leaves(value):
        if isinstance(leaf, _UNTRACEABLE) or (isinstance(leaf, np.ndarray) and leaf.dtype.kind in "USO"):
            kind = type(leaf).__name__
            raise InvalidField(
                f"{_what(node, field)} holds {_of_type(leaf)}, which is not data that JAX can trace. Make it part of"
                f" the program: `{field.name}: {kind} = jaxenvs.static()`."
            )
        if isinstance(leaf, float) and has_nan(leaf):
            raise InvalidField(f"{_what(node, field)} is NaN; give it a number.")


def check_statics(node: Any) -> None:
    """Raises `InvalidField` if a static field is not hashable, or of another type than its annotation says."""
    for field in fields_of(type(node)):
        value = getattr(node, field.name)
        if not field.is_static or (value is None and field.optional):
            continue
        if field.kind == "any":
            if type(value).__hash__ is None and not isinstance(value, np.ndarray):
                raise InvalidField(
                    f"{_what(node, field)} is part of the program, so it must be hashable, got {_of_type(value)}. Write"
                    " a tuple for a list, and nested tuples for an array or a dictionary."
                )
            continue
        if field.kind == "integer" and not is_integer(value):
            reason = " It decides the program, so an array will not do: write `int(...)`." * hasattr(value, "shape")
            raise InvalidField(f"{_what(node, field)} must be {_wanted(field)}, got {_of_type(value)}.{reason}")
        if not isinstance(value, {"integer": int, "flag": bool, "string": str}[field.kind]):
            raise InvalidField(
                f"{_what(node, field)} must be {_wanted(field)}, got {_of_type(value)}.{_default(field)}"
            )


def check_fields(node: Any, hook: Callable[[], None]) -> None:
    """Runs all of the above, around a class's own checks.

    Args:
        node: a dataclass with its fields set.
        hook: the class's own checks. If they fail because of a wrong type, the wrong type is reported.
    """
    check_leaves(node)
    adopt_numbers(node)
    _adopt_floats(node)
    try:
        hook()
    except InvalidField:
        raise
    except (TypeError, ValueError, AttributeError):
        check_statics(node)
        raise
    check_statics(node)


def _adopt_floats(node: Any) -> None:
    """Replaces an integer by a float if the default is a float, so that it has a derivative and costs no new program.

    Trees of axis numbers keep theirs.
    """
    for field in fields_of(type(node)):
        value = getattr(node, field.name)
        if type(value) is int and field.kind == "number" and isinstance(field.default, float) and not is_axes(node):
            object.__setattr__(node, field.name, float(value))


def is_axes(tree: Any) -> bool:
    """Whether a tree holds axis numbers for `in_axes` in place of data: integers, and None where None is not a value.

    If none of its leaves is None, it cannot be distinguished from data, and counts as data. Make such trees by
    `jax.tree.map`, which calls no constructor.
    """
    leaves = jax.tree.leaves(tree, is_leaf=lambda leaf: leaf is None)
    are_axes = all(leaf is None or (isinstance(leaf, int) and not isinstance(leaf, bool)) for leaf in leaves)
    return are_axes and any(leaf is not None for leaf in leaves) and _lacks_values(tree)


def _lacks_values(node: Any) -> bool:
    """Whether some field, in `node` or in a dataclass within it, is None but may not be."""
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return False
    values = [(field, getattr(node, field.name)) for field in fields_of(type(node)) if not field.is_static]
    return any((value is None and not field.optional) or _lacks_values(value) for field, value in values)


def check_names(cls: type[Any], names: Sequence[str], owner: str, advice: str = "") -> None:
    """Raises `InvalidField`, including Python's own wording, for keywords that are not fields of a class.

    Args:
        cls: a dataclass.
        names: the keywords.
        owner: what was called, for the message.
        advice: what to say in place of the nearest name.
    """
    known = [field.name for field in dataclasses.fields(cls)]
    for name in names:
        if name not in known:
            hint = advice or did_you_mean(name, known)
            if name in vars(cls) and not any(hasattr(base, name) for base in cls.__bases__) and not hint:
                value = vars(cls)[name]
                if not callable(value) and not isinstance(value, property):
                    hint = (
                        f" In {cls.__name__} it has no annotation, so it is not a field: write"
                        f" `{name}: ArrayLike = {value!r}`, or `{name}: {type(value).__name__} ="
                        f" jaxenvs.static(default={value!r})` for what decides a shape."
                    )
            raise InvalidField(
                f"{owner} has no field `{name}`.{hint} Its fields are: {', '.join(known) or 'none'}."
                # Callers of Gymnasium's `make` look for these words, and then leave the keyword out.
                f" In Python's words: __init__() got an unexpected keyword argument {name!r}."
            )


def _what(node: Any, field: Field) -> str:
    return (
        f"{type(node).__name__}: field `{field.name}`"
        if not field.is_static
        else f"{type(node).__name__}: `{field.name}`"
    )


def _wanted(field: Field) -> str:
    wanted = _WANTED.get(field.kind, "a value") if field.size is None else f"{field.size} numbers"
    return wanted + " or None" * field.optional


def _default(field: Field) -> str:
    if field.default is dataclasses.MISSING:
        return ""
    return f" Leave it out for the default, {field.default!r}."


def _of_type(value: Any) -> str:
    if isinstance(value, types.FunctionType):
        return f"the function `{value.__name__}`"
    dtype = f"{value.dtype} " if isinstance(value, np.ndarray | np.generic) else ""
    return f"{dtype}{value!r} of type {type(value).__name__}"
