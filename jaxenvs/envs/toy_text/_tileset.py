"""Tiles that are painted once and for all, outside the program that lays them out."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from jaxenvs.canvas import Canvas, paint_tiles
from jaxenvs.canvas.palette import Color


@functools.lru_cache(maxsize=64)
def tileset_of(painters: tuple[Callable[[Canvas], Canvas], ...], size: int, background: Color) -> np.ndarray:
    """The painted tiles, (painters, size, size, 3) uint8, as a constant.

    They depend on no state, so they are painted when first asked for, even within a trace: compiling
    hundreds of shapes into a program that only lays out their pictures would take half a minute.
    """
    with jax.ensure_compile_time_eval():
        return np.asarray(paint_tiles(painters, size, size, background))
