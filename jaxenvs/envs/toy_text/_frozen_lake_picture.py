"""The picture of FrozenLake: its tiles, each without and with the elf."""

import functools

import numpy as np

from jaxenvs.canvas import Canvas, palette
from jaxenvs.envs._tileset import lay, sprite_of, tileset_of


def _paint_plain(tile: Canvas) -> Canvas:
    return (
        tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.SILVER, stroke=0.05)
        .polygon([(0.0, 0.62), (0.62, 0.0), (0.86, 0.0), (0.0, 0.86)], palette.WHITE, opacity=0.22)
        .polygon([(0.6, 1.0), (1.0, 0.6), (1.0, 0.68), (0.68, 1.0)], palette.WHITE, opacity=0.22)
    )


def _paint_elf(tile: Canvas) -> Canvas:
    x = 0.5
    return (
        tile.line((x - 0.08, 0.16), (x - 0.08, 0.3), 0.09, palette.INK)
        .line((x + 0.08, 0.16), (x + 0.08, 0.3), 0.09, palette.INK)
        .line((x - 0.1, 0.14), (x - 0.16, 0.15), 0.07, palette.WOOD_DARK)
        .line((x + 0.1, 0.14), (x + 0.16, 0.15), 0.07, palette.WOOD_DARK)
        .line((x - 0.1, 0.44), (x - 0.21, 0.34), 0.08, palette.TEAL_DARK)
        .line((x + 0.1, 0.44), (x + 0.21, 0.34), 0.08, palette.TEAL_DARK)
        .polygon([(x - 0.16, 0.25), (x + 0.16, 0.25), (x + 0.1, 0.5), (x - 0.1, 0.5)], palette.TEAL)
        .line((x - 0.135, 0.32), (x + 0.135, 0.32), 0.045, palette.WOOD_DARK)
        .polygon([(x - 0.24, 0.66), (x - 0.1, 0.56), (x - 0.1, 0.66)], palette.ORANGE_LIGHT)
        .polygon([(x + 0.24, 0.66), (x + 0.1, 0.56), (x + 0.1, 0.66)], palette.ORANGE_LIGHT)
        .circle((x, 0.61), 0.14, palette.ORANGE_LIGHT)
        .line((x - 0.1, 0.49), (x + 0.1, 0.49), 0.07, palette.RED)
        .circle((x - 0.05, 0.61), 0.02, palette.INK)
        .circle((x + 0.05, 0.61), 0.02, palette.INK)
        .polygon([(x - 0.15, 0.68), (x + 0.15, 0.68), (x + 0.07, 0.92)], palette.RED)
        .line((x - 0.14, 0.69), (x + 0.14, 0.69), 0.06, palette.WHITE)
        .circle((x + 0.07, 0.91), 0.045, palette.WHITE)
    )


def _paint_cracked(tile: Canvas) -> Canvas:
    crack = [(0.14, 0.3), (0.3, 0.38), (0.38, 0.3), (0.56, 0.44), (0.62, 0.62), (0.8, 0.7)]
    tile = _paint_plain(tile).polyline(crack, 0.02, palette.STEEL, opacity=0.55)
    return tile.line((0.56, 0.44), (0.74, 0.36), 0.02, palette.STEEL, opacity=0.55)


def _paint_start(tile: Canvas) -> Canvas:
    tile = _paint_plain(tile).rectangle(
        (0.5, 0.5), (0.8, 0.8), palette.TEAL, corner_radius=0.12, stroke=0.04, opacity=0.6
    )
    return tile.text("S", (0.18, 0.68), 0.16, palette.TEAL_DARK)


