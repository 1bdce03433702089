"""The classroom of Project Malmo: rooms in a row or a grid, with a goal in the last one."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.random import Key, draw_below
from jaxenvs.simulators.voxels.blocks import Block
from jaxenvs.simulators.voxels.grid import TORCH_LIGHT, spread_light

ROOM_HEIGHT = 4
_CEILING = ROOM_HEIGHT + 1
_LAYERS = ROOM_HEIGHT + 3  # the floor, the room, the ceiling, and an empty layer
_GAP = 2


@dataclasses.dataclass(frozen=True)
class Classroom:
    """The plan of a building. Cells of the grid count from 0; those of the first room from 1.

    Attributes:
        room_size: width (x) and length (z) of a room.
        divisions: number of walls that divide z, and of those that divide x.
        has_moats: whether moats divide the rooms rather than walls.
        goal: the block at the goal.
        hint: the block in gaps and on bridges.
    """

    room_size: tuple[int, int]
    divisions: tuple[int, int]
    has_moats: bool
    goal: Block
    hint: Block

    @property
    def rooms(self) -> tuple[int, int]:
        """The number of rooms along x and along z."""
        return self.divisions[1] + 1, self.divisions[0] + 1

    @property
    def size(self) -> tuple[int, int]:
        """The size of the grid along x and along z: rooms, walls between them, and walls around."""
        return (
            self.rooms[0] * (self.room_size[0] + 1) + 1,
            self.rooms[1] * (self.room_size[1] + 1) + 1,
        )

    def corner(self, axis: int, room: int) -> int:
        """The first cell of a room along x (axis 0) or z (axis 1)."""
        return 1 + room * (self.room_size[axis] + 1)

    def built(self, key: Key) -> tuple[Array, Array, Array]:
        """The blocks and the light, (x, z, y) uint8 each, and the start: () float32, the number of its cell in x."""
        goal_key, start_key, gap_key = jax.random.split(key, 3)
        grid = jnp.asarray(self._without_openings())
        for number, (axis, wall, corner) in enumerate(self._walls()):
            grid = self._opened(grid, axis, wall, corner, jax.random.fold_in(gap_key, number))
        width, length = self.room_size
        x = self.corner(0, self.rooms[0] - 1) + 2 + draw_below(goal_key, width - 4)
        z = self.corner(1, self.rooms[1] - 1) + length - 2
        blocks = grid.at[x, z, 1].set(np.uint8(self.goal))
        start = draw_below(start_key, width - 2).astype(jnp.float32)
        return blocks, spread_light(blocks, self._torch_light()), start

    def _walls(self) -> list[tuple[int, int, int]]:
        """The walls between two rooms: (axis that they cross, their cell along it, first cell along the other)."""
        walls = []
        for axis in (1, 0):
            for room in range(self.rooms[axis] - 1):
                wall = self.corner(axis, room + 1) - 1
                walls += [(axis, wall, self.corner(1 - axis, other)) for other in range(self.rooms[1 - axis])]
        return walls

    def _without_openings(self) -> np.ndarray:
        """(x, z, y) uint8: the building, with whole walls or moats."""
        grid = np.zeros((*self.size, _LAYERS), np.uint8)
        grid[:, :, 0], grid[:, :, _CEILING] = Block.PLANKS, Block.COBBLESTONE
        for axis in (0, 1):
            for cell in self._wall_cells(axis):
                is_outer = cell in (0, self.size[axis] - 1)
                wall = grid[cell] if axis == 0 else grid[:, cell]
                if is_outer or not self.has_moats:
                    wall[:, :_CEILING] = Block.COBBLESTONE
        if self.has_moats:
            for axis, wall, corner in self._walls():
                along = slice(corner, corner + self.room_size[1 - axis])
                grid[(wall, along, 0) if axis == 0 else (along, wall, 0)] = Block.LAVA
            for x in self._wall_cells(0)[1:-1]:
                for z in self._wall_cells(1)[1:-1]:
                    grid[x, z, :_CEILING] = Block.COBBLESTONE
        for axis, wall, along in self._torches():
            cell = (wall, along) if axis == 0 else (along, wall)
            if grid[(*cell, ROOM_HEIGHT)] == Block.COBBLESTONE:
                grid[(*cell, ROOM_HEIGHT)] = Block.TORCHED_COBBLESTONE
        return grid

    def _wall_cells(self, axis: int) -> list[int]:
        return [self.corner(axis, room) - 1 for room in range(self.rooms[axis] + 1)]

    def _torches(self) -> list[tuple[int, int, int]]:
        """(axis, cell of the wall, cell along it) of each block with a torch: every second one of a room's wall."""
        return [
            (axis, wall, self.corner(1 - axis, room) + place)
            for axis in (0, 1)
            for wall in self._wall_cells(axis)
            for room in range(self.rooms[1 - axis])
            for place in range(1, self.room_size[1 - axis] - 1, 2)
        ]

    def _torch_light(self) -> np.ndarray:
        """(x, z, y) uint8: the light in the cells on both sides of the torches' blocks."""
        light = np.zeros((*self.size, _LAYERS), np.uint8)
        for axis, wall, along in self._torches():
            for cell in (wall - 1, wall + 1):
                if 0 < cell < self.size[axis] - 1:
                    light[(cell, along, ROOM_HEIGHT) if axis == 0 else (along, cell, ROOM_HEIGHT)] = TORCH_LIGHT
        return light

    def _opened(self, grid: Array, axis: int, wall: int, corner: int, key: Key) -> Array:
        """Opens a wall by a gap, or lays a bridge over a moat, at a place drawn by the key."""
        margin = 1 if self.has_moats else 0
        first = corner + margin + draw_below(key, self.room_size[1 - axis] - _GAP - 2 * margin)
        for i in range(_GAP):
            cell = (wall, first + i) if axis == 0 else (first + i, wall)
            grid = grid.at[(*cell, 0)].set(np.uint8(self.hint))
            grid = grid.at[(*cell, slice(1, _CEILING))].set(np.uint8(Block.AIR))
        return grid
