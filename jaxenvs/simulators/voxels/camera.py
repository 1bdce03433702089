"""The picture that an eye in a world of blocks sees, by casting a ray through each pixel.

The plane of the picture is always upright: a pitch shifts it up or down, as the lens of an architect's camera does.
So walls stay vertical, and the rays of a column of pixels lie in one upright plane. They pass over the same columns of
blocks at the same distances, and one traversal of the plan (J. Amanatides and A. Woo, "A Fast Voxel Traversal
Algorithm for Ray Tracing", 1987) serves all of them. A column of blocks is a word of 32 bits. Whether a ray hits
something above a cell of the plan is then one AND, of that word and the bits of all heights that it passes there. A
pixel needs no branch and no look-up until its hit is known.
"""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.alone import call_alone
from jaxenvs.core.checks import check_integer, check_range
from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trigonometry import cos, sin
from jaxenvs.core.varying import varying_as
from jaxenvs.simulators.voxels.blocks import Block
from jaxenvs.simulators.voxels.grid import BRIGHTEST, bits_of
from jaxenvs.simulators.voxels.textures import FACES, SIZE, atlas

_LARGE = np.float32(1.5 * 2**15)
"""A number whose float32 neighbours are 1/256 apart."""
_VERY_LARGE = np.float32(1.5 * 2**7)
"""A number whose float32 neighbours are 2^-16 apart."""
_THIN_COVER, _UNDER_COVER = 4, 0.6
"""Up to so many blocks above a face, such as the crown of a tree, leave it this share of the daylight."""
_FOG = 0.6
"""The share of the view distance at which fog begins."""
_CHUNK = 8
"""Pictures of a batch that are drawn together, so that what is kept of them stays in the cache."""
_FAR = 1e6
_SHADES = {"top": 1.0, "bottom": 0.5, "north and south": 0.8, "east and west": 0.6}
"""How bright faces look in the same light, as in Minecraft."""
_ZENITH, _HORIZON = (120, 167, 255), (190, 212, 255)
"""Colours of the sky by day."""


class Lens(PyTreeNode):
    """The form of a picture.

    Attributes:
        height: rows of pixels.
        width: columns of pixels.
        field_of_view: angle from the bottom to the top of the picture, degrees.
        view_distance: depth up to which blocks are seen, in blocks.
        has_fog: whether things fade into the colour of the sky before that.
    """

    height: int = static(default=84)
    width: int = static(default=84)
    field_of_view: float = static(default=70.0)
    view_distance: int = static(default=24)
    has_fog: bool = static(default=False)

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            check_integer(self, name, getattr(self, name), 1, 4096)
        check_range(self, "field_of_view", self.field_of_view, 1.0, 150.0)
        check_integer(self, "view_distance", self.view_distance, 1, 256)

    @property
    def slopes(self) -> np.ndarray:
        """(height,) float32: how far the ray of each row rises per block of depth, at a pitch of 0."""
        reach = math.tan(math.radians(self.field_of_view) / 2)
        return (reach * (1 - (2 * np.arange(self.height) + 1) / self.height)).astype(np.float32)

    @property
    def sideways(self) -> np.ndarray:
        """(width,) float32: how far the ray of each column goes to the right per block of depth."""
        reach = math.tan(math.radians(self.field_of_view) / 2) * self.width / self.height
        return (reach * ((2 * np.arange(self.width) + 1) / self.width - 1)).astype(np.float32)

    def crossings(self, columns: int, rows: int) -> int:
        """The greatest number of cells of a plan that a ray is followed through."""
        longest = self.view_distance * math.hypot(1.0, float(self.sideways[-1])) * math.sqrt(2)
        return min(columns + rows - 1, math.ceil(longest) + 2)


class Scene(PyTreeNode):
    """A world, and where the eye is in it.

    Attributes:
        blocks: (x, z, y) uint8. The lowest layer is opaque and the highest empty.
        eye: (3,) float32, (x, y, z), inside the world.
        yaw: () float32, degrees.
        pitch: () float32, degrees, positive downwards, strictly between -90 and 90.
        light: (x, z, y) uint8, the light of each cell from 0 to 15, or None for none.
        daylight: () float32 from 0 to 1, or None if no sky can be seen. It lights faces with no block
            above them, and weakly those with up to 4.
        lamp: () float32, the light level that the eye carries with it, one less per block; or None.
    """

    blocks: Array
    eye: Array
    yaw: Array
    pitch: Array
    light: Array | None = None
    daylight: Array | None = None
    lamp: Array | None = None


