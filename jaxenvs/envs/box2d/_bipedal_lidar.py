"""The lidar of the walker: how far the ground is along ten rays (`b2World::RayCast`)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.envs.box2d import _bipedal_terrain as terrains
from jaxenvs.envs.box2d._bipedal_terrain import SCALE, STEP, Terrain

RAYS = 10
RANGE = 160 / SCALE
"""How far the lidar sees, m."""
_ANGLES = 1.5 * np.arange(RAYS) / 10.0
DIRECTIONS = np.stack([np.sin(_ANGLES), -np.cos(_ANGLES)], 1)
"""(10, 2), from straight down to nearly straight ahead."""
_AHEAD = 13
"""Edges that the rays can reach, the one below the hull first."""


@jax.jit  # a kernel, which measures after a step and after a reset, has the program once
def fractions(terrain: Terrain, x: Array, y: Array) -> Array:
    """(10,) float32: the distance to the ground along each ray from (x, y) in m, as a share of the range; at most 1."""
    reach = (DIRECTIONS * RANGE).astype(np.float32)
    ray_x, ray_y = x + reach[:, 0] - x, y + reach[:, 1] - y  # rounded as the end of the ray is
    first = jnp.clip(jnp.floor((x - 0.01) / STEP).astype(jnp.int32), 0, terrains.EDGES - _AHEAD)
    edges = terrains.edges_from(terrain.heights, first, _AHEAD)
    share = _to_edges(x, y, ray_x, ray_y, edges)
    if terrain.boxes is None:
        return share
    passed = jnp.sum(terrain.boxes[:, 1, 0] < x, dtype=jnp.int32)
    start = jnp.minimum(passed, terrains.BOXES - terrains.NEAR_BOXES)
    boxes = lax.dynamic_slice_in_dim(terrain.boxes, start, terrains.NEAR_BOXES)
    return jnp.minimum(share, _to_boxes(x, y, ray_x, ray_y, boxes))


def _to_edges(x: Array, y: Array, ray_x: Array, ray_y: Array, edges: Array) -> Array:
    """`b2EdgeShape::RayCast` for all rays and edges; 1 for a ray that meets none."""
    start, along = edges[:, 0], edges[:, 1] - edges[:, 0]
    squared = along[:, 0] * along[:, 0] + along[:, 1] * along[:, 1]
    inverse = 1.0 / jnp.sqrt(squared)
    normal_x, normal_y = along[:, 1] * inverse, -along[:, 0] * inverse
    above = normal_x * (start[:, 0] - x) + normal_y * (start[:, 1] - y)  # (edges,)
    towards = normal_x[None] * ray_x[:, None] + normal_y[None] * ray_y[:, None]  # (rays, edges)
    crosses = towards != 0
    share = above[None] / jnp.where(crosses, towards, 1.0)
    at_x, at_y = x + share * ray_x[:, None], y + share * ray_y[:, None]
    place = (at_x - start[None, :, 0]) * along[None, :, 0] + (at_y - start[None, :, 1]) * along[None, :, 1]
    place = place / squared[None]
    hit = crosses & (share >= 0) & (share <= 1) & (place >= 0) & (place <= 1)
    return jnp.min(jnp.where(hit, share, 1.0), 1)


def _to_boxes(x: Array, y: Array, ray_x: Array, ray_y: Array, boxes: Array) -> Array:
    """`b2PolygonShape::RayCast` for all rays and rectangles; a ray that begins within one does not meet it."""
    lower = jnp.zeros((RAYS, boxes.shape[0]), jnp.float32)
    upper, entered, missed = jnp.ones_like(lower), jnp.zeros_like(lower, bool), jnp.zeros_like(lower, bool)
    right, top = boxes[:, 1, 0] - x, boxes[:, 1, 1] - y
    left, bottom = x - boxes[:, 0, 0], y - boxes[:, 0, 1]
    for room, towards in ((right, ray_x), (top, ray_y), (left, -ray_x), (bottom, -ray_y)):
        room, towards = room[None], towards[:, None]
        share = room / jnp.where(towards == 0, 1.0, towards)
        enters = (towards < 0) & (room < lower * towards)
        leaves = (towards > 0) & (room < upper * towards)
        missed = missed | ((towards == 0) & (room < 0))
        lower, upper = jnp.where(enters, share, lower), jnp.where(leaves, share, upper)
        entered = entered | enters
        missed = missed | (upper < lower)
    return jnp.min(jnp.where(entered & ~missed, lower, 1.0), 1)
