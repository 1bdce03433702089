"""Contact points of upright rectangles of the ground and convex polygons (`b2CollidePolygon.cpp`)."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.simulators.box2d.collision import FACE, VERTEX, Manifold, Outline, clip, identifier, outline
from jaxenvs.simulators.box2d.lanes import keep
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import TOTAL_RADIUS, F
from jaxenvs.simulators.box2d.vectors import (
    Vector,
    add,
    at,
    choose,
    cross,
    dot,
    fold,
    least,
    negate,
    normalize,
    rotate,
    rotate_back,
    scale,
    subtract,
    transform,
    up,
)

_NORMALS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
_FOUR = np.int32(4)


def corners(low: Vector, high: Vector) -> Vector:
    """The corners of upright rectangles along a new first axis, from the lower right one, counterclockwise.

    `b2PolygonShape::Set` begins there.
    """
    x = jnp.stack([high[0], high[0], low[0], low[0]])
    return x, jnp.stack([low[1], high[1], high[1], low[1]])


def _normals(axes: int) -> Vector:
    x, y = (jnp.asarray(_NORMALS[:, i].reshape(-1, *(1,) * axes)) for i in (0, 1))
    return x, y


def _centroid(vertices: Vector) -> Vector:
    """`ComputeCentroid`, from triangles with the origin of the world."""
    third = F(1) / F(3)
    area = zero = jnp.zeros_like(vertices[0][0])
    center: Vector = (zero, zero)
    for number in range(4):
        e1, e2 = ((vertices[0][i], vertices[1][i]) for i in (number, (number + 1) % 4))
        triangle = F(0.5) * cross(e1, e2)
        area = area + triangle
        center = add(center, scale(triangle * third, add(e1, e2)))
    return scale(F(1) / area, center)


def vertices_of_parts(model: Model, ends: tuple[Vector, Vector], part: Array) -> tuple[Vector, Array | None]:
    """The vertices of parts of the ground along a new first axis, and how many each has if it can be more than two.

    Args:
        model: says which parts are rectangles.
        ends: ends of edges, or corners of rectangles, in m.
        part: int32, the numbers of the parts.
    """
    v1, v2 = ends
    if not model.boxes:
        return (jnp.stack([v1[0], v2[0]]), jnp.stack([v1[1], v2[1]])), None
    edge = jnp.stack([v1[0], v2[0], v1[0], v1[0]]), jnp.stack([v1[1], v2[1], v1[1], v1[1]])
    is_box = part < model.boxes
    return choose(is_box[None], corners(v1, v2), edge), jnp.where(is_box, jnp.int32(4), jnp.int32(2))


class _Shape(NamedTuple):
    """A polygon in the world's frame; vertices and sides are a first axis.

    Attributes:
        vertices: points in m.
        normals: unit vectors of the side that begins at each vertex.
        centroid: a point in m.
        size: int32, the number of vertices.
    """

    vertices: Vector
    normals: Vector
    centroid: Vector
    size: Array


def _greatest_separation(first: _Shape, second: _Shape) -> tuple[Array, Array]:
    """The side of the first polygon with the greatest separation from the second, and that separation in m.

    This is `b2FindMaxSeparation` as it was before Box2D 2.4: it begins at the side that faces the other's centroid
    most, and climbs. It can stop at a side that is not the best one.
    """
    sides = first.vertices[0].shape[0]
    from_side = subtract(up(second.vertices), (first.vertices[0][:, None], first.vertices[1][:, None]))
    to_vertices = dot((first.normals[0][:, None], first.normals[1][:, None]), from_side)
    values = fold(jnp.minimum, jnp.swapaxes(to_vertices, 0, 1))
    start, _ = least(-dot(first.normals, up(subtract(second.centroid, first.centroid))))
    last = first.size - 1

    def before(side: Array) -> Array:
        return jnp.where(side > 0, side - 1, last)

    def after(side: Array) -> Array:
        return jnp.where(side < last, side + 1, 0)

    here, back, ahead = (at(values, side) for side in (start, before(start), after(start)))
    go_back = (back > here) & (back > ahead)
    go_ahead = ~go_back & (ahead > here)
    side = jnp.where(go_back, before(start), jnp.where(go_ahead, after(start), start))
    best = jnp.where(go_back, back, jnp.where(go_ahead, ahead, here))
    climbs = go_back | go_ahead
    for _ in range(sides - 2):
        following = jnp.where(go_back, before(side), after(side))
        value = at(values, following)
        climbs = climbs & (value > best)
        side, best = jnp.where(climbs, following, side), jnp.where(climbs, value, best)
    return side, best


def collide_box(model: Model, body: Array, low: Vector, high: Vector, center: Vector, angle: Array) -> Manifold:
    """The manifolds of upright rectangles (shape A) and the polygons of bodies (shape B) (`b2CollidePolygons`).

    Args:
        model: the bodies.
        body: int32 indices.
        low: lower left corners in m.
        high: upper right corners in m.
        center: the bodies' centres of mass in m, with as many axes as the rectangles.
        angle: rad.
    """
    shape = outline(model, body, center, angle)
    vertices = corners(low, high)
    axes = vertices[0].ndim - 1
    normals = tuple(jnp.broadcast_to(each, vertices[0].shape) for each in _normals(axes))
    ground = _Shape(vertices, (normals[0], normals[1]), _centroid(vertices), jnp.full_like(low[0], _FOUR, jnp.int32))
    polygon = _Shape(*_as_wide(shape, vertices[0].shape[1:]))
    side_a, separation_a = keep(_greatest_separation(ground, polygon))
    side_b, separation_b = keep(_greatest_separation(polygon, ground))
    ground_is_face = ~(separation_b > F(0.98) * separation_a + F(0.001))
    near = (separation_a <= TOTAL_RADIUS) & (separation_b <= TOTAL_RADIUS)
    return _manifold(shape, ground, polygon, side_a, side_b, ground_is_face, near)


def _as_wide(shape: Outline, wide: tuple[int, ...]) -> tuple[Vector, Vector, Vector, Array]:
    """The parts of a `_Shape`, with all their axes."""

    def spread(vector: Vector) -> Vector:
        x, y = (jnp.broadcast_to(each, (*each.shape[:1], *wide)) for each in vector)
        return x, y

    centroid = tuple(jnp.broadcast_to(each, wide) for each in shape.centroid)
    count = jnp.broadcast_to(shape.num_vertices, wide)
    return spread(shape.world_vertices), spread(shape.world_normals), (centroid[0], centroid[1]), count


def _manifold(
    shape: Outline,
    ground: _Shape,
    polygon: _Shape,
    side_a: Array,
    side_b: Array,
    ground_is_face: Array,
    near: Array,
) -> Manifold:
    """Clips the incident side at the ends of the reference face."""

    def following(side: Array, of: _Shape) -> Array:
        return jnp.where(side + 1 < of.size, side + 1, 0)

    # The face of the ground, and the side of the polygon that is most opposed to it; and the reverse.
    next_a, next_b = following(side_a, ground), following(side_b, polygon)
    incident_b, _ = least(dot(up(at(ground.normals, side_a)), polygon.normals))
    incident_a, _ = least(dot(up(at(polygon.normals, side_b)), ground.normals))
    a1, a2 = at(ground.vertices, side_a), at(ground.vertices, next_a)
    b1, b2 = at(shape.vertices, side_b), at(shape.vertices, next_b)
    local_1, local_2 = choose(ground_is_face, (a1, a2), (b1, b2))
    local_tangent = normalize(subtract(local_2, local_1))
    local_normal = (local_tangent[1], -local_tangent[0])
    plane_point = scale(F(0.5), add(local_1, local_2))
    p, q = shape.origin, shape.rotation
    tangent = keep(choose(ground_is_face, local_tangent, rotate(q, local_tangent)))
    normal = (tangent[1], -tangent[0])
    v1 = choose(ground_is_face, local_1, transform(p, q, local_1))
    v2 = choose(ground_is_face, local_2, transform(p, q, local_2))

    end_a, end_b = following(incident_a, ground), following(incident_b, polygon)
    points = choose(
        ground_is_face,
        (at(polygon.vertices, incident_b), at(polygon.vertices, end_b)),
        (at(ground.vertices, incident_a), at(ground.vertices, end_a)),
    )
    face, after = jnp.where(ground_is_face, side_a, side_b), jnp.where(ground_is_face, next_a, next_b)
    indices = (jnp.where(ground_is_face, incident_b, incident_a), jnp.where(ground_is_face, end_b, end_a))
    kinds = jnp.full_like(face, FACE), jnp.full_like(face, VERTEX)
    first, second = ((face, index, *kinds) for index in indices)
    points = keep(points)
    before_start = negate(tangent)
    points, features, kept1 = clip(points, (first, second), before_start, dot(before_start, v1) + TOTAL_RADIUS, face)
    points = keep(points)
    points, features, kept2 = clip(points, features, tangent, dot(tangent, v2) + TOTAL_RADIUS, after)
    points = keep(points)
    front = dot(normal, v1)
    inside = [near & kept1 & kept2 & (dot(normal, point) - front <= TOTAL_RADIUS) for point in points]

    stored = []
    for point, feature in zip(points, features, strict=True):
        swapped = (feature[1], feature[0], feature[3], feature[2])
        local = choose(ground_is_face, rotate_back(q, subtract(point, p)), point)
        stored.append((local, jnp.where(ground_is_face, identifier(feature), identifier(swapped))))
    one, other = choose(inside[0], stored[0], stored[1]), stored[1]
    return Manifold(
        points=inside[0].astype(jnp.int32) + inside[1].astype(jnp.int32),
        features=(one[1], other[1]),
        clip_points=(one[0], other[0]),
        normal=local_normal,
        plane_point=plane_point,
        edge_is_face=ground_is_face,
    )
