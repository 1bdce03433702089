"""VoxelCraft: dig, build and make tools in a generated world, in first-person view or by symbols."""

import math
from typing import ClassVar, Literal

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_choice, check_integer, check_probability, check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trigonometry import cos
from jaxenvs.envs.voxel_craft import _rules as rules
from jaxenvs.envs.voxel_craft._inventory import BAR_HEIGHT, with_bars, with_slots
from jaxenvs.envs.voxel_craft._terrain import Terrain, generated
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.voxels.blocks import MOST_HEIGHT, Block
from jaxenvs.simulators.voxels.camera import Lens, Scene, picture, to_rgb
from jaxenvs.simulators.voxels.grid import bits_of, block_at, is_solid, with_block
from jaxenvs.spaces import Box, Discrete

_FRAME = 420  # pixels
_LAMP = 7.0  # light level
_DARKEST = 0.12
# The cells that the symbolic observation shows: to the right, ahead and up, from the agent's feet.
_RIGHT, _FORE, _UP = range(-2, 3), range(-1, 4), range(-2, 4)
_SYMBOLS = len(_RIGHT) * len(_FORE) * len(_UP) * len(rules.CLASSES)
_OTHERS = len(rules.CLASSES) + len(rules.ITEMS) + len(rules.ACHIEVEMENTS) + 4 + len(rules.PITCHES) + 2 + 1
_AHEAD = np.array([[0, 1], [-1, 0], [0, -1], [1, 0]], np.int32)
"""The way ahead in (x, z) by facing: south, west, north, east."""
_NEAR = 2


class VoxelCraftState(PyTreeNode):
    """State of `VoxelCraft`.

    Attributes:
        blocks: (size, size, 32) uint8, by (x, z, y); see `jaxenvs.simulators.voxels.blocks`.
        cell: (3,) int32, the cell (x, y, z) of the agent's feet.
        facing: () int32, 0 south (z grows), 1 west, 2 north, 3 east.
        pitch: () int32, where it looks: 0 to 4 for 60 and 30 degrees up, straight ahead, 30 and 60 degrees down.
        inventory: (9,) int32, how many of each item it has, at most 9.
        achieved: (12,) bool, which achievements were reached.
        elapsed: () int32, steps since the start.
    """

    blocks: Array
    cell: Array
    facing: Array
    pitch: Array
    inventory: Array
    achieved: Array
    elapsed: Array


