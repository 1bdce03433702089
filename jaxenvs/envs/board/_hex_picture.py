"""The picture of a Hex board: a rhombus of hexagons, whose edges have the colours of the two players, and stones."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas
from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.envs.board import _wood
from jaxenvs.envs.board._look import Look, pieces_of

_WIDTH = 640  # pixels, about
_MARGIN = 40  # pixels, for the coloured edges and the coordinates
_LARGEST_CELL = 62  # pixels
_WOOD, _WOOD_DARK = (236, 214, 176), (217, 187, 140)
_CELL, _LINE, _LETTER = (251, 245, 232), (120, 96, 68), (92, 66, 42)
_RED, _BLUE = (205, 52, 46), (44, 96, 190)
_EDGE_WIDTH = 0.24  # of a cell, the coloured edges


def draw_hex(stones: Array, last_action: Array) -> Array:
    """(height, width, 3) uint8: the board; it is about 640 pixels wide. The last stone has a ring, and the stones of
    a chain that connects its player's edges have dots.

    Args:
        stones: (2, size, size) bool, the stones of Red, who connects the top with the bottom, and of Blue, rows from
            the top.
        last_action: () int32, the cell, row by row, of the last move; `size` * `size` for swapping, -1 for none.
    """
    size = stones.shape[-1]
    red, blue = stones
    is_last = (jnp.arange(size * size, dtype=jnp.int32) == last_action).reshape(size, size)
    kinds = jnp.where(red, 1, jnp.where(blue, 2, 0)).astype(jnp.int32)
    winning = connecting(red) | connecting(blue.T).T
    marks = jnp.where(winning, 2, jnp.where(is_last & (red | blue), 1, 0)).astype(jnp.int32)
    board, shadows, pieces, signs = _painted(size)
    x, y = _corner(size)
    shift = _cell_of(size)[0] // 2
    height, width, _ = board.shape
    canvas = Canvas.blank(height, width, _WOOD).image(board, (0, 0))
    canvas = canvas.tiles(jnp.minimum(kinds, 1), shadows, corner=(x + 2, y + 3), row_shift=shift)
    canvas = canvas.tiles(kinds, pieces, corner=(x, y), row_shift=shift)
    canvas = canvas.tiles(marks, signs, corner=(x, y), row_shift=shift)
    is_swap = (last_action == size * size).astype(jnp.float32)
    return canvas.text("SWAP", (board.shape[1] - 14, 22), 9, _RED, align="right", opacity=is_swap).to_rgb()


def connecting(stones: Array) -> Array:
    """(size, size) bool: the stones of chains that connect the top row with the bottom row.

    Args:
        stones: (size, size) bool, the stones of one player.
    """
    edge = jnp.zeros_like(stones)
    from_top, from_bottom = (_chain(stones, edge.at[row].set(True)) for row in (0, -1))
    return from_top & from_bottom


@compiled_once
def _chain(stones: Array, beginning: Array) -> Array:
    """(size, size) bool: the stones that are connected with one that is in `beginning`."""

    def spread(reached: Array) -> Array:
        padded = jnp.pad(reached, 1)
        near = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
        return stones & (reached | near | padded[:-2, 2:] | padded[2:, :-2])

    def grew(pair: tuple[Array, Array]) -> Array:
        return (pair[0] != pair[1]).any()

    reached = stones & beginning
    return jax.lax.while_loop(grew, lambda pair: (pair[1], spread(pair[1])), (reached, spread(reached)))[1]


@functools.lru_cache(maxsize=8)
def hex_look(size: int) -> Look:
    """How Hex looks on a board of `size` by `size`."""
    height, width = _sides(size)
    centres = _centres(size).reshape(-1, 2).tolist()
    return Look(
        draw=lambda game, position, last_action: draw_hex(pieces_of(game, position), last_action),
        points=tuple((x / width, y / height, cell) for cell, (x, y) in enumerate(centres)),
        columns=size,
        players=("Red", "Blue"),
        ground="",
        pieces=("31;1", "34;1"),
        leans=True,
    )


def _cell_of(size: int) -> tuple[int, int]:
    """Pixels from column to column, which are even, and from row to row."""
    cell = min(int((_WIDTH - 2 * _MARGIN) / (1.5 * size - 0.5)), _LARGEST_CELL)
    cell -= cell % 2
    return cell, round(cell * 3**0.5 / 2)


def _sides(size: int) -> tuple[int, int]:
    """The height and the width of the picture."""
    cell, row_height = _cell_of(size)
    return row_height * size + cell // 3 + 2 * _MARGIN, (3 * size - 1) * cell // 2 + 2 * _MARGIN


def _corner(size: int) -> tuple[int, int]:
    """(x, y) of the top left corner of the first cell's tile."""
    return _MARGIN, _MARGIN + _cell_of(size)[0] // 6


