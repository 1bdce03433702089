"""Which tiles of the track the car of CarRacing touches: sensors, which push nothing."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs.box2d import _bit_sets as bit_sets
from jaxenvs.envs.box2d._car_racing_car import MODEL, POLYGONS
from jaxenvs.simulators.box2d.lanes import over_lanes
from jaxenvs.simulators.box2d.settings import EPSILON, TOTAL_RADIUS, F

_NEAR = 3.2
"""Distance from the hull's centre of mass within which the whole car lies, m."""
_AT_ONCE = 6
"""Tiles that are compared with the car at once."""
_MOST_VERTICES = 8
_PAIRS = ((0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (1, 3))
"""All segments between the corners of a tile: Box2D takes the convex hull of the corners, in whichever order."""


class Touched(PyTreeNode):
    """What the car touches.

    Attributes:
        on_road: (4,) bool, whether each wheel touches a tile.
        by_wheel: (tiles,) bool, which tiles a wheel touches.
        by_car: (tiles,) bool, which tiles the car touches.
        start: (4,) bool, which wheels touch the first tile.
    """

    on_road: Array
    by_wheel: Array
    by_car: Array
    start: Array


def _outlines() -> np.ndarray:
    """(polygons, 8, 2) float32 in m, in the frames of their bodies; shorter ones repeat their last vertex."""
    shapes = [shape.vertices for _, shape in POLYGONS]
    return np.stack([np.concatenate([v, np.repeat(v[-1:], _MOST_VERTICES - len(v), 0)]) for v in shapes])


_OUTLINES = _outlines()
_BODIES = np.array([body for body, _ in POLYGONS])


def touched(position: Array, angle: Array, tiles: Array, count: Array) -> Touched:
    """The tiles that overlap the polygons of the car, skins included.

    Args:
        position: (5, 2) float32 in m, centres of mass of the bodies.
        angle: (5,) float32 in rad.
        tiles: (tiles, 4, 2) float32 in m.
        count: () int32, the number of tiles that exist.
    """
    return over_lanes(_touched)(position, angle, tiles, count)


def _touched(position: Array, angle: Array, tiles: Array, count: Array) -> Touched:
    """The same with a leading axis of lanes."""
    lanes, capacity = tiles.shape[:2]
    hull = position[:, 0, None]
    low, high = jnp.min(tiles, 2) - _NEAR, jnp.max(tiles, 2) + _NEAR
    exists = count[:, None] > np.arange(capacity, dtype=np.int32)[None]
    candidates = bit_sets.packed(exists & jnp.all((low < hull) & (hull < high), -1))
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    center_x, center_y = MODEL.local_centers[None, :, 0], MODEL.local_centers[None, :, 1]
    offset = jnp.stack([cosine * center_x - sine * center_y, sine * center_x + cosine * center_y], -1)
    origin = (position - offset)[:, _BODIES]
    sine, cosine = sine[:, _BODIES, None, None], cosine[:, _BODIES, None, None]
    numbers = np.arange(capacity, dtype=np.int32)[None, None]

    def some(loop: Any) -> Any:
        words, found = loop
        members = []
        for _ in range(_AT_ONCE):
            member, words = bit_sets.pop_greatest(words)
            members.append(member)
        chosen = jnp.stack(members, 1)
        corners = jnp.take_along_axis(tiles, jnp.maximum(chosen, 0)[:, :, None, None], 1)
        away = corners[:, None] - origin[:, :, None, None]
        x, y = away[..., 0], away[..., 1]
        local = jnp.stack([cosine * x + sine * y, cosine * y - sine * x], -1)
        overlap = _overlap(local) & (chosen >= 0)[:, None]
        mine = chosen[:, :, None] == numbers

        def tiles_of(overlaps: Array) -> Array:
            return jnp.any(mine & jnp.any(overlaps, 1)[:, :, None], 1)

        wheels = overlap[:, :4]
        return words, Touched(
            on_road=found.on_road | jnp.any(wheels, 2),
            by_wheel=found.by_wheel | tiles_of(wheels),
            by_car=found.by_car | tiles_of(overlap),
            start=found.start | jnp.any(wheels & (chosen == 0)[:, None], 2),
        )

    no_wheels, none = jnp.zeros((lanes, 4), bool), jnp.zeros((lanes, capacity), bool)
    loop = candidates, Touched(on_road=no_wheels, by_wheel=none, by_car=none, start=no_wheels)
    return lax.while_loop(lambda loop: jnp.any(loop[0] != 0), some, loop)[1]


def _overlap(corners: Array) -> Array:
    """(lanes, polygons, tiles) bool: whether tiles overlap polygons.

    Args:
        corners: (lanes, polygons, tiles, 4, 2) float32 in m, of the tiles, in the frames of the polygons.
    """
    outline = _OUTLINES[None, :, None]
    following = np.roll(outline, -1, -2)
    first, second = (corners[..., np.array(ends), :] for ends in zip(*_PAIRS, strict=True))
    segments = second - first
    normal = np.stack([following[..., 1] - outline[..., 1], outline[..., 0] - following[..., 0]], -1)
    # In the direction of each side of a polygon, and of each segment of a tile.
    beyond = jnp.min(_dots(normal, corners), -1) - np.sum(normal * outline, -1)
    across = jnp.stack([segments[..., 1], -segments[..., 0]], -1)
    of_tile, of_polygon = _dots(across, corners), _dots(across, outline)
    apart = (jnp.min(of_tile, -1) > jnp.max(of_polygon, -1)) | (jnp.max(of_tile, -1) < jnp.min(of_polygon, -1))
    separated = jnp.any(beyond > 0, -1) | jnp.any(apart, -1)
    squared = jnp.minimum(
        _squared_distance(corners, outline, following - outline), _squared_distance(outline, first, segments)
    )
    limit = TOTAL_RADIUS + F(10) * EPSILON
    return ~separated | (squared < limit * limit)


def _dots(axes: Any, points: Any) -> Array:
    """(..., axes, points): scalar products."""
    return axes[..., :, None, 0] * points[..., None, :, 0] + axes[..., :, None, 1] * points[..., None, :, 1]


def _squared_distance(points: Any, starts: Any, segments: Any) -> Array:
    """(...): the least squared distance of points (..., n, 2) from segments, given starts and vectors, (..., m, 2)."""
    x, y = (points[..., :, None, i] - starts[..., None, :, i] for i in (0, 1))
    dx, dy = segments[..., None, :, 0], segments[..., None, :, 1]
    along = (x * dx + y * dy) / jnp.maximum(dx * dx + dy * dy, F(1e-12))
    along = jnp.clip(along, 0.0, 1.0)
    x, y = x - along * dx, y - along * dy
    return jnp.min(x * x + y * y, (-2, -1))
