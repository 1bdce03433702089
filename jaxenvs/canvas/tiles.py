"""Tiles: a set of small images, drawn once and arranged by a traced map with `Canvas.tiles`."""

from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import Array

from jaxenvs.canvas.canvas import Canvas, Paint


def paint_tiles(painters: Sequence[Callable[[Canvas], Canvas]], height: int, width: int, background: Paint) -> Array:
    """Draws a tileset: each painter gets a blank tile, in units of the tile's width with y pointing up.

    Args:
        painters: functions from a blank canvas, (0, 0) at its bottom left and (1, height / width) at its
            top right, to the painted one.
        height: rows of pixels of a tile.
        width: columns of pixels of a tile.
        background: colour of the blank tile.

    Returns:
        (painters, height, width, 3) uint8, for `Canvas.tiles`.
    """
    blank = Canvas.blank(height, width, background, x_range=(0, 1), y_range=(0, height / width))
    return jnp.stack([painter(blank).to_rgb() for painter in painters])
