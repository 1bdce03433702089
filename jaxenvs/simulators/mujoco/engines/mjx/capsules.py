"""Contacts of a capsule with a sphere or another capsule, at the nearest points of their axes.

MJX 3.17 adds 1e-6 to the denominators of the nearest points, so that they are elsewhere than in C MuJoCo. That changes
the velocity of a folded Hopper by 1e-5 in a substep.

C finds two contacts of capsules that are parallel to 3e-7 rad. Here they have one, in the middle of the part where
they lie side by side.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array
from mujoco.mjx._src import math
from mujoco.mjx._src.collision_primitive import collider

_PARALLEL = 1e-15
"""MuJoCo's `mjMINVAL`: capsules are parallel if the determinant of the equations for the nearest points is less."""


@collider(ncon=1)
def sphere_capsule(sphere: Any, capsule: Any) -> tuple[Array, Array, Array]:
    """Distance (), position (3,) and frame (3, 3) of the contact, whose normal points to the capsule."""
    half = capsule.mat[:, 2] * capsule.size[1]
    place = jnp.clip(half @ (sphere.pos - capsule.pos) / (half @ half), -1.0, 1.0)
    return _spheres(sphere.pos, sphere.size[0], capsule.pos + place * half, capsule.size[0])


@collider(ncon=1)
def capsule_capsule(first: Any, second: Any) -> tuple[Array, Array, Array]:
    """Distance (), position (3,) and frame (3, 3) of the contact, whose normal points to the second capsule."""
    one, other = (capsule.mat[:, 2] * capsule.size[1] for capsule in (first, second))
    gap = second.pos - first.pos
    ahead, behind = one @ gap, other @ gap
    square, other_square, product = one @ one, other @ other, one @ other
    determinant = square * other_square - product * product
    rounding = 4.0 * jnp.finfo(gap.dtype).eps * square * other_square
    is_skew = determinant >= jnp.maximum(rounding, _PARALLEL)

    # Places on the axes from -1 to 1: the nearest of the two lines, or the middle of the overlap.
    nearest = (other_square * ahead - product * behind) / jnp.where(is_skew, determinant, 1.0)
    overlap = jnp.clip((ahead + product * jnp.array([-1.0, 1.0], gap.dtype)) / square, -1.0, 1.0).mean()
    place = jnp.clip(jnp.where(is_skew, nearest, overlap), -1.0, 1.0)
    # The point of the second axis that is nearest to that, and if it is an end, the nearest to it.
    wanted = (place * product - behind) / other_square
    other_place = jnp.clip(wanted, -1.0, 1.0)
    from_end = jnp.clip((ahead + other_place * product) / square, -1.0, 1.0)
    place = jnp.where(wanted == other_place, place, from_end)
    return _spheres(first.pos + place * one, first.size[0], second.pos + other_place * other, second.size[0])


def _spheres(first: Array, first_radius: Array, second: Array, second_radius: Array) -> tuple[Array, Array, Array]:
    """The contact of two spheres, whose normal points to the second."""
    normal, apart = math.normalize_with_norm(second - first)
    normal = jnp.where(apart == 0.0, jnp.array([1.0, 0.0, 0.0], normal.dtype), normal)
    distance = apart - first_radius - second_radius
    return distance, first + normal * (first_radius + 0.5 * distance), math.make_frame(normal)
