"""Signed distances, in pixels, from pixel centres to shapes: negative inside, positive outside.

Every coordinate is first snapped to an eighth of a pixel (`snap`). Products of two such numbers below 512 pixels are
exact in float32, so a distance does not depend on whether the compiler fuses a multiplication with an addition. The
picture is therefore the same with and without `jit`, to the last byte. Larger shapes are drawn equally well, but
without that guarantee.

`x` is (1, width) and `y` is (height, 1), both float32; results are (height, width). A point is a pair
of float32 scalars. Distances are finite for degenerate shapes, such as a line between equal points.
"""

import itertools
from typing import TypeAlias

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

XY: TypeAlias = tuple[Array, Array]

_STEPS_PER_PIXEL = 8
_FARTHEST = 32768.0
"""Coordinates are clipped to this many pixels, so that squares of distances stay finite."""


def snap(value: ArrayLike) -> Array:
    """`value` in float32, rounded to an eighth of a pixel and clipped to a range far beyond any frame."""
    value = jnp.clip(jnp.asarray(value, jnp.float32), -_FARTHEST, _FARTHEST)
    return jnp.floor(value * _STEPS_PER_PIXEL + 0.5) / _STEPS_PER_PIXEL


def _length(x: Array, y: Array) -> Array:
    return jnp.sqrt(x * x + y * y)


def circle(x: Array, y: Array, center: XY, radius: Array) -> Array:
    """Distance to a disc."""
    return _length(x - center[0], y - center[1]) - radius


def _segment_squared(x: Array, y: Array, a: XY, b: XY) -> Array:
    """Squared distance to the segment from `a` to `b`."""
    px, py, qx, qy = x - a[0], y - a[1], x - b[0], y - b[1]
    bx, by = b[0] - a[0], b[1] - a[1]
    along, squared_length = px * bx + py * by, bx * bx + by * by
    cross = px * by - py * bx
    beside = cross * cross / jnp.where(squared_length > 0, squared_length, 1.0)
    ends = jnp.where(along <= 0, px * px + py * py, qx * qx + qy * qy)
    return jnp.where((along <= 0) | (along >= squared_length), ends, beside)


def segment(x: Array, y: Array, a: XY, b: XY) -> Array:
    """Distance to the segment from `a` to `b`. Minus half a width, it is that to a line with round ends."""
    return jnp.sqrt(_segment_squared(x, y, a, b))


def polyline(x: Array, y: Array, points: list[XY]) -> Array:
    """Distance to the segments between successive points; the cost is proportional to segments times pixels."""
    squared = _segment_squared(x, y, points[0], points[min(1, len(points) - 1)])
    for a, b in itertools.pairwise(points[1:]):
        squared = jnp.minimum(squared, _segment_squared(x, y, a, b))
    return jnp.sqrt(squared)


def box(x: Array, y: Array, center: XY, half_width: Array, half_height: Array) -> Array:
    """Distance to an upright rectangle."""
    qx, qy = jnp.abs(x - center[0]) - half_width, jnp.abs(y - center[1]) - half_height
    outside = _length(jnp.maximum(qx, 0.0), jnp.maximum(qy, 0.0))
    return outside + jnp.minimum(jnp.maximum(qx, qy), 0.0)


def polygon(x: Array, y: Array, points: list[XY]) -> Array:
    """Distance to a simple polygon, convex or not, of either orientation."""
    squared = jnp.full(jnp.broadcast_shapes(x.shape, y.shape), jnp.inf, jnp.float32)
    inside = jnp.zeros(squared.shape, bool)
    for a, b in zip(points, points[1:] + points[:1]):
        squared = jnp.minimum(squared, _segment_squared(x, y, a, b))
        # A ray to the right of the pixel crosses the edge: an odd number of crossings means inside.
        cross = (x - a[0]) * (b[1] - a[1]) - (y - a[1]) * (b[0] - a[0])
        upward = (a[1] <= y) & (y < b[1]) & (cross < 0)
        downward = (b[1] <= y) & (y < a[1]) & (cross > 0)
        inside = inside ^ upward ^ downward
    return jnp.where(inside, -1.0, 1.0) * jnp.sqrt(squared)


def arc(x: Array, y: Array, center: XY, radius: Array, start: XY, end: XY, sweep: Array) -> Array:
    """Distance to the part of a circle from `start` to `end`, in the direction of `sweep`'s sign.

    Args:
        x: pixel centres.
        y: pixel centres.
        center: centre of the circle.
        radius: radius of the circle.
        start: where the arc begins, on the circle.
        end: where the arc ends, on the circle.
        sweep: () signed angle of the arc, in rad, from the x axis towards the y axis of the frame
            (which points down); at least a full turn gives the circle.
    """
    px, py = x - center[0], y - center[1]
    first = [jnp.where(sweep >= 0, s, e) - c for s, e, c in zip(start, end, center)]
    last = [jnp.where(sweep >= 0, e, s) - c for s, e, c in zip(start, end, center)]
    after_first = first[0] * py - first[1] * px >= 0
    before_last = px * last[1] - py * last[0] >= 0
    turn = jnp.abs(sweep)
    within = jnp.where(turn <= jnp.pi, after_first & before_last, after_first | before_last) | (turn >= 2 * jnp.pi)
    to_start = _length(x - start[0], y - start[1])
    to_end = _length(x - end[0], y - end[1])
    return jnp.where(within, jnp.abs(_length(px, py) - radius), jnp.minimum(to_start, to_end))


def below(x: Array, y: Array, heights: Array) -> Array:
    """Distance, to first order, to the area under a curve given by its y at each column.

    Args:
        x: (1, width) pixel centres.
        y: (height, 1) pixel centres.
        heights: (width,) y of the curve, measured downwards.
    """
    del x
    slope = jnp.asarray(jnp.gradient(heights))
    steepness = jnp.sqrt(1.0 + jnp.square(slope))
    return (heights[None, :] - y) / steepness[None, :]
