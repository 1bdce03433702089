"""When moving polygons first come close to edges of the ground (`b2TimeOfImpact.cpp`).

The search is Box2D's to the last step, because the time at which its root finder stops is where the body is moved.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.core.varying import varying_as
from jaxenvs.simulators.box2d.collision import origin_of, outline, separations
from jaxenvs.simulators.box2d.distance import FACE_OF_GROUND, FACE_OF_POLYGON, Closest, closest
from jaxenvs.simulators.box2d.lanes import keep
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import PI, TOI_TARGET, TOI_TOLERANCE, F
from jaxenvs.simulators.box2d.vectors import (
    Rotation,
    Scalar,
    Vector,
    add,
    at,
    between,
    choose,
    dot,
    least,
    negate,
    normalize,
    of,
    rotate,
    rotate_back,
    rotation,
    rounded,
    scale,
    subtract,
    transform,
    up,
    vector_of,
)

# The second is `b2_maxPolygonVertices`, which pybox2d sets to 16.
_MAX_ITERATIONS, _MAX_PUSHES, _MAX_ROOT_ITERATIONS = 20, 16, 50
_MARGIN = F(1e-3)
"""Added to bounds of a motion, m, so that rounding cannot hide an impact."""


class Sweep(NamedTuple):
    """The motions of bodies within a step (`b2Sweep`).

    Attributes:
        center0: the centre of mass at the start, m.
        angle0: rad.
        center: the centre of mass at the end, m.
        angle: rad.
    """

    center0: Vector
    angle0: Array
    center: Vector
    angle: Array


def stays_apart(model: Model, body: Array, v1: Vector, v2: Vector, sweep: Sweep) -> Array:
    """Whether the motion is too short to bring a body near an edge; True only if `time_of_impact` finds no impact."""
    axes = separations(v1, v2, outline(model, body, sweep.center0, sweep.angle0))
    moved = subtract(sweep.center, sweep.center0)
    # Along a side of the polygon, what turns is the way to an end of the edge.
    to_ends = [subtract(end, sweep.center0) for end in (v1, v2)]
    farthest = jnp.sqrt(jnp.maximum(dot(to_ends[0], to_ends[0]), dot(to_ends[1], to_ends[1])))
    arm = jnp.maximum(of(model.reaches, body), farthest)
    motion = jnp.sqrt(dot(moved, moved)) + jnp.abs(sweep.angle - sweep.angle0) * arm
    return jnp.maximum(axes.edge, axes.polygon) - motion > TOI_TARGET + TOI_TOLERANCE + _MARGIN


def stays_apart_from_part(model: Model, body: Array, ground: Vector, corners: Array, sweep: Sweep) -> Array:
    """The same for parts of the ground with more vertices; their arguments are those of `time_of_impact`."""
    shape = outline(model, body, sweep.center0, sweep.angle0)
    near = keep(closest(ground, shape.world_vertices, jnp.broadcast_to(shape.num_vertices, corners.shape), corners))
    moved = subtract(sweep.center, sweep.center0)
    motion = jnp.sqrt(dot(moved, moved)) + jnp.abs(sweep.angle - sweep.angle0) * of(model.reaches, body)
    return ~near.overlap & (near.distance - motion > TOI_TARGET + TOI_TOLERANCE + _MARGIN)


def time_of_impact(
    model: Model,
    body: Array,
    ground: Vector,
    sweep: Sweep,
    wanted: Array,
    corners: Array | None = None,
) -> tuple[Array, Array]:
    """Conservative advancement along the sweeps.

    Args:
        model: the bodies.
        body: int32 indices, of any shape, as all others.
        ground: vertices of parts of the ground in m, along a new first axis: the two ends of edges, or more.
        sweep: of the body.
        wanted: bool, which of them to search.
        corners: int32, how many vertices each part of the ground has, if that can be more than two.

    Returns:
        Whether there is an impact (`e_touching`), and the share of the sweep before it, float32.
    """
    vertices, count = vector_of(model.vertices, body), of(model.counts, body)
    turns = rounded(F(2) * PI * jnp.floor(sweep.angle0 / (F(2) * PI)))
    sweep = sweep._replace(angle0=sweep.angle0 - turns, angle=sweep.angle - turns)

    def pose(time: Scalar) -> tuple[Vector, Rotation]:
        q = keep(rotation(between(sweep.angle0, sweep.angle, time)))
        (x0, y0), (x1, y1) = sweep.center0, sweep.center
        center = between(x0, x1, time), between(y0, y1, time)
        return keep(origin_of(model, body, center, q, steady=True)), q

    def advance(loop: Any) -> Any:
        time, loops, active, touching = loop
        p, q = pose(time)
        near = keep(closest(ground, transform(up(p), up(q), vertices), count, corners))
        hit = ~near.overlap & (near.distance < TOI_TARGET + TOI_TOLERANCE)
        axis = keep(_axis(ground, corners, near, vertices, count, p, q))

        def separation(p: Vector, q: Rotation, end: Array, vertex: Array) -> Array:
            # From a point in a direction: of a side of the ground or of the polygon, or between two points.
            on_polygon = transform(p, q, at(vertices, vertex), steady=True)
            on_edge = at(ground, end)
            of_ground, of_polygon = near.kind == FACE_OF_GROUND, near.kind == FACE_OF_POLYGON
            turned = rotate(q, axis.direction, steady=True), transform(p, q, axis.point, steady=True)
            origin = choose(of_ground, axis.point, choose(of_polygon, turned[1], on_edge))
            way = subtract(choose(of_polygon, on_edge, on_polygon), origin)
            return dot(way, choose(of_polygon, turned[0], axis.direction), steady=True)

        def deepest(p: Vector, q: Rotation) -> tuple[Array, Array, Array]:
            """The features of least separation (`FindMinSeparation`); those of a face stay as they are."""
            into_polygon = rotate_back(q, negate(axis.direction))
            vertex = keep(least(-dot(vertices, up(into_polygon)))[0])
            to_edge = choose(near.kind == FACE_OF_POLYGON, negate(rotate(q, axis.direction)), axis.direction)
            end = keep(least(-dot(ground, up(to_edge)))[0])
            return end, vertex, separation(p, q, end, vertex)

        def push(loop: Any) -> Any:
            t1, t2, pushes, active, finished, touching = loop
            end, vertex, s2 = deepest(*pose(t2))
            s2 = keep(s2)
            separated = s2 > TOI_TARGET + TOI_TOLERANCE
            reached = ~separated & (s2 > TOI_TARGET - TOI_TOLERANCE)
            s1 = keep(separation(*pose(t1), end, vertex))
            failed = ~separated & ~reached & (s1 < TOI_TARGET - TOI_TOLERANCE)
            now = ~separated & ~reached & ~failed & (s1 <= TOI_TARGET + TOI_TOLERANCE)
            search = active & ~(separated | reached | failed | now)
            root, found = _root(lambda time: separation(*pose(time), end, vertex), t1, t2, s1, s2, search)
            return (
                jnp.where(active & reached, t2, t1),
                jnp.where(search & found, root, t2),
                pushes + 1,
                search,
                finished | (active & (separated | failed | now)),
                touching | (active & now),
            )

        stop = near.overlap | hit
        start = (time, jnp.ones_like(time), jnp.int32(0), active & ~stop, active & stop, active & hit)
        start = varying_as(active, start)
        end = lax.while_loop(lambda loop: jnp.any(loop[3]) & (loop[2] < _MAX_PUSHES), push, start)
        return jnp.where(active & ~stop, end[0], time), loops + 1, active & ~end[4], touching | end[5]

    start = (jnp.zeros(wanted.shape, jnp.float32), jnp.int32(0), wanted, jnp.zeros(wanted.shape, bool))
    start = varying_as(wanted, start)
    end = lax.while_loop(lambda loop: jnp.any(loop[2]) & (loop[1] < _MAX_ITERATIONS), advance, start)
    return end[3], end[0]


class _Axis(NamedTuple):
    """Separating axes (`b2SeparationFunction`): in the polygon's frame if one of its sides is the face."""

    direction: Vector
    point: Vector


