"""Pictures of voxel worlds against rays that are followed one by one, in plain Python."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.errors import InvalidField
from jaxenvs.simulators.voxels.blocks import Block
from jaxenvs.simulators.voxels.camera import Lens, Scene, picture, to_rgb, to_unit_rgb
from jaxenvs.simulators.voxels.textures import atlas

LENS = Lens(height=20, width=28, view_distance=14, field_of_view=80.0)
SHAPE = 12, 10, 9


def random_world(seed):
    """A floor, an empty highest layer, and blocks in a quarter of the cells between, except around the middle."""
    draw = np.random.default_rng(seed)
    kinds = np.array([Block.STONE, Block.GRASS, Block.LOG, Block.GOLD_BLOCK, Block.TABLE], np.uint8)
    blocks = np.where(draw.random(SHAPE) < 0.25, draw.choice(kinds, SHAPE), np.uint8(0))
    blocks[4:8, 3:7, 2:6] = 0
    blocks[:, :, 0], blocks[:, :, -1] = Block.BEDROCK, 0
    return blocks, draw.integers(0, 16, SHAPE).astype(np.uint8)


def followed(blocks, eye, way, reach):
    """The first block on a ray: (cell, axis that the ray entered it across, depth), or None."""
    cell, depth, axis = np.floor(eye).astype(int), 0.0, None
    while True:
        x, y, z = cell
        inside = 0 <= x < SHAPE[0] and 0 <= z < SHAPE[1] and 0 <= y < SHAPE[2]
        if inside and blocks[x, z, y] and axis is not None:
            return cell, axis, depth
        planes = [(c + (w > 0) - e) / w if w else math.inf for c, e, w in zip(cell, eye, way, strict=True)]
        axis = int(np.argmin(planes))
        depth = planes[axis]
        if depth > 40:
            return None
        if axis != 1 and depth >= reach:
            reach = -1.0  # in columns that it enters beyond the view distance, nothing is seen
        if reach < 0:
            return None
        cell = cell.copy()
        cell[axis] += 1 if way[axis] > 0 else -1


def expected(blocks, light, eye, yaw, pitch):
    """(height, width, 3) float64, 0 to 255; NaN for no block."""
    out = np.full((LENS.height, LENS.width, 3), np.nan)
    half = math.tan(math.radians(LENS.field_of_view / 2))
    turn = math.radians(yaw)
    for row in range(LENS.height):
        for column in range(LENS.width):
            up = half * (1 - 2 * (row + 0.5) / LENS.height) - math.tan(math.radians(pitch))
            right = half * (2 * (column + 0.5) / LENS.width - 1) * LENS.width / LENS.height
            way = (
                -math.sin(turn) - right * math.cos(turn),
                up,
                math.cos(turn) - right * math.sin(turn),
            )
            hit = followed(blocks, eye, way, LENS.view_distance)
            if hit is None:
                continue
            (x, y, z), axis, depth = hit
            place = [(e + w * depth) % 1.0 for e, w in zip(eye, way, strict=True)]
            u, v = {0: (place[2], 1 - place[1]), 1: (place[0], place[2]), 2: (place[0], 1 - place[1])}[axis]
            face = 1 if axis != 1 else (2 if way[1] > 0 else 0)
            texel = int(atlas()[blocks[x, z, y], face, min(15, int(v * 16)), min(15, int(u * 16))])
            free = [x, y, z]
            free[axis] -= 1 if way[axis] > 0 else -1
            share = light[free[0], free[2], free[1]] / 15
            bright = min(1.0, 0.05 + 1.7 * share / (4 - 3 * share))
            bright *= {0: 0.6, 1: 1.0 if way[1] < 0 else 0.5, 2: 0.8}[axis]
            out[row, column] = [((texel >> s) & 255) * bright for s in (0, 8, 16)]
    return out


@functools.cache
def drawer(**options):
    def draw(blocks, light, eye, yaw, pitch):
        return picture(LENS, Scene(blocks=blocks, eye=eye, yaw=yaw, pitch=pitch, light=light, **options))

    return jax.jit(jax.vmap(draw))


POSES = [(0, 0, 0.0), (1, 123, 0.0), (2, -71, 35.0), (3, 250, -40.0), (4, 36, 70.0)]


def poses():
    worlds = [random_world(seed) for seed, _, _ in POSES]
    eyes = np.stack([[5.3 + 0.2 * seed, 3.4, 4.6] for seed, _, _ in POSES]).astype(np.float32)
    yaws, pitches = (np.array([pose[i] for pose in POSES], np.float32) for i in (1, 2))
    blocks, lights = (np.stack(parts) for parts in zip(*worlds, strict=True))
    return blocks, lights, eyes, yaws, pitches


def test_pixels_are_what_rays_hit_that_are_followed_one_by_one():
    arguments = poses()
    drawn = np.asarray(to_rgb(drawer()(*arguments))).astype(float)
    for i, (blocks, light, eye, yaw, pitch) in enumerate(zip(*arguments, strict=True)):
        wanted = np.nan_to_num(expected(blocks, light, eye.astype(float), float(yaw), float(pitch)))
        differs = (np.abs(drawn[i] - wanted) > 2.0).any(axis=-1)
        assert differs.mean() < 0.02, (POSES[i], differs.mean())  # rays along the edge of a texel or block
        assert (wanted > 0).any(axis=-1).mean() > 0.5


def test_a_single_picture_is_that_of_a_batch():
    arguments = poses()
    batch = drawer()(*arguments)
    one = jax.jit(lambda *a: picture(LENS, Scene(blocks=a[0], light=a[1], eye=a[2], yaw=a[3], pitch=a[4])))
    alone = one(*(jnp.asarray(argument[2]) for argument in arguments))
    assert (np.asarray(alone) == np.asarray(batch[2])).mean() > 0.999


@pytest.mark.slow
def test_nested_batches_and_leftover_pictures():
    blocks, lights, eyes, yaws, pitches = (jnp.asarray(a) for a in poses())
    flat = jax.tree.map(lambda x: jnp.concatenate([x, x]), (blocks, lights, eyes, yaws, pitches))
    once = drawer()(*flat)
    nested = jax.jit(jax.vmap(drawer()))(*jax.tree.map(lambda x: x.reshape(2, 5, *x.shape[1:]), flat))
    assert (np.asarray(nested).reshape(once.shape) == np.asarray(once)).mean() > 0.999


def test_colours_as_bytes_and_as_numbers():
    pixels = jnp.asarray([[0x00FF8000, 0x00000010]], jnp.uint32)
    assert to_rgb(pixels).tolist() == [[[0, 128, 255], [16, 0, 0]]]
    np.testing.assert_allclose(to_unit_rgb(pixels) * 255, to_rgb(pixels), atol=1e-4)


def test_a_lens_refuses_what_is_no_picture():
    with pytest.raises(InvalidField, match="height"):
        Lens(height=0)
    with pytest.raises(InvalidField, match="field_of_view"):
        Lens(field_of_view=180.0)
