"""The ground that the walker walks on: grass, and in the hardcore version pits, stumps and stairs."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.varying import varying_as
from jaxenvs.random import Key
from jaxenvs.simulators.box2d.vectors import rounded

SCALE = 30.0
"""Pixels of Gymnasium's picture per metre."""
STEP = 14 / SCALE
"""Distance of neighbouring points of the terrain, m."""
POINTS = 200
EDGES = POINTS - 1
HEIGHT = 400 / SCALE / 4
"""Height of the pad at the start, m."""
GRASS = 10
"""No stretch of grass is as long, in steps; the last stretch of this length is behind the finish."""
PAD = 20
"""Length of the flat pad at the start, in steps."""
BOXES = 40
"""Capacity for the rectangles of hardcore terrain; no terrain has more than 38."""
NEAR_EDGES, NEAR_BOXES = 16, 8
"""How many edges and rectangles a window has; those that the robot can reach."""
_BEHIND = 3.6
"""How far a window reaches to the left of the hull, m: legs and hull reach 2.6 m, and margins of boxes."""
_NOWHERE = 1e4
"""Where the rectangles lie that do not exist, m."""
_GRASS_KIND, _STUMP, _STAIRS, _PIT = range(4)
_STAIR_WIDTH, _MOST_STAIRS = 4, 4
_PIT_DEPTH = 4
_STIFFNESS, _PULL = 0.8, 0.01

X = (np.arange(POINTS + 20) * STEP).astype(np.float32)
"""(220,) in m, the points of the terrain and some beyond."""


class Terrain(PyTreeNode):
    """The ground of an episode.

    Attributes:
        heights: (200,) float32 in m, at equal distances of 14/30 m from x = 0.
        boxes: (40, 2, 2) float32 in m, lower left and upper right corners of upright rectangles from left to right,
            those that do not exist last and far away; None in the version without obstacles.
        clouds: (10, 5, 2) float32 in m, corners of the clouds; for the picture only.
    """

    heights: Array
    boxes: Array | None
    clouds: Array


class Draws(NamedTuple):
    """Random numbers of a terrain, one for each point, of which most are not used. All are (200,).

    Attributes:
        bump: float32 within +-1.
        length: int32, 5 to 9, of the stretch of grass that begins after the point.
        kind: int32, 1 to 3: stump, stairs, pit.
        stump: int32, 1 or 2, width and height in steps.
        pit: int32, 3 or 4, width in steps.
        up: bool, whether stairs lead up.
        stairs: int32, 3 or 4, their number.
    """

    bump: Array
    length: Array
    kind: Array
    stump: Array
    pit: Array
    up: Array
    stairs: Array