@partial(compiled_once, static_argnames="lens")
def picture(lens: Lens, scene: Scene) -> Array:
    """What the eye sees: (height, width) uint32, pixels `0x00BBGGRR`. It has no derivative.

    A batch is drawn a few pictures at a time.
    """
    return _one(lens)(lax.stop_gradient(scene))


def to_rgb(pixels: Array) -> Array:
    """(..., 3) uint8 from uint32 pixels."""
    return lax.bitcast_convert_type(pixels, jnp.uint8)[..., :3]


def to_unit_rgb(pixels: Array) -> Array:
    """(..., 3) float32 in [0, 1] from uint32 pixels."""
    places = varying_as(pixels, jnp.array([0, 8, 16], jnp.uint32).reshape((1,) * pixels.ndim + (3,)))
    bytes_ = (pixels[..., None] >> places) & np.uint32(255)
    return bytes_.astype(jnp.float32) * np.float32(1 / 255)


def _one(lens: Lens) -> Callable[[Scene], Array]:
    @jax.custom_batching.custom_vmap
    def one(scene: Scene) -> Array:
        return call_alone(partial(_drawn, lens), jax.tree.map(lambda x: x[None], scene))[0]

    @one.def_vmap
    def many(size: int, batched: list[Scene], scene: Scene) -> tuple[Array, bool]:
        chunk = max(2, min(size, _CHUNK))
        chunks = -(-size // chunk)
        index = np.minimum(np.arange(chunk * chunks), size - 1)  # the last picture fills the last chunk

        def in_chunks(x: Array, is_batched: bool) -> Array:
            x = x if is_batched else jnp.broadcast_to(x[None], (size, *x.shape))
            x = x if size == len(index) else x[index]
            return x.reshape(chunks, chunk, *x.shape[1:])

        drawn = lax.map(partial(_drawn, lens), jax.tree.map(in_chunks, scene, batched[0]))
        return drawn.reshape(-1, lens.height, lens.width)[:size], True

    return one


@partial(jax.jit, static_argnums=0)
def _drawn(lens: Lens, scenes: Scene) -> Array:
    """Draws a chunk of at least two pictures, if XLA compiles it: (pictures, height, width) uint32.

    Each stage is a loop over the pictures. XLA's CPU compiler does not fuse across loops; without them it would
    compute a stage once for each use of it in the next.
    """
    rays = jax.vmap(partial(_rays, lens))(scenes)
    cells = jax.vmap(partial(_traverse, lens))(scenes, rays)
    number = lax.map(lambda each: _first_hits(*each), (scenes.eye, rays, cells))
    faces = lax.map(lambda each: _faces(*each), (scenes, rays, cells, number))
    return lax.map(lambda each: _colored(lens, *each), (scenes, rays, cells, faces))


class _Rays(PyTreeNode):
    """The directions of rays, per block of depth.

    Attributes:
        x: (width,) float32, by column of pixels.
        z: (width,) float32.
        y: (height,) float32, by row of pixels.
        bits: (x * z,) uint32, the columns of blocks of the world.
    """

    x: Array
    z: Array
    y: Array
    bits: Array


def _rays(lens: Lens, scene: Scene) -> _Rays:
    turn, tilt = (angle * np.float32(math.pi / 180) for angle in (scene.yaw, scene.pitch))
    ahead_x, ahead_z = -sin(turn), cos(turn)
    return _Rays(
        x=ahead_x - ahead_z * lens.sideways,
        z=ahead_z + ahead_x * lens.sideways,
        y=jnp.asarray(lens.slopes) - sin(tilt) / cos(tilt),
        bits=bits_of(scene.blocks != Block.AIR).reshape(-1),
    )


class _Cells(PyTreeNode):
    """The cells of the plan that the rays of each column of pixels pass, in order; (cells, width) each.

    Attributes:
        enter: float32, the depth at which they enter it.
        leave: float32, the depth at which they leave it.
        bits: uint32, the column of blocks there; 0 outside the world, and beyond the view distance.
        cell: int32, twice the number of the cell, plus 1 if they entered it across z rather than across x.
    """

    enter: Array
    leave: Array
    bits: Array
    cell: Array


def _traverse(lens: Lens, scene: Scene, rays: _Rays) -> _Cells:
    columns, rows, _ = scene.blocks.shape
    steps = rays.x, rays.z
    sign = [jnp.where(step < 0, -1, 1) for step in steps]
    per_cell = [1 / jnp.maximum(jnp.abs(step), 1 / _FAR) for step in steps]
    place = [scene.eye[axis] for axis in (0, 2)]
    start = [jnp.floor(at) for at in place]
    next_ = [
        jnp.where(step < 0, at - low, low + 1 - at) * length
        for step, at, low, length in zip(steps, place, start, per_cell, strict=True)
    ]
    cells = [jnp.broadcast_to(low.astype(jnp.int32), (lens.width,)) for low in start]

    def advance(at: tuple[Array, ...], _: None) -> tuple[tuple[Array, ...], _Cells]:
        x, z, next_x, next_z, enter, across = at
        leave = jnp.minimum(next_x, next_z)
        seen = (x >= 0) & (x < columns) & (z >= 0) & (z < rows) & (enter < lens.view_distance)
        index = jnp.where(seen, x * rows + z, 0)
        word = jnp.where(seen, _at(rays.bits, index), np.uint32(0))
        in_x = next_x <= next_z
        after = (
            jnp.where(in_x, x + sign[0], x),
            jnp.where(in_x, z, z + sign[1]),
            jnp.where(in_x, next_x + per_cell[0], next_x),
            jnp.where(in_x, next_z, next_z + per_cell[1]),
            leave,
            jnp.where(in_x, np.int32(0), np.int32(1)),
        )
        return after, _Cells(enter=enter, leave=leave, bits=word, cell=2 * index + across)

    zeros = jnp.zeros(lens.width, jnp.float32), jnp.zeros(lens.width, jnp.int32)
    first = varying_as((scene, rays), (*cells, *next_, *zeros))
    return lax.scan(advance, first, None, length=lens.crossings(columns, rows))[1]


def _layer(level: Array) -> Array:
    """int32: the layer that a height lies in, within the 32 of a word.

    The sum of a height and a large number has the height in its lowest bits, to 1/256 of a block. That is much faster
    than a conversion, which has to treat NaN and large numbers.
    """
    level = jnp.minimum(jnp.maximum(level, np.float32(0)), np.float32(31.9))
    return (lax.bitcast_convert_type(level + _LARGE, jnp.int32) >> 8) & 31


def _first_hits(eye: Array, rays: _Rays, cells: _Cells) -> Array:
    """(height, width) int32: the number of the cell of the plan above which each ray hits something; -1 for none."""
    ends = [*cells.enter, cells.leave[-1]]
    levels = [np.uint32(1) << _layer(eye[1] + rays.y[:, None] * end[None, :]).astype(jnp.uint32) for end in ends]
    hit = jnp.full(levels[0].shape, -1, jnp.int32)
    for i in reversed(range(len(ends) - 1)):
        passed = 2 * jnp.maximum(levels[i], levels[i + 1]) - jnp.minimum(levels[i], levels[i + 1])
        hit = jnp.where((cells.bits[i][None, :] & passed) != 0, i, hit)
    return hit


def _faces(scene: Scene, rays: _Rays, cells: _Cells, number: Array) -> Array:
    """(height, width) int32: the face that each ray hits, in one number: see `_unpacked`; -1 for none."""
    height, width = scene.blocks.shape[2], rays.x.shape[0]
    slopes, eye = rays.y[:, None], scene.eye[1]
    at = jnp.maximum(number, 0) * width + np.arange(width, dtype=np.int32)[None, :]
    enter, bits = _at(cells.enter, at), _at(cells.bits, at)
    # The block at the height at which the ray enters the column; else the next one below or above.
    entry = _layer(eye + slopes * enter)
    one, place = np.uint32(1), entry.astype(jnp.uint32)
    rest = bits >> place
    is_side = (rest & one) == 1
    below = 31 - lax.clz(bits & ((one << place) - one)).astype(jnp.int32)
    above = entry + 31 - lax.clz(rest & (~rest + one)).astype(jnp.int32)
    layer = jnp.where(is_side, entry, jnp.where(slopes < 0, below, above))
    packed = (number * 32 + jnp.clip(layer, 0, height - 1)) * 2 + is_side.astype(jnp.int32)
    return jnp.where(number < 0, -1, packed)


def _colored(lens: Lens, scene: Scene, rays: _Rays, cells: _Cells, faces: Array) -> Array:
    """(height, width) uint32: the picture."""
    _, rows, height = scene.blocks.shape
    slopes, eye, width = rays.y[:, None], scene.eye[1], rays.x.shape[0]
    step_x, step_z = rays.x[None, :], rays.z[None, :]
    is_hit, known, falls = faces >= 0, jnp.maximum(faces, 0), slopes < 0
    number, layer, is_side = known >> 6, (known >> 1) & 31, (known & 1) == 1
    at = number * width + np.arange(width, dtype=np.int32)[None, :]
    cell = _at(cells.cell, at)
    across_z, cell = (cell & 1) == 1, (cell >> 1) * height + layer

    edge = jnp.where(falls, layer + 1, layer).astype(jnp.float32)
    depth = jnp.where(is_side, _at(cells.enter, at), (edge - eye) / jnp.where(is_side, 1.0, slopes))
    x, y, z = scene.eye[0] + step_x * depth, eye + slopes * depth, scene.eye[2] + step_z * depth
    column = _pixel(jnp.where(is_side & ~across_z, z, x))
    row = _pixel(jnp.where(is_side, -y, z))
    face = jnp.where(is_side, 1, jnp.where(falls, 0, 2))
    block = _at(scene.blocks, cell).astype(jnp.int32)
    texel = _at(jnp.asarray(atlas()), ((block * FACES + face) * SIZE + row) * SIZE + column)

    back = jnp.where(across_z, jnp.where(step_z < 0, -1, 1), jnp.where(step_x < 0, -1, 1) * rows) * height
    free = jnp.clip(cell - jnp.where(is_side, back, jnp.where(falls, -1, 1)), 0, scene.blocks.size - 1)
    level = _light_level(scene, rays, free, depth)
    of_side = jnp.where(across_z, _SHADES["north and south"], _SHADES["east and west"])
    shade = jnp.where(is_side, of_side, jnp.where(falls, _SHADES["top"], _SHADES["bottom"]))
    color = _scaled(texel, shade * _brightness(level))
    if scene.daylight is None:
        return jnp.where(is_hit, color, np.uint32(0))
    sky = _sky(scene.daylight, slopes)
    if lens.has_fog:
        nearness = depth / float(lens.view_distance)
        color = _blended(color, sky, jnp.clip((nearness - _FOG) / (1 - _FOG), 0.0, 1.0))
    return jnp.where(is_hit, color, sky)


def _at(table: Array, index: Array) -> Array:
    return table.reshape(-1).at[index].get(mode="promise_in_bounds")


def _pixel(place: Array) -> Array:
    """The pixel of a face at a place along one of its edges, from 0 to 15; places are from -64 to 64."""
    return (lax.bitcast_convert_type(place + _VERY_LARGE, jnp.int32) >> 12) & (SIZE - 1)


def _light_level(scene: Scene, rays: _Rays, free: Array, depth: Array) -> Array:
    """Float32, up to 15: the brightest of the light in the cell before a face, the daylight there, and the lamp."""
    level = jnp.zeros_like(depth)
    if scene.light is not None:
        level = jnp.maximum(level, _at(scene.light, free).astype(jnp.float32))
    if scene.daylight is not None:
        height = scene.blocks.shape[2]
        cover = _at(rays.bits, free // height) >> (free % height).astype(jnp.uint32)
        covers = lax.population_count(cover).astype(jnp.int32)
        share = jnp.where(covers == 0, 1.0, jnp.where(covers <= _THIN_COVER, _UNDER_COVER, 0.0))
        level = jnp.maximum(level, BRIGHTEST * scene.daylight * share)
    if scene.lamp is not None:
        level = jnp.maximum(level, scene.lamp - depth)
    return level


def _brightness(level: Array) -> Array:
    """The share of a colour that light of a level shows, as in Minecraft."""
    light = level * np.float32(1 / BRIGHTEST)
    return jnp.minimum(0.05 + 1.7 * light / (4 - 3 * light), 1.0)


def _scaled(color: Array, share: Array) -> Array:
    """uint32 pixels times a share from 0 to 1."""
    factor = jnp.floor(share * 256).astype(jnp.uint32)
    red_blue, green = color & np.uint32(0xFF00FF), color & np.uint32(0x00FF00)
    return ((red_blue * factor >> 8) & np.uint32(0xFF00FF)) | ((green * factor >> 8) & np.uint32(0x00FF00))


def _blended(color: Array, other: Array, share: Array) -> Array:
    return _scaled(color, 1 - share) + _scaled(other, share)


def _sky(daylight: Array, slopes: Array) -> Array:
    """(height, 1) uint32: the sky in each row, darker by night."""
    rise = jnp.clip(slopes * 1.5, 0.0, 1.0)
    share = 0.06 + 0.94 * daylight
    pixels = jnp.zeros(rise.shape, jnp.uint32)
    for i, (low, high) in enumerate(zip(_HORIZON, _ZENITH, strict=True)):
        pixels = pixels | (jnp.floor(share * (low + (high - low) * rise)).astype(jnp.uint32) << (8 * i))
    return pixels
