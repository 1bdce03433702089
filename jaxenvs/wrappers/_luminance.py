"""The luminance of colours."""

import jax.numpy as jnp
from jax import Array

# The weights of Gymnasium's GrayscaleObservation, in ten-thousandths.
_WEIGHTS = (2125, 7154, 721)


def luminance(image: Array) -> Array:
    """Turns a colour image, (..., 3) uint8 RGB, into a grey one, (...) uint8."""
    # Integer arithmetic, so that white stays 255 whatever the rounding.
    red, green, blue = (image[..., i].astype(jnp.int32) * weight for i, weight in enumerate(_WEIGHTS))
    return ((red + green + blue) // 10_000).astype(jnp.uint8)
