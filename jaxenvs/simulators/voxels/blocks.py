"""The kinds of blocks, by number, and what is known about each."""

import enum


class Block(enum.IntEnum):
    """The kinds of blocks. `blocks > Block.AIR` is what can be seen, and `is_solid` what stops a body."""

    AIR = 0
    BEDROCK = 1
    STONE = 2
    COBBLESTONE = 3
    TORCHED_COBBLESTONE = 4
    """Cobblestone with a torch on each of its sides."""
    PLANKS = 5
    GOLD_BLOCK = 6
    DIAMOND_BLOCK = 7
    REDSTONE_BLOCK = 8
    GOLD_ORE = 9
    DIAMOND_ORE = 10
    REDSTONE_ORE = 11
    GRASS = 12
    DIRT = 13
    SAND = 14
    LOG = 15
    LEAVES = 16
    COAL_ORE = 17
    IRON_ORE = 18
    TABLE = 19
    FURNACE = 20
    WATER = 21
    LAVA = 22


FIRST_LIQUID = Block.WATER
"""Blocks from here on are liquids: bodies sink into them."""

MOST_HEIGHT = 32
"""The greatest height of a world: a column of blocks is a word of 32 bits."""
