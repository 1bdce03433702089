"""Generated worlds: hills, water, trees, caves, and ores by depth."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import Key
from jaxenvs.simulators.voxels.blocks import Block

_MEAN_HEIGHT, _BUMPS = 13.0, 3.0
_TRUNK = 4
_EDGE = 2  # cells at the edge of the world without trees
_ORES = ((Block.COAL_ORE, 32), (Block.IRON_ORE, 13), (Block.DIAMOND_ORE, 7))
"""Ores, and the height below which each is found."""


class Terrain(PyTreeNode):
    """How worlds are generated.

    Attributes:
        hills: () float32, how far hills rise above the mean height, and valleys sink below it, at most.
        sea_level: () float32, height of the water's surface.
        trees: () float32, the share of grass that bears a tree.
        caves: () float32, the share of the rock that caves take, roughly.
        ores: the shares of coal, iron and diamond in the rock where each is found, () float32 each.
    """

    hills: Array
    sea_level: Array
    trees: Array
    caves: Array
    ores: tuple[Array, Array, Array]


def generated(terrain: Terrain, size: int, key: Key) -> Array:
    """(size, size, 32) uint8: a world. Its highest layer is empty."""
    hill_key, bump_key, cave_key, ore_key, tree_key = jax.random.split(key, 5)
    hills, bumps = _noise(hill_key, (5, 5), size), _noise(bump_key, (9, 9), size)
    top = _MEAN_HEIGHT + terrain.hills * (hills - 0.5) * 2 + _BUMPS * (bumps - 0.5) * 2
    top = jnp.clip(jnp.round(top), 5.0, 22.0)[:, :, None]  # the height of the ground
    y = np.arange(32, dtype=np.float32)[None, None, :]
    shore = top <= terrain.sea_level
    ground = jnp.where(shore, Block.SAND, jnp.where(y == top - 1, Block.GRASS, Block.DIRT)).astype(jnp.uint8)
    is_rock = y < top - 3
    blocks = jnp.where(is_rock, np.uint8(Block.STONE), ground)

    chance = jax.random.uniform(ore_key, blocks.shape, jnp.float32)
    for (ore, below), share in zip(_ORES, terrain.ores, strict=True):
        blocks = jnp.where(is_rock & (y < below) & (chance < share), np.uint8(ore), blocks)
        chance = chance - share
        chance = jnp.where(chance < 0, 1.0, chance)
    caves = _noise(cave_key, (7, 7, 9), size)
    blocks = jnp.where((jnp.abs(caves - 0.5) < 0.5 * terrain.caves) & (y < top - 2), np.uint8(Block.AIR), blocks)

    water = jnp.where(y < terrain.sea_level, Block.WATER, Block.AIR).astype(jnp.uint8)
    blocks = jnp.where(y >= top, water, blocks)
    blocks = _with_trees(blocks, top, ~shore[:, :, 0], terrain.trees, tree_key)
    return jnp.where(y == 0, np.uint8(Block.BEDROCK), blocks)


def _with_trees(blocks: Array, top: Array, is_grass: Array, share: Array, key: Key) -> Array:
    size, y = blocks.shape[0], np.arange(32, dtype=np.float32)[None, None, :]
    place = np.arange(size)
    inner = (place >= _EDGE) & (place < size - _EDGE)
    inner = inner[:, None] & inner[None, :]
    bears = (jax.random.uniform(key, (size, size), jnp.float32) < share) & is_grass & inner
    crown = jnp.where(bears, top[:, :, 0] + _TRUNK, 0.0)  # the height of the trunk's end
    around = jnp.pad(crown, 1)
    shifted = [around[i : i + size, j : j + size] for i in range(3) for j in range(3)]
    widest = functools.reduce(jnp.maximum, shifted)[:, :, None]
    leaves = (widest > 0) & (y >= widest - 2) & (y < widest) | (bears[:, :, None] & (y == crown[:, :, None]))
    blocks = jnp.where(leaves & (blocks == Block.AIR), np.uint8(Block.LEAVES), blocks)
    trunk = bears[:, :, None] & (y >= top) & (y < crown[:, :, None])
    return jnp.where(trunk, np.uint8(Block.LOG), blocks)


def _noise(key: Key, knots: tuple[int, ...], size: int) -> Array:
    """Smooth noise around 0.5, float32: random numbers at the knots of a grid, and linear between them.

    Args:
        key: the key of the numbers.
        knots: knots along x, z and, if there are three, y.
        size: size of the result along x and z.
    """
    numbers = jax.random.uniform(key, knots, jnp.float32)
    for axis, (count, cells) in enumerate(zip(knots, (size, size, 32), strict=False)):
        numbers = jnp.moveaxis(jnp.tensordot(_weights(count, cells), numbers, (1, axis)), 0, axis)
    return numbers


@functools.cache
def _weights(knots: int, cells: int) -> np.ndarray:
    """(cells, knots) float32: the weights of linear interpolation, with a soft start and end between two knots."""
    place = np.linspace(0, knots - 1, cells, endpoint=False)
    low = np.floor(place).astype(int)
    part = place - low
    part = part * part * (3 - 2 * part)
    weights = np.zeros((cells, knots), np.float32)
    weights[np.arange(cells), low] = 1 - part
    weights[np.arange(cells), np.minimum(low + 1, knots - 1)] += part
    return weights
