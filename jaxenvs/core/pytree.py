"""PyTreeNode: the base of environments, states and timesteps, which are frozen dataclasses and pytrees.

`flax.struct` and `chex.dataclass` are similar. This one exists for three reasons. Importing Flax or Chex takes longer
than importing all of jaxenvs. Chex has no static fields. And JAX 0.10 treats nodes made by
`jax.tree_util.register_dataclass`, which Flax uses, as the same if their fields are, even if their classes differ: a
jitted function called with two of them could run the first one's program for both.
"""

import dataclasses
import inspect
import itertools
import operator
import re
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, dataclass_transform

import jax
import jax.export
import numpy as np

from jaxenvs.core.attributes import hint_to_replace, raise_no_field
from jaxenvs.core.flax_state import register_with_flax
from jaxenvs.core.pretty import shorten_signature, show_in_lines
from jaxenvs.errors import FrozenField, InvalidField


def static(default: Any = dataclasses.MISSING, **options: Any) -> Any:
    """A field that is part of the program, not of its data: sizes, maps, anything that decides a shape.

    The value must be hashable; a new value means a new trace.

    Args:
        default: the default value.
        options: further options of `dataclasses.field`.
    """
    # The mark is that of `flax.struct.field`, so either function works in either library's classes.
    metadata = {**options.pop("metadata", {}), "pytree_node": False}
    return dataclasses.field(default=default, metadata=metadata, **options)


def is_static(field: dataclasses.Field[Any]) -> bool:
    """Whether a field was made with `static`."""
    return not field.metadata.get("pytree_node", True)


