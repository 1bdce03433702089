"""Pictures of voxel worlds: `python -m benchmarks.voxels --json docs/figures/speed_voxels.json`.

A batch of eyes, each in its own copy of the world and with its own direction, is drawn in one call. The worlds are the
room of `rlenvs/Minecraft-v0`, at several sizes of the picture, and hills of 32 by 32 blocks under the sky, at several
view distances. The floor is a ray caster in NumPy that draws the same room from the same places: it follows all rays of
a picture from cell to cell in (x, y, z) at once. Both sides are measured in turn, in one process; the table has the
time that passed and the time that all processors spent, which other programs on the machine disturb less.
"""

import argparse
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxenvs
from benchmarks.clocks import now, since, times_of
from benchmarks.report import add_report_options, write_report
from jaxenvs.bench.provenance import provenance
from jaxenvs.envs.rlenvs.minecraft import Minecraft
from jaxenvs.simulators.voxels.blocks import Block
from jaxenvs.simulators.voxels.camera import Lens, Scene, picture
from jaxenvs.simulators.voxels.textures import atlas

COMMAND = "python -m benchmarks.voxels --json docs/figures/speed_voxels.json"
SIZES = 42, 84, 168
DISTANCES = 8, 16, 24, 32
_SHADES = np.array([0.6, 1.0, 0.8])


def rooms(count: int) -> Scene:
    """Rooms of Minecraft, with eyes at random places in them."""
    states, _ = jax.jit(jax.vmap(Minecraft(image_size=(2, 2)).reset))(jax.random.split(jaxenvs.random.key(0), count))
    draw = np.random.default_rng(0)
    eyes = np.stack([draw.uniform(1.5, 7.5, count), np.full(count, 2.62), draw.uniform(1.5, 5.5, count)], axis=1)
    return Scene(
        blocks=states.blocks,
        eye=jnp.asarray(eyes, jnp.float32),
        yaw=jnp.asarray(draw.integers(0, 40, count) * 9, jnp.float32),
        pitch=jnp.zeros(count, jnp.float32),
        light=states.light,
    )


def hills(count: int) -> Scene:
    """The same hills for all, with eyes above them."""
    along = np.arange(32)
    surface = 8 + 3 * np.sin(along / 4)[:, None] + 3 * np.cos(along / 5)[None, :]
    blocks = np.where(np.arange(32)[None, None, :] < surface[:, :, None], np.uint8(Block.GRASS), np.uint8(0))
    draw = np.random.default_rng(0)
    eyes = np.stack([draw.uniform(4, 28, count), np.full(count, 15.6), draw.uniform(4, 28, count)], axis=1)
    return Scene(
        blocks=jnp.broadcast_to(jnp.asarray(blocks), (count, 32, 32, 32)),
        eye=jnp.asarray(eyes, jnp.float32),
        yaw=jnp.asarray(draw.uniform(0, 360, count), jnp.float32),
        pitch=jnp.full(count, 10.0, jnp.float32),
        daylight=jnp.ones(count, jnp.float32),
    )


