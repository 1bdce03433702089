"""Contacts of a cylinder and a box, at up to four points as in C MuJoCo 4.

C finds the direction in which the two overlap least, with its general convex collider, to `ccd_tolerance` (1e-6), and
then further points: if an end of the cylinder lies on a face of the box, four corners of the part that both cover,
where the end counts as a polygon of 16 corners; if its side does, the two ends of their common line. MJX 3.17 has no
such function.

Here the direction is the best of fifteen: the normals of the box's faces, the cylinder's axis, the perpendiculars of
the axis and the box's edges, and those from the axis to the box's corners. A rim of the cylinder that touches an edge
of the box from outside its faces is found only approximately. Which four of more than four corners C takes depends on
the last bits of areas that are equal; here it is the first, the furthest from it, and the two that then add most to the
area.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src import math
from mujoco.mjx._src.collision_primitive import collider

_POINTS = 4
_NONE = 1.0
"""The distance of a contact that does not exist, m: beyond any margin."""
_CORNERS = 16
_FLAT = 0.996
"""The cosine between two directions above which C takes them as the same."""
_LEVEL = 0.0888
"""The cosine between two directions below which C takes them as perpendicular, measured in C MuJoCo 4.0."""
_NEAR = 1e-3
"""How much further than the nearest point others may be if none overlaps, m: the margin of the robot's fingers."""
_ACROSS = 1e-3
"""The cosine between a direction and an edge or axis below which it is across it."""
_TINY = 1e-12

_ANGLES = 2.0 * np.pi * np.arange(_CORNERS) / _CORNERS
_RING = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_SIDES = np.stack([np.cos(_ANGLES + np.pi / _CORNERS), np.sin(_ANGLES + np.pi / _CORNERS)], axis=1)
_INSIDE = float(np.cos(np.pi / _CORNERS))
_RECTANGLE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
_BOX = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])


class _Cylinder(NamedTuple):
    """A cylinder in the frame of the box."""

    pos: Array
    mat: Array  # its axes, as columns
    radius: Array
    half_length: Array


@collider(ncon=_POINTS)
def cylinder_box(cylinder: Any, box: Any) -> tuple[Array, Array, Array]:
    """Distance (4,), position (4, 3) and frame (4, 3, 3) of the contacts, whose normal points to the box."""
    one = _Cylinder(box.mat.T @ (cylinder.pos - box.pos), box.mat.T @ cylinder.mat, cylinder.size[0], cylinder.size[1])
    axis = one.mat[:, 2]
    faces = jnp.abs(one.pos) - box.size - _reach(one, jnp.eye(3, dtype=axis.dtype))
    normals = jnp.concatenate([axis[None], jnp.cross(axis[None], jnp.eye(3, dtype=axis.dtype)), _radial(one, box.size)])
    length = jnp.sqrt(jnp.sum(normals * normals, axis=1))
    is_normal = length > _TINY
    normals = normals / jnp.where(is_normal, length, 1.0)[:, None]
    normals = normals * jnp.where(normals @ one.pos < 0.0, -1.0, 1.0)[:, None]  # from the box to the cylinder
    others = normals @ one.pos - jnp.abs(normals) @ box.size - _reach(one, normals)
    others = jnp.where(is_normal, others, -jnp.inf)

    face, other = jnp.argmax(faces), jnp.argmax(others)
    is_face = faces[face] >= others[other] - _TINY
    eye = jnp.eye(3, dtype=axis.dtype)
    outward = jnp.where(is_face, eye[face] * jnp.where(one.pos[face] < 0.0, -1.0, 1.0), normals[other])
    least = jnp.where(is_face, faces[face], others[other])
    # Where an edge of the box overlaps the cylinder's side, C takes the first face next to the edge that is along it.
    beside = (jnp.abs(outward) > _ACROSS) & (jnp.abs(axis) < _LEVEL)
    same = jnp.abs(outward) > _FLAT
    face = jnp.where(same.any(), jnp.argmax(same), jnp.argmax(beside))
    on_face = same.any() | (beside.any() & (least < 0.0))

    points, exists = _on_face(one, box.size, face, outward)
    normal = eye[face] * jnp.where(outward[face] < 0.0, -1.0, 1.0)
    height = points @ normal - box.size[face]
    several = on_face & exists.any()
    normal = jnp.where(several, normal, outward)
    distance = jnp.where(several, height, least)
    exists = jnp.where(several, exists, jnp.arange(_POINTS) == 0)
    points = jnp.where(several, points, _deepest(one, box.size, outward))
    position = points - 0.5 * distance[:, None] * normal
    frame = math.make_frame(-(box.mat @ normal))
    distance = jnp.where(exists, distance, _NONE)
    return distance, position @ box.mat.T + box.pos, jnp.broadcast_to(frame, (_POINTS, 3, 3))