def _axis(
    ground: Vector, corners: Array | None, near: Closest, vertices: Vector, count: Array, p: Vector, q: Rotation
) -> _Axis:
    """The axis of the closest features (`b2SeparationFunction::Initialize`)."""
    vertex = keep(at(vertices, near.vertex))
    on_polygon = transform(p, q, vertex, steady=True)
    on_edge = at(ground, near.corner)
    if corners is None:
        v1, v2 = ((ground[0][i], ground[1][i]) for i in (0, 1))
    else:
        v1, v2 = on_edge, at(ground, jnp.where(near.corner + 1 < corners, near.corner + 1, 0))

    direction = normalize((v2[1] - v1[1], v1[0] - v2[0]), steady=True)
    middle = scale(F(0.5), add(v1, v2))
    sign = jnp.where(dot(subtract(on_polygon, middle), direction) < 0, F(-1), F(1))
    edge_face = _Axis(scale(sign, direction), middle)

    following = keep(at(vertices, jnp.where(near.vertex + 1 < count, near.vertex + 1, 0)))
    side = subtract(following, vertex)
    is_side = near.kind == FACE_OF_POLYGON
    one, zero = jnp.ones_like(side[0]), jnp.zeros_like(side[0])
    normal = normalize(choose(is_side, (side[1], -side[0]), (one, zero)), steady=True)
    side_middle = scale(F(0.5), add(vertex, following))
    sign = jnp.where(dot(subtract(on_edge, transform(p, q, side_middle)), rotate(q, normal)) < 0, F(-1), F(1))
    polygon_face = _Axis(scale(sign, normal), side_middle)

    gap = subtract(on_polygon, on_edge)
    points = _Axis(normalize(choose(dot(gap, gap) > 0, gap, (one, zero)), steady=True), on_edge)
    face = choose(is_side, tuple(polygon_face), tuple(points))
    return _Axis(*choose(near.kind == FACE_OF_GROUND, tuple(edge_face), face))


def _root(separation: Any, t1: Array, t2: Array, s1: Array, s2: Array, search: Array) -> tuple[Array, Array]:
    """Times between `t1` and `t2` at which the separation is the target: bisection and secant in turn."""

    def narrow(loop: Any) -> Any:
        count, a1, a2, s1, s2, time, searching, found = loop
        secant = a1 + rounded((TOI_TARGET - s1) * (a2 - a1)) / (s2 - s1)
        time = jnp.where(searching, jnp.where(count % 2 == 1, secant, F(0.5) * (a1 + a2)), time)
        time = keep(time)
        s = keep(separation(time))
        now = jnp.abs(s - TOI_TARGET) < TOI_TOLERANCE
        above = s > TOI_TARGET
        low, high = searching & above & ~now, searching & ~above & ~now
        return (
            count + 1,
            jnp.where(low, time, a1),
            jnp.where(high, time, a2),
            jnp.where(low, s, s1),
            jnp.where(high, s, s2),
            time,
            searching & ~now,
            found | (searching & now),
        )

    start = (jnp.int32(0), t1, t2, s1, s2, t2, search, jnp.zeros_like(search))
    end = lax.while_loop(lambda loop: jnp.any(loop[6]) & (loop[0] < _MAX_ROOT_ITERATIONS), narrow, start)
    return end[5], end[7]