class VoxelCraft(Env[VoxelCraftState, Array]):
    """Dig, build and make tools in a world of 32 by 32 by 32 blocks, from bare hands to a diamond.

    A world has hills, water, trees, caves, and ores by depth. The agent is two blocks high and moves from cell to cell.
    It falls to the ground, and sinks in water. It can dig and place what its line of sight meets within 3 blocks. Stone
    and coal need a wood pickaxe, iron a stone pickaxe, diamonds an iron pickaxe; dirt, sand, wood and leaves are dug by
    hand. A day has `day_length` steps and begins in the morning. By night, and in caves, the agent sees by its lamp.

    Observation: (84, 84, 3) uint8, the view of the agent, and in the last 8 rows a bar for each of the nine items, one
        row high for each piece, up to 8. With `observation="symbolic"`, it is (1694,) float32 instead:

        | index        | meaning                                                            | min  | max | unit |
        |--------------|--------------------------------------------------------------------|------|-----|------|
        | 0 to 1649    | classes of the 5 x 5 x 6 blocks around (right, ahead, up), one-hot | 0    | 1   |      |
        | 1650 to 1660 | class of the block in the line of sight, one-hot                   | 0    | 1   |      |
        | 1661 to 1669 | number of each item                                                | 0    | 1   | 9    |
        | 1670 to 1681 | whether each achievement is reached                                | 0    | 1   |      |
        | 1682 to 1685 | facing south, west, north or east                                  | 0    | 1   |      |
        | 1686 to 1690 | where it looks, from the highest pitch                             | 0    | 1   |      |
        | 1691 to 1692 | whether a table, and a furnace, is near                            | 0    | 1   |      |
        | 1693         | daylight                                                           | 0.12 | 1   |      |

    Action: () int32. 0 no-op, 1 forward, 2 back, 3 turn left, 4 turn right, each by 90 degrees, 5 look up, 6 look down,
        each by 30 degrees, 7 jump, which leads forward onto a block, 8 dig, 9 place stone, 10 place table (4 wood), 11
        place furnace (4 stone, near a table), 12 make wood pickaxe (1 wood, near a table), 13 make stone pickaxe (1
        wood and 1 stone, near a table), 14 make iron pickaxe (1 wood, 1 coal and 1 iron, near a table and a furnace).
        Near is within 2 blocks in each direction. What is not possible does nothing.

    Reward: 1 for each achievement, the first time: collect dirt, collect wood, place table, make wood pickaxe, collect
        stone, place stone, make stone pickaxe, collect coal, collect iron, place furnace, make iron pickaxe, collect
        diamond.

    Start: on dry ground nearest to the middle of the world, facing south, with nothing.

    Episode end:
        Termination: all achievements are reached.
        Truncation: none here; `make` adds a time limit of 2,000 steps.

    Parameters:
        size: blocks along x and along z.
        hills: how far hills rise above the mean height of the ground, and valleys sink below it, at most, blocks.
        sea_level: height of the water's surface, blocks.
        trees: share of the grass that bears a tree.
        caves: share of the rock that caves take, roughly.
        coal: share of the rock that is coal.
        iron: share of the rock below 13 that is iron.
        diamond: share of the rock below 7 that is diamond.
        day_length: steps of a day.
        observation: `"pixels"` or `"symbolic"`.
        image_size: height and width of the picture, pixels.
        view_distance: depth up to which the picture shows blocks; fog begins at 60 % of it.

    Source: the tasks of D. Hafner, "Benchmarking the Spectrum of Agent Capabilities", 2021, in a world with height;
        rules and pictures are our own.

    Version history:
        v0: first version.
    """

    reset_is_costly: ClassVar[bool] = True
    frames_per_second: ClassVar[int] = 8

    hills: ArrayLike = 7.0
    sea_level: ArrayLike = 10.0
    trees: ArrayLike = 0.05
    caves: ArrayLike = 0.12
    coal: ArrayLike = 0.04
    iron: ArrayLike = 0.03
    diamond: ArrayLike = 0.02
    day_length: ArrayLike = 600.0
    size: int = static(default=32)
    observation: Literal["pixels", "symbolic"] = static(default="pixels")
    image_size: tuple[int, int] = static(default=(84, 84))
    view_distance: int = static(default=20)

    def check_fields(self) -> None:
        """Checks the sizes, the shares and the names."""
        check_integer(self, "size", self.size, 8, 60)
        check_integer(self, "view_distance", self.view_distance, 1, 64)
        for name in ("trees", "caves", "coal", "iron", "diamond"):
            check_probability(self, name, getattr(self, name))
        check_range(self, "hills", self.hills, 0.0, 16.0)
        check_range(self, "sea_level", self.sea_level, 0.0, 20.0)
        check_range(self, "day_length", self.day_length, 1.0)
        check_choice(self, "observation", self.observation, ("pixels", "symbolic"))
        if not isinstance(self.image_size, tuple) or len(self.image_size) != 2:
            raise InvalidField(f"VoxelCraft: `image_size` must be a tuple of two integers, got {self.image_size!r}.")
        for side in self.image_size:
            check_integer(self, "image_size", side, 2 * BAR_HEIGHT, 1024)

    @property
    def observation_space(self) -> Box:
        if self.observation == "symbolic":
            return Box(0, 1, (_SYMBOLS + _OTHERS,))
        return Box(0, 255, (*self.image_size, 3), np.uint8)

    @property
    def action_space(self) -> Discrete:
        """The 15 actions."""
        return Discrete(len(rules.ACTIONS))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[VoxelCraftState, TimeStep[Array]]:
        """Generates a world."""
        shares = (jnp.asarray(share, jnp.float32) for share in (self.coal, self.iron, self.diamond))
        terrain = Terrain(
            hills=jnp.asarray(self.hills, jnp.float32),
            sea_level=jnp.asarray(self.sea_level, jnp.float32),
            trees=jnp.asarray(self.trees, jnp.float32),
            caves=jnp.asarray(self.caves, jnp.float32),
            ores=tuple(shares),  # pyright: ignore[reportArgumentType]  # three
        )
        blocks = generated(terrain, self.size, check_key(key))
        zero = jnp.zeros((), jnp.int32)
        state = VoxelCraftState(
            blocks=blocks,
            cell=_start(blocks),
            facing=zero,
            pitch=jnp.full((), 2, jnp.int32),
            inventory=jnp.zeros(len(rules.ITEMS), jnp.int32),
            achieved=jnp.zeros(len(rules.ACHIEVEMENTS), bool),
            elapsed=zero,
        )
        return state, restart(self.observe(state))

    def step(self, state: VoxelCraftState, action: Array) -> tuple[VoxelCraftState, TimeStep[Array]]:
        """Moves, looks, digs, places or makes, then falls."""
        action = self.action_space.validate(action)
        before = state.achieved
        state = _worked(state, action)
        turn = (action == rules.TURN_RIGHT).astype(jnp.int32) - (action == rules.TURN_LEFT).astype(jnp.int32)
        tilt = (action == rules.LOOK_DOWN).astype(jnp.int32) - (action == rules.LOOK_UP).astype(jnp.int32)
        state = state.replace(
            cell=_moved(state, action),
            facing=(state.facing + turn) % 4,
            pitch=jnp.clip(state.pitch + tilt, 0, len(rules.PITCHES) - 1),
            elapsed=state.elapsed + 1,
        )
        new = (state.achieved & ~before).sum(dtype=jnp.int32)
        return state, transition(self.observe(state), new, state.achieved.all())

    def observe(self, state: VoxelCraftState) -> Array:
        """The view with bars, or the symbols."""
        if self.observation == "symbolic":
            return self._symbols(state)
        height, width = self.image_size
        return to_rgb(with_bars(picture(self._lens_of(height, width), self._scene(state)), state.inventory))

    def render(self, state: VoxelCraftState) -> Array:
        """(472, 420, 3) uint8: the view in more pixels, whatever is observed, and the number of each item below it."""
        return with_slots(picture(self._lens_of(_FRAME, _FRAME), self._scene(state)), state.inventory).to_rgb()

    def _lens_of(self, height: int, width: int) -> Lens:
        return Lens(height=height, width=width, view_distance=self.view_distance, has_fog=True)

    def daylight(self, state: VoxelCraftState) -> Array:
        """() float32: from 0.12 by night to 1 by day."""
        day = state.elapsed.astype(jnp.float32) / jnp.asarray(self.day_length, jnp.float32)
        return jnp.clip(0.55 + 0.75 * cos((2 * math.pi) * (day - 0.2)), _DARKEST, 1.0)

    def _scene(self, state: VoxelCraftState) -> Scene:
        return Scene(
            blocks=state.blocks,
            eye=state.cell.astype(jnp.float32) + np.array([0.5, rules.EYES, 0.5], np.float32),
            yaw=90.0 * state.facing.astype(jnp.float32),
            pitch=jnp.asarray(np.array(rules.PITCHES, np.float32))[state.pitch],
            daylight=self.daylight(state),
            lamp=jnp.full((), _LAMP, jnp.float32),
        )

    def _symbols(self, state: VoxelCraftState) -> Array:
        """(1694,) float32; see the table."""
        right, ahead, up = (np.array(span, np.int32) for span in (_RIGHT, _FORE, _UP))
        side, fore, high = (grid.reshape(-1) for grid in np.meshgrid(right, ahead, up, indexing="ij"))
        around = _blocks_at(state, side, fore, high)
        hit, _ = _in_sight(state)
        classes = jnp.asarray(rules.class_table())
        kinds = classes[jnp.concatenate([around, hit[None]]).astype(jnp.int32)]
        one_hot = kinds[:, None] == np.arange(len(rules.CLASSES), dtype=np.int32)[None, :]
        parts = [
            one_hot.reshape(-1),
            state.inventory.astype(jnp.float32) * np.float32(1 / rules.MOST),
            state.achieved,
            np.arange(4, dtype=np.int32) == state.facing,
            np.arange(len(rules.PITCHES), dtype=np.int32) == state.pitch,
            _near(state),
            self.daylight(state)[None],
        ]
        return jnp.concatenate([part.astype(jnp.float32) for part in parts])


