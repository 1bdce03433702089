"""The picture of the walker."""

from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.varying import varying_as
from jaxenvs.envs.box2d import _bipedal_terrain as terrains
from jaxenvs.envs.box2d._bipedal_lidar import DIRECTIONS, RANGE
from jaxenvs.envs.box2d._bipedal_terrain import HEIGHT, SCALE, STEP, Terrain
from jaxenvs.simulators.box2d import Model, World, origins

_WIDTH, _TALL = 600 / SCALE, 400 / SCALE
"""The visible part of the world, m."""
_FLAG_X, _POLE, _CLOTH = 3 * STEP, 50 / SCALE, (25 / SCALE, 10 / SCALE)
"""Where the flag at the start stands, its height, and length and height of its cloth, m."""


@partial(compiled_once, static_argnames="model")
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

    # Loops, since a program with every shape on its own takes long to compile.
    def cloud(canvas: Canvas, corners: Array) -> tuple[Canvas, None]:  # far away, so they move half as fast
        return canvas.polygon([(x - scroll / 2, y) for x, y in corners], palette.WHITE), None

    canvas, _ = lax.scan(cloud, varying_as(places, canvas), terrain.clouds)
    columns = jnp.asarray(canvas.columns) + scroll
    heights = jnp.interp(columns, jnp.asarray(terrains.X[: terrains.POINTS]), terrain.heights)
    # Beyond both ends there is nothing.
    end = float(terrains.X[terrains.POINTS - 1])
    heights = jnp.where((columns >= 0) & (columns <= end), heights, -1.0).astype(jnp.float32)
    canvas = canvas.area_below(heights, palette.GRASS).curve(heights, 0.12, palette.GRASS_DARK)
    if terrain.boxes is not None:
        passed = jnp.sum(terrain.boxes[:, 1, 0] < scroll, dtype=jnp.int32)
        first = jnp.minimum(passed, terrains.BOXES - 2 * terrains.NEAR_BOXES)

        def box(canvas: Canvas, box: Array) -> tuple[Canvas, None]:
            (x1, y1), (x2, y2) = ((corner[0] - scroll, corner[1]) for corner in box)
            corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
            return canvas.polygon(corners, palette.SILVER).polygon(corners, palette.STEEL, stroke=0.05), None

        boxes = lax.dynamic_slice_in_dim(terrain.boxes, first, 2 * terrains.NEAR_BOXES)
        canvas, _ = lax.scan(box, canvas, boxes)
    canvas = _flag(canvas, scroll)
    hull = places[0, 0] - scroll, places[0, 1]
    rays = lidar[:, None] * (DIRECTIONS * RANGE).astype(np.float32)

    def ray(canvas: Canvas, way: Array) -> tuple[Canvas, None]:
        tip = hull[0] + way[0], hull[1] + way[1]
        return canvas.line(hull, tip, 0.04, palette.RED, opacity=0.35), None

    canvas, _ = lax.scan(ray, canvas, rays)
    sine, cosine = jnp.sin(world.angle)[:, None], jnp.cos(world.angle)[:, None]
    px, py = model.vertices[..., 0], model.vertices[..., 1]
    x = places[:, :1] - scroll + cosine * px - sine * py
    y = places[:, 1:] + sine * px + cosine * py
    corners = jnp.stack([x, y], 2)  # (bodies, 5, 2), of which legs have four

    def limb(canvas: Canvas, limb: tuple[Array, Array]) -> tuple[Canvas, None]:
        shape, color = [(x, y) for x, y in limb[0]], limb[1]
        return canvas.polygon(shape, color).polygon(shape, palette.BLUE_DARK, stroke=0.06), None

    colors = jnp.asarray(np.array([[palette.BLUE] * 2, [palette.BLUE_LIGHT] * 2], np.uint8))
    canvas, _ = lax.scan(limb, canvas, (corners[1:3, :4], colors[0]))
    hull_corners = [(x, y) for x, y in corners[0]]
    canvas = canvas.polygon(hull_corners, palette.PURPLE_LIGHT).polygon(hull_corners, palette.PURPLE, stroke=0.06)
    canvas, _ = lax.scan(limb, canvas, (corners[3:, :4], colors[1]))
    return canvas.to_rgb()


def _flag(canvas: Canvas, scroll: Array) -> Canvas:
    x, top, (length, height) = _FLAG_X - scroll, HEIGHT + _POLE, _CLOTH
    cloth = [(x, top), (x, top - height), (x + length, top - height / 2)]
    return canvas.line((x, HEIGHT), (x, top), 0.06, palette.SLATE).polygon(cloth, palette.ORANGE)
