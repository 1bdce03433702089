"""Maze: the cells of a maze, its walls, and where episodes begin and end."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.simulators.mujoco.model import Addition

WALL, EMPTY, RESET, GOAL, BOTH = "1", "0", "r", "g", "c"
TARGET_SITE = "target"
_WALL_COLOUR = (0.7, 0.5, 0.3, 1.0)
_TARGET_COLOUR = (1.0, 0.0, 0.0, 0.7)

MAPS: dict[str, tuple[str, ...]] = {
    "u_maze": ("11111", "10001", "11101", "10001", "11111"),
    "open": ("1111111", "1000001", "1000001", "1000001", "1111111"),
    "open_diverse_g": ("1111111", "1rgggg1", "1ggggg1", "1ggggg1", "1111111"),
    "open_diverse_gr": ("1111111", "1ccccc1", "1ccccc1", "1ccccc1", "1111111"),
    "medium": (
        "11111111",
        "10011001",
        "10010001",
        "11000111",
        "10010001",
        "10100101",
        "10001001",
        "11111111",
    ),
    "medium_diverse_g": (
        "11111111",
        "1r011001",
        "100100g1",
        "11000111",
        "10010001",
        "1g100101",
        "10001g01",
        "11111111",
    ),
    "medium_diverse_gr": (
        "11111111",
        "1c011001",
        "100100c1",
        "11000111",
        "10010001",
        "1c100101",
        "10001c01",
        "11111111",
    ),
    "large": (
        "111111111111",
        "100001000001",
        "101101010101",
        "100000010001",
        "101111011101",
        "100101000001",
        "110101010111",
        "100100010001",
        "111111111111",
    ),
    "large_diverse_g": (
        "111111111111",
        "1r0001g00001",
        "101101010101",
        "10000g0100g1",
        "101111011101",
        "10g101000001",
        "110101010111",
        "1001g0g10g01",
        "111111111111",
    ),
    "large_diverse_gr": (
        "111111111111",
        "1c0001c00001",
        "101101010101",
        "10000c0100c1",
        "101111011101",
        "10c101000001",
        "110101010111",
        "1001c0c10c01",
        "111111111111",
    ),
}
"""The mazes of gymnasium-robotics, by name: rows of cells, from the top."""


@dataclasses.dataclass(frozen=True)
class Maze:
    """A maze whose middle is at the origin; rows run along x, and columns down, against y.

    Attributes:
        rows: the cells, by rows: 1 is a wall, 0 is empty, r a start, g a goal, c both.
        scaling: the side of a cell, m.
        height: of the walls, in sides of a cell.
    """

    rows: tuple[str, ...]
    scaling: float
    height: float

    def centre(self, row: Any, column: Any) -> tuple[Any, Any]:
        """The middle of a cell: x and y, m."""
        x = (column + 0.5) * self.scaling - len(self.rows[0]) / 2 * self.scaling
        y = len(self.rows) / 2 * self.scaling - (row + 0.5) * self.scaling
        return x, y

    def cells(self, *kinds: str) -> list[tuple[int, int]]:
        """Row and column of each cell of these kinds, by rows."""
        return [(i, j) for i, row in enumerate(self.rows) for j, cell in enumerate(row) if cell in kinds]

    @functools.cached_property
    def starts(self) -> np.ndarray:
        """(n, 2) m: the middles of the cells where episodes may begin."""
        return self._places(RESET)

    @functools.cached_property
    def goals(self) -> np.ndarray:
        """(n, 2) m: the middles of the cells where goals may be."""
        return self._places(GOAL)

    def _places(self, kind: str) -> np.ndarray:
        """Cells of a kind, then those that are both; any empty cell if there are neither."""
        cells = [*self.cells(kind), *self.cells(BOTH)] or self.cells(EMPTY)
        return np.array([self.centre(*cell) for cell in cells]).reshape(-1, 2)

    @property
    def additions(self) -> tuple[Addition, ...]:
        """The walls, and the site of the goal."""
        half, tall = 0.5 * self.scaling, self.height / 2 * self.scaling
        walls = [
            Addition("geom", f"block_{i}_{j}", "box", (*self.centre(i, j), tall), (half, half, tall), _WALL_COLOUR)
            for i, j in self.cells(WALL)
        ]
        target = Addition("site", TARGET_SITE, "sphere", (0.0, 0.0, tall), (0.2 * self.scaling,), _TARGET_COLOUR)
        return (*walls, target)


@functools.cache
def maze_of(rows: tuple[str, ...], scaling: float, height: float) -> Maze:
    """The maze with these rows."""
    return Maze(rows, scaling, height)


def rows_of(name: str, maze_map: Any) -> tuple[str, ...]:
    """The rows of a maze that is given by its name, or by rows of cells.

    Args:
        name: of the environment, for messages.
        maze_map: a name among `MAPS`, or rows, each a string or a sequence of 0, 1, "r", "g" and "c"; also as an array
            of NumPy.

    Raises:
        InvalidField: it is no maze.
    """
    if isinstance(maze_map, str):
        if maze_map not in MAPS:
            raise InvalidField(
                f"{name}: there is no maze {maze_map!r}.{did_you_mean(maze_map, MAPS)} There are: {', '.join(MAPS)}."
            )
        return MAPS[maze_map]
    if isinstance(maze_map, np.ndarray):
        maze_map = maze_map.tolist()
    if not isinstance(maze_map, Sequence) or not all(isinstance(row, Sequence) for row in maze_map):
        raise InvalidField(f"{name}: `maze_map` is the name of a maze or its rows, got {maze_map!r}.")
    rows = tuple("".join(str(cell) for cell in row) for row in maze_map)
    if not rows or len({len(row) for row in rows}) != 1 or set("".join(rows)) - {WALL, EMPTY, RESET, GOAL, BOTH}:
        raise InvalidField(f"{name}: `maze_map` has rows of the same length of 0, 1, 'r', 'g' and 'c', got {rows!r}.")
    maze = Maze(rows, 1.0, 1.0)
    starts, goals = maze.starts, maze.goals
    apart = np.linalg.norm(starts[:, None] - goals[None], axis=-1) > 0.0
    if not starts.size or not goals.size or not apart.any(axis=0).all():
        raise InvalidField(f"{name}: `maze_map` needs a cell to begin in besides each goal; got {rows!r}.")
    return rows
