"""ResizeObservation: images shrunk to a given size."""

from typing import Any

import numpy as np
from jax import Array

from jaxenvs.core.checks import is_integer
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box
from jaxenvs.wrappers._area_average import shrink
from jaxenvs.wrappers._boxes import image_box
from jaxenvs.wrappers.observation_wrapper import ObservationWrapper


class ResizeObservation(ObservationWrapper[Any]):
    """Shrinks images of shape (height, width) or (height, width, channels), each new pixel the mean of its area.

    The counterpart of `gymnasium.wrappers.ResizeObservation`, and equal to it (OpenCV's `INTER_AREA`) in every bit.
    It cannot enlarge images.

    Attributes:
        shape: the new (height, width), at most that of the images.
    """

    shape: tuple[int, int] = static()

    def check_fields(self) -> None:
        """Checks that `shape` is a pair of positive integers."""
        shape: Any = self.shape
        is_pair = isinstance(shape, tuple) and len(shape) == 2
        if not is_pair or not all(is_integer(n) and n >= 1 for n in shape):
            raise InvalidField(
                f"ResizeObservation: `shape` must be a pair (height, width) of positive integers, got {shape!r}."
            )

    def check_spaces(self) -> None:
        """Checks that observations are images and large enough."""
        old = self._box.shape[:2]
        if self.shape[0] > old[0] or self.shape[1] > old[1]:
            raise InvalidField(
                f"ResizeObservation: `shape` {self.shape} exceeds that of the images, {old}. They can only be shrunk."
            )

    @property
    def _box(self) -> Box:
        return image_box(self, (2, 3))

    @property
    def observation_space(self) -> Box:
        """Images of the new size: (height, width) or (height, width, channels) uint8."""
        return Box(0, 255, (*self.shape, *self._box.shape[2:]), np.uint8)

    def transform_observation(self, observation: Array) -> Array:
        """The image in the new size."""
        return shrink(observation, *self.shape)
