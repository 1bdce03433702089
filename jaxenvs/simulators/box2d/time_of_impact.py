"""When a moving polygon first comes close to an edge of the ground (`b2TimeOfImpact.cpp`).

The search is Box2D's to the last step, because the time at which its root finder stops is where the body is moved.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.simulators.box2d.collision import origin_of, outline, separations, vertices_of
from jaxenvs.simulators.box2d.distance import FACE_OF_EDGE, FACE_OF_POLYGON, closest
from jaxenvs.simulators.box2d.lanes import walled
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import PI, TOI_TARGET, TOI_TOLERANCE, F
from jaxenvs.simulators.box2d.vectors import (
    Rotation,
    Scalar,
    Vector,
    add,
    at,
    choose,
    dot,
    first_least,
    negate,
    normalize,
    of,
    rotate,
    rotate_back,
    rotation,
    scale,
    subtract,
    transform,
)

# The second is `b2_maxPolygonVertices`, which pybox2d sets to 16.
_MAX_ITERATIONS, _MAX_PUSHES, _MAX_ROOT_ITERATIONS = 20, 16, 50
_MARGIN = F(1e-3)
"""Added to bounds of a motion, m, so that rounding cannot hide an impact."""


class Sweep(NamedTuple):
    """The motion of a body within a step (`b2Sweep`).

    Attributes:
        center0: the centre of mass at the start, m.
        angle0: () rad.
        center: the centre of mass at the end, m.
        angle: () rad.
    """

    center0: Vector
    angle0: Scalar
    center: Vector
    angle: Scalar


def stays_apart(model: Model, body: Scalar, v1: Vector, v2: Vector, sweep: Sweep) -> Array:
    """Whether the motion is too short to bring a body near an edge; True only if `time_of_impact` finds no impact."""

    def separation(body: Scalar, v1: Vector, v2: Vector, center: Vector, angle: Scalar) -> Scalar:
        axes = separations(v1, v2, outline(model, body, center, angle))
        return jnp.maximum(axes.edge, axes.polygon)

    least = walled(separation, body, v1, v2, sweep.center0, sweep.angle0)
    moved = subtract(sweep.center, sweep.center0)
    # Along a side of the polygon, what turns is the way to an end of the edge.
    to_ends = [subtract(end, sweep.center0) for end in (v1, v2)]
    farthest = jnp.sqrt(jnp.maximum(dot(to_ends[0], to_ends[0]), dot(to_ends[1], to_ends[1])))
    arm = jnp.maximum(of(model.reaches, body), farthest)
    motion = jnp.sqrt(dot(moved, moved)) + jnp.abs(sweep.angle - sweep.angle0) * arm
    return least - motion > TOI_TARGET + TOI_TOLERANCE + _MARGIN


def time_of_impact(model: Model, body: Scalar, v1: Vector, v2: Vector, sweep: Sweep) -> tuple[Array, Array]:
    """Conservative advancement along the sweep.

    Returns:
        Whether there is an impact (`e_touching`), and the share of the sweep before it, () float32.
    """
    vertices, count = vertices_of(model, body), of(model.counts, body)
    turns = F(2) * PI * jnp.floor(sweep.angle0 / (F(2) * PI))
    sweep = sweep._replace(angle0=sweep.angle0 - turns, angle=sweep.angle - turns)

    def pose(time: Scalar) -> tuple[Vector, Rotation]:
        q = rotation((F(1) - time) * sweep.angle0 + time * sweep.angle)
        center = add(scale(F(1) - time, sweep.center0), scale(time, sweep.center))
        return origin_of(model, body, center, q), q

    def vertex_at(index: Array) -> Vector:
        return at(vertices, index)

    def advance(loop: Any) -> Any:
        time, count_of_loops, _, _ = loop
        p, q = walled(pose, time)
        near = walled(lambda p, q: closest(v1, v2, [transform(p, q, vertex) for vertex in vertices], count), p, q)
        hit = ~near.overlap & (near.distance < TOI_TARGET + TOI_TOLERANCE)
        stop = near.overlap | hit
        axis = walled(lambda near, p, q: _axis(v1, v2, near, vertex_at, count, p, q), near, p, q)

        def separation(time: Scalar, end: Array, vertex: Array) -> Scalar:
            p, q = pose(time)
            on_polygon = transform(p, q, vertex_at(vertex))
            on_edge = choose(end == 0, v1, v2)
            edge_face = dot(subtract(on_polygon, axis.point), axis.direction)
            polygon_face = dot(subtract(on_edge, transform(p, q, axis.point)), rotate(q, axis.direction))
            points = dot(subtract(on_polygon, on_edge), axis.direction)
            return jnp.where(
                near.kind == FACE_OF_EDGE, edge_face, jnp.where(near.kind == FACE_OF_POLYGON, polygon_face, points)
            )

        def deepest(time: Scalar) -> tuple[Array, Array, Scalar]:
            """The features of least separation (`FindMinSeparation`); those of a face stay as they are."""
            _, q = pose(time)
            into_polygon = rotate_back(q, negate(axis.direction))
            vertex, _ = first_least([-dot(vertex, into_polygon) for vertex in vertices])
            to_edge = choose(near.kind == FACE_OF_POLYGON, negate(rotate(q, axis.direction)), axis.direction)
            end = (dot(v2, to_edge) > dot(v1, to_edge)).astype(jnp.int32)
            return end, vertex, separation(time, end, vertex)

        def push(loop: Any) -> Any:
            t1, t2, pushes, _, finished, touching = loop
            end, vertex, s2 = walled(deepest, t2)
            separated = s2 > TOI_TARGET + TOI_TOLERANCE
            reached = ~separated & (s2 > TOI_TARGET - TOI_TOLERANCE)
            s1 = separation(t1, end, vertex)
            failed = ~separated & ~reached & (s1 < TOI_TARGET - TOI_TOLERANCE)
            now = ~separated & ~reached & ~failed & (s1 <= TOI_TARGET + TOI_TOLERANCE)
            search = ~(separated | reached | failed | now)
            root, found = _root(lambda time: separation(time, end, vertex), t1, t2, s1, s2, search)
            return (
                jnp.where(reached, t2, t1),
                jnp.where(search & found, root, t2),
                pushes + 1,
                ~search | (pushes + 1 >= _MAX_PUSHES),
                finished | separated | failed | now,
                touching | now,
            )

        start = (time, jnp.ones_like(time), jnp.int32(0), stop, stop, hit)
        end = lax.while_loop(lambda loop: ~loop[3], push, start)
        return jnp.where(stop, time, end[0]), count_of_loops + 1, end[4], end[5]

    no = jnp.zeros((), bool)
    start = (jnp.zeros((), jnp.float32), jnp.int32(0), no, no)
    time, _, _, touching = lax.while_loop(lambda loop: ~loop[2] & (loop[1] < _MAX_ITERATIONS), advance, start)
    return touching, time


class _Axis(NamedTuple):
    """A separating axis (`b2SeparationFunction`): in the polygon's frame if one of its sides is the face."""

    direction: Vector
    point: Vector


