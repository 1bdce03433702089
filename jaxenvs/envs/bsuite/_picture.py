"""The time bar in the pictures of bsuite's chains."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.canvas import Canvas, palette

WIDTH, HEIGHT = 480, 240
"""The size of the picture of a chain, in pixels."""
_MARGIN = 24.0
_HEIGHT_OF_BAR = 12.0


def time_bar(canvas: Canvas, share: Array) -> Canvas:
    """Draws a bar at the bottom for the time; `share`, () float32 from 0 to 1, is the part that has passed."""
    y = HEIGHT - _MARGIN
    length = WIDTH - 2 * _MARGIN
    end = _MARGIN + jnp.clip(share, 0.0, 1.0) * length
    canvas = canvas.line((_MARGIN, y), (WIDTH - _MARGIN, y), _HEIGHT_OF_BAR, palette.MIST)
    return canvas.line((_MARGIN, y), (end, y), _HEIGHT_OF_BAR, palette.STEEL)
