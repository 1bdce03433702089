"""Contact of a capsule and a cylinder, at the nearest points of the capsule's axis and the cylinder.

C MuJoCo finds them with its general convex collider, to `ccd_tolerance` (1e-6). MJX 3.17 minimises the sum of two
signed distances with ten steps of descent and reports two contacts, which makes Pusher's velocity wrong by 5e-3 after
one substep. If the capsule lies almost flat on an end of the cylinder, C adds a second contact, which is left out here.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from mujoco.mjx._src import math
from mujoco.mjx._src.collision_primitive import collider

_HALVINGS = 30
"""Number of halvings of the axis: 1e-9 of its length remains, far below C's tolerance and float32's resolution."""
_LEVEL = 1e-6
"""A slope of the distance along the axis below which the axis runs along the surface."""


def _signed_distance(point: Array, radius: Array, half_length: Array) -> tuple[Array, Array]:
    """Distance () of `point` from the surface of an upright cylinder, negative inside, and its gradient (3,)."""
    square = point[0] * point[0] + point[1] * point[1]
    off_axis = square > 0.0
    across = jnp.sqrt(jnp.where(off_axis, square, 1.0))
    outward = jnp.where(off_axis, point[:2] / across, jnp.array([1.0, 0.0]))
    radial = jnp.where(off_axis, across, 0.0) - radius
    axial = jnp.abs(point[2]) - half_length
    upward = jnp.where(point[2] < 0.0, -1.0, 1.0)

    at_rim = (radial > 0.0) & (axial > 0.0)
    rim = jnp.sqrt(jnp.where(at_rim, radial * radial + axial * axial, 1.0))
    at_side = radial > axial
    distance = jnp.where(at_rim, rim, jnp.maximum(radial, axial))
    radial_share = jnp.where(at_rim, radial / rim, jnp.where(at_side, 1.0, 0.0))
    axial_share = jnp.where(at_rim, axial / rim, jnp.where(at_side, 0.0, 1.0))
    return distance, jnp.concatenate([radial_share * outward, (axial_share * upward)[None]])


@collider(ncon=1)
def capsule_cylinder(capsule: Any, cylinder: Any) -> tuple[Array, Array, Array]:
    """Distance (), position (3,) and frame (3, 3) of the single contact, whose normal points to the cylinder.

    The distance from a convex body is convex along a line, so bisecting the axis by the sign of the slope finds the
    nearest point. If the axis runs along the surface, it is the middle of the part that does. Derivatives treat the
    position on the axis as constant.
    """
    centre = cylinder.mat.T @ (capsule.pos - cylinder.pos)
    along = cylinder.mat.T @ capsule.mat[:, 2]
    radius, half_length = cylinder.size[0], cylinder.size[1]

    def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        _, gradient = jax.vmap(_signed_distance, in_axes=(0, None, None))(
            centre + middle[:, None] * along, radius, half_length
        )
        falls = gradient @ along < jnp.array([-_LEVEL, _LEVEL])
        return jnp.where(falls, middle, low), jnp.where(falls, high, middle)

    reach = jnp.broadcast_to(capsule.size[1], (2,))
    low, high = jax.lax.fori_loop(0, _HALVINGS, halve, (-reach, reach))
    nearest = centre + jax.lax.stop_gradient(jnp.mean(0.5 * (low + high))) * along

    from_surface, gradient = _signed_distance(nearest, radius, half_length)
    distance = from_surface - capsule.size[0]
    position = nearest - gradient * (capsule.size[0] + 0.5 * distance)
    normal = cylinder.mat @ -gradient
    return distance, cylinder.mat @ position + cylinder.pos, math.make_frame(normal)
