"""The track of CarRacing: a closed road through twelve random checkpoints, cut into tiles.

A point walks from checkpoint to checkpoint for five laps, and the last whole lap becomes the road. Where the walk
crosses thresholds decides how many tiles there are, so it is computed in float64, as in Gymnasium.

float64 exists here whatever JAX's settings are: the operations are traced within `jax.enable_x64`. What is lowered or
batched later happens outside of it, so only operations on single elements use float64; arrays that are indexed or
reduced hold pairs of float32, a number and what its rounding left.
"""

import math
from functools import reduce
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.varying import varying_as
from jaxenvs.random import Key
from jaxenvs.simulators.box2d.lanes import anywhere

Pair: TypeAlias = tuple[Array, Array]
"""A float64 as two float32: the nearest one, and what its rounding left."""
CAPACITY = 448
"""Tiles that a track has room for. The longest of 1,500 tracks of Gymnasium's has 389, the average one 300."""
_CHECKPOINTS = 12
_SCALE = 6.0
_RADIUS = 900 / _SCALE
"""Greatest distance of a checkpoint from the middle, m."""
_START_RADIUS = 1.5 * _RADIUS
_STEP = 21 / _SCALE
"""Length of a tile, m."""
_TURN_RATE = 0.31
"""Greatest turn from one tile to the next, rad."""
TRACK_WIDTH = 40 / _SCALE
"""Half the width of the road, m."""
_KERB = 8 / _SCALE
"""Width of a kerb, m."""
_LINE = 0.06
"""Width of a kerb where the road does not turn, m: a pixel of Gymnasium's window."""
_KERB_TILES = 4
"""Tiles in a row that must turn sharply to the same side before a kerb appears."""
_MOST_POINTS = 2500
_MOST_LAPS = 4
_MOST_TRIES = 64
"""Of layouts; about one in fifteen fails."""
_START_ANGLE = -math.pi / _CHECKPOINTS


class Track(PyTreeNode):
    """A closed road. Entries from `count` on have no meaning.

    Attributes:
        tiles: (CAPACITY, 4, 2) float32 in m: the left and right corners of the front of each tile, then the right and
            left ones of its back.
        kerbs: (CAPACITY, 4, 2) float32 in m: the kerb beside each tile.
        has_kerb: (CAPACITY,) bool, whether there is one.
        count: () int32, the number of tiles.
        start: (3,) float32: angle in rad and place in m at which the car begins.
        good: () bool, whether the road closes and fits into the capacity.
    """

    tiles: Array
    kerbs: Array
    has_kerb: Array
    count: Array
    start: Array
    good: Array


@compiled_once
def random_track(key: Key) -> Track:
    """A track drawn from a key; layouts that do not close are drawn again, as are those above the capacity."""

    def draw(key: Key) -> Track:
        turn_key, radius_key = jax.random.split(key)
        turns = jax.random.uniform(turn_key, (_CHECKPOINTS,), jnp.float32, 0.0, 2 * math.pi / _CHECKPOINTS)
        radii = jax.random.uniform(radius_key, (_CHECKPOINTS,), jnp.float32, _RADIUS / 3, _RADIUS)
        return lay((turns, jnp.zeros_like(turns)), (radii, jnp.zeros_like(radii)))

    def again(loop: Any) -> Any:
        key, old, tries = loop
        next_key, draw_key = jax.random.split(key)
        new = draw(draw_key)
        return next_key, jax.tree.map(lambda x, y: jnp.where(old.good, x, y), old, new), tries + 1

    empty = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(draw, key))
    start = varying_as(key, (key, empty, jnp.int32(0)))
    loop = lax.while_loop(lambda loop: ~loop[1].good & (loop[2] < _MOST_TRIES), again, start)
    return loop[1]


