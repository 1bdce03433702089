"""Which pairs of a body and an edge exist, and in which order (`b2BroadPhase.cpp`, `b2DynamicTree.cpp`)."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.box2d.collision import origin_of
from jaxenvs.simulators.box2d.contacts import Contacts, Places, at_places, places_of, ranks
from jaxenvs.simulators.box2d.lanes import keep
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import AABB_EXTENSION, AABB_MULTIPLIER, POLYGON_RADIUS, F
from jaxenvs.simulators.box2d.vectors import (
    Rotation,
    Scalar,
    Vector,
    any_of,
    choose,
    fold,
    greatest,
    rotation,
    subtract,
    transform,
    up,
    vector_of,
)

Box = tuple[Scalar, Scalar, Scalar, Scalar]
"""Left, bottom, right and top in m."""


def body_box(model: Model, body: Scalar, center: Vector, q: Rotation) -> tuple[Box, Vector]:
    """The boxes of bodies in m: left, bottom, right, top; and the origins of their frames in m."""
    origin = origin_of(model, body, center, q)
    x, y = keep(transform(up(origin), up(q), vector_of(model.vertices, body)))
    low, high = (fold(jnp.minimum, x), fold(jnp.minimum, y)), (fold(jnp.maximum, x), fold(jnp.maximum, y))
    box = (low[0] - POLYGON_RADIUS, low[1] - POLYGON_RADIUS, high[0] + POLYGON_RADIUS, high[1] + POLYGON_RADIUS)
    return box, origin


def edge_boxes(ground: Array) -> Box:
    """The fat boxes of the edges of the ground, (..., edges, 2, 2) in m: (..., edges) float32 in m each."""
    first, second = ground[..., 0, :], ground[..., 1, :]
    low = jnp.minimum(first, second) - POLYGON_RADIUS - AABB_EXTENSION
    high = jnp.maximum(first, second) + POLYGON_RADIUS + AABB_EXTENSION
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
    (box1, origin1), (box2, origin2) = (
        body_box(model, body, center, keep(rotation(angle))) for center, angle in (start, end)
    )
    low = keep([jnp.minimum(box1[i], box2[i]) for i in (0, 1)])
    high = keep([jnp.maximum(box1[i], box2[i]) for i in (2, 3)])
    inside = (fat[0] <= low[0]) & (fat[1] <= low[1]) & (high[0] <= fat[2]) & (high[1] <= fat[3])
    ahead = [AABB_MULTIPLIER * each for each in subtract(origin2, origin1)]
    left, bottom = (edge - AABB_EXTENSION + jnp.minimum(way, F(0)) for edge, way in zip(low, ahead, strict=True))
    right, top = (edge + AABB_EXTENSION + jnp.maximum(way, F(0)) for edge, way in zip(high, ahead, strict=True))
    return choose(inside, fat, (left, bottom, right, top)), ~inside


def update_pairs(close: Array, contacts: Contacts) -> tuple[Contacts, Places, Array]:
    """Puts new pairs at the head of the list of each body (`b2BroadPhase::UpdatePairs`).

    New pairs are found in the order of their edges, and each is put at the head, so that the last edge comes first.

    Args:
        close: (edges, items) bool, whether the fat box of a body that has just changed overlaps that of an edge.
        contacts: of the bodies, with items last.

    Returns:
        The contacts; which pair before is at which place; and (items,) bool, whether there was no room for all of them.
    """
    edges, pairs = close.shape[0], contacts.edge.shape[0]
    number = jnp.arange(1, edges + 1, dtype=jnp.int32)[:, None]
    known = any_of(contacts.edge[:, None] + 1 == number[None])
    fresh = keep(jnp.where(close & ~known, number, 0))
    below = jnp.full(fresh.shape[1:], edges + 1, jnp.int32)
    new, added = [], jnp.zeros(fresh.shape[1:], jnp.int32)
    for _ in range(pairs):
        below = keep(greatest(jnp.where(fresh < below[None], fresh, 0)))
        new.append(below)
        added = added + (below > 0).astype(jnp.int32)
    rank = ranks(contacts.exists, added)
    places = places_of(contacts.exists, rank, pairs)
    left_out = any_of((fresh > 0) & (fresh < below[None])) & (below > 0)
    old = at_places(contacts.replace(edge=contacts.edge + 1), places)
    edge = jnp.where(jnp.stack(new) > 0, jnp.stack(new), old.edge) - 1
    return old.replace(edge=edge), places, (rank[-1] > pairs) | left_out
