"""Which tiles of the track the car of CarRacing touches: sensors, which push nothing."""

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.varying import varying_as
from jaxenvs.envs.box2d import _bit_sets as bit_sets
from jaxenvs.envs.box2d._car_racing_car import MODEL, POLYGONS
from jaxenvs.simulators.box2d.lanes import keep, over_lanes
from jaxenvs.simulators.box2d.settings import EPSILON, TOTAL_RADIUS, F

_NEAR = 3.2
"""Distance from the hull's centre of mass within which the whole car lies, m."""
_AT_ONCE = 6
"""Tiles that are compared with the car at once."""
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


class _Outlines:
    """Polygons in the frames of some bodies, the same in each.

    Attributes:
        bodies: (frames,), the bodies.
        spans: the first vertex of each polygon, and the one after the last.
        x: (vertices, 1, 1, 1) float32 in m, of all polygons; the axes that follow are frames, tiles and lanes.
        y: the same.
        dx: from each vertex to the next of its polygon.
        dy: the same.
    """

    def __init__(self, bodies: list[int], polygons: list[np.ndarray]) -> None:
        ends = np.cumsum([len(polygon) for polygon in polygons])
        self.bodies = np.array(bodies, np.int32)
        self.spans = list(zip([0, *ends[:-1]], ends, strict=True))
        vertices = np.concatenate(polygons)
        sides = np.concatenate([np.roll(polygon, -1, 0) for polygon in polygons]) - vertices
        self.x, self.y = (vertices[:, i, None, None, None] for i in (0, 1))
        self.dx, self.dy = (sides[:, i, None, None, None] for i in (0, 1))

    def each(self, function: Callable[[Array, Array], Array], values: Array) -> list[Array]:
        """(frames, tiles, lanes) of each polygon: values of its vertices combined."""
        return [reduce(function, [values[i] for i in range(*span)]) for span in self.spans]


_WHEELS = _Outlines([1, 2, 3, 4], [next(shape.vertices for body, shape in POLYGONS if body == 1)])
_HULL = _Outlines([0], [shape.vertices for body, shape in POLYGONS if body == 0])


@compiled_once
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
    near = count[:, None] > np.arange(capacity, dtype=np.int32)[None]
    for axis in range(2):
        corners, hull = [tiles[..., i, axis] for i in range(4)], position[:, 0, axis, None]
        near = near & (reduce(jnp.minimum, corners) - _NEAR < hull) & (hull < reduce(jnp.maximum, corners) + _NEAR)
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    center_x, center_y = MODEL.local_centers[None, :, 0], MODEL.local_centers[None, :, 1]
    offset = jnp.stack([cosine * center_x - sine * center_y, sine * center_x + cosine * center_y], -1)
    # Lanes are the last axis, along which a processor's vectors work.
    frames = keep(jnp.moveaxis(jnp.stack([*jnp.moveaxis(position - offset, 2, 0), sine, cosine]), 1, 2)[:, :, None])
    numbers = np.arange(capacity, dtype=np.int32)[None]

    def some(loop: Any) -> Any:
        words, found = loop
        members = []
        for _ in range(_AT_ONCE):
            member, words = bit_sets.pop_greatest(words)
            members.append(member)
        chosen = jnp.stack(members)
        corners = jnp.take_along_axis(tiles, jnp.maximum(chosen.T, 0)[:, :, None, None], 1)
        corners = keep(corners.transpose(2, 3, 1, 0))
        wheels, hull = (
            keep(_overlap(outlines, frames, corners) & (chosen >= 0)[None]) for outlines in (_WHEELS, _HULL)
        )
        by_wheel = keep(jnp.any(wheels, 0))

        def tiles_of(overlaps: Array) -> Array:
            """(lanes, tiles) bool, given (tiles at once, lanes)."""
            here = [(members[i][:, None] == numbers) & overlaps[i][:, None] for i in range(_AT_ONCE)]
            return reduce(operator.or_, here)

        return words, Touched(
            on_road=found.on_road | jnp.any(wheels, 1).T,
            by_wheel=found.by_wheel | tiles_of(by_wheel),
            by_car=found.by_car | tiles_of(keep(by_wheel | hull[0])),
            start=found.start | jnp.any(wheels & (chosen == 0)[None], 1).T,
        )

    no_wheels, none = jnp.zeros((lanes, 4), bool), jnp.zeros((lanes, capacity), bool)
    loop = bit_sets.packed(near), Touched(on_road=no_wheels, by_wheel=none, by_car=none, start=no_wheels)
    return lax.while_loop(lambda loop: jnp.any(loop[0] != 0), some, varying_as(position, loop))[1]


def _overlap(outlines: _Outlines, frames: Array, corners: Array) -> Array:
    """(frames, tiles, lanes) bool: whether tiles overlap any polygon of a frame.

    Args:
        outlines: the polygons.
        frames: (4, bodies, 1, lanes) float32: where each body's frame lies, in m, and the sine and cosine of its angle.
        corners: (4, 2, tiles, lanes) float32 in m, of the tiles.
    """
    place_x, place_y, sine, cosine = (values[None, None] for values in frames[:, outlines.bodies])
    x, y = (corners[:, axis, None, None] - place for axis, place in enumerate((place_x, place_y)))
    x, y = keep((cosine * x + sine * y, cosine * y - sine * x))
    normal_x, normal_y = outlines.dy, -outlines.dx
    # In the direction of each side of a polygon, and of each segment of a tile.
    beyond = reduce(jnp.minimum, [normal_x * x[i] + normal_y * y[i] for i in range(4)])
    beyond = beyond - (normal_x * outlines.x + normal_y * outlines.y)
    separated = outlines.each(operator.or_, beyond > 0)
    near = [_squared_distance(x[i] - outlines.x, y[i] - outlines.y, outlines.dx, outlines.dy) for i in range(4)]
    for first, second in _PAIRS:
        dx, dy = keep((x[second] - x[first], y[second] - y[first]))
        of_tile = [dy * x[i] - dx * y[i] for i in range(4)]
        of_polygon = keep(dy * outlines.x - dx * outlines.y)
        least, greatest = (reduce(bound, of_tile)[0] for bound in (jnp.minimum, jnp.maximum))
        bounds = zip(outlines.each(jnp.minimum, of_polygon), outlines.each(jnp.maximum, of_polygon), strict=True)
        apart = [(least > high) | (greatest < low) for low, high in bounds]
        separated = [before | now for before, now in zip(separated, apart, strict=True)]
        near.append(_squared_distance(outlines.x - x[first], outlines.y - y[first], dx, dy))
    squared = outlines.each(jnp.minimum, keep(reduce(jnp.minimum, near)))
    limit = TOTAL_RADIUS + F(10) * EPSILON
    touching = [~apart | (least < limit * limit) for apart, least in zip(separated, squared, strict=True)]
    return reduce(operator.or_, touching)


def _squared_distance(x: Any, y: Any, dx: Any, dy: Any) -> Array:
    """The squared distance of points from segments, given the vectors from where segments start to points and ends."""
    along = (x * dx + y * dy) / jnp.maximum(dx * dx + dy * dy, F(1e-12))
    along = jnp.clip(along, 0.0, 1.0)
    x, y = x - along * dx, y - along * dy
    return x * x + y * y