def _centres(size: int) -> np.ndarray:
    """(size, size, 2) float32: x and y of the middle of each cell, pixels."""
    cell, row_height = _cell_of(size)
    x, y = _corner(size)
    row, column = np.mgrid[0:size, 0:size].astype(np.float32)
    return np.stack([x + (column + 0.5 + row / 2) * cell, y + (row + 0.5) * row_height], -1)


@functools.lru_cache(maxsize=8)
def _painted(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The empty board, and the tiles of shadows, of stones and of marks."""
    height, width = _sides(size)
    cell, row_height = _cell_of(size)
    centres = _centres(size)
    picture = _wood.wood(height, width, _WOOD, _WOOD_DARK, seed=8)
    _wood.bevel(picture, 5)
    outside = _distance(height, width, centres, cell) - cell / 2
    is_red = _belongs_to_red(height, width, size)
    edge = np.clip(_EDGE_WIDTH * cell - outside + 0.5, 0, 1)
    _wood.paint(picture, edge * is_red, _RED)
    _wood.paint(picture, edge * ~is_red, _BLUE)
    _wood.paint(picture, np.clip(0.5 - outside, 0, 1), _CELL)
    _wood.paint(picture, 0.8 * np.clip(1.2 - np.abs(outside), 0, 1), _LINE)
    for i in range(size):
        for (x, y), side in ((centres[0, i], -1), (centres[-1, i], 1)):
            across = side * cell * 0.52
            _wood.write(picture, chr(ord("a") + i), (x + across, y + side * (0.66 * cell + 9)), 10, _LETTER)
        for (x, y), side in ((centres[i, 0], -1), (centres[i, -1], 1)):
            _wood.write(picture, str(i + 1), (x + side * (0.66 * cell + 13), y), 10, _LETTER)
    radius = 0.4 * cell
    red, blue = (
        _fit(_wood.stone(cell, radius, color, gloss=0.55, roundness=0.9), row_height) for color in (_RED, _BLUE)
    )
    blank = _fit(_wood.blank(cell), row_height)
    shadows = np.stack([blank, _fit(_wood.shadow(cell, radius, 0.55), row_height)])
    ring = _wood.piece((255, 255, 255), _wood.disc(cell, 0.21 * cell, stroke=0.07 * cell))
    dot = _wood.piece((255, 255, 255), _wood.disc(cell, 0.15 * cell))
    signs = np.stack([blank, _fit(ring, row_height), _fit(dot, row_height)])
    return _wood.finished(picture), shadows, np.stack([blank, red, blue]), signs


def _distance(height: int, width: int, centres: np.ndarray, cell: int) -> np.ndarray:
    """(height, width) float32: the distance of each pixel from the nearest centre, measured so that a circle is a
    hexagon with upright sides; infinite if the nearest one is far away.
    """
    distance = np.full((height, width), np.inf, np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
    for centre_x, centre_y in centres.reshape(-1, 2):
        near = (
            slice(max(0, int(centre_y) - cell), int(centre_y) + cell),
            slice(int(centre_x) - cell, int(centre_x) + cell),
        )
        across, down = np.abs(x[near] - centre_x), np.abs(y[near] - centre_y)
        distance[near] = np.minimum(distance[near], np.maximum(across, across / 2 + down * 3**0.5 / 2))
    return distance


def _belongs_to_red(height: int, width: int, size: int) -> np.ndarray:
    """(height, width) bool: which pixels around the cells are at the top or the bottom, rather than at the sides."""
    cell, row_height = _cell_of(size)
    left, top = _centres(size)[0, 0]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
    row = (y - top) / row_height
    column = (x - left) / cell - row / 2
    beyond_row, beyond_column = (np.maximum(-place, place - (size - 1)) for place in (row, column))
    return beyond_row > beyond_column


def _fit(tile: np.ndarray, row_height: int) -> np.ndarray:
    """A square tile without as many rows at its top and bottom as are more than the distance between rows."""
    above = (tile.shape[0] - row_height) // 2
    return tile[above : above + row_height]
