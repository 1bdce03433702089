"""The picture of the cliff, shared by tasks of two families."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.envs._tileset import lay, sprite_of, tileset_of

_ROWS, _COLUMNS = 4, 12
_START, _GOAL = 36, 47  # the lower corners; between them lies the cliff
_TILE = 64  # pixels


def draw_cliff(index: Array) -> Array:
    """(256, 768, 3) uint8: a meadow, the sea below its edge, and the agent, a hiker.

    Args:
        index: () int32, the agent's cell, `row * 12 + column`, from the upper left.
    """
    pictures = jnp.asarray([_picture_of(cell) for cell in range(_ROWS * _COLUMNS)], jnp.int32)
    pictures = pictures.at[index].add(len(_GROUNDS)).reshape(_ROWS, _COLUMNS)
    grounds = tileset_of(_GROUNDS, _TILE, palette.GRASS)
    hiker = sprite_of(_paint_hiker, _TILE, _TILE, in_tiles=True)
    tileset = np.stack([*grounds, *(lay(ground, hiker) for ground in grounds)])
    return Canvas.blank(_ROWS * _TILE, _COLUMNS * _TILE, palette.GRASS).tiles(pictures, tileset).to_rgb()


# ---------------------------------------------------------------- a painter for each kind of tile


def _paint_meadow(tile: Canvas) -> Canvas:
    return tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.GRASS_DARK, stroke=0.03, opacity=0.35)


def _paint_tufts(tile: Canvas) -> Canvas:
    tile = _paint_meadow(tile)
    for x, y in ((0.24, 0.66), (0.7, 0.3)):
        for lean in (-0.07, 0.0, 0.07):
            tile = tile.line((x, y), (x + lean, y + 0.12), 0.025, palette.GRASS_DARK)
    return tile


def _paint_flowers(tile: Canvas) -> Canvas:
    tile = _paint_meadow(tile)
    for x, y, color in ((0.3, 0.28, palette.WHITE), (0.72, 0.7, palette.YELLOW_LIGHT)):
        for right, up in ((0.045, 0.0), (-0.045, 0.0), (0.0, 0.045), (0.0, -0.045)):
            tile = tile.circle((x + right, y + up), 0.034, color)
        tile = tile.circle((x, y), 0.028, palette.ORANGE)
    return tile


def _paint_start(tile: Canvas) -> Canvas:
    tile = _paint_meadow(tile).circle((0.5, 0.42), 0.36, palette.SAND)
    return tile.text("S", (0.1, 0.78), 0.14, palette.INK)


def _paint_goal(tile: Canvas) -> Canvas:
    return (
        _paint_meadow(tile)
        .circle((0.5, 0.42), 0.36, palette.SAND)
        .line((0.72, 0.2), (0.72, 0.86), 0.04, palette.WOOD_DARK)
        .polygon([(0.72, 0.88), (0.72, 0.6), (0.98, 0.74)], palette.RED)
    )


def _paint_cliff(tile: Canvas) -> Canvas:
    edge = [(0.0, 1.0), (1.0, 1.0), (1.0, 0.9), (0.82, 0.86), (0.62, 0.92), (0.4, 0.85), (0.2, 0.91), (0.0, 0.9)]
    rock = [
        (0.0, 1.0),
        (1.0, 1.0),
        (1.0, 0.5),
        (0.86, 0.42),
        (0.7, 0.5),
        (0.5, 0.4),
        (0.3, 0.5),
        (0.14, 0.43),
        (0.0, 0.5),
    ]
    tile = tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.WATER).polygon(rock, palette.EARTH)
    for x, top, bottom in ((0.16, 0.8, 0.56), (0.44, 0.78, 0.52), (0.58, 0.84, 0.66), (0.86, 0.8, 0.54)):
        tile = tile.line((x, top), (x + 0.02, bottom), 0.03, palette.WOOD_DARK, opacity=0.6)
    tile = tile.polygon(edge, palette.GRASS_DARK)
    for y, shift in ((0.3, 0.0), (0.13, 0.25)):
        for x in (shift - 0.5, shift, shift + 0.5):
            wave = [(x, y), (x + 0.12, y + 0.05), (x + 0.25, y)]
            tile = tile.polyline(wave, 0.03, palette.WHITE, opacity=0.75)
    return tile


def _paint_hiker(tile: Canvas) -> Canvas:
    return (
        tile.line((0.46, 0.34), (0.38, 0.14), 0.08, palette.INK)
        .line((0.52, 0.34), (0.6, 0.14), 0.08, palette.INK)
        .line((0.37, 0.12), (0.43, 0.12), 0.06, palette.WOOD_DARK)
        .line((0.59, 0.12), (0.65, 0.12), 0.06, palette.WOOD_DARK)
        .rectangle((0.35, 0.47), (0.15, 0.26), palette.ORANGE_DARK, corner_radius=0.05)
        .rectangle((0.49, 0.46), (0.2, 0.28), palette.BLUE, corner_radius=0.07)
        .line((0.74, 0.62), (0.7, 0.12), 0.03, palette.WOOD_DARK)
        .line((0.52, 0.54), (0.62, 0.42), 0.07, palette.BLUE_DARK)
        .line((0.62, 0.42), (0.72, 0.46), 0.07, palette.BLUE_DARK)
        .circle((0.51, 0.69), 0.11, palette.ORANGE_LIGHT)
        .circle((0.56, 0.7), 0.018, palette.INK)
        .line((0.36, 0.76), (0.68, 0.76), 0.045, palette.WOOD_DARK)
        .rectangle((0.51, 0.82), (0.18, 0.12), palette.WOOD_DARK, corner_radius=0.04)
    )


_GROUNDS = (_paint_meadow, _paint_tufts, _paint_flowers, _paint_start, _paint_goal, _paint_cliff)


def _picture_of(cell: int) -> int:
    """Which of `_GROUNDS` shows a cell. The meadow varies a little, but always in the same way."""
    if cell >= _START:
        return 3 if cell == _START else 4 if cell == _GOAL else 5
    row, column = divmod(cell, _COLUMNS)
    return {1: 1, 4: 1, 6: 2}.get((3 * column + 5 * row) % 7, 0)
