"""Contact points between an edge of the ground and a convex polygon (`b2CollideEdge.cpp`, `b2Collision.cpp`)."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.simulators.box2d.lanes import keep
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
    fold,
    least,
    negate,
    normalize,
    of,
    rotate,
    rotate_back,
    rotation,
    scale,
    subtract,
    transform,
    up,
    vector_of,
)

VERTEX, FACE = np.int32(0), np.int32(1)
Feature = tuple[Array, Array, Array, Array]
"""The parts of `b2ContactFeature`, int32: index on A, index on B, kind on A, kind on B."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Manifold:
    """Contact points of edges (shape A, which is static) and polygons (shape B) (`b2Manifold`).

    Attributes:
        points: int32 of any shape, as all the others, 0 to 2.
        features: two int32, the identifiers of the points.
        clip_points: two points in m. In the frame of the polygon if `edge_is_face`, else of the ground.
        normal: unit vector from the face outwards, in the frame of the shape that has the face.
        plane_point: a point of the face in m, in the same frame.
        edge_is_face: bool, whether the edge is the reference face, rather than a side of the polygon.
    """

    points: Array
    features: tuple[Array, Array]
    clip_points: tuple[Vector, Vector]
    normal: Vector
    plane_point: Vector
    edge_is_face: Array


class Outline(NamedTuple):
    """The polygons of bodies, in their own frames and in the world's. Vertices and sides are a new first axis.

    Polygons with fewer vertices than another of the model repeat their first vertex.

    Attributes:
        vertices: points in m, own frame.
        normals: unit vectors, own frame, of the side that begins at each vertex.
        num_vertices: int32.
        world_vertices: points in m, in the world's frame.
        world_normals: unit vectors.
        centroid: a point in m, in the world's frame.
        origin: where the origin of the own frame lies, m.
        rotation: of the own frame.
    """

    vertices: Vector
    normals: Vector
    num_vertices: Array
    world_vertices: Vector
    world_normals: Vector
    centroid: Vector
    origin: Vector
    rotation: Rotation


def origin_of(model: Model, body: Scalar, center: Vector, q: Rotation, *, steady: bool = False) -> Vector:
    """Where the origin of a body's frame lies, from its centre of mass (`b2Body::SynchronizeTransform`)."""
    return subtract(center, rotate(q, vector_of(model.local_centers, body), steady=steady))


def outline(model: Model, body: Array, center: Vector, angle: Array) -> Outline:
    """The polygons of bodies, int32 indices, whose centres of mass lie at `center`."""
    vertices, normals = vector_of(model.vertices, body), vector_of(model.normals, body)
    q = keep(rotation(angle))
    p = origin_of(model, body, center, q)
    world_vertices, world_normals = keep((transform(up(p), up(q), vertices), rotate(up(q), normals)))
    return Outline(
        vertices=vertices,
        normals=normals,
        num_vertices=of(model.counts, body),
        world_vertices=world_vertices,
        world_normals=world_normals,
        centroid=keep(transform(p, q, vector_of(model.centroids, body))),
        origin=p,
        rotation=q,
    )


