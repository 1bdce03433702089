"""The contacts of bodies with the ground, newest first (`b2Contact.cpp`, `b2ContactManager.cpp`).

Within a step, arrays end with an axis of items, an item being one body of one world; pairs and points come before it.
"""

import dataclasses
from typing import TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d.collision import Manifold, collide
from jaxenvs.simulators.box2d.lanes import keep, over_items
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.polygon_collision import collide_box
from jaxenvs.simulators.box2d.settings import F
from jaxenvs.simulators.box2d.vectors import Vector, choose, fold, parts, up

T = TypeVar("T")


class Contacts(PyTreeNode):
    """The pairs of one body with edges of the ground whose boxes overlap; the newest pair comes first.

    Worlds have the axes below behind those of worlds and bodies; within a step, items come last.

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


def as_items(tree: T) -> T:
    """Arrays with axes (lanes, bodies, ...) as arrays with axes (..., items): all lanes of the first body first."""

    def turned(x: Array) -> Array:
        x = jnp.moveaxis(x, (0, 1), (-1, -2))
        return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])

    return jax.tree.map(turned, tree)


def as_lanes(tree: T, bodies: int) -> T:
    """The reverse of `as_items`."""

    def turned(x: Array) -> Array:
        return jnp.moveaxis(x.reshape(*x.shape[:-1], bodies, -1), (-1, -2), (0, 1))

    return jax.tree.map(turned, tree)


def edge_ends(ground: Array, lane: Array, edge: Array) -> tuple[Vector, Vector]:
    """The two ends of edges of the ground; those of the first for an empty slot.

    Args:
        ground: (lanes, edges, 2, 2) float32 in m.
        lane: int32 of any shape.
        edge: int32 of the same shape.
    """
    ends = ground[lane, jnp.maximum(edge, 0)]
    return (ends[..., 0, 0], ends[..., 0, 1]), (ends[..., 1, 0], ends[..., 1, 1])


def update(
    model: Model,
    body: Array,
    ends: tuple[Vector, Vector],
    center: Vector,
    angle: Array,
    old: Contacts,
    live: Array,
) -> tuple[Contacts, Manifold]:
    """New manifolds of the live pairs; impulses follow the identifiers of their points (`b2Contact::Update`).

    Args:
        model: the bodies.
        body: (items,) int32 indices.
        ends: of the edge of each pair, or corners of the rectangle, (pairs, items) in m.
        center: the bodies' centres of mass, (items,) in m.
        angle: (items,) float32 in rad.
        old: the contacts before.
        live: (pairs, items) bool, which pairs to update; the others do not touch in what is returned.

    Returns:
        The contacts, and their manifolds, (pairs, items).
    """
    # A program of one item is for a kernel, which has the program of a jitted function once. Without rectangles, that
    # program is so short that calling it costs more than it is worth.
    function = _updated_once if model.boxes and live.shape[1] == 1 else _updated
    return function(model, body, ends, center, angle, old, live)


def _updated(
    model: Model,
    body: Array,
    ends: tuple[Vector, Vector],
    center: Vector,
    angle: Array,
    old: Contacts,
    live: Array,
) -> tuple[Contacts, Manifold]:
    def of_pairs(ends: tuple[Vector, Vector], old: Contacts, live: Array) -> tuple[Contacts, Manifold]:
        manifold = collide(model, body[None], *ends, up(center), up(angle))
        if model.boxes:
            of_box = collide_box(model, body[None], *ends, up(center), up(angle))
            manifold = choose(old.edge < model.boxes, of_box, manifold)
        points = jnp.where(live, manifold.points, 0)
        kept = []
        for number, identifier in enumerate(manifold.features):
            first = (old.points > 0) & (old.feature[:, 0] == identifier)
            second = (old.points > 1) & (old.feature[:, 1] == identifier)
            carried = jnp.where(first[:, None], old.impulse[:, 0], jnp.where(second[:, None], old.impulse[:, 1], F(0)))
            kept.append(jnp.where((points > number)[:, None], carried, F(0)))
        new = Contacts(old.edge, points, jnp.stack(manifold.features, 1), jnp.stack(kept, 1))
        return new, dataclasses.replace(manifold, points=points)

    return over_items(of_pairs, ends, old, live, together=live.shape[1] > 1, axis=0)


_updated_once = jax.jit(_updated, static_argnums=0)


def last_event(before: Array, after: Array, order: Array, flag: Array) -> Array:
    """What the last of the events of a body says: True after a begin of contact, False after an end.

    Args:
        before: (pairs, ...) int32, contact points before the update.
        after: (pairs, ...) int32, and after it.
        order: (pairs, ...) bool, the pairs that are updated, in the order of the list.
        flag: (...) bool, what the last event before said.
    """
    for slot in range(before.shape[0]):
        begins = order[slot] & (before[slot] == 0) & (after[slot] > 0)
        ends = order[slot] & (before[slot] > 0) & (after[slot] == 0)
        flag = (flag | begins) & ~ends
    return flag


def number_of(flags: Array) -> Array:
    """How many are set along the first axis, which is short: int32."""
    return fold(jnp.add, flags.astype(jnp.int32))


Places: TypeAlias = Array
"""Which pair is at each of some places: (places, ...) int32; -1 at a place without one."""


def places_of(chosen: Array, rank: list[Array], count: int) -> Places:
    """Places of the chosen pairs of (pairs, ...) bool, of which no two have the same rank; `rank` has one of each."""
    place = jnp.arange(count, dtype=jnp.int32).reshape(-1, *(1,) * (chosen.ndim - 1))
    places = jnp.full((count, *chosen.shape[1:]), -1, jnp.int32)
    for number, here in enumerate(parts(chosen)):
        places = jnp.where(here[None] & (rank[number][None] == place), jnp.int32(number), places)
    return keep(places)


def ranks(chosen: Array, first: Array | int = 0) -> list[Array]:
    """For each pair of (pairs, ...) bool, `first` and how many before it are chosen; and the same after the last."""
    rank = [jnp.full(chosen.shape[1:], first, jnp.int32)]
    for here in parts(chosen):
        rank.append(rank[-1] + here.astype(jnp.int32))
    return rank


def first_places(chosen: Array, count: int) -> Places:
    """The first `count` chosen pairs of (pairs, ...) bool, in order."""
    return places_of(chosen, ranks(chosen), count)


def at_places(tree: T, places: Places) -> T:
    """The entries of arrays (pairs, ..., items) at places, (places, ..., items); zeros at a place without a pair."""

    def take(x: Array) -> Array:
        at = places.reshape(places.shape[0], *(1,) * (x.ndim - places.ndim), *places.shape[1:])
        chosen = jnp.zeros((places.shape[0], *x.shape[1:]), x.dtype)
        for number, value in enumerate(parts(x)):
            chosen = jnp.where(at == number, value[None], chosen)
        return chosen

    return jax.tree.map(take, tree)


def compacted(contacts: Contacts, kept: Array) -> Contacts:
    """The kept pairs, in order; the rest of the slots is empty."""
    moved = at_places(contacts.replace(edge=contacts.edge + 1), first_places(kept, kept.shape[0]))
    return moved.replace(edge=moved.edge - 1)
