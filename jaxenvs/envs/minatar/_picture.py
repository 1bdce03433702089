"""The picture of a grid of channels, with one kind of tile per channel."""

import dataclasses
from collections.abc import Callable
from functools import cache, partial

import jax.numpy as jnp
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.canvas.palette import Color
from jaxenvs.envs._tileset import tileset_of

_CELL = 32  # pixels
_GROUND = palette.INK
_MIDDLE = (0.5, 0.5)


@dataclasses.dataclass(frozen=True)
class Tile:
    """How a channel is painted.

    Attributes:
        color: colour of the tile.
        shape: "block", "disc", "dot" for trails, "bar" for bullets, or "brick".
    """

    color: Color
    shape: str = "block"


def picture(planes: tuple[Array, ...], tiles: tuple[Tile, ...]) -> Array:
    """(320, 320, 3) uint8: the tile of the last channel that is set at each cell.

    Args:
        planes: the channels, each (10, 10) bool.
        tiles: one tile for each channel.
    """
    indices = jnp.zeros(planes[0].shape, jnp.int32)
    for index, plane in enumerate(planes, start=1):
        indices = jnp.where(plane, index, indices)
    rows, columns = indices.shape
    canvas = Canvas.blank(rows * _CELL, columns * _CELL, _GROUND)
    return canvas.tiles(indices, tileset_of(_painters(tiles), _CELL, _GROUND)).to_rgb()


@cache
def _painters(tiles: tuple[Tile, ...]) -> tuple[Callable[[Canvas], Canvas], ...]:
    return (_empty, *(partial(_SHAPES[tile.shape], color=tile.color) for tile in tiles))


def _empty(tile: Canvas) -> Canvas:
    return tile.circle(_MIDDLE, 0.05, palette.SLATE)


def _block(tile: Canvas, color: Color) -> Canvas:
    return tile.rectangle(_MIDDLE, (0.84, 0.84), color, corner_radius=0.18)


def _brick(tile: Canvas, color: Color) -> Canvas:
    return tile.rectangle(_MIDDLE, (0.94, 0.6), color, corner_radius=0.06)


def _disc(tile: Canvas, color: Color) -> Canvas:
    return tile.circle(_MIDDLE, 0.36, color)


def _dot(tile: Canvas, color: Color) -> Canvas:
    return tile.circle(_MIDDLE, 0.16, color)


def _bar(tile: Canvas, color: Color) -> Canvas:
    return tile.rectangle(_MIDDLE, (0.2, 0.64), color, corner_radius=0.1)


_SHAPES = {"block": _block, "brick": _brick, "disc": _disc, "dot": _dot, "bar": _bar}
