"""Mazes of square cells: the moves in them, and their picture.

A maze is a tuple of its rows, with `x` for a wall and a blank for a free cell, and walls all around. A cell is
identified by its index, `row * columns + column`.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.envs._tileset import tileset_of

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""(rows, columns) of each action: up, right, down, left."""

_TILE, _SMALLEST_TILE, _LARGEST_FRAME = 32, 8, 512  # pixels
_FLOOR, _WALL, _GOAL, _AGENT, _AGENT_AT_GOAL = range(5)


@functools.lru_cache(maxsize=64)
def walls(maze: tuple[str, ...]) -> np.ndarray:
    """(rows, columns) bool: where there are walls."""
    return _fixed(np.array([[letter == "x" for letter in row] for row in maze]))


@functools.lru_cache(maxsize=64)
def free_cells(maze: tuple[str, ...]) -> np.ndarray:
    """(free cells,) int32: the cells without a wall, row by row."""
    return _fixed(np.flatnonzero(~walls(maze)).astype(np.int32))


@functools.lru_cache(maxsize=64)
def landings(maze: tuple[str, ...]) -> np.ndarray:
    """(cells * 4,) int32: the cell that each action leads to from each cell; a wall stops the agent."""
    is_wall = walls(maze)
    rows, columns = is_wall.shape
    landed = np.repeat(np.arange(rows * columns, dtype=np.int32), 4).reshape(rows, columns, 4)
    for row in range(rows):
        for column in range(columns):
            for action, (down, right) in enumerate(MOVES):
                to = row + down, column + right
                if 0 <= to[0] < rows and 0 <= to[1] < columns and not is_wall[to]:
                    landed[row, column, action] = to[0] * columns + to[1]
    return _fixed(landed.reshape(-1))


def moved(maze: tuple[str, ...], cell: Array, action: Array) -> Array:
    """() int32: the cell after an action."""
    return jnp.asarray(landings(maze)).at[4 * cell + action].get(mode="clip")


def place(maze: tuple[str, ...], cell: Array) -> tuple[Array, Array]:
    """Row and column of a cell, () int32 each."""
    columns = len(maze[0])
    return cell // columns, cell % columns


def tile_size(maze: tuple[str, ...]) -> int:
    """The edge of a cell in the picture, in pixels."""
    return max(min(_TILE, _LARGEST_FRAME // max(len(maze), len(maze[0]))), _SMALLEST_TILE)


def picture(maze: tuple[str, ...], cell: Array, goal: Array) -> Canvas:
    """The maze from above, in pixels, with the agent and the goal."""
    size = tile_size(maze)
    rows, columns = len(maze), len(maze[0])
    tiles = jnp.asarray(walls(maze).reshape(-1).astype(np.int32))
    tiles = tiles.at[goal].set(_GOAL).at[cell].set(jnp.where(cell == goal, _AGENT_AT_GOAL, _AGENT))
    blank = Canvas.blank(rows * size, columns * size, palette.PAPER)
    return blank.tiles(tiles.reshape(rows, columns), tileset_of(_PAINTERS, size, palette.PAPER))


def _fixed(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def _paint_floor(tile: Canvas) -> Canvas:
    return tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.MIST, stroke=0.06)


def _paint_wall(tile: Canvas) -> Canvas:
    tile = tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.SLATE)
    for x, y in ((0.25, 0.75), (0.75, 0.75), (0.0, 0.25), (0.5, 0.25), (1.0, 0.25)):
        tile = tile.rectangle((x, y), (0.44, 0.42), palette.STEEL, corner_radius=0.05, opacity=0.55)
    return tile


def _paint_goal(tile: Canvas) -> Canvas:
    tile = _paint_floor(tile).circle((0.5, 0.5), 0.42, palette.TEAL_LIGHT)
    return tile.line((0.36, 0.16), (0.36, 0.84), 0.08, palette.WOOD_DARK).polygon(
        [(0.4, 0.86), (0.4, 0.48), (0.8, 0.67)], palette.TEAL
    )


def _paint_agent(tile: Canvas) -> Canvas:
    return _with_agent(_paint_floor(tile))


def _paint_agent_at_goal(tile: Canvas) -> Canvas:
    return _with_agent(_paint_goal(tile))


def _with_agent(tile: Canvas) -> Canvas:
    tile = tile.circle((0.5, 0.46), 0.33, palette.ORANGE_DARK).circle((0.5, 0.48), 0.29, palette.ORANGE)
    for x in (0.4, 0.6):
        tile = tile.circle((x, 0.55), 0.08, palette.WHITE).circle((x, 0.55), 0.04, palette.INK)
    return tile


_PAINTERS = (_paint_floor, _paint_wall, _paint_goal, _paint_agent, _paint_agent_at_goal)
