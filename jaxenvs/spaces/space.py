"""The interface of all spaces."""

import abc
import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar, dataclass_transform

import jax
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.core import pytree
from jaxenvs.core.attributes import raise_no_field
from jaxenvs.core.calls import keyed
from jaxenvs.core.fields import check_names
from jaxenvs.errors import InvalidMask
from jaxenvs.random import Key

Element = TypeVar("Element")

_ONLY_IN_GYMNASIUM = {
    "seed": " Randomness comes from the key of `space.sample(key)`.",
    "dtype": " Its elements are always of one dtype, `space.dtype`.",
}
"""Arguments of Gymnasium's spaces that are not fields here, and a sentence on each."""


def _defaults() -> Any:
    """The module that computes the defaults; it needs `Box`, which needs this module."""
    from jaxenvs.spaces import _defaults

    return _defaults


def _masked(sample: Callable[..., Any]) -> Callable[..., Any]:
    """`sample`, where a mask or probabilities that it does not take must be None."""
    taken = inspect.signature(sample).parameters
    lacking = [name for name in ("mask", "probability") if name not in taken]
    if not lacking:
        return sample

    @functools.wraps(sample)
    def call(self: Any, key: Key, mask: Any = None, probability: Any = None) -> Any:
        given = {"mask": mask, "probability": probability}
        if any(given.pop(name) is not None for name in lacking):
            raise InvalidMask(f"{self!r} takes no {' and no '.join(lacking)}; pass None in its place.")
        return sample(self, key, **given)

    return call


