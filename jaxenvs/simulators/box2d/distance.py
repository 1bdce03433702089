"""The closest features of a segment and a convex polygon (what `b2Distance.cpp` finds step by step)."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.box2d.settings import F
from jaxenvs.simulators.box2d.vectors import Scalar, Vector, cross, dot, least, subtract, up

FACE_OF_EDGE, FACE_OF_POLYGON, POINTS = 0, 1, 2


class Closest(NamedTuple):
    """The closest features of edges and polygons, without skins.

    Attributes:
        overlap: bool, whether the shapes overlap.
        distance: float32 in m, between the features.
        kind: int32: the edge and a vertex of the polygon, a side of the polygon and an end of the edge, or two
            points.
        end: int32, which end of the edge.
        vertex: int32, which vertex of the polygon, or the first of its side.
    """

    overlap: Array
    distance: Scalar
    kind: Array
    end: Array
    vertex: Array


def closest(v1: Vector, v2: Vector, vertices: Vector, count: Array) -> Closest:
    """Compares all pairs of features.

    Args:
        v1: first end of the edge in m.
        v2: second end of the edge in m.
        vertices: of the polygon in m, in the same frame, along a new first axis.
        count: int32, the number of vertices; the rest is padding, which repeats the first.
    """
    size = vertices[0].shape[0]
    direction = subtract(v2, v1)
    squared = dot(direction, direction)
    length = jnp.sqrt(squared)
    way = subtract(vertices, up(v1))
    along, across = dot(way, up(direction)) / squared[None], cross(up(direction), way)
    beside = jnp.where((along > 0) & (along < 1), jnp.abs(across) / length[None], jnp.inf)

    exists = jnp.arange(size, dtype=jnp.int32).reshape(-1, *(1,) * count.ndim) < count[None]
    side = subtract((jnp.roll(vertices[0], -1, 0), jnp.roll(vertices[1], -1, 0)), vertices)
    side_squared = jnp.where(exists, dot(side, side), F(1))
    side_length = jnp.sqrt(side_squared)
    to_side, to_vertex, out_of_side = [], [], []
    for end in (v1, v2):
        way = subtract(up(end), vertices)
        share = dot(way, side) / side_squared
        out = cross(way, side) / side_length
        out_of_side.append(out)
        to_side.append(jnp.where(exists & (share > 0) & (share < 1), jnp.abs(out), jnp.inf))
        to_vertex.append(jnp.sqrt(dot(way, way)))
    outside = jnp.max(jnp.where(exists, jnp.minimum(*out_of_side), -jnp.inf), 0)
    above, below = jnp.min(across, 0), jnp.min(-across, 0)
    overlap = jnp.maximum(outside, jnp.maximum(above, below) / length) <= 0

    vertex, distance = least(beside)
    kind = end = jnp.zeros_like(vertex)
    others = ((to_side, FACE_OF_POLYGON), (to_vertex, POINTS))
    for values, its_kind in others:
        for its_end in (0, 1):
            index, value = least(values[its_end])
            closer = value < distance
            distance = jnp.where(closer, value, distance)
            vertex = jnp.where(closer, index, vertex)
            kind, end = jnp.where(closer, its_kind, kind), jnp.where(closer, its_end, end)
    return Closest(overlap, distance, kind, end, vertex)