def lay(turns: Pair, radii: Pair) -> Track:
    """The track of given draws.

    Args:
        turns: (12,) in rad, how far each checkpoint lies beyond its twelfth of the circle, at most a twelfth.
        radii: (12,) in m, distances of the checkpoints from the middle. The first and the last are not used.
    """
    with jax.enable_x64(True):
        points, passes = _walk(*_checkpoints(_joined(turns), _joined(radii)))
    first, count = passes[0], passes[1] - 1 - passes[0]
    last = jnp.clip(count - 1, 0, CAPACITY - 1)
    index = jnp.arange(CAPACITY, dtype=jnp.int32)
    lap = points[jnp.clip(first + jnp.minimum(index, last), 0, _MOST_POINTS - 1)]
    before = jnp.where(index == 0, last, index - 1)  # the tile before the first is the last
    with jax.enable_x64(True):
        previous = lap[before]
        heading, x, y = (_joined((lap[:, i], lap[:, i + 1])) for i in (0, 2, 4))
        turn = (heading - _joined((previous[:, 0], previous[:, 1]))).astype(jnp.float32)
        cosine, sine = jnp.cos(heading), jnp.sin(heading)

        def beside(offset: float) -> Array:
            """(CAPACITY, 2) float32: points at a distance in m to the right of the middle of the road."""
            return jnp.stack([(x + offset * cosine).astype(jnp.float32), (y + offset * sine).astype(jnp.float32)], 1)

        left, right = beside(-TRACK_WIDTH), beside(TRACK_WIDTH)
        far_left, far_right = beside(-TRACK_WIDTH - _KERB), beside(TRACK_WIDTH + _KERB)
        line_left, line_right = beside(-_LINE / 2), beside(_LINE / 2)
        start = lap[0, ::2]
    gap_x, gap_y = lap[0, 2] - lap[last, 2], lap[0, 4] - lap[last, 4]
    glued = jnp.hypot(jnp.cos(start[0]) * gap_x, jnp.sin(start[0]) * gap_y) <= _STEP
    fits = (count > 0) & (count <= CAPACITY)
    side = -jnp.sign(turn)[:, None]

    def to_side(left: Array, right: Array, line: Array) -> Array:
        """What lies on the outer side of the turn; without a turn, the kerb is a line in the middle of the road."""
        return jnp.where(side > 0, right, jnp.where(side < 0, left, line))

    # The other end of a kerb lies on the same side, whichever side the road turned to there.
    near, far = to_side(left, right, line_left), to_side(far_left, far_right, line_right)
    near_before = to_side(left[before], right[before], line_left[before])
    far_before = to_side(far_left[before], far_right[before], line_right[before])
    return Track(
        tiles=jnp.stack([left, right, right[before], left[before]], 1),
        kerbs=jnp.stack([near, far, far_before, near_before], 1),
        has_kerb=_kerbs(turn, count),
        count=jnp.where(fits, count, 0),
        start=start,
        good=(first > 0) & glued & fits,
    )


def _joined(pair: Pair) -> Array:
    """The float64 that a pair stands for."""
    return pair[0].astype(jnp.float64) + pair[1].astype(jnp.float64)


def _parted(value: Array) -> Pair:
    """A float64 as a float32 and what its rounding left."""
    high = value.astype(jnp.float32)
    return high, (value - high.astype(jnp.float64)).astype(jnp.float32)


def _checkpoints(turns: Array, radii: Array) -> tuple[Array, Array, Array]:
    """Angle in rad and place in m of each checkpoint, float64."""
    number = np.arange(_CHECKPOINTS)
    fixed = (number == 0) | (number == _CHECKPOINTS - 1)
    angle = jnp.where(fixed, 0.0, turns) + 2 * math.pi * number / _CHECKPOINTS
    radius = jnp.where(fixed, _START_RADIUS, radii)
    return angle, radius * jnp.cos(angle), radius * jnp.sin(angle)


