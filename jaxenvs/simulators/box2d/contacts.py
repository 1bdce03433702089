"""The contacts of one body with the ground, newest first (`b2Contact.cpp`, `b2ContactManager.cpp`)."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d.collision import Manifold, collide, no_manifold
from jaxenvs.simulators.box2d.lanes import only_where
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import F
from jaxenvs.simulators.box2d.vectors import Scalar, Vector, components

T = TypeVar("T")


class Contacts(PyTreeNode):
    """The pairs of one body with edges of the ground whose boxes overlap; the newest pair comes first.

    Attributes:
        edge: (pairs,) int32, the edge of each pair; -1 is an empty slot, and all empty slots come last.
        points: (pairs,) int32, the number of contact points; a contact touches if it has any.
        feature: (pairs, 2) int32, the identifiers of the points (`b2ContactID`).
        impulse: (pairs, 2, 2) float32 in N s, for each point the normal and the tangential impulse of the last step.
    """

    edge: Array
    points: Array
    feature: Array
    impulse: Array

    @property
    def exists(self) -> Array:
        """(pairs,) bool."""
        return self.edge >= 0


def no_contacts(bodies: int, pairs: int) -> Contacts:
    """The empty contacts of each body, with a leading axis of `bodies`."""
    return Contacts(
        edge=jnp.full((bodies, pairs), -1, jnp.int32),
        points=jnp.zeros((bodies, pairs), jnp.int32),
        feature=jnp.zeros((bodies, pairs, 2), jnp.int32),
        impulse=jnp.zeros((bodies, pairs, 2, 2), jnp.float32),
    )


def edge_ends(ground: Array, edge: Array) -> tuple[Vector, Vector]:
    """The two ends of an edge of the ground, (edges, 2, 2) float32 in m; those of the first for an empty slot."""
    ends = ground[jnp.maximum(edge, 0)]
    return components(ends[0]), components(ends[1])


def update(
    model: Model, body: Scalar, ground: Array, center: Vector, angle: Scalar, old: Contacts, live: Array
) -> tuple[Contacts, Manifold]:
    """New manifolds of the live pairs; impulses follow the identifiers of their points (`b2Contact::Update`).

    Args:
        model: the bodies.
        body: () int32 index.
        ground: (edges, 2, 2) float32 in m.
        center: the body's centre of mass in m.
        angle: () rad.
        old: the contacts before.
        live: (pairs,) bool, which pairs to update; the others do not touch in what is returned.

    Returns:
        The contacts, and their manifolds with a leading axis of pairs.
    """

    def make(_: Manifold, body: Scalar, ends: tuple[Vector, Vector], center: Vector, angle: Scalar) -> Manifold:
        return collide(model, body, *ends, center, angle)

    def one(edge: Array, points: Array, feature: Array, impulse: Array, live: Array) -> tuple[Contacts, Manifold]:
        manifold = only_where(live, make, no_manifold(), body, edge_ends(ground, edge), center, angle, share=8)
        kept = []
        for number, identifier in enumerate(manifold.features):
            first = (points > 0) & (feature[0] == identifier)
            second = (points > 1) & (feature[1] == identifier)
            carried = jnp.where(first, impulse[0], jnp.where(second, impulse[1], F(0)))
            kept.append(jnp.where(manifold.points > number, carried, F(0)))
        return Contacts(edge, manifold.points, jnp.stack(manifold.features), jnp.stack(kept)), manifold

    return jax.vmap(one)(old.edge, old.points, old.feature, old.impulse, live)


def last_event(before: Array, after: Array, order: Array, flag: Array) -> Array:
    """What the last of the events of a body says: True after a begin of contact, False after an end.

    Args:
        before: (pairs,) int32, contact points before the update.
        after: (pairs,) int32, and after it.
        order: (pairs,) bool, the pairs that are updated, in the order of the list.
        flag: () bool, what the last event before said.
    """
    for slot in range(before.shape[0]):
        begins = order[slot] & (before[slot] == 0) & (after[slot] > 0)
        ends = order[slot] & (before[slot] > 0) & (after[slot] == 0)
        flag = (flag | begins) & ~ends
    return flag


def first_places(chosen: Array, count: int) -> tuple[Array, Array]:
    """The places of the first `count` chosen ones, (count,) int32, and whether there are that many, (count,) bool."""
    place = jnp.arange(chosen.shape[0], dtype=jnp.int32)
    rank = jnp.cumsum(chosen, dtype=jnp.int32) - 1
    wanted = jnp.arange(count, dtype=jnp.int32)
    hot = chosen[None, :] & (rank[None, :] == wanted[:, None])
    return jnp.sum(jnp.where(hot, place[None, :], 0), 1, dtype=jnp.int32), jnp.any(hot, 1)


def at_places(tree: T, places: Array) -> T:
    """The rows of a tree's arrays at these places."""

    def take(x: Any) -> Array:
        hot = places[:, None] == jnp.arange(x.shape[0], dtype=jnp.int32)[None, :]
        hot = hot.reshape(hot.shape + (1,) * (x.ndim - 1))
        if x.dtype == bool:
            return jnp.any(hot & x[None], 1)
        return jnp.sum(jnp.where(hot, x[None], jnp.zeros((), x.dtype)), 1, dtype=x.dtype)

    return jax.tree.map(take, tree)


def compacted(contacts: Contacts, kept: Array, pairs: int) -> Contacts:
    """The kept pairs, in order, in as many slots as `pairs`; the rest of the slots is empty."""
    places, exists = first_places(kept, pairs)
    moved = at_places(contacts, places)
    return moved.replace(edge=jnp.where(exists, moved.edge, -1), points=jnp.where(exists, moved.points, 0))
