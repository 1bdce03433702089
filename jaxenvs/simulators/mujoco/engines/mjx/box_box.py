"""Contacts of two boxes, within the margin as well, at the points where C MuJoCo finds them.

MJX 3.17 finds contacts of boxes that overlap, but none of boxes that are nearer than the margin, and at most four.
Here the two boxes are separated along one of fifteen axes, as in any test by separating axes: if it is the normal of a
face, the other box's nearest face is clipped to it, which gives up to eight points; if it is perpendicular to two
edges, there is one point between them. C prefers faces.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src import math
from mujoco.mjx._src.collision_primitive import collider

_POINTS = 8
_NONE = 1.0
"""The distance of a contact that does not exist, m: beyond any margin."""
_ADVANTAGE = 0.05
"""By how much an edge must separate the boxes more than a face does, as a fraction: measured in C MuJoCo 4.0, where the
fraction that decides lies between 0.0499 and 0.0509."""
_PARALLEL = 1e-8
"""The sine of an angle between edges below which they have no common perpendicular."""

_CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
_SIDES = np.array([-1.0, 1.0])


class _Box(NamedTuple):
    pos: Array
    mat: Array
    size: Array


@collider(ncon=_POINTS)
def box_box(first: Any, second: Any) -> tuple[Array, Array, Array]:
    """Distance (8,), position (8, 3) and frame (8, 3, 3) of the contacts, whose normal points to the second box."""
    one, other = (_Box(box.pos, box.mat, box.size) for box in (first, second))
    between = other.pos - one.pos
    turn = one.mat.T @ other.mat
    faces = jnp.concatenate(
        [
            jnp.abs(one.mat.T @ between) - one.size - jnp.abs(turn) @ other.size,
            jnp.abs(other.mat.T @ between) - other.size - jnp.abs(turn.T) @ one.size,
        ]
    )
    best = jnp.argmax(faces)
    edge_distance, edge_position, edge_normal = _between_edges(one, other, between)

    of_first = best < 3
    reference, incident = (
        _Box(*(jnp.where(of_first, a, b) for a, b in zip(pair[0], pair[1]))) for pair in ((one, other), (other, one))
    )
    outward = jnp.where(of_first, between, -between)
    distance, position, normal = _on_face(reference, incident, best % 3, outward)
    normal = jnp.where(of_first, normal, -normal)

    at_edge = edge_distance > faces[best] + _ADVANTAGE * jnp.abs(faces[best])
    alone = jnp.where(jnp.arange(_POINTS) == 0, edge_distance, _NONE)
    distance = jnp.where(at_edge, alone, distance)
    position = jnp.where(at_edge, edge_position[None], position)
    frame = math.make_frame(jnp.where(at_edge, edge_normal, normal))
    return distance, position, jnp.broadcast_to(frame, (_POINTS, 3, 3))


def _on_face(reference: _Box, incident: _Box, axis: Array, outward: Array) -> tuple[Array, Array, Array]:
    """Distances (8,) and positions (8, 3) where a face of one box and the nearest face of another lie over each other.

    Args:
        reference: the box whose face is on the separating axis.
        incident: the other box.
        axis: () which of its axes that is.
        outward: (3,) from the centre of the reference to that of the other box.
    """
    order = (axis + jnp.arange(3)) % 3
    axes = reference.mat[:, order].T  # the normal, then two sides
    sizes = reference.size[order]
    normal = axes[0] * jnp.where(axes[0] @ outward < 0.0, -1.0, 1.0)
    frame = jnp.stack([normal, axes[1], axes[2]])

    facing = incident.mat.T @ normal
    near = (jnp.argmax(jnp.abs(facing)) + jnp.arange(3)) % 3
    side = jnp.where(facing[near[0]] > 0.0, -1.0, 1.0)
    centre = incident.pos + side * incident.size[near[0]] * incident.mat[:, near[0]]
    # A point (s, t) of the incident face, both in [-1, 1], is at `start + spans @ (s, t)`: height over the reference's
    # face, and two coordinates on it.
    start = frame @ (centre - reference.pos) - jnp.array([1.0, 0.0, 0.0]) * sizes[0]
    spans = (frame @ incident.mat[:, near[1:]]) * incident.size[near[1:]]
    half = sizes[1:]

    corners = jnp.asarray(_CORNERS, half.dtype)
    own = corners, jnp.all(jnp.abs(start[1:] + corners @ spans[1:].T) <= half, axis=1)
    determinant = spans[1, 0] * spans[2, 1] - spans[1, 1] * spans[2, 0]
    inverse = jnp.array([[spans[2, 1], -spans[1, 1]], [-spans[2, 0], spans[1, 0]]]) / _not_zero(determinant)
    theirs = (corners * half - start[1:]) @ inverse.T
    theirs = theirs, jnp.all(jnp.abs(theirs) < 1.0, axis=1)
    crossings = [_crossing(start[1:], spans[1:], half, along, across) for along in (0, 1) for across in (0, 1)]
    points = jnp.concatenate([own[0], theirs[0], *(point for point, _ in crossings)])
    exists = jnp.concatenate([own[1], theirs[1], *(valid for _, valid in crossings)])

    found = start + points @ spans.T
    distances = jnp.where(exists, found[:, 0], _NONE)
    _, nearest = jax.lax.top_k(-distances, _POINTS)
    distances = distances[nearest]
    surface = reference.pos + sizes[0] * normal + found[nearest] @ frame
    return distances, surface - 0.5 * distances[:, None] * normal, normal


def _crossing(start: Array, spans: Array, half: Array, along: int, across: int) -> tuple[Array, Array]:
    """Where two edges of the incident face cross two sides of the reference's.

    Args:
        start: (2,) middle of the incident face.
        spans: (2, 2) its half edges, as columns.
        half: (2,) half sides of the reference's face.
        along: the edges run along this column.
        across: the sides are at plus and minus `half` of this coordinate.

    Returns:
        (4, 2) the points as fractions of the half edges, and (4,) whether they are on both.
    """
    fixed, side = (jnp.asarray(values, half.dtype) for values in (np.repeat(_SIDES, 2), np.tile(_SIDES, 2)))
    at = start[None] + fixed[:, None] * spans[:, 1 - along][None]
    moved = (side * half[across] - at[:, across]) / _not_zero(spans[across, along])
    where = at + moved[:, None] * spans[:, along][None]
    is_on_both = (jnp.abs(moved) < 1.0) & (jnp.abs(where[:, 1 - across]) < half[1 - across])
    points = jnp.stack([moved, fixed] if along == 0 else [fixed, moved], axis=1)
    return points, is_on_both


def _between_edges(one: _Box, other: _Box, between: Array) -> tuple[Array, Array, Array]:
    """Distance (), position (3,) and normal (3,) of the contact between the edges that separate two boxes most."""
    normals = jnp.cross(one.mat.T[:, None], other.mat.T[None]).reshape(9, 3)
    length = jnp.sqrt(jnp.sum(normals * normals, axis=1))
    is_axis = length > _PARALLEL
    normals = normals / jnp.where(is_axis, length, 1.0)[:, None]
    normals = normals * jnp.where(normals @ between < 0.0, -1.0, 1.0)[:, None]
    reach = jnp.abs(normals @ one.mat) @ one.size + jnp.abs(normals @ other.mat) @ other.size
    separation = jnp.where(is_axis, normals @ between - reach, -jnp.inf)
    best = jnp.argmax(separation)
    normal = normals[best]

    # The edges begin at the corners that are furthest along the normal, and run along these axes.
    edge_1, edge_2 = one.mat[:, best // 3], other.mat[:, best % 3]
    corner_1 = one.pos + one.mat @ (one.size * jnp.where(one.mat.T @ normal > 0.0, 1.0, -1.0))
    corner_2 = other.pos - other.mat @ (other.size * jnp.where(other.mat.T @ normal > 0.0, 1.0, -1.0))
    apart, cosine = corner_2 - corner_1, edge_1 @ edge_2
    along = (edge_1 @ apart - cosine * (edge_2 @ apart)) / _not_zero(1.0 - cosine * cosine)
    nearest = corner_1 + along * edge_1
    return separation[best], nearest + 0.5 * separation[best] * normal, normal


def _not_zero(divisor: Array) -> Array:
    return jnp.where(divisor == 0.0, 1.0, divisor)
