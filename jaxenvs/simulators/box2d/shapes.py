"""Convex polygons (`b2PolygonShape.cpp`), computed once in float32 as Box2D does."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from jaxenvs.core.checks import check_range
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.box2d.settings import F


@dataclasses.dataclass(frozen=True, eq=False)
class Polygon:
    """A convex polygon in the frame of its body.

    Attributes:
        vertices: (n, 2) float32 in m, counterclockwise.
        normals: (n, 2) float32, the outward unit normal of the edge that begins at each vertex.
        centroid: (2,) float32 in m.
    """

    vertices: np.ndarray
    normals: np.ndarray
    centroid: np.ndarray


_MOST_VERTICES = 255
"""What the bytes of a contact's identifier (`b2ContactID`) can tell apart."""


def polygon(points: Sequence[tuple[float, float]]) -> Polygon:
    """The convex hull of points in m (`b2PolygonShape::Set`); it begins at the lowest of the rightmost points.

    The points may come in any order, and points within the hull are left out.

    Raises:
        InvalidField: `points` are not pairs of finite numbers that are known, or their hull has no area.
    """
    given = _checked(points)
    first = max(range(len(given)), key=lambda i: (given[i, 0], -given[i, 1]))
    hull = [first]
    while True:
        last, end = hull[-1], 0
        for j in range(1, len(given)):
            if end == last:
                end = j
                continue
            r, v = given[end] - given[last], given[j] - given[last]
            c = r[0] * v[1] - r[1] * v[0]
            if c < 0 or (c == 0 and v @ v > r @ r):
                end = j
        if end == first:
            break
        hull.append(end)
    vertices = given[hull]
    if len(vertices) < 3:
        raise InvalidField(f"polygon: the points must span an area, got {given.tolist()}, which lie on a line.")
    if len(vertices) > _MOST_VERTICES:
        raise InvalidField(f"polygon: a hull has at most {_MOST_VERTICES} vertices, got {len(vertices)}.")
    return Polygon(vertices, _normals(vertices), _centroid(vertices))


def _checked(points: Sequence[tuple[float, float]]) -> np.ndarray:
    """Points as (n, 2) float32."""
    if any(isinstance(x, Tracer) for x in jax.tree.leaves(points)):
        raise InvalidField(
            "polygon: the points are traced, and shapes must be known: they decide the program. Make the model outside"
            " of `jax.jit` and `jax.vmap`."
        )
    given: np.ndarray
    try:
        given = np.array(points, np.float64).astype(np.float32)
    except (TypeError, ValueError):
        given = np.zeros(0, np.float32)
    if given.ndim != 2 or given.shape[1] != 2 or not len(given) or not np.isfinite(given).all():
        raise InvalidField(f"polygon: `points` must be pairs (x, y) of finite numbers in m, got {points!r}.")
    return given


def box(half_width: float, half_height: float) -> Polygon:
    """An upright rectangle around the origin, in m (`b2PolygonShape::SetAsBox`).

    Raises:
        InvalidField: a size is not above 0.
    """
    check_range("box", "half_width", half_width, 0.0, above=True, below=True)
    check_range("box", "half_height", half_height, 0.0, above=True, below=True)
    x, y = F(half_width), F(half_height)
    vertices = np.array([[-x, -y], [x, -y], [x, y], [-x, y]], np.float32)
    return Polygon(vertices, np.array([[0, -1], [1, 0], [0, 1], [-1, 0]], np.float32), np.zeros(2, np.float32))


def mass_data(shapes: Sequence[Polygon], density: float) -> tuple[Any, np.ndarray, Any]:
    """The mass in kg, the centre of mass (2,) in m, and the moment of inertia about it in kg m^2.

    It is `b2Body::ResetMassData` for a body of polygons of one density, the newest of which it takes first.
    """
    mass, moment, about_origin = F(0), np.zeros(2, np.float32), F(0)
    for shape in reversed(shapes):
        own_mass, own_center, own_inertia = _fixture_mass(shape, density)
        mass, moment, about_origin = mass + own_mass, moment + own_mass * own_center, about_origin + own_inertia
    local_center = (F(1.0) / mass) * moment
    return mass, local_center, about_origin - mass * (local_center @ local_center)


def _fixture_mass(shape: Polygon, density: float) -> tuple[Any, np.ndarray, Any]:
    """Mass, centre and moment of inertia about the body's origin of one polygon (`b2PolygonShape::ComputeMass`)."""
    vertices = shape.vertices
    origin = np.zeros(2, np.float32)
    for vertex in vertices:
        origin = origin + vertex
    origin = origin * (F(1.0) / F(len(vertices)))
    area, inertia, center, third = F(0), F(0), np.zeros(2, np.float32), F(1.0) / F(3.0)
    for vertex, following in zip(vertices, np.roll(vertices, -1, 0), strict=True):
        e1, e2 = vertex - origin, following - origin
        d = e1[0] * e2[1] - e1[1] * e2[0]
        triangle = F(0.5) * d
        area = area + triangle
        center = center + triangle * third * (e1 + e2)
        x2 = e1[0] * e1[0] + e2[0] * e1[0] + e2[0] * e2[0]
        y2 = e1[1] * e1[1] + e2[1] * e1[1] + e2[1] * e2[1]
        inertia = inertia + (F(0.25) * third * d) * (x2 + y2)
    mass = F(density) * area
    center = center * (F(1.0) / area)
    shape_center = center + origin
    return mass, shape_center, F(density) * inertia + mass * (shape_center @ shape_center - center @ center)


def _normals(vertices: np.ndarray) -> np.ndarray:
    edges = np.roll(vertices, -1, 0) - vertices
    normals = np.stack([edges[:, 1], -edges[:, 0]], 1)
    lengths = np.sqrt(normals[:, 0] * normals[:, 0] + normals[:, 1] * normals[:, 1])
    return normals * (F(1.0) / lengths)[:, None]


def _centroid(vertices: np.ndarray) -> np.ndarray:
    """`ComputeCentroid`: triangles between the origin and each edge."""
    center, area, third = np.zeros(2, np.float32), F(0), F(1.0) / F(3.0)
    for vertex, following in zip(vertices, np.roll(vertices, -1, 0), strict=True):
        triangle = F(0.5) * (vertex[0] * following[1] - vertex[1] * following[0])
        area = area + triangle
        center = center + triangle * third * (vertex + following)
    return center * (F(1.0) / area)
