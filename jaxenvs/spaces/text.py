"""Text: strings of limited length, as arrays of character indices."""

import string
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidAction, InvalidMask, InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces._convert import as_array, import_gymnasium, validate_integers
from jaxenvs.spaces._draw import as_mask, as_probability, check_only_one, choose_weighted, uniform_integers
from jaxenvs.spaces._padding import check_size
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.space import Space

# Gymnasium sorts a set of characters, and its default is a set.
_ALPHANUMERIC = "".join(sorted(string.ascii_letters + string.digits))


class Text(Space[Array]):
    """Strings of `min_length` to `max_length` characters.

    An element is (max_length,) int32: the index in `charset` of each character, then -1 as padding.
    `encode` makes one from a Python string, and `decode` does the reverse. `flatten` differs from the element only in
    the padding, which is `len(charset)` there, exactly as in Gymnasium.

    Attributes:
        max_length: the largest number of characters.
        min_length: the smallest number of characters.
        charset: the characters, without duplicates; a set is sorted, another order is kept.
    """

    max_length: int = static()
    min_length: int = static(default=1)
    charset: Any = static(default=_ALPHANUMERIC)

    def __post_init__(self) -> None:
        maximum = check_size("Text", "max_length", self.max_length, 0)
        minimum = check_size("Text", "min_length", self.min_length, 0)
        if minimum > maximum:
            raise InvalidSpace(f"Text: min_length ({minimum}) is above max_length ({maximum}); lower it.")
        charset: Any = self.charset
        if not isinstance(charset, str | set | frozenset | tuple | list):
            raise InvalidSpace(f"Text: `charset` must be a string or a set of characters, got {charset!r}.")
        characters: list[Any] = (
            sorted(charset) if isinstance(charset, set | frozenset) else list(dict.fromkeys(charset))
        )
        if not characters:
            raise InvalidSpace("Text: `charset` is empty; give at least one character.")
        if any(not isinstance(c, str) or len(c) != 1 for c in characters):
            raise InvalidSpace(f"Text: every entry of `charset` must be a single character, got {characters}.")
        self._set(max_length=maximum, min_length=minimum, charset="".join(characters))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an element: (max_length,)."""
        return (self.max_length,)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of an element: int32."""
        return np.dtype(np.int32)

    def encode(self, text: Any) -> Array:
        """The element of a string.

        Raises:
            InvalidAction: the string is too short or too long, or has a character outside `charset`.
        """
        if not isinstance(text, str):
            raise InvalidAction(f"Expected a string; got something of type {type(text).__name__}.")
        if not self.min_length <= len(text) <= self.max_length:
            raise InvalidAction(
                f"Expected {self.min_length} to {self.max_length} characters; got {len(text)}. Shorten or lengthen it."
            )
        index = {c: i for i, c in enumerate(self.charset)}
        unknown = sorted(set(text) - set(index))
        if unknown:
            raise InvalidAction(f"Expected characters of {self.charset!r}; got {unknown}. Leave those out.")
        padded = [index[c] for c in text] + [-1] * (self.max_length - len(text))
        return jnp.asarray(np.array(padded, np.int32))

    def decode(self, x: Array) -> str:
        """The string of an element, on the host."""
        return "".join(self.charset[i] for i in np.asarray(x) if 0 <= i < len(self.charset))

    def length(self, x: Array) -> Array:
        """() int32: the number of characters of an element."""
        return jnp.sum(jnp.asarray(x) >= 0, dtype=jnp.int32)

    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> Array:
        """Draws the length uniformly, then each character uniformly.

        Args:
            key: a scalar random key.
            mask: (length, characters): None or an integer, possibly traced, that fixes the length; None
                or (len(charset),) int8 or bool, 1 for characters that may be drawn. If there is none, the text is
                empty; with a traced mask, even if `min_length` forbids it.
            probability: (length, characters), in the same form, with the characters' probabilities.
        """
        key = check_key(key, name="action_space.sample")
        check_only_one(self, mask, probability)
        length, characters = self._split_mask(mask if probability is None else probability)
        count = len(self.charset)
        length_key, character_key = jax.random.split(key)
        low, high = (jnp.asarray(n, jnp.int32) for n in (self.min_length, self.max_length))
        length = uniform_integers(length_key, low, high) if length is None else jnp.clip(length, low, high)
        if characters is None:
            last = jnp.full(self.shape, count - 1, jnp.int32)
            index = uniform_integers(character_key, jnp.zeros_like(last), last)
        else:
            if mask is None:
                weight = as_probability(self, characters, (count,))
            else:
                weight = as_mask(self, characters, (count,)).astype(jnp.float32)
            if isinstance(characters, np.ndarray) and not characters.any() and self.min_length > 0:
                raise InvalidMask(f"{self!r}: the mask allows no character, but min_length is {self.min_length}.")
            length = jnp.where((weight > 0).any(), length, 0)
            keys = jax.random.split(character_key, max(self.max_length, 1))[: self.max_length]
            index = jax.vmap(choose_weighted, in_axes=(0, None))(keys, weight)
        return jnp.where(jnp.arange(self.max_length, dtype=jnp.int32) < length, index, -1)

    def _split_mask(self, mask: Any) -> tuple[Any, Any]:
        if mask is None:
            return None, None
        if not isinstance(mask, tuple) or len(mask) != 2:
            raise InvalidMask(f"{self!r}: a mask is a tuple (length or None, characters or None), got {mask!r}.")
        length, characters = mask
        if isinstance(length, int | np.integer) and not self.min_length <= length <= self.max_length:
            raise InvalidMask(f"{self!r}: the length lies from {self.min_length} to {self.max_length}, got {length}.")
        if length is not None:
            length = as_array(length)
            if length is None or length.shape != () or length.dtype.kind not in "iu":
                raise InvalidMask(f"{self!r}: the length must be an integer of shape () or None, got {mask[0]!r}.")
            length = jnp.asarray(length).astype(jnp.int32)
        return length, characters

    def contains(self, x: Any) -> Array:
        """() bool: whether `x` is (max_length,) of an integer dtype: enough indices in range, then -1 to the end."""
        array = as_array(x)
        if array is None or array.shape != self.shape or array.dtype.kind != "i":
            return jnp.zeros((), bool)
        character = array >= 0
        length = character.sum()
        # Characters come first: the i-th entry is one exactly if i is below their number.
        fits = (character == (np.arange(self.max_length) < length)) & (array >= -1) & (array < len(self.charset))
        return jnp.asarray(fits.all() & (length >= self.min_length))

    def validate(self, x: Any) -> Array:
        """Returns `x` as (max_length,) int32; a Python string is encoded."""
        if isinstance(x, str):
            return self.encode(x)
        expected = f"a string, or character indices padded with -1, int32 of shape {self.shape}"
        return validate_integers(x, self.shape, np.int32, expected)

    def flatten(self, x: Array) -> Array:
        """(max_length,) int32: the indices, padded with len(charset) as in Gymnasium."""
        x = jnp.asarray(x, jnp.int32)
        return jnp.where(x < 0, len(self.charset), x)

    def unflatten(self, x: Array) -> Array:
        """The element whose `flatten` is `x`."""
        x = jnp.asarray(x).astype(jnp.int32)
        return jnp.where(x >= len(self.charset), -1, x)

    def flat_space(self) -> Box:
        """The box of vectors with entries from 0 to len(charset)."""
        return Box(0, len(self.charset), self.shape, np.int32)

    @property
    def flat_size(self) -> int:
        return self.max_length

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32)

    def to_gymnasium(self) -> Any:
        spaces = import_gymnasium().spaces
        return spaces.Text(self.max_length, min_length=self.min_length, charset=self.charset)

    def element_to_gymnasium(self, x: Array) -> str:
        return self.decode(x)

    def element_from_gymnasium(self, x: Any) -> Array:
        return self.encode(x)

    def __repr__(self) -> str:
        return f"Text({self.min_length}, {self.max_length}, charset={self.charset})"