def _blocks_at(
    state: VoxelCraftState, right: Array | np.ndarray, ahead: Array | np.ndarray, up: Array | np.ndarray
) -> Array:
    """(n,) uint8: the blocks in some cells, given by how far they are to the right, ahead of and above the feet."""
    way = jnp.asarray(_AHEAD)[state.facing]
    x, y, z = state.cell
    return block_at(state.blocks, x + way[0] * ahead - way[1] * right, y + up, z + way[1] * ahead + way[0] * right)


def _in_sight(state: VoxelCraftState) -> tuple[Array, Array]:
    """The first block in the line of sight that is neither air nor liquid, () uint8, air if there is none in reach.

    With it, (2, 2) int32: the cell of that block, and the one before it, as (ahead, up).
    """
    line = jnp.asarray(rules.sight_lines())[state.pitch]
    blocks = _blocks_at(state, np.zeros(len(line), np.int32), line[:, 0], line[:, 1])
    solid = is_solid(blocks)
    first = jnp.argmax(solid)
    hit = jnp.where(solid.any(), blocks[first], np.uint8(Block.AIR))
    return hit, jnp.stack([line[first], line[jnp.maximum(first - 1, 0)]])


def _near(state: VoxelCraftState) -> Array:
    """(2,) bool: whether a table, and a furnace, is within two cells."""
    span = np.arange(-_NEAR, _NEAR + 1, dtype=np.int32)
    right, ahead, up = (grid.reshape(-1) for grid in np.meshgrid(span, span, span, indexing="ij"))
    around = _blocks_at(state, right, ahead, up)
    return jnp.stack([(around == Block.TABLE).any(), (around == Block.FURNACE).any()])