class Separations(NamedTuple):
    """The separating axes of lone edges and polygons.

    Attributes:
        front: bool, whether the polygon's centroid lies in front of the edge.
        normal: of the edge, on that side.
        edge: float32 in m, the separation along it.
        polygon: float32 in m, the greatest separation along the polygon's normals.
        side: int32, the index of that normal.
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
    front = keep(dot(normal, subtract(shape.centroid, v1)) >= 0)
    normal = keep(choose(front, normal, negate(normal)))
    edge = fold(jnp.minimum, dot(up(normal), subtract(shape.world_vertices, up(v1))))
    inner = negate(shape.world_normals)
    ways = (dot(inner, subtract(shape.world_vertices, up(end))) for end in (v1, v2))
    side, inward = least(-jnp.minimum(*ways))
    edge, inward, side = keep((edge, inward, side))
    return Separations(front, normal, edge, -inward, side)


def clip(
    points: tuple[Vector, Vector], features: tuple[Feature, Feature], normal: Vector, offset: Scalar, index: Array
) -> tuple[tuple[Vector, Vector], tuple[Feature, Feature], Array]:
    """Cuts a segment off at a line (`b2ClipSegmentToLine`); the last result is whether two points are left."""
    (p0, p1), (f0, f1) = points, features
    d0, d1 = keep((dot(normal, p0) - offset, dot(normal, p1) - offset))
    in0, in1 = d0 <= 0, d1 <= 0
    both = in0 & in1
    fraction = d0 / jnp.where(d0 - d1 == 0, F(1), d0 - d1)
    crossing = add(p0, scale(fraction, subtract(p1, p0)))
    new: Feature = (index, f0[1], jnp.full_like(index, VERTEX), jnp.full_like(index, FACE))
    first, first_feature = choose(in0, (p0, f0), (p1, f1))
    second, second_feature = choose(both, (p1, f1), (crossing, new))
    return (first, second), (first_feature, second_feature), both | ((in0 | in1) & (d0 * d1 < 0))


def identifier(feature: Feature) -> Array:
    """The number of a feature (`b2ContactID::key`)."""
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
    opposing, _ = least(dot(up(axes.normal), shape.world_normals))
    i1 = jnp.where(edge_is_face, opposing, axes.side)
    i2 = jnp.where(i1 + 1 < shape.num_vertices, i1 + 1, 0).astype(jnp.int32)
    i1, i2 = keep((i1, i2))
    (a1, normal), (local_vertex, local_normal) = at(
        ((shape.world_vertices, shape.world_normals), (shape.vertices, shape.normals)), i1
    )
    a2 = at(shape.world_vertices, i2)
    front, zero, one = axes.front, jnp.zeros_like(i1), jnp.ones_like(i1)
    return _Reference(
        edge_is_face=edge_is_face,
        incident=choose(edge_is_face, (a1, a2), (v1, v2)),
        incident_indices=(i1, jnp.where(edge_is_face, i2, i1)),
        ends=choose(edge_is_face, choose(front, (v1, v2), (v2, v1)), (a1, a2)),
        end_indices=(
            jnp.where(edge_is_face, jnp.where(front, zero, one), i1),
            jnp.where(edge_is_face, jnp.where(front, one, zero), i2),
        ),
        normal=choose(edge_is_face, axes.normal, normal),
        local_normal=local_normal,
        local_vertex=local_vertex,
    )


def collide(model: Model, body: Array, v1: Vector, v2: Vector, center: Vector, angle: Array) -> Manifold:
    """The manifolds of edges from `v1` to `v2`, which have no neighbours, and the polygons of bodies.

    It is `b2EPCollider::Collide` for an edge without ghost vertices: its normal is on the side of the polygon's
    centroid, and every axis of the polygon is admitted.

    Args:
        model: the bodies.
        body: int32 indices.
        v1: in m.
        v2: in m.
        center: the bodies' centres of mass in m, with as many axes as the edges.
        angle: rad.
    """
    shape = outline(model, body, center, angle)
    axes = separations(v1, v2, shape)
    face = _reference(v1, v2, shape, axes)
    (incident, ends, normal), number = keep(((face.incident, face.ends, face.normal), face.incident_indices))
    face = face._replace(incident=incident, ends=ends, normal=normal, incident_indices=number)
    is_edge = face.edge_is_face
    face_kind, vertex_kind = jnp.full_like(axes.side, FACE), jnp.full_like(axes.side, VERTEX)
    kinds = jnp.where(is_edge, face_kind, vertex_kind), jnp.where(is_edge, vertex_kind, face_kind)
    first, second = ((jnp.zeros_like(index), index, *kinds) for index in face.incident_indices)
    side = (face.normal[1], -face.normal[0])
    r1, r2 = face.ends
    points, features, kept1 = clip(face.incident, (first, second), side, dot(side, r1), face.end_indices[0])
    points, side = keep(points), negate(side)
    points, features, kept2 = clip(points, features, side, dot(side, r2), face.end_indices[1])
    points = keep(points)
    near = (axes.edge <= TOTAL_RADIUS) & (axes.polygon <= TOTAL_RADIUS) & kept1 & kept2
    inside = keep([near & (dot(face.normal, subtract(point, r1)) <= TOTAL_RADIUS) for point in points])

    def stored(point: Vector, feature: Feature) -> tuple[Vector, Array]:
        swapped = (feature[1], feature[0], feature[3], feature[2])
        local = rotate_back(shape.rotation, subtract(point, shape.origin))
        return choose(is_edge, local, point), jnp.where(is_edge, identifier(feature), identifier(swapped))

    one, other = (stored(point, feature) for point, feature in zip(points, features, strict=True))
    one = choose(inside[0], one, other)
    manifold = Manifold(
        points=inside[0].astype(jnp.int32) + inside[1].astype(jnp.int32),
        features=(one[1], other[1]),
        clip_points=(one[0], other[0]),
        normal=choose(is_edge, axes.normal, face.local_normal),
        plane_point=choose(is_edge, r1, face.local_vertex),
        edge_is_face=is_edge,
    )
    return keep(manifold)
