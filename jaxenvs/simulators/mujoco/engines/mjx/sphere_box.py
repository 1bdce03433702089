"""Contact of a sphere and a box, within the margin as well.

MJX 3.17 looks for the nearest point on the box's faces only where the two overlap, and so finds no contact of a sphere
that is nearer than the margin.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array
from mujoco.mjx._src import math
from mujoco.mjx._src.collision_primitive import collider


@collider(ncon=1)
def sphere_box(sphere: Any, box: Any) -> tuple[Array, Array, Array]:
    """Distance (), position (3,) and frame (3, 3) of the contact, whose normal points to the box."""
    distance, position, normal = sphere_in_box(box.mat.T @ (sphere.pos - box.pos), sphere.size[0], box.size)
    return distance, box.mat @ position + box.pos, math.make_frame(box.mat @ normal)


def sphere_in_box(centre: Array, radius: Array, size: Array) -> tuple[Array, Array, Array]:
    """Distance (), position (3,) and normal (3,) of the contact, in the box's frame.

    Args:
        centre: (3,) m, of the sphere, in the box's frame.
        radius: () m.
        size: (3,) m, half the sides of the box.
    """
    nearest = jnp.clip(centre, -size, size)
    away = nearest - centre
    square = away @ away
    is_outside = square > 0.0
    apart = jnp.sqrt(jnp.where(is_outside, square, 1.0))

    # From within, the way out is through the nearest face.
    depth = size - jnp.abs(centre)
    face = jnp.argmin(depth)
    inward = jnp.where(jnp.arange(3) == face, jnp.where(centre < 0.0, 1.0, -1.0), 0.0)
    normal = jnp.where(is_outside, away / apart, inward)
    from_surface = jnp.where(is_outside, apart, -depth[face])
    distance = from_surface - radius
    return distance, centre + normal * (radius + 0.5 * distance), normal
