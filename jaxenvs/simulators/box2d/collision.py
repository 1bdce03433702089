"""Contact points between an edge of the ground and a convex polygon (`b2CollideEdge.cpp`, `b2Collision.cpp`)."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.simulators.box2d.lanes import walled
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import TOTAL_RADIUS, F
from jaxenvs.simulators.box2d.vectors import (
    Rotation,
    Scalar,
    Vector,
    add,
    at,
    choose,
    dot,
    first_least,
    least_of,
    negate,
    normalize,
    of,
    rotate,
    rotate_back,
    rotation,
    scale,
    subtract,
    transform,
    vector_of,
)

_VERTEX, _FACE = np.int32(0), np.int32(1)
Feature = tuple[Array, Array, Array, Array]
"""The parts of `b2ContactFeature`: index on A, index on B, kind on A, kind on B."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Manifold:
    """Contact points of an edge (shape A, which is static) and a polygon (shape B) (`b2Manifold`).

    Attributes:
        points: () int32, 0 to 2.
        features: two () int32, the identifiers of the points.
        clip_points: two points in m. In the frame of the polygon if `edge_is_face`, else of the ground.
        normal: unit vector from the face outwards, in the frame of the shape that has the face.
        plane_point: a point of the face in m, in the same frame.
        edge_is_face: () bool, whether the edge is the reference face, rather than a side of the polygon.
    """

    points: Array
    features: tuple[Array, Array]
    clip_points: tuple[Vector, Vector]
    normal: Vector
    plane_point: Vector
    edge_is_face: Array


def no_manifold() -> Manifold:
    """A manifold without points."""
    zero, none = jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
    nowhere = (zero, zero)
    return Manifold(none, (none, none), (nowhere, nowhere), nowhere, nowhere, jnp.zeros((), bool))


class Outline(NamedTuple):
    """The polygon of one body, in its own frame and in the world's.

    Polygons with fewer vertices than another of the model repeat their first vertex.

    Attributes:
        vertices: points in m, own frame.
        normals: unit vectors, own frame, of the side that begins at each vertex.
        num_vertices: () int32.
        world_vertices: points in m, in the world's frame.
        world_normals: unit vectors.
        centroid: a point in m, in the world's frame.
        origin: where the origin of the own frame lies, m.
        rotation: of the own frame.
    """

    vertices: list[Vector]
    normals: list[Vector]
    num_vertices: Array
    world_vertices: list[Vector]
    world_normals: list[Vector]
    centroid: Vector
    origin: Vector
    rotation: Rotation


def origin_of(model: Model, body: Scalar, center: Vector, q: Rotation) -> Vector:
    """Where the origin of a body's frame lies, from its centre of mass (`b2Body::SynchronizeTransform`)."""
    return subtract(center, rotate(q, vector_of(model.local_centers, body)))


def vertices_of(model: Model, body: Scalar) -> list[Vector]:
    """The vertices of a body in its own frame, m."""
    return [vector_of(model.vertices[:, number], body) for number in range(model.vertices.shape[1])]


def outline(model: Model, body: Scalar, center: Vector, angle: Scalar) -> Outline:
    """The polygon of `body` if its centre of mass lies at `center`."""
    vertices = vertices_of(model, body)
    normals = [vector_of(model.normals[:, number], body) for number in range(model.normals.shape[1])]
    q = rotation(angle)
    p = origin_of(model, body, center, q)
    return Outline(
        vertices=vertices,
        normals=normals,
        num_vertices=of(model.counts, body),
        world_vertices=[transform(p, q, vertex) for vertex in vertices],
        world_normals=[rotate(q, normal) for normal in normals],
        centroid=transform(p, q, vector_of(model.centroids, body)),
        origin=p,
        rotation=q,
    )


class Separations(NamedTuple):
    """The separating axes of a lone edge and a polygon.

    Attributes:
        front: () bool, whether the polygon's centroid lies in front of the edge.
        normal: of the edge, on that side.
        edge: () float32 in m, the separation along it.
        polygon: () float32 in m, the greatest separation along the polygon's normals.
        side: () int32, the index of that normal.
    """

    front: Array
    normal: Vector
    edge: Scalar
    polygon: Scalar
    side: Array


def separations(v1: Vector, v2: Vector, shape: Outline) -> Separations:
    """`ComputeEdgeSeparation` and `ComputePolygonSeparation` of `b2EPCollider`."""
    direction = normalize(subtract(v2, v1))
    normal = (direction[1], -direction[0])
    front = dot(normal, subtract(shape.centroid, v1)) >= 0
    normal = choose(front, normal, negate(normal))
    edge = least_of([dot(normal, subtract(vertex, v1)) for vertex in shape.world_vertices])
    inward = []
    for vertex, outer in zip(shape.world_vertices, shape.world_normals, strict=True):
        inner = negate(outer)
        inward.append(-jnp.minimum(dot(inner, subtract(vertex, v1)), dot(inner, subtract(vertex, v2))))
    side, least = first_least(inward)
    return Separations(front, normal, edge, -least, side)


