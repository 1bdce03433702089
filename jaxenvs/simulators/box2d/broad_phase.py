"""Which pairs of a body and an edge exist, and in which order (`b2BroadPhase.cpp`, `b2DynamicTree.cpp`)."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.box2d.collision import origin_of, vertices_of
from jaxenvs.simulators.box2d.contacts import Contacts, at_places, first_places
from jaxenvs.simulators.box2d.lanes import only_where
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import AABB_EXTENSION, AABB_MULTIPLIER, POLYGON_RADIUS, F
from jaxenvs.simulators.box2d.vectors import (
    Scalar,
    Vector,
    choose,
    greatest_of,
    least_of,
    rotation,
    subtract,
    transform,
)

Box = tuple[Scalar, Scalar, Scalar, Scalar]
"""Left, bottom, right and top in m."""


def body_box(model: Model, body: Scalar, center: Vector, angle: Scalar) -> tuple[Box, Vector]:
    """The box of a body in m: left, bottom, right, top; and the origin of its frame in m."""
    q = rotation(angle)
    origin = origin_of(model, body, center, q)
    x, y = zip(*(transform(origin, q, vertex) for vertex in vertices_of(model, body)), strict=True)
    low, high = (least_of(x), least_of(y)), (greatest_of(x), greatest_of(y))
    box = (low[0] - POLYGON_RADIUS, low[1] - POLYGON_RADIUS, high[0] + POLYGON_RADIUS, high[1] + POLYGON_RADIUS)
    return box, origin


def edge_boxes(ground: Array) -> Array:
    """(edges, 4) float32 in m: the fat boxes of the edges of the ground, (edges, 2, 2) in m."""
    low = jnp.min(ground, 1) - POLYGON_RADIUS - AABB_EXTENSION
    high = jnp.max(ground, 1) + POLYGON_RADIUS + AABB_EXTENSION
    return jnp.concatenate([low, high], 1)


def apart(box: Array, boxes: Array) -> Array:
    """Whether a box, (4,), and each of some boxes, (n, 4), do not overlap: (n,) bool (`b2TestOverlap`)."""
    left, bottom, right, top = (boxes[:, i] for i in range(4))
    return (left - box[2] > 0) | (bottom - box[3] > 0) | (box[0] - right > 0) | (box[1] - top > 0)


def move_box(
    model: Model, body: Scalar, fat: Box, start: tuple[Vector, Scalar], end: tuple[Vector, Scalar]
) -> tuple[Box, Array]:
    """The fat box of a body after a step, and whether it changed.

    It is `b2Fixture::Synchronize` and `b2DynamicTree::MoveProxy`. The box changes if
    the body is not within it at both ends of the step.

    Args:
        model: the bodies.
        body: () int32 index.
        fat: before the step.
        start: centre of mass and angle at the start.
        end: the same at the end.
    """
    (box1, origin1), (box2, origin2) = body_box(model, body, *start), body_box(model, body, *end)
    low = [jnp.minimum(box1[i], box2[i]) for i in (0, 1)]
    high = [jnp.maximum(box1[i], box2[i]) for i in (2, 3)]
    inside = (fat[0] <= low[0]) & (fat[1] <= low[1]) & (high[0] <= fat[2]) & (high[1] <= fat[3])
    ahead = [AABB_MULTIPLIER * each for each in subtract(origin2, origin1)]
    left, bottom = (edge - AABB_EXTENSION + jnp.minimum(way, F(0)) for edge, way in zip(low, ahead, strict=True))
    right, top = (edge + AABB_EXTENSION + jnp.maximum(way, F(0)) for edge, way in zip(high, ahead, strict=True))
    return choose(inside, fat, (left, bottom, right, top)), ~inside


def update_pairs(ground: Array, fat: Array, moved: Array, contacts: Contacts) -> tuple[Contacts, Array]:
    """Puts the new pairs of one body at the head of its list (`b2BroadPhase::UpdatePairs`).

    New pairs are found in the order of their edges, and each is put at the head, so that the last edge comes first.

    Args:
        ground: (edges, 2, 2) float32 in m.
        fat: (4,) float32 in m, the body's fat box.
        moved: () bool, whether it changed.
        contacts: of the body.

    Returns:
        The contacts, and whether there was no room for all of them.
    """
    edges, pairs = ground.shape[0], contacts.edge.shape[0]
    close = moved & ~apart(fat, edge_boxes(ground))

    def insert(before: tuple[Contacts, Array], ground: Array, close: Array) -> tuple[Contacts, Array]:
        del ground
        contacts, overflow = before
        numbers = jnp.arange(edges - 1, -1, -1, dtype=jnp.int32)
        known = jnp.any(contacts.edge[None, :] == numbers[:, None], 1)
        fresh = close[::-1] & ~known
        chosen = jnp.concatenate([fresh, contacts.exists])
        places, exists = first_places(chosen, pairs)
        old = at_places(contacts, places - edges)  # zeros for a place among the new ones
        edge = jnp.sum(jnp.where(places[:, None] == jnp.arange(edges, dtype=jnp.int32)[None], numbers[None], 0), 1)
        edge = jnp.where(places < edges, edge.astype(jnp.int32), old.edge)
        overflow = overflow | (jnp.sum(chosen, dtype=jnp.int32) > pairs)
        return old.replace(edge=jnp.where(exists, edge, -1), points=jnp.where(exists, old.points, 0)), overflow

    return only_where(jnp.any(close), insert, (contacts, jnp.zeros((), bool)), ground, close)