def _deepest(one: _Cylinder, size: Array, outward: Array) -> Array:
    """(3,) the point of the cylinder that is deepest along a direction into the box."""
    axis = one.mat[:, 2]
    cosine = axis @ outward
    radial = cosine * axis - outward
    steepness = jnp.sqrt(jnp.maximum(radial @ radial, _TINY))
    # Along its side, all points are as deep; the nearest to the middle of the box is among those that touch it.
    level = jnp.clip(-(one.pos @ axis), -one.half_length, one.half_length)
    along = jnp.where(jnp.abs(cosine) < _ACROSS, level, -jnp.sign(cosine) * one.half_length)
    rim = one.pos + along * axis + one.radius * radial / steepness
    # Along its axis, all points of an end are, of which a corner of the box touches one.
    corner = jnp.sign(outward) * size
    end = corner + (((one.pos - jnp.sign(cosine) * one.half_length * axis) - corner) @ outward) * outward
    return jnp.where(jnp.abs(cosine) > 1.0 - _TINY, end, rim)


def _reach(one: _Cylinder, normals: Array) -> Array:
    """(n,) how far the cylinder reaches from its middle along each normal (n, 3)."""
    along = normals @ one.mat[:, 2]
    return one.half_length * jnp.abs(along) + one.radius * jnp.sqrt(jnp.maximum(1.0 - along * along, 0.0))


def _radial(one: _Cylinder, size: Array) -> Array:
    """(8, 3) from each corner of the box to the cylinder's axis, perpendicular to it."""
    offset = one.pos - jnp.asarray(_BOX, size.dtype) * size
    axis = one.mat[:, 2]
    return offset - (offset @ axis)[:, None] * axis


def _on_face(one: _Cylinder, size: Array, face: Array, direction: Array) -> tuple[Array, Array]:
    """The points (4, 3) of the cylinder that touch a face of the box, and whether they exist.

    Args:
        one: the cylinder.
        size: (3,) half sides of the box.
        face: () which axis of the box is the normal.
        direction: (3,) from the box to the cylinder, in which they overlap least.
    """
    order = (face + jnp.arange(3)) % 3
    outward = jnp.where(jnp.arange(3) == face, jnp.where(direction[face] < 0.0, -1.0, 1.0), 0.0)
    half = size[order[1:]]
    axis = one.mat[:, 2]
    cosine = axis @ outward
    down = (axis @ direction) * axis - direction
    middle = one.pos + one.radius * down / jnp.sqrt(jnp.maximum(down @ down, _TINY))
    end = one.pos - jnp.where(cosine < 0.0, -1.0, 1.0) * one.half_length * axis

    on_end = _corners_of_end(one, end, outward, size[face], order, half)
    on_side = _ends_of_line(one, middle, order, half)
    is_flat, is_level = jnp.abs(cosine) > _FLAT, jnp.abs(cosine) < _LEVEL
    points = jnp.where(is_flat, on_end[0], on_side[0])
    return points, jnp.where(is_flat, on_end[1], is_level & on_side[1])


