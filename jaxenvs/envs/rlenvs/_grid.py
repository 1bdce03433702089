"""Grid worlds: cells (x, y) that count from 1 with y pointing up, the moves between them, and a picture."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas
from jaxenvs.canvas.palette import Color
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs._tileset import lay, sprite_of, tileset_of
from jaxenvs.spaces import MultiDiscrete

TILE = 64
"""The size of a cell in pictures, in pixels."""


class GridState(PyTreeNode):
    """State of a grid world.

    Attributes:
        x: () int32, the agent's column, from 1 on the left.
        y: () int32, the agent's row, from 1 at the bottom.
    """

    x: Array
    y: Array


def cells(columns: int, rows: int) -> MultiDiscrete:
    """The observations (x, y) of a grid."""
    return MultiDiscrete(np.array([columns, rows]), np.array([1, 1]))


def state_at(cell: tuple[int, int]) -> GridState:
    """The state with the agent in a cell (x, y)."""
    return GridState(x=jnp.full((), cell[0], jnp.int32), y=jnp.full((), cell[1], jnp.int32))


def neighbour(x: Array, y: Array, action: Array, columns: int, rows: int) -> tuple[Array, Array]:
    """The cell that a move leads to, () int32 each. The edge of the grid stops it along each axis separately.

    Args:
        x: () int32, the column it starts in.
        y: () int32, the row it starts in.
        action: () int32: 0 up, 1 right, 2 down, 3 left, 4 up and right, 5 down and right, 6 down and left, 7 up and
            left.
        columns: number of columns of the grid.
        rows: number of rows of the grid.
    """
    right = (action == 1) | (action == 4) | (action == 5)
    left = (action == 3) | (action == 6) | (action == 7)
    up = (action == 0) | (action == 4) | (action == 7)
    down = (action == 2) | (action == 5) | (action == 6)
    x = x + right.astype(jnp.int32) - left.astype(jnp.int32)
    y = y + up.astype(jnp.int32) - down.astype(jnp.int32)
    return jnp.clip(x, 1, columns), jnp.clip(y, 1, rows)


def draw_cells(
    kinds: Array | np.ndarray,
    painters: tuple[Callable[[Canvas], Canvas], ...],
    agent: Callable[[Canvas], Canvas],
    x: Array,
    y: Array,
    background: Color,
) -> Canvas:
    """The picture of a grid with its agent, one tile per cell.

    Args:
        kinds: (rows, columns) int32, which of `painters` shows each cell; the top row comes first.
        painters: painters of opaque tiles; see `jaxenvs.envs._tileset`.
        agent: paints the agent on top of a tile.
        x: () int32, the agent's column, from 1.
        y: () int32, the agent's row, from 1 at the bottom.
        background: background colour of the tiles.
    """
    rows, columns = np.shape(kinds)
    pictures = jnp.asarray(kinds, jnp.int32).at[rows - y, x - 1].add(len(painters))
    grounds = tileset_of(painters, TILE, background)
    sprite = sprite_of(agent, TILE, TILE, in_tiles=True)
    tileset = np.stack([*grounds, *(lay(ground, sprite) for ground in grounds)])
    return Canvas.blank(rows * TILE, columns * TILE, background).tiles(pictures, tileset)
