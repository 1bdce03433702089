"""The rules of VoxelCraft: what is kept, dug, placed and made, and what counts as an achievement."""

import math

import numpy as np

from jaxenvs.simulators.voxels.blocks import Block

ITEMS = ("dirt", "wood", "stone", "coal", "iron", "diamond", "wood pickaxe", "stone pickaxe", "iron pickaxe")
DIRT, WOOD, STONE, COAL, IRON, DIAMOND, WOOD_PICKAXE, STONE_PICKAXE, IRON_PICKAXE = range(len(ITEMS))
MOST = 9
"""The most that is kept of an item."""

ACHIEVEMENTS = (
    "collect dirt",
    "collect wood",
    "place table",
    "make wood pickaxe",
    "collect stone",
    "place stone",
    "make stone pickaxe",
    "collect coal",
    "collect iron",
    "place furnace",
    "make iron pickaxe",
    "collect diamond",
)

ACTIONS = (
    "no-op",
    "forward",
    "back",
    "turn left",
    "turn right",
    "look up",
    "look down",
    "jump",
    "dig",
    "place stone",
    "place table",
    "place furnace",
    "make wood pickaxe",
    "make stone pickaxe",
    "make iron pickaxe",
)
(
    NOTHING,
    FORWARD,
    BACK,
    TURN_LEFT,
    TURN_RIGHT,
    LOOK_UP,
    LOOK_DOWN,
    JUMP,
    DIG,
    PLACE_STONE,
    PLACE_TABLE,
    PLACE_FURNACE,
    MAKE_WOOD_PICKAXE,
    MAKE_STONE_PICKAXE,
    MAKE_IRON_PICKAXE,
) = range(len(ACTIONS))

_NONE = len(ITEMS)
_BY_HAND = len(ITEMS)
_NEVER = len(ITEMS) + 1

# What a block gives, the tool that it needs, and the achievement.
_DUG: dict[Block, tuple[int, int, str]] = {
    Block.DIRT: (DIRT, _BY_HAND, "collect dirt"),
    Block.GRASS: (DIRT, _BY_HAND, "collect dirt"),
    Block.LOG: (WOOD, _BY_HAND, "collect wood"),
    Block.LEAVES: (_NONE, _BY_HAND, ""),
    Block.SAND: (_NONE, _BY_HAND, ""),
    Block.STONE: (STONE, WOOD_PICKAXE, "collect stone"),
    Block.COBBLESTONE: (STONE, WOOD_PICKAXE, "collect stone"),
    Block.COAL_ORE: (COAL, WOOD_PICKAXE, "collect coal"),
    Block.IRON_ORE: (IRON, STONE_PICKAXE, "collect iron"),
    Block.DIAMOND_ORE: (DIAMOND, IRON_PICKAXE, "collect diamond"),
}

# What is used up, what must be near, what comes of it, and the achievement.
_MADE: dict[int, tuple[dict[int, int], tuple[Block, ...], int, str]] = {
    PLACE_STONE: ({STONE: 1}, (), Block.COBBLESTONE, "place stone"),
    PLACE_TABLE: ({WOOD: 4}, (), Block.TABLE, "place table"),
    PLACE_FURNACE: ({STONE: 4}, (Block.TABLE,), Block.FURNACE, "place furnace"),
    MAKE_WOOD_PICKAXE: ({WOOD: 1}, (Block.TABLE,), WOOD_PICKAXE, "make wood pickaxe"),
    MAKE_STONE_PICKAXE: ({WOOD: 1, STONE: 1}, (Block.TABLE,), STONE_PICKAXE, "make stone pickaxe"),
    MAKE_IRON_PICKAXE: (
        {WOOD: 1, COAL: 1, IRON: 1},
        (Block.TABLE, Block.FURNACE),
        IRON_PICKAXE,
        "make iron pickaxe",
    ),
}


def _achievement(name: str) -> int:
    return ACHIEVEMENTS.index(name) if name else len(ACHIEVEMENTS)


def dig_table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(blocks,) int32 each: the item that a block gives, the tool it needs, and the achievement.

    An item of 9 is none, a tool of 9 the bare hand, of 10 that nothing digs it; an achievement of 12 is none.
    """
    rows = [_DUG.get(block, (_NONE, _NEVER, "")) for block in Block]
    return tuple(np.array([(i, t, _achievement(a))[k] for i, t, a in rows], np.int32) for k in range(3))  # pyright: ignore[reportReturnType]


def make_table() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """By action: the items used up, (actions, 9) int32; whether a table and a furnace must be near, (actions, 2) bool;
    the item made, (actions,) int32, 9 for none; the block placed, (actions,) uint8, air for none; the achievement.
    """
    count = len(ACTIONS)
    used, near = np.zeros((count, len(ITEMS)), np.int32), np.zeros((count, 2), bool)
    item, block = np.full(count, _NONE, np.int32), np.zeros(count, np.uint8)
    achievement = np.full(count, len(ACHIEVEMENTS), np.int32)
    for action, (needs, places, result, name) in _MADE.items():
        for kind, number in needs.items():
            used[action, kind] = number
        near[action] = [place in places for place in (Block.TABLE, Block.FURNACE)]
        if action in (PLACE_STONE, PLACE_TABLE, PLACE_FURNACE):
            block[action] = result
        else:
            item[action] = result
        achievement[action] = _achievement(name)
    return used, near, item, block, achievement


PITCHES = (-60.0, -30.0, 0.0, 30.0, 60.0)
"""The angles to look at, degrees, positive downwards."""
EYES = 1.62
REACH = 3.0
"""How far from the eyes blocks can be dug and placed."""


def sight_lines() -> np.ndarray:
    """(pitches, n, 2) int32: the cells that the line of sight passes, as (blocks ahead, blocks up), from the eyes on.

    Lines with fewer cells repeat their last one.
    """
    lines = []
    for pitch in PITCHES:
        far = np.linspace(0, REACH, 3001)
        ahead = np.floor(0.5 + far * math.cos(math.radians(pitch))).astype(int)
        up = np.floor(EYES - far * math.sin(math.radians(pitch))).astype(int)
        cells = np.stack([ahead, up], axis=1)
        lines.append(cells[np.r_[True, (np.diff(cells, axis=0) != 0).any(axis=1)]])
    longest = max(map(len, lines))
    return np.stack([np.pad(line, ((0, longest - len(line)), (0, 0)), mode="edge") for line in lines]).astype(np.int32)


CLASSES = {
    "opaque": (Block.BEDROCK, Block.COBBLESTONE),
    "earth": (Block.DIRT, Block.GRASS, Block.SAND),
    "log": (Block.LOG,),
    "leaves": (Block.LEAVES,),
    "stone": (Block.STONE,),
    "coal": (Block.COAL_ORE,),
    "iron": (Block.IRON_ORE,),
    "diamond": (Block.DIAMOND_ORE,),
    "table": (Block.TABLE,),
    "furnace": (Block.FURNACE,),
    "water": (Block.WATER,),
}
"""The kinds of blocks that the symbolic observation tells apart, besides air."""


def class_table() -> np.ndarray:
    """(blocks,) int32: the class of each block, from 0; the number of classes for air."""
    table = np.full(len(Block), len(CLASSES), np.int32)
    for number, blocks in enumerate(CLASSES.values()):
        table[list(blocks)] = number
    return table
