"""The picture of the lander on the moon."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.simulators.box2d import Model, World, origins
from jaxenvs.simulators.box2d.vectors import Vector

_WIDTH, _HEIGHT = 20.0, 40 / 3
"""The visible part of the world, m."""
_PAD = 8.0, 12.0
"""Where the flags stand, m."""
_PAD_HEIGHT = 10 / 3 * 0.99
"""Height of the terrain there: three times 0.33 of a quarter of the picture."""
_POLE, _FLAG = 50 / 30, (25 / 30, 10 / 30)
"""Height of a flagpole, and length and height of its flag, m."""
_NOZZLE, _FLAME = 10 / 30, 1.3
"""Half the width of the main engine's nozzle, and the length of its flame, m."""
_STARS = np.random.RandomState(4).uniform((0.2, 6.8), (_WIDTH - 0.2, _HEIGHT - 0.2), (36, 2))
"""Above the highest terrain."""


def picture(model: Model, world: World, terrain: Array, engines: Array) -> Array:
    """(400, 600, 3) uint8.

    Args:
        model: the lander, then its legs.
        world: where they are.
        terrain: (11,) float32 heights of the ground in m.
        engines: (2,) float32, power of the main engine and, with its direction as sign, of a side engine.
    """
    canvas = Canvas.blank(400, 600, palette.INK, x_range=(0.0, _WIDTH), y_range=(0.0, _HEIGHT))
    for number, (x, y) in enumerate(_STARS):
        canvas = canvas.circle((x, y), 0.035 if number % 3 else 0.055, palette.STEEL)
    chunks = jnp.linspace(0.0, _WIDTH, terrain.shape[0], dtype=jnp.float32)
    heights = jnp.interp(jnp.asarray(canvas.columns), chunks, terrain)
    canvas = canvas.area_below(heights, palette.SILVER).curve(heights, 0.1, palette.WHITE)
    canvas = canvas.line((_PAD[0], _PAD_HEIGHT), (_PAD[1], _PAD_HEIGHT), 0.16, palette.TEAL)
    for x in _PAD:
        canvas = _flag(canvas, x)

    places = origins(model, world)
    sine, cosine = jnp.sin(world.angle), jnp.cos(world.angle)

    def placed(body: int, point: tuple[float, float] | np.ndarray) -> tuple[Array, Array]:
        """A point of a body's frame in the world's."""
        px, py = float(point[0]), float(point[1])
        return (
            places[body, 0] + cosine[body] * px - sine[body] * py,
            places[body, 1] + sine[body] * px + cosine[body] * py,
        )

    for leg in (1, 2):
        corners = [placed(leg, vertex) for vertex in model.bodies[leg].shape.vertices]
        color = jnp.where(world.touched[leg], jnp.array(palette.TEAL_LIGHT), jnp.array(palette.STEEL))
        canvas = canvas.polygon(corners, color).polygon(corners, palette.SLATE, stroke=0.05)
    canvas = _flames(canvas, placed, engines)
    hull = [placed(0, vertex) for vertex in model.bodies[0].shape.vertices]
    canvas = canvas.polygon(hull, palette.PURPLE_LIGHT).polygon(hull, palette.PURPLE, stroke=0.08)
    return canvas.circle(placed(0, (0.0, 0.22)), 0.2, palette.BLUE).to_rgb()


def _flag(canvas: Canvas, x: float) -> Canvas:
    top, (length, height) = _PAD_HEIGHT + _POLE, _FLAG
    cloth = [(x, top), (x, top - height), (x + length, top - height / 2)]
    return canvas.line((x, _PAD_HEIGHT), (x, top), 0.06, palette.WHITE).polygon(cloth, palette.YELLOW)


def _flames(canvas: Canvas, placed: Callable[[int, tuple[float, float]], Vector], engines: Array) -> Canvas:
    """The flames of the last step, drawn under the hull."""
    main, side = engines[0], engines[1]
    bottom = -10 / 30
    for length, half, color in ((_FLAME, _NOZZLE, palette.ORANGE), (0.6 * _FLAME, 0.6 * _NOZZLE, palette.YELLOW_LIGHT)):
        left, right, tip = (placed(0, point) for point in ((-half, bottom), (half, bottom), (0.0, bottom - length)))
        canvas = canvas.polygon([left, right, tip], color, opacity=main)
    for sign in (-1, 1):
        # A power below 0 is that of the engine on the right, which pushes to the left.
        on = jnp.maximum(-sign * side, 0.0)
        root, end = sign * 15 / 30, sign * 31 / 30
        corners = [placed(0, point) for point in ((root, 17 / 30), (root, 7 / 30), (end, 12 / 30))]
        canvas = canvas.polygon(corners, palette.ORANGE, opacity=on)
    return canvas
