"""Contacts of a plane and a capsule, with the same frames as in C MuJoCo (`mjc_PlaneCapsule`).

The first tangent of both contacts is the capsule's axis projected onto the plane. MJX 3.17 uses a world axis instead if
the projection is shorter than a half, that is, for a capsule steeper than 60 degrees. The friction pyramid then has
other edges, and the feet of Ant and the Humanoids slide differently.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array
from mujoco.mjx._src.collision_primitive import collider

_UPRIGHT = 1e-15
"""MuJoCo's `mjMINVAL`: a projection shorter than this has no direction."""


@collider(ncon=2)
def plane_capsule(plane: Any, capsule: Any) -> tuple[Array, Array, Array]:
    """Distance (2,), position (2, 3) and frame (2, 3, 3) of the contacts at the capsule's two ends."""
    normal, axis = plane.mat[:, 2], capsule.mat[:, 2]
    radius, half_length = capsule.size[0], capsule.size[1]
    projection = axis - normal * jnp.dot(normal, axis)
    square = jnp.dot(projection, projection)
    has_direction = square > _UPRIGHT * _UPRIGHT
    length = jnp.sqrt(jnp.where(has_direction, square, 1.0))  # the inner `where` keeps gradients finite
    upright_tangent = jnp.where(jnp.abs(normal[1]) < 0.5, jnp.array([0.0, 1.0, 0.0]), jnp.array([0.0, 0.0, 1.0]))
    upright_tangent = upright_tangent - normal * jnp.dot(normal, upright_tangent)
    upright_tangent = upright_tangent / jnp.sqrt(jnp.dot(upright_tangent, upright_tangent))
    tangent = jnp.where(has_direction, projection / length, upright_tangent)
    frame = jnp.stack([normal, tangent, jnp.cross(normal, tangent)])

    ends = capsule.pos + jnp.array([[1.0], [-1.0]]) * (half_length * axis)
    distance = (ends - plane.pos) @ normal - radius
    position = ends - normal * (radius + 0.5 * distance)[:, None]
    return distance, position, jnp.stack([frame, frame])
