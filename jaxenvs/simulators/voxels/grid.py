"""Reading and changing the blocks of a world, and light that spreads from its sources."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.simulators.voxels.blocks import FIRST_LIQUID, Block

BRIGHTEST = 15
"""The level of full light."""
TORCH_LIGHT = 14
"""The level in the cell of a torch; each cell further away has one less."""


def block_at(blocks: Array, x: Array, y: Array, z: Array) -> Array:
    """The blocks in some cells, of their common shape. Outside the world there is bedrock, and air above it."""
    columns, rows, height = blocks.shape
    inside = (x >= 0) & (x < columns) & (z >= 0) & (z < rows) & (y >= 0)
    flat = (jnp.clip(x, 0, columns - 1) * rows + jnp.clip(z, 0, rows - 1)) * height + jnp.clip(y, 0, height - 1)
    block = blocks.reshape(-1).at[flat].get(mode="promise_in_bounds")
    return jnp.where(inside, jnp.where(y < height, block, np.uint8(Block.AIR)), np.uint8(Block.BEDROCK))


def with_block(blocks: Array, x: Array, y: Array, z: Array, block: Array) -> Array:
    """The world with another block in a cell, () int32 each; cells outside the world change nothing."""
    return blocks.at[x, z, y].set(jnp.asarray(block, jnp.uint8), mode="drop")


def is_solid(block: Array) -> Array:
    """Whether blocks stop a body: all but air and liquids."""
    return (block != Block.AIR) & (block < FIRST_LIQUID)


def bits_of(present: Array) -> Array:
    """(x, z) uint32: each column of (x, z, y) bool as a word, with the lowest cell in the lowest bit."""
    places = np.arange(present.shape[2], dtype=np.uint32)[None, None, :]
    return (present.astype(jnp.uint32) << places).sum(axis=2, dtype=jnp.uint32)


@compiled_once
def spread_light(blocks: Array, sources: Array | np.ndarray) -> Array:
    """(x, z, y) uint8: the light of each cell, from 0 to 15.

    It loses a level per cell on its way through air and liquids, as in Minecraft.

    Args:
        blocks: (x, z, y) uint8.
        sources: (x, z, y) uint8, the light that begins in each cell.
    """
    opaque = is_solid(blocks)

    def spread(_: int, light: Array) -> Array:
        brightest = light
        for axis in range(3):
            none = jnp.zeros_like(lax.slice_in_dim(light, 0, 1, axis=axis))
            before = jnp.concatenate([none, lax.slice_in_dim(light, 0, -1, axis=axis)], axis)
            after = jnp.concatenate([lax.slice_in_dim(light, 1, None, axis=axis), none], axis)
            brightest = jnp.maximum(brightest, jnp.maximum(before, after) - 1)
        return jnp.where(opaque, light, brightest)

    light = jnp.where(opaque, 0, jnp.asarray(sources).astype(jnp.int32))
    return lax.fori_loop(0, BRIGHTEST - 1, spread, light).astype(jnp.uint8)
