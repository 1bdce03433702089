"""GrayscaleObservation: the luminance of colour images."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box
from jaxenvs.wrappers._boxes import image_box
from jaxenvs.wrappers._luminance import luminance
from jaxenvs.wrappers.observation_wrapper import ObservationWrapper


class GrayscaleObservation(ObservationWrapper[Array]):
    """Turns images of shape (height, width, 3) from RGB to grey.

    The counterpart of `gymnasium.wrappers.GrayscaleObservation`. Integers are added here, so that grey stays the same
    grey; in Gymnasium the sum in float64 is one too small for 63 of the 16.8 million colours.

    Attributes:
        keep_dim: whether to keep the last axis, with one channel.
    """

    keep_dim: bool = static(default=False)

    def check_spaces(self) -> None:
        """Checks that observations are images of three channels."""
        shape = image_box(self, (3,)).shape
        if shape[2] != 3:
            raise InvalidField(f"GrayscaleObservation needs images with 3 channels, got shape {shape}.")

    @property
    def observation_space(self) -> Box:
        """Images of luminance: (height, width) uint8, or (height, width, 1)."""
        height, width = image_box(self, (3,)).shape[:2]
        return Box(0, 255, (height, width, 1) if self.keep_dim else (height, width), np.uint8)

    def transform_observation(self, observation: Array) -> Array:
        grey = luminance(observation)
        return jnp.expand_dims(grey, -1) if self.keep_dim else grey