def _clip(
    points: tuple[Vector, Vector], features: tuple[Feature, Feature], normal: Vector, offset: Scalar, index: Array
) -> tuple[tuple[Vector, Vector], tuple[Feature, Feature], Array]:
    """Cuts a segment off at a line (`b2ClipSegmentToLine`); the last result is whether two points are left."""
    (p0, p1), (f0, f1) = points, features
    d0, d1 = dot(normal, p0) - offset, dot(normal, p1) - offset
    in0, in1 = d0 <= 0, d1 <= 0
    both = in0 & in1
    fraction = d0 / jnp.where(d0 - d1 == 0, F(1), d0 - d1)
    crossing = add(p0, scale(fraction, subtract(p1, p0)))
    new: Feature = (index, f0[1], jnp.asarray(_VERTEX), jnp.asarray(_FACE))
    first, first_feature = choose(in0, (p0, f0), (p1, f1))
    second, second_feature = choose(both, (p1, f1), (crossing, new))
    return (first, second), (first_feature, second_feature), both | ((in0 | in1) & (d0 * d1 < 0))


def _key(feature: Feature) -> Array:
    return feature[0] | (feature[1] << 8) | (feature[2] << 16) | (feature[3] << 24)


class _Reference(NamedTuple):
    """The reference face and the incident side, in the world's frame."""

    edge_is_face: Array
    incident: tuple[Vector, Vector]
    incident_indices: tuple[Array, Array]
    ends: tuple[Vector, Vector]
    end_indices: tuple[Array, Array]
    normal: Vector
    local_normal: Vector
    local_vertex: Vector


def _reference(v1: Vector, v2: Vector, shape: Outline, axes: Separations) -> _Reference:
    edge_is_face = ~(axes.polygon > F(0.98) * axes.edge + F(0.001))
    opposing, _ = first_least([dot(axes.normal, normal) for normal in shape.world_normals])
    i1 = jnp.where(edge_is_face, opposing, axes.side)
    i2 = jnp.where(i1 + 1 < shape.num_vertices, i1 + 1, 0).astype(jnp.int32)
    a1, a2 = at(shape.world_vertices, i1), at(shape.world_vertices, i2)
    front, zero, one = axes.front, jnp.int32(0), jnp.int32(1)
    return _Reference(
        edge_is_face=edge_is_face,
        incident=choose(edge_is_face, (a1, a2), (v1, v2)),
        incident_indices=(i1, jnp.where(edge_is_face, i2, i1)),
        ends=choose(edge_is_face, choose(front, (v1, v2), (v2, v1)), (a1, a2)),
        end_indices=(
            jnp.where(edge_is_face, jnp.where(front, zero, one), i1),
            jnp.where(edge_is_face, jnp.where(front, one, zero), i2),
        ),
        normal=choose(edge_is_face, axes.normal, at(shape.world_normals, i1)),
        local_normal=at(shape.normals, i1),
        local_vertex=at(shape.vertices, i1),
    )


def _manifold(origin: Vector, q: Rotation, axes: Separations, face: _Reference) -> Manifold:
    is_edge = face.edge_is_face
    kinds = jnp.where(is_edge, _FACE, _VERTEX), jnp.where(is_edge, _VERTEX, _FACE)
    zero = jnp.int32(0)
    first, second = ((zero, index, *kinds) for index in face.incident_indices)
    side = (face.normal[1], -face.normal[0])
    r1, r2 = face.ends
    points, features, kept1 = _clip(face.incident, (first, second), side, dot(side, r1), face.end_indices[0])
    side = negate(side)
    points, features, kept2 = _clip(points, features, side, dot(side, r2), face.end_indices[1])
    near = (axes.edge <= TOTAL_RADIUS) & (axes.polygon <= TOTAL_RADIUS) & kept1 & kept2
    keep = [near & (dot(face.normal, subtract(point, r1)) <= TOTAL_RADIUS) for point in points]

    def stored(point: Vector, feature: Feature) -> tuple[Vector, Array]:
        swapped = (feature[1], feature[0], feature[3], feature[2])
        local = rotate_back(q, subtract(point, origin))
        return choose(is_edge, local, point), jnp.where(is_edge, _key(feature), _key(swapped))

    one, other = (stored(point, feature) for point, feature in zip(points, features, strict=True))
    one = choose(keep[0], one, other)
    return Manifold(
        points=keep[0].astype(jnp.int32) + keep[1].astype(jnp.int32),
        features=(one[1], other[1]),
        clip_points=(one[0], other[0]),
        normal=choose(is_edge, axes.normal, face.local_normal),
        plane_point=choose(is_edge, r1, face.local_vertex),
        edge_is_face=is_edge,
    )


def collide(model: Model, body: Scalar, v1: Vector, v2: Vector, center: Vector, angle: Scalar) -> Manifold:
    """The manifold of the edge from `v1` to `v2`, which has no neighbours, and the polygon of a body.

    It is `b2EPCollider::Collide` for an edge without ghost vertices: its normal is on the side of the polygon's
    centroid, and every axis of the polygon is admitted.

    Args:
        model: the bodies.
        body: () int32 index.
        v1: in m.
        v2: in m.
        center: the body's centre of mass in m.
        angle: () rad.
    """
    shape = walled(lambda body, center, angle: outline(model, body, center, angle), body, center, angle)
    axes = walled(separations, v1, v2, shape)
    face = walled(_reference, v1, v2, shape, axes)
    return walled(_manifold, shape.origin, shape.rotation, axes, face)