def draw(key: Key) -> Draws:
    """The random numbers of a terrain."""
    keys = jax.random.split(key, 7)
    bounds = ((GRASS // 2, GRASS), (1, 4), (1, 3), (3, 5), (0, 2), (3, 5))
    bump = jax.random.uniform(keys[0], (POINTS,), jnp.float32, -1.0, 1.0)
    whole = [jax.random.randint(keys[i + 1], (POINTS,), *bound, jnp.int32) for i, bound in enumerate(bounds)]
    length, kind, stump, pit, up, stairs = whole
    return Draws(bump, length, kind, stump, pit, up > 0, stairs)


class _Walk(NamedTuple):
    """Where the generator is: all () arrays; heights are in m above the pad."""

    kind: Array
    velocity: Array
    height: Array
    counter: Array
    first: Array
    original: Array
    stair: Array
    stairs: Array


@partial(compiled_once, static_argnames="hardcore")
def generate(draws: Draws, hardcore: bool) -> tuple[Array, Array | None]:
    """Heights and rectangles of a terrain, as the fields of `Terrain`.

    The generator goes from point to point. At the first point of a stretch of grass the height does not change, as in
    Gymnasium. Products are rounded, so that every program gives the same bits.
    """

    def advance(walk: _Walk, at: tuple[Array, Draws]) -> tuple[_Walk, tuple[Array, Array]]:
        index, drawn = at
        on_grass, first = (walk.kind == _GRASS_KIND) & ~walk.first, walk.first
        velocity = rounded(_STIFFNESS * walk.velocity) - _PULL * jnp.sign(walk.height)
        velocity = velocity + jnp.where(index > PAD, rounded(drawn.bump / SCALE), 0.0)
        velocity = jnp.where(on_grass, velocity, walk.velocity)
        height = jnp.where(on_grass, walk.height + velocity, walk.height)
        counter, original, stair, stairs = walk.counter, walk.original, walk.stair, walk.stairs
        if hardcore:
            in_pit, on_stump, on_stairs = (walk.kind == kind for kind in (_PIT, _STUMP, _STAIRS))
            done = stairs * _STAIR_WIDTH - counter - stair
            share = done.astype(jnp.float32) / _STAIR_WIDTH * stair.astype(jnp.float32)
            floor = original - jnp.where(counter > 1, _PIT_DEPTH * STEP, 0.0)
            height = jnp.where(in_pit & ~first, floor, height)
            height = jnp.where(on_stairs & ~first, original + rounded(share * STEP), height)
            original = jnp.where((in_pit | on_stairs) & first, height, original)
            stair = jnp.where(on_stairs & first, jnp.where(drawn.up, 1, -1), stair).astype(jnp.int32)
            stairs = jnp.where(on_stairs & first, drawn.stairs, stairs)
            counter = jnp.where(in_pit & first, drawn.pit + 2, counter)
            counter = jnp.where(on_stump & first, drawn.stump, counter)
            counter = jnp.where(on_stairs & first, stairs * _STAIR_WIDTH, counter)
        counter = counter - 1
        ends = counter == 0
        obstacle = drawn.kind if hardcore else jnp.zeros_like(drawn.kind)
        following = jnp.where(walk.kind == _GRASS_KIND, obstacle, _GRASS_KIND).astype(jnp.int32)
        begun = jnp.where(first, walk.kind, _GRASS_KIND)
        walk = _Walk(
            kind=jnp.where(ends, following, walk.kind),
            velocity=velocity,
            height=height,
            counter=jnp.where(ends, drawn.length, counter),
            first=ends,
            original=original,
            stair=stair,
            stairs=stairs,
        )
        return walk, (height, begun)

    zero, none = jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
    start = _Walk(none, zero, zero, jnp.int32(PAD), jnp.zeros((), bool), zero, none, none)
    indices = jnp.arange(POINTS, dtype=jnp.int32)
    _, (heights, begun) = lax.scan(advance, varying_as(draws, start), (indices, draws))
    heights = heights + jnp.float32(HEIGHT)
    return heights, _boxes(draws, heights, begun) if hardcore else None


def _boxes(draws: Draws, heights: Array, begun: Array) -> Array:
    """The rectangles of the obstacles that begin at each point, gathered in `BOXES` places."""
    x, index = jnp.asarray(X), jnp.arange(POINTS, dtype=jnp.int32)[:, None]
    number, unit = jnp.arange(_MOST_STAIRS, dtype=jnp.int32)[None], jnp.float32(STEP)
    draws, heights, begun = jax.tree.map(lambda each: each[:, None], (draws, heights, begun))
    stair = jnp.where(draws.up, 1, -1).astype(jnp.float32)
    is_pit, is_stump = (begun == _PIT) & (number < 2), (begun == _STUMP) & (number < 1)
    is_stairs = (begun == _STAIRS) & (number < draws.stairs)
    left = jnp.where(is_pit, index + number * draws.pit, index)
    left = jnp.where(is_stairs, index + number * _STAIR_WIDTH, left)
    wide = jnp.where(is_pit, 1, jnp.where(is_stump, draws.stump, _STAIR_WIDTH))
    climbed = number.astype(jnp.float32) * stair
    up = jnp.where(is_stump, draws.stump.astype(jnp.float32), jnp.where(is_stairs, climbed, 0.0))
    down = jnp.where(is_stump, 0.0, jnp.where(is_stairs, climbed - 1.0, -float(_PIT_DEPTH)))
    low = jnp.stack([x[left], heights + rounded(down * unit)], 2)
    high = jnp.stack([x[left + wide], heights + rounded(up * unit)], 2)
    every, exists = jnp.stack([low, high], 2).reshape(-1, 2, 2), (is_pit | is_stump | is_stairs).reshape(-1)
    places = jnp.where(exists, jnp.cumsum(exists, dtype=jnp.int32) - 1, BOXES)
    empty = jnp.broadcast_to(jnp.array([[_NOWHERE, 0.0], [_NOWHERE + 1.0, 1.0]], jnp.float32), (BOXES, 2, 2))
    return empty.at[places].set(every, mode="drop")


def clouds(key: Key) -> Array:
    """(10, 5, 2) float32 in m, the corners of ten clouds."""
    place_key, corner_key = jax.random.split(key)
    x = jax.random.uniform(place_key, (POINTS // 20, 1), jnp.float32, 0.0, POINTS * STEP)
    turn = 3.14 * 2 * np.arange(5) / 5  # with this value of pi, as in Gymnasium
    wide, high = (15 * STEP * np.sin(turn)).astype(np.float32), (5 * STEP * np.cos(turn)).astype(np.float32)
    corners = jnp.stack([x + wide[None, :], jnp.broadcast_to(400 / SCALE * 3 / 4 + high[None, :], (10, 5))], -1)
    return corners + jax.random.uniform(corner_key, corners.shape, jnp.float32, 0.0, 5 * STEP)


class Window(NamedTuple):
    """The part of the ground near the robot.

    Attributes:
        first_edge: () int32.
        first_box: () int32.
        ground: (n, 2, 2) float32 in m: corners of rectangles, if there are obstacles, then ends of edges.
    """

    first_edge: Array
    first_box: Array
    ground: Array


def edges_from(heights: Array, first: Array, count: int) -> Array:
    """(count, 2, 2) float32 in m: the ends of edges of the terrain, from the edge `first` on."""
    y = lax.dynamic_slice(heights, (first,), (count + 1,))
    x = lax.dynamic_slice(jnp.asarray(X), (first,), (count + 1,))
    points = jnp.stack([x, y], 1)
    return jnp.stack([points[:-1], points[1:]], 1)


def window(terrain: Terrain, x: Array) -> Window:
    """What lies near a hull at `x`, () float32 in m."""
    first_edge = jnp.floor((x - _BEHIND) / STEP).astype(jnp.int32)
    first_edge = jnp.clip(first_edge, 0, EDGES - NEAR_EDGES)
    edges = edges_from(terrain.heights, first_edge, NEAR_EDGES)
    if terrain.boxes is None:
        return Window(first_edge, jnp.zeros((), jnp.int32), edges)
    passed = jnp.sum(terrain.boxes[:, 1, 0] < x - _BEHIND, dtype=jnp.int32)
    first_box = jnp.minimum(passed, BOXES - NEAR_BOXES)
    boxes = lax.dynamic_slice_in_dim(terrain.boxes, first_box, NEAR_BOXES)
    return Window(first_edge, first_box, jnp.concatenate([boxes, edges]))


def to_window(part: Window, number: Array, hardcore: bool) -> Array:
    """The numbers in a window of parts of the ground, int32 of any shape.

    Rectangles of a terrain have the numbers 0 to 39 and edges those from 40 on; without obstacles edges begin at 0.
    An empty slot, -1, stays one.
    """
    if not hardcore:
        return jnp.where(number >= 0, number - part.first_edge, -1)
    box, edge = number - part.first_box, number - BOXES - part.first_edge + NEAR_BOXES
    return jnp.where(number >= 0, jnp.where(number < BOXES, box, edge), -1)


def from_window(part: Window, number: Array, hardcore: bool) -> Array:
    """The reverse of `to_window`."""
    if not hardcore:
        return jnp.where(number >= 0, number + part.first_edge, -1)
    box, edge = number + part.first_box, number + BOXES + part.first_edge - NEAR_BOXES
    return jnp.where(number >= 0, jnp.where(number < NEAR_BOXES, box, edge), -1)
