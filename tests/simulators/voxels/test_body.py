"""Bodies in voxel worlds: speeds, jumps, falls, walls, and what they touch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.simulators.voxels.blocks import Block
from jaxenvs.simulators.voxels.body import HALF_WIDTH, at_rest, is_touching, tick
from jaxenvs.simulators.voxels.grid import BRIGHTEST, block_at, spread_light, with_block

LANE = np.zeros((5, 40, 8), np.uint8)
"""A lane to the south, with a floor and a wall at its end."""
LANE[:, :, 0] = Block.STONE
LANE[:, 39, :] = Block.STONE
step = jax.jit(tick)


def walk(ticks, position=(2.5, 1.0, 1.5), yaw=0.0, ahead=1.0, jumps=False, blocks=LANE):
    body, path = at_rest(jnp.asarray(position, jnp.float32)), []
    for _ in range(ticks):
        body = step(jnp.asarray(blocks), body, jnp.float32(yaw), jnp.float32(ahead), jnp.asarray(jumps))
        path.append(np.asarray(body.position))
    return body, np.array(path)


def test_a_body_walks_as_fast_as_minecrafts_player():
    _, path = walk(60)
    np.testing.assert_allclose((path[-1] - path[-2])[2] * 20, 4.317, atol=0.01)  # blocks per second
    assert np.ptp(path[:, 0]) == 0 and np.ptp(path[:, 1]) == 0


@pytest.mark.parametrize("yaw, direction", [(0, (0, 1)), (90, (-1, 0)), (180, (0, -1)), (270, (1, 0))])
def test_it_walks_where_it_looks(yaw, direction):
    _, path = walk(10, (2.5, 1.0, 20.5), yaw)
    moved = path[-1][[0, 2]] - [2.5, 20.5]
    np.testing.assert_allclose(moved / np.abs(moved).max(), direction, atol=1e-3)


def test_a_wall_stops_it_at_its_side():
    body, _ = walk(40, (2.5, 1.0, 35.5))
    assert float(body.position[2]) == 39 - HALF_WIDTH and float(body.velocity[2]) == 0
    assert is_touching(jnp.asarray(LANE), body, (Block.STONE,))
    assert not is_touching(jnp.asarray(LANE), body, (Block.GOLD_BLOCK,))


def test_a_jump_is_a_block_and_a_quarter_high():
    _, path = walk(14, ahead=0.0, jumps=True)
    np.testing.assert_allclose(path[:, 1].max() - 1.0, 1.25, atol=0.01)


def test_it_jumps_onto_a_block_but_does_not_walk_onto_it():
    blocks = LANE.copy()
    blocks[:, 4:, 1] = Block.DIRT
    assert walk(30, blocks=blocks)[1][-1][1] == 1.0
    body, _ = walk(60, blocks=blocks, jumps=True)
    assert float(body.position[2]) > 6


def test_it_falls_and_lands_on_the_ground_from_any_height():
    body, path = walk(40, (2.5, 7.0, 1.5), ahead=0.0)
    assert float(body.position[1]) == 1.0 and bool(body.on_ground)
    assert (np.diff(path[:, 1]) <= 0).all()


def test_its_head_meets_a_ceiling():
    blocks = LANE.copy()
    blocks[:, :, 3] = Block.STONE
    body, path = walk(3, blocks=blocks, ahead=0.0, jumps=True)
    assert path[:, 1].max() <= 3 - 1.8 + 1e-3 and not bool(body.on_ground)


def test_blocks_are_read_and_changed():
    blocks = jnp.asarray(LANE)
    changed = with_block(blocks, jnp.int32(1), jnp.int32(2), jnp.int32(3), jnp.uint8(Block.SAND))
    assert int(block_at(changed, *jnp.int32([1, 2, 3]))) == Block.SAND
    assert int((changed != blocks).sum()) == 1
    assert int(block_at(blocks, *jnp.int32([-1, 2, 3]))) == Block.BEDROCK
    assert int(block_at(blocks, *jnp.int32([1, 99, 3]))) == Block.AIR
    outside = with_block(blocks, jnp.int32(99), jnp.int32(2), jnp.int32(3), jnp.uint8(Block.SAND))
    assert (outside == blocks).all()


def test_light_spreads_as_a_search_through_the_grid_finds():
    draw = np.random.default_rng(0)
    blocks = (draw.random((7, 8, 6)) < 0.4).astype(np.uint8) * np.uint8(Block.STONE)
    sources = np.zeros(blocks.shape, np.uint8)
    for cell in ((1, 1, 1), (5, 6, 4)):
        blocks[cell], sources[cell] = 0, 14
    wanted, front = sources.astype(int), [tuple(cell) for cell in np.argwhere(sources)]
    while front:
        cell = front.pop(0)
        for axis, way in [(a, w) for a in range(3) for w in (-1, 1)]:
            other = tuple(c + way * (a == axis) for a, c in enumerate(cell))
            inside = all(0 <= c < size for c, size in zip(other, blocks.shape, strict=True))
            if inside and not blocks[other] and wanted[other] < wanted[cell] - 1:
                wanted[other] = wanted[cell] - 1
                front.append(other)
    light = spread_light(jnp.asarray(blocks), sources)
    np.testing.assert_array_equal(light, wanted)
    assert int(light.max()) < BRIGHTEST
