"""Contacts of a capsule and a box, at the points where C finds them.

MJX 3.17 treats the two as convex bodies in general: it finds no contact within the margin, and chooses other points.
C MuJoCo looks for the point of the capsule's axis that is nearest to the box, and where the axis runs along a face or
an edge, for a second one: as far away as the box reaches under it. A contact is then that of a sphere around each.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src import math
from mujoco.mjx._src.collision_primitive import collider

from jaxenvs.simulators.mujoco.engines.mjx.sphere_box import sphere_in_box

_LEAST = 1e-15
"""MuJoCo's `mjMINVAL`, by which an edge must be nearer than what was found before."""
_NONE = 1.0
"""The distance of a contact that does not exist, m."""
_EDGES = [(corner, axis) for corner in range(8) for axis in range(3) if not corner >> axis & 1]
"""The edges, in C's order: the corner at their lower end, whose bits say on which side it is, and their axis."""
_AXES = np.array([axis for _, axis in _EDGES], np.int32)
_SIDES = np.array([[bool(corner >> axis & 1) for axis in range(3)] for corner, _ in _EDGES])
"""(12, 3) whether the lower end of each edge is on the positive side, along each axis."""
_MIDDLES = np.where(_SIDES, 1.0, -1.0) * (_AXES[:, None] != np.arange(3))
"""(12, 3) the middle of each edge, in units of the half sides."""


@collider(ncon=2)
def capsule_box(capsule: Any, box: Any) -> tuple[Array, Array, Array]:
    """Distance (2,), position (2, 3) and frame (2, 3, 3) of the contacts, whose normals point to the box."""
    centre = box.mat.T @ (capsule.pos - box.pos)
    half = box.mat.T @ capsule.mat[:, 2] * capsule.size[1]
    first, second, has_second = _points(centre, half, capsule.size[1], box.size)
    places = centre + jnp.stack([first, second])[:, None] * half
    distance, position, normal = jax.vmap(sphere_in_box, in_axes=(0, None, None))(places, capsule.size[0], box.size)
    distance = distance.at[1].set(jnp.where(has_second, distance[1], _NONE))
    frame = jax.vmap(math.make_frame)(normal @ box.mat.T)
    return distance, position @ box.mat.T + box.pos, frame


def _points(centre: Array, half: Array, length: Array, size: Array) -> tuple[Array, Array, Array]:
    """Where on the capsule's axis the contacts are, from -1 to 1, () each, and () bool, whether there is a second.

    Args:
        centre: (3,) m, the middle of the capsule, in the box's frame.
        half: (3,) m, from there to the end of its axis.
        length: () m, the length of `half`.
        size: (3,) m, half the sides of the box.
    """
    # The ends over a face, or inside.
    ends = jnp.array([-1.0, 1.0], half.dtype)
    tips = centre + ends[:, None] * half
    is_out = jnp.abs(tips) > size
    outs = is_out.sum(1)
    faces = jnp.max(jnp.where(is_out, jnp.arange(3), -1), axis=1)
    heights = jnp.where(outs <= 1, jnp.square(jnp.clip(tips, -size, size) - tips).sum(1), jnp.inf)
    # Which of them is nearest, or which edge.
    positions, on_edges, parts, distances = _along_edges(centre, half, length, size)
    nearest, least = jnp.where(heights[1] < heights[0], 1, 0), heights.min()
    for number in range(len(_EDGES)):
        is_nearer = distances[number] < least - _LEAST
        nearest, least = jnp.where(is_nearer, 2 + number, nearest), jnp.where(is_nearer, distances[number], least)
    is_edge, edge = nearest >= 2, jnp.maximum(nearest - 2, 0)
    first = jnp.where(is_edge, positions[edge], ends[jnp.minimum(nearest, 1)])

    part = parts[edge]
    axis = jnp.asarray(_AXES)[edge]
    side = jnp.asarray(_SIDES)[edge] | ((part == 2) & (jnp.arange(3) == axis))  # an edge's upper end, or its lower one
    turned = (half > 0.0) != side
    of_corner, has_corner = _beyond_corner(first, half, length, size, turned)
    of_edge, has_edge = _beyond_edge(first, on_edges[edge], half, size, turned, axis)
    of_face, has_face = _beyond_face(tips, half, size, faces, jnp.minimum(nearest, 1))
    is_corner = part != 1
    beyond = jnp.where(is_edge, jnp.where(is_corner, of_corner, of_edge), of_face)
    exists = jnp.where(is_edge, jnp.where(is_corner, has_corner, has_edge), has_face)
    return first, first + jnp.where(exists, beyond, 0.0), exists


