"""Which pairs of a body and an edge exist, and in which order (`b2BroadPhase.cpp`, `b2DynamicTree.cpp`)."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.box2d.collision import origin_of
from jaxenvs.simulators.box2d.contacts import Contacts, any_of, at_places, counts_before, first_places
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import AABB_EXTENSION, AABB_MULTIPLIER, POLYGON_RADIUS, F
from jaxenvs.simulators.box2d.vectors import (
    Scalar,
    Vector,
    choose,
    rotation,
    subtract,
    transform,
    up,
    vector_of,
)

Box = tuple[Scalar, Scalar, Scalar, Scalar]
"""Left, bottom, right and top in m."""


def body_box(model: Model, body: Scalar, center: Vector, angle: Scalar) -> tuple[Box, Vector]:
    """The boxes of bodies in m: left, bottom, right, top; and the origins of their frames in m."""
    q = rotation(angle)
    origin = origin_of(model, body, center, q)
    x, y = transform(up(origin), up(q), vector_of(model.vertices, body))
    low, high = (jnp.min(x, 0), jnp.min(y, 0)), (jnp.max(x, 0), jnp.max(y, 0))
    box = (low[0] - POLYGON_RADIUS, low[1] - POLYGON_RADIUS, high[0] + POLYGON_RADIUS, high[1] + POLYGON_RADIUS)
    return box, origin


def edge_boxes(ground: Array) -> Box:
    """The fat boxes of the edges of the ground, (..., edges, 2, 2) in m: (..., edges) float32 in m each."""
    low = jnp.min(ground, -2) - POLYGON_RADIUS - AABB_EXTENSION
    high = jnp.max(ground, -2) + POLYGON_RADIUS + AABB_EXTENSION
    return low[..., 0], low[..., 1], high[..., 0], high[..., 1]


def apart(box: Box, other: Box) -> Array:
    """Whether boxes do not overlap (`b2TestOverlap`)."""
    return (other[0] - box[2] > 0) | (other[1] - box[3] > 0) | (box[0] - other[2] > 0) | (box[1] - other[3] > 0)


def move_box(
    model: Model, body: Scalar, fat: Box, start: tuple[Vector, Scalar], end: tuple[Vector, Scalar]
) -> tuple[Box, Array]:
    """The fat boxes of bodies after a step, and whether they changed.

    It is `b2Fixture::Synchronize` and `b2DynamicTree::MoveProxy`. A box changes if the body is not within it at both
    ends of the step.

    Args:
        model: the bodies.
        body: int32 indices.
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


def update_pairs(close: Array, contacts: Contacts) -> tuple[Contacts, Array, Array]:
    """Puts new pairs at the head of the list of each body (`b2BroadPhase::UpdatePairs`).

    New pairs are found in the order of their edges, and each is put at the head, so that the last edge comes first.

    Args:
        close: (edges, items) bool, whether the fat box of a body that has just changed overlaps that of an edge.
        contacts: of the bodies, with items last.

    Returns:
        The contacts; (pairs, pairs before, items) bool, which pair before is where; and (items,) bool, whether there
        was no room for all of them.
    """
    edges, pairs = close.shape[0], contacts.edge.shape[0]
    numbers = jnp.arange(edges - 1, -1, -1, dtype=jnp.int32)[:, None]
    known = any_of(contacts.edge[:, None] == numbers[None])
    fresh = close[::-1] & ~known
    new = first_places(fresh, pairs)
    new_edge = jnp.sum(jnp.where(new, numbers[None] + 1, 0), 1, dtype=jnp.int32)  # 0 for none
    added = jnp.sum(fresh, 0, dtype=jnp.int32)
    slot = jnp.arange(pairs, dtype=jnp.int32)[:, None, None]
    exists = contacts.exists
    place = counts_before(exists) + added[None]
    places = (place[None] == slot) & exists[None]
    old = at_places(contacts, places)
    edge = jnp.where(new_edge > 0, new_edge - 1, jnp.where(jnp.any(places, 1), old.edge, -1))
    overflow = added + jnp.sum(exists, 0, dtype=jnp.int32) > pairs
    return old.replace(edge=edge), places, overflow
