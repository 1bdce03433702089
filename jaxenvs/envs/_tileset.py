"""Tiles and sprites that are painted only once, outside the program that uses them.

They do not depend on the state, so they are painted on first use, even within a trace, and become constants.
Compiling hundreds of shapes into every program that renders would take half a minute.
"""

import functools
from collections.abc import Callable

import jax
import numpy as np

from jaxenvs.canvas import Canvas, paint_tiles, palette
from jaxenvs.canvas.palette import Color


@functools.lru_cache(maxsize=64)
def tileset_of(painters: tuple[Callable[[Canvas], Canvas], ...], size: int, background: Color) -> np.ndarray:
    """Opaque tiles, (painters, size, size, 3) uint8; see `paint_tiles`."""
    with jax.ensure_compile_time_eval():
        return np.asarray(paint_tiles(painters, size, size, background))


@functools.lru_cache(maxsize=64)
def sprite_of(painter: Callable[[Canvas], Canvas], height: int, width: int, *, in_tiles: bool = False) -> np.ndarray:
    """A picture with transparency, (height, width, 4) uint8, for `Canvas.image`.

    It is painted on black and on white. The less the two differ at a pixel, the more opaque it is.

    Args:
        painter: draws on a blank canvas.
        height: rows of pixels.
        width: columns of pixels.
        in_tiles: whether the painter uses the units of a tile (its width, with y pointing up) rather than pixels.
    """
    ranges = ((0, 1), (0, height / width)) if in_tiles else (None, None)
    with jax.ensure_compile_time_eval():
        on_black, on_white = (
            np.asarray(painter(Canvas.blank(height, width, background, *ranges)).to_rgb()).astype(np.float32)
            for background in (palette.BLACK, palette.WHITE)
        )
    alpha = 255.0 - (on_white - on_black).mean(-1, keepdims=True)
    color = np.clip(on_black * 255.0 / np.maximum(alpha, 1.0), 0, 255)
    return np.concatenate([color, alpha], -1).round().astype(np.uint8)


def lay(below: np.ndarray, above: np.ndarray, x: int = 0, y: int = 0) -> np.ndarray:
    """Puts a sprite on an opaque part of another picture, with its upper left corner at column `x` and row `y`."""
    result = below.copy()
    part = result[y : y + above.shape[0], x : x + above.shape[1], :3]
    alpha = above[..., 3:].astype(np.float32) / 255
    part[:] = np.round(alpha * above[..., :3] + (1 - alpha) * part)
    return result