def _axis(v1: Vector, v2: Vector, near: Any, vertex_at: Any, count: Array, p: Vector, q: Rotation) -> _Axis:
    """The axis of the closest features (`b2SeparationFunction::Initialize`)."""
    vertex = vertex_at(near.vertex)
    on_polygon = transform(p, q, vertex)
    on_edge = choose(near.end == 0, v1, v2)

    direction = normalize((v2[1] - v1[1], v1[0] - v2[0]))
    middle = scale(F(0.5), add(v1, v2))
    sign = jnp.where(dot(subtract(on_polygon, middle), direction) < 0, F(-1), F(1))
    edge_face = _Axis(scale(sign, direction), middle)

    following = vertex_at(jnp.where(near.vertex + 1 < count, near.vertex + 1, 0))
    side = subtract(following, vertex)
    is_side = near.kind == FACE_OF_POLYGON
    normal = normalize(choose(is_side, (side[1], -side[0]), (F(1), F(0))))
    side_middle = scale(F(0.5), add(vertex, following))
    sign = jnp.where(dot(subtract(on_edge, transform(p, q, side_middle)), rotate(q, normal)) < 0, F(-1), F(1))
    polygon_face = _Axis(scale(sign, normal), side_middle)

    gap = subtract(on_polygon, on_edge)
    apart = dot(gap, gap) > 0
    points = _Axis(normalize(choose(apart, gap, (F(1), F(0)))), on_edge)
    face = choose(is_side, tuple(polygon_face), tuple(points))
    return _Axis(*choose(near.kind == FACE_OF_EDGE, tuple(edge_face), face))


def _root(separation: Any, t1: Array, t2: Array, s1: Array, s2: Array, search: Array) -> tuple[Array, Array]:
    """A time between `t1` and `t2` at which the separation is the target: bisection and secant in turn."""

    def narrow(loop: Any) -> Any:
        count, a1, a2, s1, s2, _, _ = loop
        time = jnp.where(count % 2 == 1, a1 + (TOI_TARGET - s1) * (a2 - a1) / (s2 - s1), F(0.5) * (a1 + a2))
        s = separation(time)
        found = jnp.abs(s - TOI_TARGET) < TOI_TOLERANCE
        above = s > TOI_TARGET
        low, high = above & ~found, ~above & ~found
        return (
            count + 1,
            jnp.where(low, time, a1),
            jnp.where(high, time, a2),
            jnp.where(low, s, s1),
            jnp.where(high, s, s2),
            time,
            found,
        )

    start = (jnp.int32(0), t1, t2, s1, s2, t2, jnp.zeros((), bool))
    end = lax.while_loop(lambda loop: search & ~loop[6] & (loop[0] < _MAX_ROOT_ITERATIONS), narrow, start)
    return end[5], end[6]
