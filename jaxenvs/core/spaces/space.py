"""The interface of all spaces."""

import abc
from typing import Any, Generic, TypeVar

from flax import struct
from jax import Array

from jaxenvs.core.random import Key

Element = TypeVar("Element")


class Space(struct.PyTreeNode, abc.ABC, Generic[Element], eq=False):
    """A set that observations or actions lie in.

    Bounds are leaves, shapes and dtypes are static, so a space may be built inside a trace (from an
    environment whose parameters are traced) and passed to a jitted function. `sample` and `contains`
    are jittable; `validate`, comparison and `to_gymnasium` work on the host.
    """

    @abc.abstractmethod
    def sample(self, key: Key, mask: Any = None) -> Element:
        """Draws an element, uniformly where the space is bounded.

        Args:
            key: a scalar random key.
            mask: which elements may be drawn, in the form that the same Gymnasium space takes.
        """

    @abc.abstractmethod
    def contains(self, x: Element) -> Array:
        """() bool: whether `x`, of the space's structure and shape, lies in the space."""

    @abc.abstractmethod
    def validate(self, x: Any) -> Element:
        """Returns `x` as arrays of the space's dtype; checks structure, shape and dtype, never values.

        Works on tracers, and raises before any tracing of the caller's program.

        Raises:
            InvalidAction: the structure, a shape or a dtype does not fit; says what is expected.
        """

    @abc.abstractmethod
    def flatten(self, x: Element) -> Array:
        """An element as one vector of shape (flat_size,); discrete parts become one-hot."""

    @abc.abstractmethod
    def unflatten(self, x: Array) -> Element:
        """The element whose `flatten` is `x`."""

    @property
    @abc.abstractmethod
    def flat_size(self) -> int:
        """The length of `flatten`'s result."""

    @abc.abstractmethod
    def to_gymnasium(self) -> Any:
        """The Gymnasium space with the same elements.

        Raises:
            DependencyNotInstalled: Gymnasium is missing.
        """

    @abc.abstractmethod
    def __eq__(self, other: object) -> bool:
        """Whether both describe the same set with the same dtypes."""

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # bounds are arrays