def _formed(contains: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps `contains` so that it is only asked about what has the structure, shapes and dtypes of an element."""

    @functools.wraps(contains)
    def call(self: Any, x: Any) -> Array:
        return _defaults().contains(self, x, contains)

    return call


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(pytree.static, dataclasses.field))
class Space(abc.ABC, Generic[Element]):
    """A set that observations or actions lie in.

    It is a frozen dataclass and a pytree. Bounds are leaves, and shapes and dtypes are static (NumPy arrays, where
    there are several). So a space may be built inside a trace (from an environment whose parameters are traced),
    mapped over and passed to a jitted function. `sample`, `contains`, `flatten` and `unflatten` are jittable;
    comparison and the conversions from and to Gymnasium work on the host.

    A space of your own defines `sample` and `contains`, and everything else follows from them. It may define more: with
    `flat_space`, its bounds become known to Gymnasium.

    The constructor checks and normalises the fields. Unflattening does neither, since JAX puts placeholders, axis
    numbers and batches in place of the leaves.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        pytree.register(cls)
        _explain_unknown_fields(cls)
        if not getattr(cls.sample, "__isabstractmethod__", False) and "sample" in vars(cls):
            cls.sample = keyed(_masked(cls.sample))
        if cls.validate is Space.validate and "contains" in vars(cls):
            cls.contains = _formed(cls.contains)

    if not TYPE_CHECKING:  # to a type checker, it would mean that any attribute exists

        def __getattr__(self, name: str) -> NoReturn:
            raise_no_field(self, name)

        def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
            raise TypeError(
                f"{self!r} is a space and cannot be called. The spaces of an environment are properties: write"
                " `env.observation_space` and `env.action_space` without parentheses."
            )

    def _set(self, **values: Any) -> None:
        """Sets fields, for use while the space is being built."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def replace(self, **fields: Any) -> Self:
        """A space with some fields replaced, checked as by the constructor."""
        return dataclasses.replace(self, **fields)  # pyright: ignore[reportArgumentType]  # every subclass is a dataclass

    @abc.abstractmethod
    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> Element:
        """Draws an element, uniformly if the space is bounded.

        Args:
            key: a scalar random key.
            mask: which elements may be drawn, in the form that the same Gymnasium space takes.
            probability: how likely each is, in the form that the same Gymnasium space takes; at most
                one of the two is given. A traced one is taken relative to its sum. A class may leave out of its
                `sample` what it does not take.

        Raises:
            InvalidMask: a mask that the space cannot take. The values of traced masks are not checked.
        """

    @abc.abstractmethod
    def contains(self, x: Any) -> Array:
        """() bool: whether `x` lies in the space.

        A structure, shape or dtype that does not fit gives False, and so does NaN. A class that does not define
        `validate` is not asked about those: its `contains` gets arrays of the structure, shapes and dtypes of `sample`.
        """

    def validate(self, x: Any) -> Element:
        """Returns `x` as arrays of the space's dtype.

        Structure, shape and dtype are checked. So are the values of Discrete, MultiDiscrete and MultiBinary, and of
        tuples and dicts of them, if they are concrete. A traced value, as in `jit` or `vmap`, passes, and the
        environment defines what it does. The values of a Box pass, as in Gymnasium, whose environments clip them.
        This works on tracers, and raises before any tracing of the caller's program. Python numbers, lists and NumPy
        arrays are converted if each value fits the dtype.

        By default, an element has the structure, shapes and dtypes of `sample`, and concrete values are asked of
        `contains`.

        Raises:
            InvalidAction: the structure, a shape, a dtype or a concrete value does not fit; it says what is expected.
        """
        return _defaults().validate(self, x)

    def flatten(self, x: Element) -> Array:
        """An element as one vector of shape (flat_size,) and `flat_dtype`; discrete parts become one-hot.

        By default, the numbers of its arrays one after the other.
        """
        return _defaults().flatten(self, x)

    def unflatten(self, x: Array) -> Element:
        """The element whose `flatten` is `x`."""
        return _defaults().unflatten(self, x)

    def flat_space(self) -> Any:
        """The `Box` that `flatten` maps into; by default it has no bounds."""
        return _defaults().flat_space(self)

    @property
    def flat_size(self) -> int:
        """The length of `flatten`'s result."""
        return _defaults().flat_size(self)

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        """The dtype of `flatten`'s result."""
        return _defaults().flat_dtype(self)

    def to_gymnasium(self) -> Any:
        """The Gymnasium space with the same elements.

        By default, if an element is a single array, a `gymnasium.spaces.Box` with the bounds of `flat_space` that draws
        by `sample` and contains what `contains` says.

        Raises:
            DependencyNotInstalled: Gymnasium is missing.
            InvalidSpace: elements consist of several arrays, and the class does not define this method.
        """
        return _defaults().to_gymnasium(self)

    def element_to_gymnasium(self, x: Element) -> Any:
        """An element in the form that the twin of `to_gymnasium` contains; by default in NumPy arrays."""
        return _defaults().element_to_gymnasium(x)

    def element_from_gymnasium(self, x: Any) -> Element:
        """The inverse of `element_to_gymnasium`; by default `validate`.

        Raises:
            InvalidAction: `x` does not fit the space.
        """
        return self.validate(x)

    def __repr__(self) -> str:
        """A short text, like that of the same space of Gymnasium; by default the class and its fields."""
        return _defaults().text_of(self, tuple(field.name for field in dataclasses.fields(self)))  # pyright: ignore[reportArgumentType]  # every subclass is a dataclass

    def __contains__(self, x: object) -> bool:
        """Whether `x` lies in the space: `contains` as a Python bool.

        Raises:
            TypeError: `x` is traced, so there is no answer yet.
        """
        inside = self.contains(x)
        if isinstance(inside, Tracer):
            raise TypeError(
                "`x in space` is a Python bool, which a traced `x` does not have. Within `jit` and `vmap`,"
                " write `space.contains(x)`, which gives a () bool array."
            )
        return bool(inside)

    def __eq__(self, other: object) -> bool:
        """Whether both describe the same set with the same dtypes, bound for bound."""
        if type(self) is not type(other):
            return NotImplemented
        mine, my_structure = jax.tree.flatten(self)
        theirs, their_structure = jax.tree.flatten(other)
        return my_structure == their_structure and all(np.array_equal(a, b) for a, b in zip(mine, theirs))

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # bounds are arrays


def _explain_unknown_fields(cls: type[Any]) -> None:
    """Makes the constructor of a class of spaces raise `InvalidField` for keywords that are not fields."""
    construct = cls.__init__

    @functools.wraps(construct)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            construct(self, *args, **kwargs)
        except TypeError:
            names = {field.name for field in dataclasses.fields(cls)}
            for unknown in (name for name in kwargs if name not in names):
                check_names(cls, [unknown], cls.__name__, _ONLY_IN_GYMNASIUM.get(unknown, ""))
            raise

    cls.__init__ = __init__
