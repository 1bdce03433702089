"""Twin: the counterpart in Gymnasium of a space that defines none. Imported only if Gymnasium is installed."""

from typing import Any

import gymnasium
import numpy as np

from jaxenvs.errors import InvalidAction
from jaxenvs.random import key
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.space import Space


class Twin(gymnasium.spaces.Box):
    """A box of Gymnasium around the elements of a space, which alone it samples and contains."""

    def __init__(self, space: Space[Any], flat: Box, shape: tuple[int, ...]) -> None:
        low, high = (np.asarray(bound).reshape(shape) for bound in (flat.low, flat.high))
        super().__init__(low, high, shape, flat.dtype.type)
        self.space = space

    def sample(self, mask: Any = None, probability: Any = None) -> Any:
        """An element drawn by the space, from a key that is drawn from `np_random`."""
        seed = int(self.np_random.integers(2**32))
        return self.space.element_to_gymnasium(self.space.sample(key(seed), mask=mask, probability=probability))

    def contains(self, x: Any) -> bool:
        """Whether the space contains `x`."""
        try:
            return bool(self.space.contains(self.space.element_from_gymnasium(x)))
        except InvalidAction:
            return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Twin) and bool(self.space == other.space)

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # bounds are arrays

    def __repr__(self) -> str:
        return repr(self.space)
