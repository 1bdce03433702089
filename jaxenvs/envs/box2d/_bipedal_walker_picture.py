"""The picture of the walker."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.envs.box2d import _bipedal_terrain as terrains
from jaxenvs.envs.box2d._bipedal_lidar import DIRECTIONS, RANGE, RAYS
from jaxenvs.envs.box2d._bipedal_terrain import HEIGHT, SCALE, STEP, Terrain
from jaxenvs.simulators.box2d import Model, World, origins

_WIDTH, _TALL = 600 / SCALE, 400 / SCALE
"""The visible part of the world, m."""
_FLAG_X, _POLE, _CLOTH = 3 * STEP, 50 / SCALE, (25 / SCALE, 10 / SCALE)
"""Where the flag at the start stands, its height, and length and height of its cloth, m."""
_BACK_TO_FRONT = (1, 2, 0, 3, 4)
"""The bodies in the order in which they are drawn: one leg is behind the hull."""
_COLORS = (palette.PURPLE_LIGHT, palette.BLUE, palette.BLUE, palette.BLUE_LIGHT, palette.BLUE_LIGHT)


def picture(model: Model, world: World, terrain: Terrain, lidar: Array) -> Array:
    """(400, 600, 3) uint8: what is near the robot.

    Args:
        model: the hull, then the legs.
        world: where they are.
        terrain: ground and clouds.
        lidar: (10,) float32, lengths of its rays as shares of its range.
    """
    places = origins(model, world)
    scroll = places[0, 0] - _WIDTH / 5
    canvas = Canvas.blank(400, 600, palette.SKY, x_range=(0.0, _WIDTH), y_range=(0.0, _TALL))
    for corners in terrain.clouds:  # far away, so they move half as fast
        canvas = canvas.polygon([(x - scroll / 2, y) for x, y in corners], palette.WHITE)
    columns = jnp.asarray(canvas.columns) + scroll
    heights = jnp.interp(columns, jnp.asarray(terrains.X[: terrains.POINTS]), terrain.heights)
    # Beyond both ends there is nothing.
    end = float(terrains.X[terrains.POINTS - 1])
    heights = jnp.where((columns >= 0) & (columns <= end), heights, -1.0).astype(jnp.float32)
    canvas = canvas.area_below(heights, palette.GRASS).curve(heights, 0.12, palette.GRASS_DARK)
    if terrain.boxes is not None:
        passed = jnp.sum(terrain.boxes[:, 1, 0] < scroll, dtype=jnp.int32)
        first = jnp.minimum(passed, terrains.BOXES - 2 * terrains.NEAR_BOXES)
        for number in range(2 * terrains.NEAR_BOXES):
            low, high = terrain.boxes[first + number]
            x1, x2, y1, y2 = low[0] - scroll, high[0] - scroll, low[1], high[1]
            corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
            canvas = canvas.polygon(corners, palette.SILVER).polygon(corners, palette.STEEL, stroke=0.05)
    canvas = _flag(canvas, scroll)
    hull = places[0, 0] - scroll, places[0, 1]
    for number in range(RAYS):
        length = RANGE * lidar[number]
        tip = hull[0] + DIRECTIONS[number, 0] * length, hull[1] + DIRECTIONS[number, 1] * length
        canvas = canvas.line(hull, tip, 0.04, palette.RED, opacity=0.35)
    sine, cosine = jnp.sin(world.angle), jnp.cos(world.angle)
    for body in _BACK_TO_FRONT:
        x, y = places[body, 0] - scroll, places[body, 1]
        vertices = model.bodies[body].shape.vertices.astype(float).tolist()
        corners = [
            (x + cosine[body] * px - sine[body] * py, y + sine[body] * px + cosine[body] * py) for px, py in vertices
        ]
        canvas = canvas.polygon(corners, _COLORS[body])
        canvas = canvas.polygon(corners, palette.PURPLE if body == 0 else palette.BLUE_DARK, stroke=0.06)
    return canvas.to_rgb()


def _flag(canvas: Canvas, scroll: Array) -> Canvas:
    x, top, (length, height) = _FLAG_X - scroll, HEIGHT + _POLE, _CLOTH
    cloth = [(x, top), (x, top - height), (x + length, top - height / 2)]
    return canvas.line((x, HEIGHT), (x, top), 0.06, palette.SLATE).polygon(cloth, palette.ORANGE)