def _along_edges(centre: Array, half: Array, length: Array, size: Array) -> tuple[Array, Array, Array, Array]:
    """For each edge, (12,): the nearest points on the axis and the edge, from -1 to 1; the part; the squared distance.

    The part is 0 or 2 if the point on the edge is one of its ends, else 1.
    """
    along = jnp.asarray(np.eye(3)[_AXES], half.dtype) * size
    reach, turn = size[_AXES], half[_AXES]
    gap = jnp.asarray(_MIDDLES, half.dtype) * size - centre
    u, v = -(along * gap).sum(1), gap @ half
    ma, mb, mc = reach * reach, -reach * turn, length * length
    det = ma * mc - mb * mb
    is_skew = jnp.abs(det) >= _LEAST
    inverse = 1.0 / jnp.where(is_skew, det, 1.0)
    x, y = (mc * u - mb * v) * inverse, (ma * v - mb * u) * inverse
    part = jnp.where(x > 1.0, 2, jnp.where(x < -1.0, 0, 1))
    y = jnp.where(x > 1.0, _ratio(v - mb, mc), jnp.where(x < -1.0, _ratio(v + mb, mc), y))
    x = jnp.clip(x, -1.0, 1.0)
    x = jnp.where(y > 1.0, _ratio(u - mb, ma), jnp.where(y < -1.0, _ratio(u + mb, ma), x))
    part = jnp.where(x > 1.0, 2, jnp.where(x < -1.0, 0, part))
    x, y = jnp.clip(x, -1.0, 1.0), jnp.clip(y, -1.0, 1.0)
    apart = jnp.square(gap - half * y[:, None] + along * x[:, None]).sum(1)
    return y, x, part, jnp.where(is_skew, apart, jnp.inf)


def _beyond_corner(first: Array, half: Array, length: Array, size: Array, turned: Array) -> tuple[Array, Array]:
    """How far the second point is from the first, next to a corner; and whether there is one."""
    count = turned.sum()
    exists = (count == 1) | (count == 2)
    sign = jnp.where(count == 1, 1.0, -1.0)
    is_axis = turned == (count == 1)  # the one axis that differs from the other two
    reaches = 2.0 * _ratio(jnp.broadcast_to(size, half.shape), jnp.abs(half))
    along_edge = jnp.square(jnp.where(is_axis, half, 0.0)).sum() > 0.5 * length * length
    on_edge = jnp.minimum(1.0 - sign * first, jnp.where(is_axis, reaches, jnp.inf).min())
    on_face = -jnp.minimum(1.0 + sign * first, jnp.where(is_axis, jnp.inf, reaches).min())
    return sign * jnp.where(along_edge, on_edge, on_face), exists


def _beyond_edge(
    first: Array, on_edge: Array, half: Array, size: Array, turned: Array, axis: Array
) -> tuple[Array, Array]:
    """The same next to the inside of an edge along `axis`."""
    turned = turned & (jnp.arange(3) != axis)
    exists = turned.sum() == 1
    one, other = (axis + 1) % 3, (axis + 2) % 3
    steep = jnp.where(jnp.abs(half[one]) > jnp.abs(half[other]), one, other)
    ahead = turned[steep]
    sign = jnp.where(ahead, 1.0, -1.0)
    beyond = jnp.minimum(2.0 * _ratio(size[steep], jnp.abs(half[steep])), 1.0 - sign * first)
    left = jnp.where((half[axis] > 0.0) == ahead, 1.0 - on_edge, 1.0 + on_edge)
    return sign * jnp.minimum(size[axis] * _ratio(left, jnp.abs(half[axis])), beyond), exists


def _beyond_face(tips: Array, half: Array, size: Array, faces: Array, end: Array) -> tuple[Array, Array]:
    """The same over a face."""
    sign = jnp.where(end == 0, 1.0, -1.0)
    tip, face = tips[end], faces[end]
    step = _ratio(sign * jnp.ones_like(half), half)
    crossings = jnp.stack([(size - tip) * step, (-size - tip) * step])
    counts = (crossings > 0.0) & (jnp.arange(3) != face)
    return sign * jnp.minimum(2.0, jnp.where(counts, crossings, jnp.inf).min()), face >= 0


def _ratio(above: Array, below: Array) -> Array:
    """A quotient, and a large number of the same sign instead of a division by 0."""
    return above / jnp.where(below == 0.0, _LEAST, below)