def _ends_of_line(one: _Cylinder, middle: Array, order: Array, half: Array) -> tuple[Array, Array]:
    """The ends of the part of the cylinder's lowest line that is over the face: (4, 3), and whether they exist."""
    along = one.half_length * one.mat[:, 2]
    at, step = middle[order[1:]], along[order[1:]]
    moves = jnp.abs(step) > _TINY
    bounds = (jnp.stack([-half, half]) - at) / jnp.where(moves, step, 1.0)
    low, high = jnp.min(bounds, axis=0), jnp.max(bounds, axis=0)
    low, high = jnp.where(moves, low, -jnp.inf).max(), jnp.where(moves, high, jnp.inf).min()
    low, high = jnp.maximum(low, -1.0), jnp.minimum(high, 1.0)
    exists = (low < high) & jnp.all(moves | (jnp.abs(at) <= half))
    points = middle + jnp.stack([low, high, low, high])[:, None] * along
    return points, exists & (jnp.arange(_POINTS) < 2)


def _corners_of_end(
    one: _Cylinder, end: Array, outward: Array, level: Array, order: Array, half: Array
) -> tuple[Array, Array]:
    """Four corners of what an end of the cylinder and the face both cover: (4, 3), and whether they exist."""
    axis, across = one.mat[:, 2], one.mat[:, :2]
    ring, sides = (jnp.asarray(table, axis.dtype) for table in (_RING, _SIDES))
    own = end + one.radius * ring @ across.T
    own_in = jnp.all(jnp.abs(own[:, order[1:]]) <= half, axis=1)

    # The corners of the face, raised to the plane of the end; its edges run from each corner to the next.
    flat = jnp.asarray(_RECTANGLE, axis.dtype) * half
    corners = jnp.zeros((4, 3), axis.dtype).at[:, order[1:]].set(flat) + level * outward
    rise = axis @ outward
    rise = jnp.where(jnp.abs(rise) > 0.5, rise, 1.0)
    corners = corners + (((end - corners) @ axis) / rise)[:, None] * outward
    there = (corners - end) @ across @ sides.T  # (4, 16): how far beyond the middle of each side of the polygon
    limit = one.radius * _INSIDE
    corners_in = jnp.all(there < limit, axis=1)
    change = jnp.roll(there, -1, axis=0) - there
    crossing = (limit - there) / jnp.where(jnp.abs(change) > _TINY, change, 1.0)
    enter = jnp.max(jnp.where(change < -_TINY, crossing, -jnp.inf), axis=1)
    leave = jnp.min(jnp.where(change > _TINY, crossing, jnp.inf), axis=1)
    meets = (enter < leave) & jnp.all((jnp.abs(change) > _TINY) | (there < limit), axis=1)
    edges = jnp.roll(corners, -1, axis=0) - corners
    cut = jnp.concatenate([corners + jnp.clip(at, -1.0, 2.0)[:, None] * edges for at in (enter, leave)])
    cut_in = jnp.concatenate([meets & (at > 0.0) & (at < 1.0) for at in (enter, leave)])

    points, exists = jnp.concatenate([own, corners, cut]), jnp.concatenate([own_in, corners_in, cut_in])
    height = points @ outward - level
    least = jnp.min(jnp.where(exists, height, jnp.inf))
    exists = exists & (height < jnp.where(least < 0.0, 0.0, least + _NEAR))
    return _spread(points, exists, outward)


def _spread(points: Array, exists: Array, normal: Array) -> tuple[Array, Array]:
    """Up to four points (4, 3) far from each other of those that exist, and whether there is another one."""

    def beyond(start: Array, end: Array) -> Array:
        """(n,) twice the area of the triangle that each point forms with two others, by side of the line."""
        return (points - start) @ jnp.cross(normal, end - start)

    first = points[jnp.argmax(exists)]
    away = jnp.where(exists, jnp.sum((points - first) ** 2, axis=1), -1.0)
    second = points[jnp.argmax(away)]
    area = beyond(first, second)
    index = jnp.argmax(jnp.where(exists, jnp.abs(area), -1.0))
    third, side = points[index], jnp.where(area[index] < 0.0, 1.0, -1.0)
    gain = side * jnp.stack([area, beyond(second, third), beyond(third, first)])
    gain = jnp.where(exists, gain.max(axis=0), -1.0)
    fourth = jnp.argmax(gain)
    is_new = jnp.stack([jnp.any(exists), away.max() > _TINY, jnp.abs(area[index]) > _TINY, gain[fourth] > _TINY])
    return jnp.stack([first, second, third, points[fourth]]), is_new & jnp.any(exists)