def _paint_hole(tile: Canvas) -> Canvas:
    rim = [(0.12, 0.5), (0.2, 0.78), (0.44, 0.9), (0.72, 0.84), (0.9, 0.58), (0.82, 0.24), (0.56, 0.1), (0.26, 0.18)]
    water = [(0.5 + 0.86 * (x - 0.5), 0.48 + 0.86 * (y - 0.5)) for x, y in rim]
    tile = _paint_plain(tile).polygon(rim, palette.WHITE, corner_radius=0.02).polygon(water, palette.BLUE_DARK)
    tile = tile.line((0.3, 0.36), (0.44, 0.36), 0.025, palette.WATER).line(
        (0.56, 0.26), (0.68, 0.26), 0.025, palette.WATER
    )
    return tile


def _paint_hole_with_elf(tile: Canvas) -> Canvas:
    return (
        _paint_hole(tile)
        .circle((0.5, 0.44), 0.25, palette.WATER, stroke=0.03)
        .line((0.36, 0.46), (0.28, 0.66), 0.08, palette.TEAL_DARK)
        .line((0.64, 0.46), (0.72, 0.66), 0.08, palette.TEAL_DARK)
        .circle((0.28, 0.67), 0.05, palette.ORANGE_LIGHT)
        .circle((0.72, 0.67), 0.05, palette.ORANGE_LIGHT)
        .circle((0.5, 0.48), 0.14, palette.ORANGE_LIGHT)
        .circle((0.45, 0.49), 0.02, palette.INK)
        .circle((0.55, 0.49), 0.02, palette.INK)
        .circle((0.5, 0.42), 0.03, palette.INK)
        .polygon([(0.35, 0.56), (0.65, 0.56), (0.57, 0.8)], palette.RED)
        .line((0.36, 0.57), (0.64, 0.57), 0.06, palette.WHITE)
        .circle((0.57, 0.79), 0.045, palette.WHITE)
        .rectangle((0.5, 0.31), (0.36, 0.08), palette.BLUE_DARK)
        .line((0.34, 0.35), (0.66, 0.35), 0.025, palette.WATER)
    )


def _paint_goal(tile: Canvas, x: float = 0.5, width: float = 0.48) -> Canvas:
    top = 0.16 + width
    return (
        _paint_plain(tile)
        .circle((x - width * 0.2, top + 0.06), 0.08, palette.YELLOW, stroke=0.045)
        .circle((x + width * 0.2, top + 0.06), 0.08, palette.YELLOW, stroke=0.045)
        .rectangle((x, 0.16 + width * 0.5), (width, width), palette.RED, corner_radius=0.03)
        .rectangle((x, 0.16 + width * 0.88), (width * 1.12, width * 0.26), palette.RED_DARK, corner_radius=0.02)
        .rectangle((x, 0.16 + width * 0.5), (width * 0.2, width), palette.YELLOW)
    )


_paint_goal_aside = functools.partial(_paint_goal, x=0.74, width=0.36)  # to make room for the elf
_GROUNDS = (_paint_plain, _paint_cracked, _paint_start, _paint_hole, _paint_goal)
KINDS = len(_GROUNDS)
"""How many kinds of tile there are; each stands in the tileset once more with the elf."""


def tileset(size: int) -> np.ndarray:
    """(10, size, size, 3) uint8: each kind of tile, then each with the elf."""
    *grounds, hole_with_elf, goal_aside = tileset_of(
        (*_GROUNDS, _paint_hole_with_elf, _paint_goal_aside), size, palette.ICE
    )
    elf = sprite_of(_paint_elf, size, size, in_tiles=True)
    with_elf = [lay(ground, elf) for ground in grounds[:3]]
    with_elf += [hole_with_elf, lay(goal_aside, np.roll(elf, -round(0.18 * size), axis=1))]
    return np.stack([*grounds, *with_elf])


def picture_of(tile: str, cell: int, columns: int) -> int:
    """Which of `_GROUNDS` shows a tile. Some frozen tiles, always the same ones, are cracked."""
    row, column = divmod(cell, columns)
    return {"F": int((3 * column + 5 * row) % 7 in (2, 6)), "S": 2, "H": 3, "G": 4}[tile]
