"""The road in pictures of CarRacing: hundreds of quadrilaterals, each drawn only where it is.

The picture is cut into blocks. Each block has the set of quadrilaterals that may touch it, and takes them from the last
drawn to the first, until its set is empty. Blocks with about the same number of quadrilaterals, from all lanes, work
together. There is no limit on how many there are.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.varying import varying_as
from jaxenvs.envs.box2d import _bit_sets as bit_sets
from jaxenvs.simulators.box2d.lanes import keep
from jaxenvs.simulators.box2d.vectors import Vector

WINDOW = 1000, 800
"""Width and height of the picture that Gymnasium draws and scales down, in its pixels: the unit of length here."""
DILATION = 0.5
"""By how much shapes reach beyond the centres of the pixels at their corners, pixels."""
BRIGHTEST = 5.1
"""By how much the brightest tiles are brighter than the road."""
_MARGIN = 2.0
"""By how much more than its corners a quadrilateral may touch, pixels."""
_LONG = 8.0
"""Above this length a side has the direction that its rounded ends give it, pixels."""
_BLOCK = {96: 8, 400: 25, 600: 25}
_BLOCKS_AT_ONCE, _OF_ONE_LANE = 1024, 4
"""Of many lanes, and of one, as a fused step has it: all blocks that are drawn together wait for the one with most
quadrilaterals, so that a kernel with 8 takes 1.1 times as long as with 1, and with all 144 more than three times."""
_MOST = 63
"""Blocks with more quadrilaterals count as having this many when they are sorted."""
_LIMITS, _BITS = (1.0, BRIGHTEST, 1.0, 1.0), (10, 6, 8, 8)
"""The greatest value of each field of `Road`, and how many bits hold it while blocks are put together."""


Items: TypeAlias = Callable[[Array, Array], tuple[Vector, tuple[Array, Array, Array]]]
"""Quadrilaterals by the lane that each is in and their numbers there, (n,) int32 both: their corners in pixels of the
window, the second coordinate upwards, (4, n) float32 each, and their looks, (n,) float32 each: brightness above that of
the road, whether it is a kerb, and whether a white one."""
Colors: TypeAlias = Callable[[Array, Vector, Vector, "Road"], Array]
"""The colours of blocks of pixels, (n, pixels) uint32, by the lane that each is in, (n,) int32, its lower left corner,
(n,) float32 each, the centres of its pixels beyond that, (1, pixels) float32 each, all in pixels of the window, and the
road there, (n, pixels) float32."""


class Road(PyTreeNode):
    """What a road covers of each pixel, float32 each.

    Attributes:
        ground: share that is not covered.
        shade: share of road times the brightness that tiles have above that of the road.
        kerb: share of kerbs, red or white.
        white: share of white kerbs.
    """

    ground: Array
    shade: Array
    kerb: Array
    white: Array


def rounded(points: Array) -> Array:
    """Corners where the drawing functions of Gymnasium put them: at the centre of a pixel."""
    return jnp.trunc(points) + 0.5


class Painting(PyTreeNode):
    """Blocks of all lanes, in the order in which they were painted.

    Attributes:
        colors: (blocks, pixels) uint32.
        words: (blocks, pixels) uint32, the road, for `unpacked`.
        rank: (lanes, rows, columns) int32, where each block is.
        block: rows and columns of pixels in a block.
    """

    colors: Array
    words: Array
    rank: Array
    block: tuple[int, int] = static()

    def picture(self) -> Array:
        """(lanes, height, width) uint32: the colours."""
        tall, wide = self.block
        lanes, rows, columns = self.rank.shape
        # Line by line of each block, so that the lines of a picture follow each other without moving them again.
        line = self.rank[:, :, None] * tall + np.arange(tall, dtype=np.int32)[None, None, :, None]
        return self.colors.reshape(-1, wide)[line].reshape(lanes, rows * tall, columns * wide)

    def road(self, rows: tuple[int, int], columns: tuple[int, int]) -> "Road":
        """The road in a part of the picture, (lanes, rows, columns) each, from the first to the one after the last."""
        (top, bottom), (left, right) = (
            (first // size, -(-last // size)) for (first, last), size in zip((rows, columns), self.block, strict=True)
        )
        tall, wide = self.block
        found = self.words.reshape(-1, tall, wide)[self.rank[:, top:bottom, left:right]]
        found = found.transpose(0, 1, 3, 2, 4).reshape(len(found), (bottom - top) * tall, (right - left) * wide)
        top, left = rows[0] - top * tall, columns[0] - left * wide
        return unpacked(found[:, top : top + rows[1] - rows[0], left : left + columns[1] - columns[0]])


def paint_road(
    low: list[Vector],
    high: list[Vector],
    exists: list[Array],
    items: Items,
    colors: Colors,
    height: int,
    width: int,
) -> Painting:
    """Draws quadrilaterals in order: one of a first kind, one of a second kind, and so on by turns.

    Args:
        low: of each kind the least coordinates of each quadrilateral in pixels of the window, (lanes, n) float32 each.
        high: the greatest.
        exists: of each kind (lanes, n) bool.
        items: gives corners and looks.
        colors: gives the colours of blocks.
        height: of the result, in pixels.
        width: of the result.
    """
    lanes = exists[0].shape[0]
    pixel = WINDOW[0] / width, WINDOW[1] / height
    block = _BLOCK[height], _BLOCK[width]
    rows, columns = height // block[0], width // block[1]
    column = np.arange(columns) * block[1] * pixel[0]
    row = WINDOW[1] - (np.arange(rows) + 1) * block[0] * pixel[1]  # the lowest line of each row of blocks

    def by_bit(values: Array) -> list[Array]:
        """(lanes, words) each: quadrilaterals of one kind that have the same bit in their words."""
        values = keep(values.reshape(lanes, -1, bit_sets.WORD // 2).transpose(0, 2, 1))
        return [values[:, number] for number in range(bit_sets.WORD // 2)]

    def within(axis: int, start: np.ndarray, size: float) -> Array:
        """(lanes, blocks of the axis, words): which quadrilaterals reach into each block's span."""
        start = start.astype(np.float32)[None, :, None]
        found = jnp.zeros((lanes, start.shape[1], 2 * exists[0].shape[1] // bit_sets.WORD), jnp.uint32)
        for kind in range(2):
            least = by_bit(jnp.where(exists[kind], low[kind][axis] - _MARGIN, jnp.inf))
            greatest = by_bit(high[kind][axis] + _MARGIN)
            for number, (first, last) in enumerate(zip(least, greatest, strict=True)):
                inside = (first[:, None] < start + size) & (last[:, None] > start)
                found = found | jnp.where(inside, np.uint32(1 << (2 * number + kind)), np.uint32(0))
        return keep(found)

    across, up = within(0, column, block[1] * pixel[0]), within(1, row, block[0] * pixel[1])
    words = (up[:, :, None] & across[:, None]).reshape(lanes * rows * columns, -1)
    origin = np.stack(np.broadcast_arrays(column[None], row[:, None]), -1).reshape(-1, 2).astype(np.float32)
    painted, road, rank = _paint_blocks(words, items, colors, origin, block, pixel)
    return Painting(painted, road, rank.reshape(lanes, rows, columns), block)


def _packed(road: Road) -> Array:
    """The fields of `Road` in one uint32 each, since moving single numbers about takes longer than computing them."""
    fields = zip((road.ground, road.shade, road.kerb, road.white), _LIMITS, _BITS, strict=True)
    word, first = jnp.zeros(road.ground.shape, jnp.uint32), 0
    for value, limit, bits in fields:
        number = (jnp.clip(value, 0.0, limit) * np.float32((2**bits - 1) / limit) + 0.5).astype(jnp.uint32)
        word, first = word | number << np.uint32(first), first + bits
    return word


def unpacked(word: Array) -> Road:
    """The fields of `Road` from words of a `Painting`."""
    fields, first = [], 0
    for limit, bits in zip(_LIMITS, _BITS, strict=True):
        number = word >> np.uint32(first) & np.uint32(2**bits - 1)
        fields.append(number.astype(jnp.float32) * np.float32(limit / (2**bits - 1)))
        first += bits
    return Road(*fields)


def _sides(x: Array, y: Array, pixel: tuple[float, float]) -> tuple[Array, Array, Array, Array]:
    """The signed distance from each side as a function of the place, a x + b y + c, and half of the shorter side of a
    pixel as seen along it, all in units of the longer one; (4, n) float32 each.

    Args:
        x: (4, n) float32, of the corners.
        y: (4, n) float32.
        pixel: its width and height.
    """
    next_x, next_y = jnp.roll(x, -1, 0), jnp.roll(y, -1, 0)
    inward = jnp.where(jnp.sum(x * next_y - y * next_x, 0, keepdims=True) < 0, -1.0, 1.0)
    px, py = rounded(x), rounded(y)
    next_px, next_py = jnp.roll(px, -1, 0), jnp.roll(py, -1, 0)
    dx, dy = next_px - px, next_py - py
    long = dx * dx + dy * dy > _LONG * _LONG
    dx, dy = jnp.where(long, dx, next_x - x), jnp.where(long, dy, next_y - y)
    scale = inward / jnp.maximum(jnp.sqrt(dx * dx + dy * dy), 1e-6)
    a, b = keep((-dy * scale, dx * scale))
    wide, tall = jnp.abs(a) * pixel[0], jnp.abs(b) * pixel[1]
    inverse = 1 / jnp.maximum(jnp.maximum(wide, tall), 1e-6)
    reach = DILATION * jnp.maximum(jnp.abs(a), jnp.abs(b))
    c = reach - 0.5 * (a * (px + next_px) + b * (py + next_py))
    half_short = jnp.maximum(0.5 * jnp.minimum(wide, tall) * inverse, 1e-3)
    return keep((a * inverse, b * inverse, c * inverse, half_short))


def side_coverage(distance: Array, half_short: Array, curvature: Array) -> Array:
    """Share of a pixel within a straight line, less 1/2.

    Args:
        distance: of the pixel's centre from the line, in units of the pixel's longer side as seen along it.
        half_short: half of the shorter side, in the same units.
        curvature: a quarter of the inverse of that.
    """
    within = jnp.clip(distance, -0.5 - half_short, 0.5 + half_short)
    corner = within - jnp.clip(within, half_short - 0.5, 0.5 - half_short)
    return within - corner * jnp.abs(corner) * curvature


def _paint_blocks(
    words: Array,
    items: Items,
    colors: Colors,
    origin: np.ndarray,
    block: tuple[int, int],
    pixel: tuple[float, float],
) -> tuple[Array, Array, Array]:
    """The first three fields of `Painting`, blocks not yet in rows and columns."""
    units, per_lane = words.shape[0], origin.shape[0]
    at_once = min(units, _OF_ONE_LANE if units == per_lane else _BLOCKS_AT_ONCE)
    size = bit_sets.size(words)
    # One word for each block, so that one array is sorted: first those with most quadrilaterals.
    most = min(_MOST, 2**32 // units - 1)
    rest = (most - jnp.minimum(size, most)).astype(jnp.uint32)
    place = jnp.sort(rest * np.uint32(units) + np.arange(units, dtype=np.uint32))
    order = (place % np.uint32(units)).astype(jnp.int32)
    rank = jnp.zeros(units, jnp.int32).at[order].set(np.arange(units, dtype=np.int32), unique_indices=True)
    order = jnp.pad(order, (0, -units % at_once))
    total = jnp.sum(size > 0, dtype=jnp.int32)
    number = np.arange(block[0] * block[1])
    x = ((number % block[1] + 0.5) * pixel[0]).astype(np.float32)[None]
    y = ((block[0] - 1 - number // block[1] + 0.5) * pixel[1]).astype(np.float32)[None]

    def one_item(lane: Array, corner: Array, loop: Any) -> Any:
        words, ground, shade, kerb, white = loop
        member, words = bit_sets.pop_greatest(words)
        corners, (brightness, is_kerb, is_white) = items(lane, jnp.maximum(member, 0))
        a, b, c, half_short = _sides(*corners, pixel)
        c = keep(c + a * corner[None, :, 0] + b * corner[None, :, 1])
        curvature = keep(0.25 / half_short)
        a, b, c, half_short, curvature = (value[..., None] for value in (a, b, c, half_short, curvature))
        inside = [
            side_coverage(a[side] * x + (b[side] * y + c[side]), half_short[side], curvature[side]) for side in range(4)
        ]
        share = jnp.maximum(inside[0] + inside[2], 0.0) * jnp.maximum(inside[1] + inside[3], 0.0)
        share = keep(jnp.where((member >= 0)[:, None], jnp.minimum(share, ground), 0.0))
        brightness, is_kerb, is_white = (look[:, None] for look in (brightness, is_kerb, is_white))
        return words, ground - share, shade + brightness * share, kerb + is_kerb * share, white + is_white * share

    def next_blocks(loop: Any) -> tuple[Array, Array, Array]:
        """The numbers of the next blocks, their lanes and corners."""
        index = lax.dynamic_slice_in_dim(order, loop[0], at_once)
        return index, index // per_lane, jnp.asarray(origin)[index % per_lane]

    def colored(loop: Any, lane: Array, corner: Array, road: Road) -> Array:
        color = colors(lane, (corner[:, 0], corner[:, 1]), (x, y), road)
        return lax.dynamic_update_slice_in_dim(loop[1], color, loop[0], 0)

    ones, zeros = (jnp.full((at_once, x.shape[1]), value, jnp.float32) for value in (1, 0))

    def with_road(loop: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        index, lane, corner = next_blocks(loop)
        start = varying_as(words, (words[index], ones, zeros, zeros, zeros))
        found = lax.while_loop(lambda loop: jnp.any(loop[0] != 0), partial(one_item, lane, corner), start)
        road = Road(*found[1:])
        roads = lax.dynamic_update_slice_in_dim(loop[2], _packed(road), loop[0], 0)
        return loop[0] + at_once, colored(loop, lane, corner, road), roads

    def without_road(loop: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        _, lane, corner = next_blocks(loop)
        return loop[0] + at_once, colored(loop, lane, corner, Road(ones, zeros, zeros, zeros)), loop[2]

    empty = jnp.zeros((order.size, x.shape[1]), jnp.uint32)
    nothing = jnp.full_like(empty, 2 ** _BITS[0] - 1)
    start = varying_as(words, (jnp.int32(0), empty, nothing))
    loop = lax.while_loop(lambda loop: loop[0] < total, with_road, start)
    loop = lax.while_loop(lambda loop: loop[0] < units, without_road, loop)
    return loop[1], loop[2], rank