def _walk(angles: Array, xs: Array, ys: Array) -> tuple[Array, tuple[Array, Array]]:
    """Walks through the checkpoints for five laps.

    Returns:
        (2500, 6) float32: heading, x and y of each point, as pairs; and the numbers of the last two points at which the
        walk passed the start, 0 if there were none.
    """

    def unwound(heading: Array, angle: Array) -> Array:
        """The heading a full turn nearer to the angle, if it is more than one and a half half turns away."""
        apart = heading - angle
        turns = jnp.where(apart > 1.5 * math.pi, 1.0, jnp.where(apart < -1.5 * math.pi, -1.0, 0.0))
        return heading - 2 * math.pi * turns

    def target(angle: Array, goal: Array) -> tuple[Array, Array, Array, Array]:
        """The next checkpoint that the angle has not passed, with its place; after the last, the first, with a full
        turn taken from the angle.
        """
        remaining = [(angle <= angles[i]) & (goal <= i) for i in range(_CHECKPOINTS)]
        passed_all = ~reduce(jnp.logical_or, remaining)
        angle = jnp.where(passed_all, angle - 2 * math.pi, angle)
        goal, x, y = jnp.int32(0), xs[0], ys[0]
        for i in reversed(range(_CHECKPOINTS)):
            here = remaining[i] | (passed_all & (angle <= angles[i]))
            goal, x, y = jnp.where(here, jnp.int32(i), goal), jnp.where(here, xs[i], x), jnp.where(here, ys[i], y)
        return angle, goal, x, y

    def one_point(loop: Any) -> Any:
        points, count, old, passes, ended = loop
        x, y, heading, last_angle, goal, laps, other_side = old
        angle = jnp.arctan2(y, x)
        laps = laps + (other_side & (angle > 0)).astype(jnp.int32)
        other_side = (other_side & (angle <= 0)) | (angle < 0)
        angle = jnp.where(angle < 0, angle + 2 * math.pi, angle)
        angle, goal, goal_x, goal_y = target(angle, goal)
        cosine, sine = jnp.cos(heading), jnp.sin(heading)
        across = (cosine * (goal_x - x) + sine * (goal_y - y)) * _SCALE
        before = unwound(unwound(heading, angle), angle)
        turn = jnp.minimum(_TURN_RATE, jnp.abs(0.001 * across))
        after = before + jnp.where(across > 0.3, -turn, jnp.where(across < -0.3, turn, 0.0))
        x, y = x - sine * _STEP, y + cosine * _STEP
        row = jnp.stack([*_parted(before * 0.5 + after * 0.5), *_parted(x), *_parted(y)])
        points = lax.dynamic_update_slice(points, row[None], (count, jnp.int32(0)))
        passing = (angle > _START_ANGLE) & (last_angle <= _START_ANGLE) & ~ended
        passes = jnp.where(passing, passes[1], passes[0]), jnp.where(passing, count, passes[1])
        new = x, y, after, angle, goal, laps, other_side
        kept = tuple(jnp.where(ended, a, b) for a, b in zip(old, new, strict=True))
        return points, count + 1, kept, passes, ended | (laps > _MOST_LAPS)

    none, zero = jnp.zeros((), jnp.int32), jnp.zeros((), jnp.float64)
    old = zero + _START_RADIUS, zero, zero, zero, none, none, none > 0
    loop = jnp.zeros((_MOST_POINTS, 6), jnp.float32), none, old, (none, none), none > 0
    loop = varying_as((angles, xs, ys), loop)
    loop = lax.while_loop(lambda loop: anywhere(~loop[4]) & (loop[1] < _MOST_POINTS), one_point, loop)
    return loop[0], loop[3]


def _kerbs(turn: Array, count: Array) -> Array:
    """(CAPACITY,) bool: which tiles have a kerb, given the turn from the tile before each."""
    index = jnp.arange(CAPACITY, dtype=jnp.int32)
    turns = jnp.stack([turn[(index - back) % jnp.maximum(count, 1)] for back in range(_KERB_TILES)])
    one_side = jnp.abs(jnp.sum(jnp.sign(turns), 0)) == _KERB_TILES
    sharp = jnp.all(jnp.abs(turns) > np.float32(_TURN_RATE * 0.2), 0) & one_side & (index < count)
    # A kerb reaches back over the tiles that called for it; from the first tiles, around to the last ones.
    for number in range(_KERB_TILES - 1):
        around = (index >= count + number - (_KERB_TILES - 1)) & (index < count)
        sharp = sharp | (around & sharp[number])
    later = [jnp.concatenate([sharp[back:], jnp.zeros(back, bool)]) for back in range(_KERB_TILES)]
    return later[0] | later[1] | later[2] | later[3]