def draw_with_numpy(lens: Lens, blocks: Any, light: Any, eye: Any, yaw: float) -> np.ndarray:
    """(height, width, 3) uint8: a picture at a pitch of 0, by all rays from cell to cell."""
    turn, right, up = math.radians(yaw), lens.sideways[None, :], lens.slopes[:, None]
    way = (
        np.stack(
            np.broadcast_arrays(-math.sin(turn) - math.cos(turn) * right, up, math.cos(turn) - math.sin(turn) * right)
        )
        .reshape(3, -1)
        .astype(np.float32)
    )
    cell = np.repeat(np.floor(eye).astype(np.int32)[:, None], way.shape[1], axis=1)
    sign = np.where(way < 0, -1, 1).astype(np.int32)
    per_cell = 1 / np.maximum(np.abs(way), 1e-6)
    ends = np.where(way < 0, eye[:, None] - cell, cell + 1 - eye[:, None]) * per_cell
    depth, axis = np.zeros(way.shape[1], np.float32), np.zeros(way.shape[1], np.int32)
    rays = np.arange(way.shape[1])
    while rays.size:  # those that have hit nothing yet
        nearest = ends[:, rays].argmin(axis=0)
        depth[rays], axis[rays] = ends[nearest, rays], nearest
        ends[nearest, rays] += per_cell[nearest, rays]
        cell[nearest, rays] += sign[nearest, rays]
        rays = rays[blocks[cell[0, rays], cell[2, rays], cell[1, rays]] == 0]
    rays = np.arange(way.shape[1])
    place = ((eye[:, None] + way * depth) % 1 * 16).astype(np.int32) & 15
    row = np.where(axis == 1, place[2], 15 - place[1])
    column = np.where(axis == 0, place[2], place[0])
    face = np.where(axis == 1, np.where(way[1] < 0, 0, 2), 1)
    texel = atlas()[blocks[cell[0], cell[2], cell[1]], face, row, column]
    cell[axis, rays] -= sign[axis, rays]
    level = light[cell[0], cell[2], cell[1]] / np.float32(15)
    bright = np.minimum(0.05 + 1.7 * level / (4 - 3 * level), 1.0) * _SHADES[axis]
    bright = np.where(face == 2, bright / 2, bright)
    colors = np.stack([(texel >> shift) & 255 for shift in (0, 8, 16)], axis=-1) * bright[:, None]
    return colors.astype(np.uint8).reshape(lens.height, lens.width, 3)


def timed(draw: Callable[[], Any], pictures: int, repeats: int) -> tuple[float, float]:
    """Pictures per second, and microseconds of all processors per picture; medians."""
    times = [times_of(lambda: jax.block_until_ready(draw())) for _ in range(repeats)]
    passed, spent = np.median(times, axis=0)
    return pictures / float(passed), float(spent) / pictures * 1e6


def measured(world: str, lens: Lens, scenes: Scene, repeats: int, floor_pictures: int = 0) -> dict[str, Any]:
    """One row of the table: how fast a batch is drawn, and NumPy's floor if it is asked for some pictures."""
    count = scenes.eye.shape[0]
    start = now()
    draw = jax.jit(jax.vmap(lambda scene: picture(lens, scene))).lower(scenes).compile()
    compiling = since(start)
    jax.block_until_ready(draw(scenes))
    speed, spent = timed(lambda: draw(scenes), count, repeats)
    row = {
        "world": world,
        "size": lens.height,
        "view_distance": lens.view_distance,
        "pictures": count,
        "pictures_per_second": round(speed),
        "cpu_microseconds_per_picture": round(spent, 1),
        "compile_seconds": round(compiling.passed, 2),
        "compile_cpu_seconds": round(compiling.spent, 2),
    }
    if floor_pictures:
        hosts = jax.tree.map(np.asarray, scenes)

        def floor() -> None:
            for i in range(floor_pictures):
                draw_with_numpy(lens, hosts.blocks[i], hosts.light[i], hosts.eye[i], float(hosts.yaw[i]))

        floor_speed, floor_spent = timed(floor, floor_pictures, repeats)
        row |= {
            "numpy_pictures_per_second": round(floor_speed),
            "numpy_cpu_microseconds_per_picture": round(floor_spent, 1),
        }
    return row


def main() -> None:
    """Measures all worlds, sizes and distances."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1024, help="pictures of a batch")
    parser.add_argument("--floor-pictures", type=int, default=16, help="pictures that NumPy draws")
    parser.add_argument("--repeats", type=int, default=5)
    add_report_options(parser)
    options = parser.parse_args()
    origin = provenance(COMMAND)
    cases = [("room", Lens(size, size, view_distance=18), rooms, options.floor_pictures) for size in SIZES]
    cases += [("hills", Lens(84, 84, view_distance=distance, has_fog=True), hills, 0) for distance in DISTANCES]
    rows = []
    for world, lens, scenes, floor in cases:
        rows.append(measured(world, lens, scenes(options.pictures), options.repeats, floor))
        print(rows[-1], flush=True)
        write_report(options, {**origin, "rows": rows})


if __name__ == "__main__":
    main()
