"""The closest features of a segment and a convex polygon (what `b2Distance.cpp` finds step by step)."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.box2d.settings import F
from jaxenvs.simulators.box2d.vectors import Scalar, Vector, cross, dot, first_least, greatest_of, least_of, subtract

FACE_OF_EDGE, FACE_OF_POLYGON, POINTS = 0, 1, 2


class Closest(NamedTuple):
    """The closest features of an edge and a polygon, without skins.

    Attributes:
        overlap: () bool, whether the shapes overlap.
        distance: () float32 in m, between the features.
        kind: () int32: the edge and a vertex of the polygon, a side of the polygon and an end of the edge, or two
            points.
        end: () int32, which end of the edge.
        vertex: () int32, which vertex of the polygon, or the first of its side.
    """

    overlap: Array
    distance: Scalar
    kind: Array
    end: Array
    vertex: Array


def closest(v1: Vector, v2: Vector, vertices: list[Vector], count: Array) -> Closest:
    """Compares all pairs of features.

    Args:
        v1: first end of the edge in m.
        v2: second end of the edge in m.
        vertices: of the polygon in m, in the same frame.
        count: () int32, the number of vertices; the rest is padding.
    """
    size = len(vertices)
    direction = subtract(v2, v1)
    squared = dot(direction, direction)
    length = jnp.sqrt(squared)
    beside, across = [], []
    for vertex in vertices:
        way = subtract(vertex, v1)
        along, off = dot(way, direction) / squared, cross(direction, way)
        across.append(off)
        beside.append(jnp.where((along > 0) & (along < 1), jnp.abs(off) / length, jnp.inf))

    to_sides: list[list[Scalar]] = [[], []]
    to_vertices: list[list[Scalar]] = [[], []]
    outside = []
    for number, vertex in enumerate(vertices):
        exists = number < count
        following = vertices[(number + 1) % size]  # padding repeats the first vertex
        side = subtract(following, vertex)
        side_squared = jnp.where(exists, dot(side, side), F(1))
        out_of_side = []
        for which, end in enumerate((v1, v2)):
            way = subtract(end, vertex)
            share = dot(way, side) / side_squared
            out = cross(way, side) / jnp.sqrt(side_squared)
            out_of_side.append(out)
            to_sides[which].append(jnp.where(exists & (share > 0) & (share < 1), jnp.abs(out), jnp.inf))
            to_vertices[which].append(jnp.sqrt(dot(way, way)))
        outside.append(jnp.where(exists, jnp.minimum(*out_of_side), -jnp.inf))
    above, below = least_of(across), least_of([-off for off in across])
    overlap = jnp.maximum(greatest_of(outside), jnp.maximum(above, below) / length) <= 0
    best, distance = first_least([*beside, *to_sides[0], *to_sides[1], *to_vertices[0], *to_vertices[1]])
    group = sum(((best >= size * number).astype(jnp.int32) for number in range(1, 5)), start=jnp.zeros((), jnp.int32))
    kind = jnp.where(group == 0, FACE_OF_EDGE, jnp.where(group < 3, FACE_OF_POLYGON, POINTS)).astype(jnp.int32)
    end = ((group == 2) | (group == 4)).astype(jnp.int32)
    return Closest(overlap, distance, kind, end, best - size * group)