def _worked(state: VoxelCraftState, action: Array) -> VoxelCraftState:
    """The state after digging, placing or making."""
    numbers = np.arange(len(rules.ITEMS), dtype=np.int32)
    hit, (there, before) = _in_sight(state)

    item_of, tool_of, dug_achievement = (jnp.asarray(table)[hit.astype(jnp.int32)] for table in rules.dig_table())
    has_tool = ((numbers == tool_of) & (state.inventory > 0)).any() | (tool_of == len(rules.ITEMS))
    digs = (action == rules.DIG) & has_tool & (hit != Block.AIR)

    used, near, item, block, achievement = (jnp.asarray(table)[action] for table in rules.make_table())
    can = (state.inventory >= used).all() & (_near(state) | ~near).all()
    is_own = (before[0] == 0) & ((before[1] == 0) | (before[1] == 1))
    has_place = (hit != Block.AIR) & ~is_own & (state.cell[1] + before[1] < MOST_HEIGHT - 1)
    makes = can & (achievement < len(rules.ACHIEVEMENTS)) & ((block == Block.AIR) | has_place)

    way = jnp.asarray(_AHEAD)[state.facing]
    ahead, up = jnp.where(digs, there, before)
    x, y, z = state.cell[0] + way[0] * ahead, state.cell[1] + up, state.cell[2] + way[1] * ahead
    places = makes & (block != Block.AIR)
    old = block_at(state.blocks, x, y, z)
    new = jnp.where(digs, np.uint8(Block.AIR), jnp.where(places, block, old))

    gained = jnp.where(digs, item_of, jnp.where(makes, item, len(rules.ITEMS)))
    inventory = state.inventory - jnp.where(makes, used, 0) + (numbers == gained).astype(jnp.int32)
    reached = jnp.where(digs, dug_achievement, jnp.where(makes, achievement, len(rules.ACHIEVEMENTS)))
    return state.replace(
        blocks=with_block(state.blocks, x, y, z, new),
        inventory=jnp.minimum(inventory, rules.MOST),
        achieved=state.achieved | (np.arange(len(rules.ACHIEVEMENTS), dtype=np.int32) == reached),
    )


def _moved(state: VoxelCraftState, action: Array) -> Array:
    """(3,) int32: the cell of the feet after the move and the fall to the ground."""
    way = jnp.asarray(_AHEAD)[state.facing]
    step = (action == rules.FORWARD) | (action == rules.JUMP)
    ahead = step.astype(jnp.int32) - (action == rules.BACK).astype(jnp.int32)
    up = (action == rules.JUMP).astype(jnp.int32)
    zero = np.zeros(3, np.int32)
    over = is_solid(_blocks_at(state, zero[:1], zero[:1], np.full(1, 2, np.int32)))[0]
    room = _blocks_at(state, zero[:2], jnp.stack([ahead, ahead]), jnp.stack([up, up + 1]))
    x, z = state.cell[0] + way[0] * ahead, state.cell[2] + way[1] * ahead
    size = state.blocks.shape[0]
    inside = (x >= 0) & (x < size) & (z >= 0) & (z < size) & (state.cell[1] + up < MOST_HEIGHT - 2)
    goes = inside & ~is_solid(room).any() & ~((up == 1) & over)
    x, z = jnp.where(goes, x, state.cell[0]), jnp.where(goes, z, state.cell[2])
    y = jnp.where(goes, state.cell[1] + up, state.cell[1])
    ground = bits_of(is_solid(state.blocks[x, z])[None, None, :])[0, 0]
    below = ground & ((np.uint32(1) << y.astype(jnp.uint32)) - np.uint32(1))
    return jnp.stack([x, 32 - lax.clz(below).astype(jnp.int32), z])


def _start(blocks: Array) -> Array:
    """(3,) int32: the cell above the grass or sand nearest to the middle, with nothing else above it."""
    size = blocks.shape[0]
    bits = bits_of(blocks != Block.AIR)
    top = 31 - lax.clz(bits).astype(jnp.int32)
    block = jnp.take_along_axis(blocks, top[:, :, None], axis=2)[:, :, 0]
    place = np.arange(size) - size // 2
    distance = (place[:, None] ** 2 + place[None, :] ** 2).astype(np.int32)
    is_dry = (block == Block.GRASS) | (block == Block.SAND)
    index = jnp.argmin(jnp.where(is_dry, distance, distance + 2 * size**2)).astype(jnp.int32)
    return jnp.stack([index // size, top.reshape(-1)[index] + 1, index % size])
