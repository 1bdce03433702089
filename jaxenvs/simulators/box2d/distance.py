"""The closest features of a part of the ground and a convex polygon (what `b2Distance.cpp` finds step by step)."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.box2d.lanes import keep
from jaxenvs.simulators.box2d.settings import F
from jaxenvs.simulators.box2d.vectors import Vector, cross, dot, fold, least, subtract

FACE_OF_GROUND, FACE_OF_POLYGON, POINTS = 0, 1, 2


class Closest(NamedTuple):
    """The closest features of parts of the ground and polygons, without skins.

    Attributes:
        overlap: bool, whether the shapes overlap.
        distance: float32 in m, between the features.
        kind: int32: a side of the ground and a vertex of the polygon, a side of the polygon and a vertex of the ground,
            or two points.
        corner: int32, which vertex of the ground, or the first of its side.
        vertex: int32, which vertex of the polygon, or the first of its side.
    """

    overlap: Array
    distance: Array
    kind: Array
    corner: Array
    vertex: Array


def _sides(vertices: Vector, exists: Array) -> tuple[Vector, Array]:
    """The sides that begin at each vertex, and their squared lengths, 1 for those that do not exist."""
    sides = subtract((jnp.roll(vertices[0], -1, 0), jnp.roll(vertices[1], -1, 0)), vertices)
    return sides, jnp.where(exists, dot(sides, sides), F(1))


def _to_sides(points: Vector, vertices: Vector, sides: Vector, squared: Array, exists: Array) -> tuple[Array, Array]:
    """For points and sides, two first axes: the distance of a point beside a side, and how far it is outside."""
    way = subtract((points[0][:, None], points[1][:, None]), (vertices[0][None], vertices[1][None]))
    side = sides[0][None], sides[1][None]
    share = dot(way, side) / squared[None]
    outside = cross(way, side) / jnp.sqrt(squared)[None]
    beside = exists[None] & (share > 0) & (share < 1)
    return jnp.where(beside, jnp.abs(outside), jnp.inf), outside


def closest(ground: Vector, vertices: Vector, count: Array, corners: Array | None = None) -> Closest:
    """Compares all pairs of features.

    Args:
        ground: vertices of the part of the ground in m, along a new first axis: the two ends of an edge, or more.
        vertices: of the polygon in m, in the same frame, along a new first axis.
        count: int32, the number of vertices of the polygon; the rest is padding, which repeats the first.
        corners: int32, the same for the ground, if parts can have more than two vertices.
    """
    size, sides_of_ground = vertices[0].shape[0], ground[0].shape[0]

    def exist(size: int, count: Array) -> Array:
        return jnp.arange(size, dtype=jnp.int32).reshape(-1, *(1,) * count.ndim) < count[None]

    exists = exist(size, count)
    sides, squared = _sides(vertices, exists)
    to_side, outside = _to_sides(ground, vertices, sides, squared, exists)
    gap_of_polygon = fold(jnp.maximum, jnp.where(exists, fold(jnp.minimum, outside), -jnp.inf))
    if corners is None:  # one side, seen from both sides
        side = subtract((ground[0][1:], ground[1][1:]), (ground[0][:1], ground[1][:1]))
        one = jnp.ones_like(side[0], bool)
        start = ground[0][:1], ground[1][:1]
        beside, across = _to_sides(vertices, start, side, dot(side, side), one)
        gap_of_ground = jnp.maximum(fold(jnp.minimum, across), fold(jnp.minimum, -across))[0]
    else:
        of_ground = exist(sides_of_ground, corners)
        side, side_squared = _sides(ground, of_ground)
        beside, across = _to_sides(vertices, ground, side, side_squared, of_ground)
        gap_of_ground = fold(jnp.maximum, jnp.where(of_ground, fold(jnp.minimum, across), -jnp.inf))
    overlap = jnp.maximum(gap_of_polygon, gap_of_ground) <= 0

    way = subtract((ground[0][:, None], ground[1][:, None]), (vertices[0][None], vertices[1][None]))
    to_vertex = jnp.sqrt(dot(way, way))

    # Along their first axes: vertices of the polygon, then sides of the ground; and corners of the ground, then sides
    # or vertices of the polygon.
    def flat(x: Array) -> Array:
        return x.reshape(-1, *x.shape[2:])

    index, distance = keep(least(flat(beside)))
    vertex, corner = index // beside.shape[1], index % beside.shape[1]
    kind = jnp.zeros_like(index)
    for values, its_kind in ((to_side, FACE_OF_POLYGON), (to_vertex, POINTS)):
        index, value = keep(least(flat(values)))
        closer = value < distance
        distance = jnp.where(closer, value, distance)
        vertex, corner = jnp.where(closer, index % size, vertex), jnp.where(closer, index // size, corner)
        kind = jnp.where(closer, its_kind, kind)
    return Closest(overlap, distance, kind, corner, vertex)
