"""How pictures show what the agent has: bars for learners, and slots with icons and numbers for people."""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.envs.voxel_craft import _rules as rules
from jaxenvs.simulators.voxels.blocks import Block
from jaxenvs.simulators.voxels.textures import SIZE, atlas

BAR_HEIGHT = 8  # pixels
_BAR_BLOCKS = (
    *(Block.DIRT, Block.LOG, Block.STONE, Block.COAL_ORE, Block.IRON_ORE, Block.DIAMOND_ORE),
    *(Block.PLANKS, Block.COBBLESTONE, Block.FURNACE),
)
"""The blocks whose texture gives each item's bar its colour."""
_SLOT, _ICON, _STRIP = 44, 2 * SIZE, 52  # pixels of the picture for people
_HEADS = {rules.WOOD_PICKAXE: (150, 110, 60), rules.STONE_PICKAXE: (150, 150, 150), rules.IRON_PICKAXE: (232, 232, 236)}
_HANDLE = (104, 74, 40)
_BACK, _EDGE = (38, 38, 42), (96, 96, 102)
_MISSING = 0.25
"""How visible the icon of an item is that the agent does not have."""


def with_bars(pixels: Array, inventory: Array) -> Array:
    """The picture with a bar for each item in its last rows, a row (two from 168 rows on) for each piece, up to 8.

    Args:
        pixels: (height, width) uint32.
        inventory: (9,) int32.
    """
    height, width = pixels.shape
    scale = max(1, height // 84)
    colors = np.array([int(atlas()[block, 1, 8, 8]) for block in _BAR_BLOCKS], np.uint32)
    item = np.arange(width, dtype=np.int32) * len(rules.ITEMS) // width
    level = np.arange(height - 1, -1, -1, dtype=np.int32) // scale
    shown = level[:, None] < inventory[item][None, :]
    is_bar = (level < BAR_HEIGHT)[:, None]
    bars = jnp.where(shown, colors[item][None, :], np.uint32(0))
    return jnp.where(is_bar, bars, pixels)


def with_slots(pixels: Array, inventory: Array) -> Canvas:
    """The picture with a cross where the line of sight ends, and below it a slot for each item, with its number.

    Args:
        pixels: (height, width) uint32; it stays as wide, and becomes 52 rows higher.
        inventory: (9,) int32.
    """
    height, width = pixels.shape
    strip = jnp.full((_STRIP, width), _packed(_BACK), jnp.uint32)
    canvas = Canvas(jnp.concatenate([pixels, strip]))
    for size in ((14, 2), (2, 14)):
        canvas = canvas.rectangle((width / 2, height / 2), size, palette.WHITE, opacity=0.7)
    left, y = (width - _SLOT * len(rules.ITEMS)) // 2, height + _STRIP // 2
    for item, icon in enumerate(_icons()):
        x = left + item * _SLOT + _SLOT // 2
        number = inventory[item]
        is_there = number > 0
        canvas = canvas.rectangle((x, y), (_SLOT - 4, _SLOT - 4), _EDGE, stroke=2.0)
        canvas = canvas.image(icon, (x - _ICON // 2, y - _ICON // 2), opacity=jnp.where(is_there, 1.0, _MISSING))
        if item not in _HEADS:
            visible = jnp.where(is_there, 1.0, 0.0)
            for shift, color in ((1, palette.BLACK), (0, palette.WHITE)):  # with a shadow
                place = x + _SLOT // 2 - 5 + shift, y + _SLOT // 2 - 6 + shift
                canvas = canvas.number(number, place, 13, color, digits=1, align="right", opacity=visible)
    return canvas


def _packed(color: tuple[int, int, int]) -> np.uint32:
    return np.uint32(color[0] | color[1] << 8 | color[2] << 16)


@functools.cache
def _icons() -> np.ndarray:
    """(9, 32, 32, 4) uint8: a face of the block that gives an item, or a pickaxe."""
    icons = []
    for item, block in enumerate(_BAR_BLOCKS):
        if item in _HEADS:
            icon = _pickaxe(_HEADS[item])
        else:
            face = atlas()[block, 1]
            icon = np.stack([face & 255, face >> 8 & 255, face >> 16 & 255, np.full_like(face, 255)], axis=-1)
        icons.append(icon.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1))
    return np.stack(icons)


def _pickaxe(head: tuple[int, int, int]) -> np.ndarray:
    """(16, 16, 4): a handle from the lower left, and a curved head of a colour at the upper right."""
    row, column = np.mgrid[0:SIZE, 0:SIZE]
    icon = np.zeros((SIZE, SIZE, 4), np.uint32)
    handle = (np.abs(row + column - 15) <= 1) & (column >= 1) & (column <= 11)
    far = np.hypot(row - 13.5, column - 1.5)
    curve = (far > 12.2) & (far < 15.2) & (np.abs((13.5 - row) - (column - 1.5)) < 10)
    for where, color in ((handle, _HANDLE), (curve, head)):
        icon[where] = (*color, 255)
    shade = curve & (far < 13.3)
    icon[shade, :3] = icon[shade, :3] * 7 // 10
    return icon
