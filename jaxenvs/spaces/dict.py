"""Dict: spaces by name."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.errors import InvalidAction, InvalidMask, InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import _flat
from jaxenvs.spaces._convert import import_gymnasium
from jaxenvs.spaces._draw import check_only_one
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.space import Space


class Dict(Space[dict[str, Any]]):
    """The product of named spaces; elements are plain dicts with the same keys.

    Attributes:
        spaces: the spaces by key. As in Gymnasium, a mapping is sorted by key, while an OrderedDict and a sequence of
            pairs keep their order, which is the order of `flatten`. Elements are plain dicts, whose order does not
            matter.
    """

    spaces: Any

    _on_keywords: ClassVar[str] = " Its entries are one argument: `Dict({'name': space})`."

    def __post_init__(self) -> None:
        self._set(spaces=_ordered(self.spaces))
        for key, space in self.spaces.items():
            if not isinstance(space, Space):
                raise InvalidSpace(f"Dict: the entry {key!r} must be a jaxenvs space, got {space!r}.{twin_hint(space)}")

    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> dict[str, Any]:
        """Draws from each space.

        Args:
            key: a scalar random key.
            mask: a dict with the same keys: each space's mask, or None.
            probability: a dict with the same keys: each space's probabilities, or None.
        """
        key = check_key(key, name="action_space.sample")
        check_only_one(self, mask, probability)
        for name, given in (("mask", mask), ("probability", probability)):
            if given is not None and (not isinstance(given, Mapping) or set(given) != set(self.spaces)):
                raise InvalidMask(
                    f"{self!r}: `{name}` must be a dict with the keys {list(self.spaces)}, got {given!r}."
                )
        keys = jax.random.split(key, max(len(self.spaces), 1))
        return {
            name: space.sample(
                keys[i],
                mask=None if mask is None else mask[name],
                probability=None if probability is None else probability[name],
            )
            for i, (name, space) in enumerate(self.spaces.items())
        }

    def contains(self, x: Any) -> Array:
        """() bool: whether `x` is a dict with the same keys, and each entry lies in its space."""
        if not isinstance(x, dict) or set(x) != set(self.spaces):
            return jnp.zeros((), bool)
        inside = jnp.ones((), bool)
        for name, space in self.spaces.items():
            inside &= space.contains(x[name])
        return inside

    def validate(self, x: Any) -> dict[str, Any]:
        """Returns `x` with each entry validated by its space."""
        if not isinstance(x, Mapping):
            raise InvalidAction(
                f"Expected a dict with the keys {list(self.spaces)}; got something of type {type(x).__name__}."
            )
        missing = [name for name in self.spaces if name not in x]
        unknown = [name for name in x if name not in self.spaces]
        if missing or unknown:
            remedy = (f" Add {missing}." if missing else "") + (f" Remove {unknown}." if unknown else "")
            raise InvalidAction(f"Expected a dict with the keys {list(self.spaces)}; got the keys {list(x)}.{remedy}")
        return {name: validate_part(space, x[name], f"[{name!r}]") for name, space in self.spaces.items()}

    def flatten(self, x: dict[str, Any]) -> Array:
        """The vectors of all entries, in the order of `spaces`."""
        return _flat.join([space.flatten(x[name]) for name, space in self.spaces.items()], self.flat_dtype)

    def unflatten(self, x: Array) -> dict[str, Any]:
        """The element whose `flatten` is `x`."""
        parts = _flat.split(x, [(space.flat_size, space.flat_dtype) for space in self.spaces.values()])
        return {name: space.unflatten(part) for (name, space), part in zip(self.spaces.items(), parts)}

    def flat_space(self) -> Box:
        """The box that `flatten` maps into."""
        return _flat.join_boxes([space.flat_space() for space in self.spaces.values()], self.flat_dtype)

    @property
    def flat_size(self) -> int:
        return sum(space.flat_size for space in self.spaces.values())

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        """The widest floating dtype of the entries, or the integer dtype that holds all."""
        return _flat.common_dtype([space.flat_dtype for space in self.spaces.values()])

    def to_gymnasium(self) -> Any:
        twins = [(name, space.to_gymnasium()) for name, space in self.spaces.items()]
        return import_gymnasium().spaces.Dict(OrderedDict(twins))

    def element_to_gymnasium(self, x: dict[str, Any]) -> dict[str, Any]:
        """A dict in the order of `spaces`."""
        return {name: space.element_to_gymnasium(x[name]) for name, space in self.spaces.items()}

    def element_from_gymnasium(self, x: Any) -> dict[str, Any]:
        if not isinstance(x, Mapping) or set(x) != set(self.spaces):
            return self.validate(x)
        return {name: space.element_from_gymnasium(x[name]) for name, space in self.spaces.items()}

    def __getitem__(self, key: str) -> Space[Any]:
        """The space of one entry."""
        return self.spaces[key]

    def __iter__(self) -> Iterator[str]:
        """The keys, in the order of `flatten`."""
        return iter(self.spaces)

    def __len__(self) -> int:
        """The number of entries."""
        return len(self.spaces)

    def __contains__(self, x: object) -> bool:
        """Whether `x`, a dict, lies in the space; of anything else, whether there is an entry of that name."""
        return Space.__contains__(self, x) if isinstance(x, dict) else x in self.spaces

    def keys(self) -> Any:
        """The keys, in the order of `flatten`."""
        return self.spaces.keys()

    def values(self) -> Any:
        """The spaces, in the order of `flatten`."""
        return self.spaces.values()

    def items(self) -> Any:
        """The keys and spaces, in the order of `flatten`."""
        return self.spaces.items()

    def __repr__(self) -> str:
        return "Dict(" + ", ".join(f"{name!r}: {space!r}" for name, space in self.spaces.items()) + ")"


def _ordered(spaces: Any) -> OrderedDict[Any, Any]:
    if isinstance(spaces, OrderedDict):
        return OrderedDict(spaces)
    if isinstance(spaces, Mapping):
        try:
            return OrderedDict(sorted(spaces.items(), key=lambda item: item[0]))
        except TypeError:  # keys of types that do not compare keep their order, as in Gymnasium
            return OrderedDict(spaces)
    pairs = spaces if isinstance(spaces, Sequence) and not isinstance(spaces, str) else None
    if pairs is None or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise InvalidSpace(f"Dict: `spaces` must be a dict of spaces or a sequence of (key, space), got {spaces!r}.")
    ordered = OrderedDict(pairs)
    if len(ordered) != len(pairs):
        raise InvalidSpace(f"Dict: a key occurs twice in {[key for key, _ in pairs]}; rename one.")
    return ordered


def twin_hint(space: Any) -> str:
    """The remedy if a Gymnasium space was given in place of a jaxenvs space."""
    if type(space).__module__.startswith("gymnasium."):
        return " Convert it: `jaxenvs.spaces.from_gymnasium(space)`."
    return ""


def validate_part(space: Space[Any], x: Any, where: str) -> Any:
    """Validates one part of an element; error messages begin with the position of that part."""
    try:
        return space.validate(x)
    except InvalidAction as error:
        inner = str(error)
        nested = inner.startswith("In action[")
        raise InvalidAction(
            f"In action{where}{inner[len('In action') :]}" if nested else f"In action{where}: {inner}"
        ) from None