@dataclass_transform(frozen_default=True, field_specifiers=(static, dataclasses.field))
class PyTreeNode:
    """Base class of frozen dataclasses that are pytrees; deriving from it makes a class one.

        class WalkState(jaxenvs.PyTreeNode):
            position: jax.Array
            length: int = jaxenvs.static(default=10)

    Fields are leaves or subtrees, in the order of their declaration, except those marked `static`, which are part of
    the structure. So is the class. Unflattening does not call the constructor: JAX puts placeholders, axis numbers
    and batches in place of the leaves, and `__post_init__` may be strict.

    `jax.export` can save programs that take or return nodes without static fields, such as states and timesteps.

    Keywords of the class statement (`kw_only=True`) go to `dataclasses.dataclass`.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__()
        _check_annotations(cls)
        has_docstring = bool(cls.__doc__)
        try:
            dataclasses.dataclass(**{"frozen": True, **options})(cls)
        except (TypeError, ValueError) as error:
            _explain_default(cls, str(error))
            raise
        if not has_docstring:
            cls.__doc__ = ""  # where `dataclass` writes the constructor's signature, which would pass for a description
        if options.get("frozen", True):
            cls.__setattr__ = _refuse_assignment  # more helpful than the dataclass's own
        show_in_lines(cls)
        shorten_signature(cls)
        register(cls)

    if not TYPE_CHECKING:  # to a type checker, it would mean that any attribute exists

        def __getattr__(self, name: str) -> NoReturn:
            raise_no_field(self, name)

    def replace(self, **fields: Any) -> Self:
        """A copy with some fields replaced, made by the constructor."""
        return dataclasses.replace(self, **fields)


def _check_annotations(cls: type[Any]) -> None:
    """Raises `InvalidField` for a field made by `static` or `dataclasses.field` without an annotation."""
    annotated = inspect.get_annotations(cls)
    for name, value in vars(cls).items():
        if isinstance(value, dataclasses.Field) and name not in annotated:
            kind = "int" if value.default is dataclasses.MISSING else type(value.default).__name__
            raise InvalidField(
                f"{cls.__name__}: `{name}` has no annotation, so it is not a field. Write `{name}: {kind} = ...`."
            )


def _explain_default(cls: type[Any], message: str) -> None:
    """Raises `InvalidField` if a dataclass was refused for a default that is mutable, or one that is missing."""
    if found := re.search(r"mutable default .* for field (\w+)", message):
        name = found[1]
        default = vars(cls)[name]
        default = default.default if isinstance(default, dataclasses.Field) else default
        kind = "an array" if hasattr(default, "dtype") else f"a {type(default).__name__}"
        raise InvalidField(
            f"{cls.__name__}: the default of `{name}` is {kind}, which all instances would share. What decides a shape"
            f" or a map is a tuple: `{name}: tuple = jaxenvs.static(default=(...))`. Numbers are an array that is made"
            f" for each instance: `{name}: jax.Array = dataclasses.field(default_factory=lambda: jnp.zeros(3))`."
        ) from None
    if found := re.search(r"non-default argument '(\w+)' follows default", message):
        bases = ", ".join(base.__name__ for base in cls.__bases__)
        raise InvalidField(
            f"{cls.__name__}: `{found[1]}` has no default, but a field before it, perhaps of a base class, has one."
            f" Give it a default, or make the fields keywords: `class {cls.__name__}({bases}, kw_only=True)`."
        ) from None


def _refuse_assignment(self: Any, name: str, value: Any) -> NoReturn:
    owner = type(self).__name__
    if name in self.__dataclass_fields__:
        raise FrozenField(
            f"{owner} is frozen: cannot assign to field `{name}`. Make a changed copy:"
            f" `changed = {_variable(self)}.replace({name}=...)`."
        )
    del value
    if hint := hint_to_replace(self, name):
        raise FrozenField(f"{owner} is frozen, and has no field `{name}`.{hint}")
    raise FrozenField(
        f"{owner} is frozen: cannot assign to `{name}`. What changes from step to step belongs in the state, which"
        f" `reset` and `step` return; what does not is a field, declared in the class: `{name}: ArrayLike = ...`."
    )


def _variable(node: Any) -> str:
    return "env" if hasattr(type(node), "step") else "state"


def register(cls: type[Any]) -> None:
    """Registers a dataclass as a pytree node, with `static` fields in the structure, with JAX and Flax.

    NumPy arrays may be static as well: they are compared by value.
    """
    fields = dataclasses.fields(cls)
    leaves = tuple(field.name for field in fields if not is_static(field))
    statics = tuple(field.name for field in fields if is_static(field))
    keys = tuple(jax.tree_util.GetAttrKey(name) for name in leaves)
    children_of, values_of = _reader(leaves), _reader(statics)

    def structure_of(node: Any) -> tuple[Hashable, ...]:
        return tuple([_HashableArray(value) if isinstance(value, np.ndarray) else value for value in values_of(node)])

    def flatten_state(node: Any) -> tuple[tuple[Any, ...], tuple[Hashable, ...]]:
        return children_of(node), ()  # runs in every call of a jitted loop, so it does as little as possible

    def flatten(node: Any) -> tuple[tuple[Any, ...], tuple[Hashable, ...]]:
        return children_of(node), structure_of(node)

    def flatten_with_keys(node: Any) -> tuple[tuple[tuple[Any, Any], ...], tuple[Hashable, ...]]:
        return tuple(zip(keys, children_of(node))), structure_of(node)

    def unflatten(structure: tuple[Hashable, ...], children: Iterable[Any]) -> Any:
        node = object.__new__(cls)
        node.__dict__.update(zip(leaves, children))  # a frozen dataclass forbids only setattr
        if statics:
            values = (value.value if isinstance(value, _HashableArray) else value for value in structure)
            node.__dict__.update(zip(statics, values))
        return node

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten if statics else flatten_state)
    register_with_flax(cls, leaves)
    if not statics:
        _register_with_export(cls, unflatten)


def _register_with_export(cls: type[Any], unflatten: Callable[..., Any]) -> None:
    """Lets programs that take or return a class be saved by `jax.export`.

    Classes with static fields stay out: reading arbitrary values from a file that someone else made is not safe.
    """
    name = f"{cls.__module__}.{cls.__qualname__}"
    for count in itertools.count(1):
        try:
            jax.export.register_pytree_node_serialization(
                cls,
                serialized_name=name if count == 1 else f"{name}-{count}",  # a notebook may define a class again
                serialize_auxdata=lambda structure: b"",
                deserialize_auxdata=lambda data: (),
                from_children=unflatten,
            )
        except ValueError as error:
            if "serialized_name" not in str(error):
                raise
        else:
            return


def adopt_numbers(node: Any) -> None:
    """Replaces NumPy's scalars in the fields of a new dataclass, and integers in its tuples, by Python's numbers.

    So sizes and counts may come from NumPy, checks need to handle only Python's, and programs are the same.
    """
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if isinstance(value, np.integer | np.bool_ | np.floating):
            object.__setattr__(node, field.name, value.item())
        elif type(value) is tuple and any(isinstance(entry, np.integer) for entry in value):
            plain = tuple(int(entry) if isinstance(entry, np.integer) else entry for entry in value)
            object.__setattr__(node, field.name, plain)


def _reader(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The function that reads attributes of an object into a tuple."""
    if not names:
        return lambda node: ()
    read = operator.attrgetter(*names)
    return read if len(names) > 1 else lambda node: (read(node),)


class _HashableArray:
    """A NumPy array as part of a tree's structure: hashed and compared by value."""

    __slots__ = ("value",)

    def __init__(self, value: np.ndarray) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _HashableArray) and np.array_equal(self.value, other.value)

    def __hash__(self) -> int:
        return hash((self.value.shape, self.value.tobytes()))
