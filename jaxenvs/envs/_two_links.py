"""The picture of an arm of two links, hanging from a fixed joint, with a height to reach."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette


def draw_two_links(theta1: Array, theta2: Array, length1: ArrayLike, length2: ArrayLike, goal: ArrayLike) -> Array:
    """(500, 500, 3) uint8: the two links and the height to reach.

    Args:
        theta1: () angle of the first link from hanging down, rad.
        theta2: () angle of the second link from the first, rad.
        length1: () length of the first link.
        length2: () length of the second link.
        goal: () the height to reach, above the fixed joint.
    """
    theta1, theta2 = (v.astype(jnp.float32) for v in (theta1, theta2))
    length1, length2, goal = (jnp.asarray(v, jnp.float32) for v in (length1, length2, goal))
    elbow = length1 * jnp.sin(theta1), -length1 * jnp.cos(theta1)
    end = elbow[0] + length2 * jnp.sin(theta1 + theta2), elbow[1] - length2 * jnp.cos(theta1 + theta2)
    canvas = Canvas.blank(500, 500, palette.PAPER, x_range=(-2.3, 2.3), y_range=(-2.3, 2.3))
    canvas = canvas.rectangle((0.0, goal + 0.75), (5.0, 1.5), palette.TEAL_LIGHT, opacity=0.4)
    canvas = canvas.line((-2.5, goal), (2.5, goal), 0.03, palette.TEAL)
    canvas = canvas.line((0.0, 0.0), elbow, 0.2, palette.BLUE).line(elbow, end, 0.16, palette.ORANGE)
    canvas = canvas.circle((0.0, 0.0), 0.16, palette.INK).circle((0.0, 0.0), 0.06, palette.PAPER)
    canvas = canvas.circle(elbow, 0.13, palette.INK).circle(elbow, 0.05, palette.PAPER)
    return canvas.circle(end, 0.11, palette.ORANGE_DARK).to_rgb()
