"""XOWorld of rlenvs: collect crosses and avoid circles in a picture."""

import functools
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.canvas.palette import Color
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs._tileset import tileset_of
from jaxenvs.random import Key, check_key, scale_below
from jaxenvs.spaces import Box, Discrete

LEFT, RIGHT, UP, DOWN = range(4)

_SIZE = 84
_CROSS_REWARD, _CIRCLE_REWARD = 10.0, -10.0
_START = 35  # row and column of the player's upper left corner

PLAYER = ("....####....",) * 4 + ("############",) * 4 + ("....####....",) * 4
CROSS = (
    "...........",
    "####...####",
    ".####.####.",
    "..#######..",
    "...#####...",
    "...#####...",
    "..#######..",
    ".####.####.",
    "####...####",
    "...........",
    "...........",
)
CIRCLE = (
    "...#####...",
    "..#######..",
    ".#########.",
    "####...####",
    "###.....###",
    "###.....###",
    "###.....###",
    "####...####",
    ".#########.",
    "..#######..",
    "...#####...",
)
_PLAYER_SIZE, _OBJECT_SIZE = len(PLAYER), len(CROSS)
# Collisions are those of squares without their outermost pixels.
_HIT_ABOVE, _HIT_BELOW = _OBJECT_SIZE - 3, _PLAYER_SIZE - 3

_STATIC_PLACES = (6, 26, 46, 66)
_RANDOM_COUNT = 14
_ROOM = 13  # the space an object keeps free, one pixel on each side; so does the player, to the left and above
_PLACES = _SIZE - _ROOM
_CELL = 6  # rendered pixels per pixel


class XOWorldState(PyTreeNode):
    """State of `XOWorld`; rows and columns are those of upper left corners.

    Attributes:
        row: () int32, the player's row, 0 to 72.
        column: () int32, the player's column, 0 to 72.
        rows: (objects,) int32, rows of the crosses and circles.
        columns: (objects,) int32, columns of the crosses and circles.
        present: (objects,) bool, whether each is present.
    """

    row: Array
    column: Array
    rows: Array
    columns: Array
    present: Array


class XOWorld(Env[XOWorldState, Array]):
    """A player shaped like a plus walks over a field of crosses and circles, which disappear when it touches them.

    Observation: (84, 84, 1) uint8: row, column and channel. It is 0 where the player (12 by 12) or an object (11 by 11)
        is black, else 255.

    Action: () int32. 0 left, 1 right, 2 up, 3 down, by one pixel. The border stops the player.

    Reward: 10 for touching a cross, -10 for touching a circle, else 0. Two shapes touch if their squares overlap
        without their outermost pixels. If the player touches both kinds in one step, one of each disappears and the
        reward is -10. Of several objects of one kind, the one laid out last disappears. The others are invisible
        meanwhile, and count in the next steps if the player stays on them.

    Start: the player in the middle, and the objects in one of the four settings of Garnelo et al.

        | double | random | objects                                                                       |
        |--------|--------|-------------------------------------------------------------------------------|
        | False  | False  | 16 circles in a grid of 4 by 4, 20 pixels apart                               |
        | True   | False  | 8 crosses and 8 circles in the same grid, like a chess board                  |
        | False  | True   | 14 circles, laid out one after the other, each uniformly over the free places |
        | True   | True   | 7 circles and 7 crosses, laid out in turn in the same way                     |

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 100 steps, as in the reference's training. For its
            evaluation, make it with `max_episode_steps=200`.

    Parameters:
        double: whether there are crosses as well as circles.
        random: whether the objects lie anywhere rather than in a grid.

    Differences from the reference: its clock starts at 1, so its episodes have 99 and 199 steps. Here the observation
        is uint8 from 0 to 255 with the channel last, so that learners treat it as a picture. The reference has an array
        of shape (1, 84, 84) with values 0 and 1. If there is no free place left for an object, it is left out; in the
        reference, the search never ends.

    Source: M. Garnelo, K. Arulkumaran and M. Shanahan, "Towards Deep Symbolic Reinforcement Learning", 2016;
        Kaixhin/rlenvs, `XOWorld.lua` of commit 1bcbb6d.

    Version history:
        v0: first version.
    """

    reset_is_costly: ClassVar[bool] = True
    frames_per_second: ClassVar[int] = 15

    double: bool = static(default=False)
    random: bool = static(default=False)

    @property
    def is_cross(self) -> np.ndarray:
        """(objects,) bool: which objects are crosses rather than circles."""
        index = np.arange(_RANDOM_COUNT if self.random else len(_STATIC_PLACES) ** 2)
        row = 0 if self.random else index // len(_STATIC_PLACES)
        return ((row + index) % 2 == 1) & self.double

    @property
    def observation_space(self) -> Box:
        return Box(0, 255, (_SIZE, _SIZE, 1), np.uint8)

    @property
    def action_space(self) -> Discrete:
        """Left (0), right (1), up (2), down (3)."""
        return Discrete(4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return _CIRCLE_REWARD, _CROSS_REWARD

    def reset(self, key: Key) -> tuple[XOWorldState, TimeStep[Array]]:
        """Lays out the objects; without `random`, the key is not used."""
        key = check_key(key)
        if self.random:
            rows, columns, present = _lay_out_all(jax.random.bits(key, (_RANDOM_COUNT,), jnp.uint32))
        else:
            grid = np.meshgrid(np.array(_STATIC_PLACES, np.int32), np.array(_STATIC_PLACES, np.int32), indexing="ij")
            rows, columns = (jnp.asarray(places.reshape(-1)) for places in grid)
            present = jnp.ones(rows.shape, bool)
        start = jnp.full((), _START, jnp.int32)
        state = XOWorldState(row=start, column=start, rows=rows, columns=columns, present=present)
        return state, restart(self.observe(state))

    def step(self, state: XOWorldState, action: Array) -> tuple[XOWorldState, TimeStep[Array]]:
        """Moves by one pixel, and collects what the player touches."""
        action = self.action_space.validate(action)
        last = _SIZE - _PLAYER_SIZE
        down = (action == DOWN).astype(jnp.int32) - (action == UP).astype(jnp.int32)
        right = (action == RIGHT).astype(jnp.int32) - (action == LEFT).astype(jnp.int32)
        state = state.replace(row=jnp.clip(state.row + down, 0, last), column=jnp.clip(state.column + right, 0, last))
        touched = state.present & _touches(state)
        cross, circle = _last_of(touched & self.is_cross), _last_of(touched & ~self.is_cross)
        reward = jnp.where(circle.any(), _CIRCLE_REWARD, jnp.where(cross.any(), _CROSS_REWARD, 0.0))
        state = state.replace(present=state.present & ~cross & ~circle)
        return state, transition(self.observe(state), reward, False)

    def observe(self, state: XOWorldState) -> Array:
        """(84, 84, 1) uint8: black on white."""
        player, crosses, circles = self._layers(state)
        return jnp.where(_pixels(player | crosses | circles), 0, 255).astype(jnp.uint8)[:, :, None]

    def _layers(self, state: XOWorldState) -> tuple[Array, Array, Array]:
        """The black pixels of the player, the crosses and the circles, each as words; see `_drawn`."""
        seen = state.present & ~_touches(state)
        layers = [_drawn(PLAYER, state.row[None], state.column[None], jnp.ones(1, bool))]
        for shape, is_of_kind in ((CROSS, self.is_cross), (CIRCLE, ~self.is_cross)):
            which = np.flatnonzero(is_of_kind)
            layers.append(_drawn(shape, state.rows[which], state.columns[which], seen[which]))
        return layers[0], layers[1], layers[2]

    def render(self, state: XOWorldState) -> Array:
        """(504, 504, 3) uint8: the observation in colour, six times as large."""
        player, crosses, circles = (_pixels(layer) for layer in self._layers(state))
        tiles = jnp.where(player, 3, jnp.where(circles, 2, jnp.where(crosses, 1, 0)))
        canvas = Canvas.blank(_SIZE * _CELL, _SIZE * _CELL, palette.PAPER)
        return canvas.tiles(tiles, tileset_of(_PAINTERS, _CELL, palette.PAPER)).to_rgb()


def _touches(state: XOWorldState) -> Array:
    """(objects,) bool: whether the player's square and each object's overlap, without their outermost pixels."""
    below, right = state.rows - state.row, state.columns - state.column
    return (below >= -_HIT_ABOVE) & (below <= _HIT_BELOW) & (right >= -_HIT_ABOVE) & (right <= _HIT_BELOW)


def _last_of(chosen: Array) -> Array:
    """(n,) bool: only the last of those that are True."""
    index = np.arange(chosen.shape[0], dtype=np.int32)
    return index == jnp.where(chosen, index, -1).max()


def _lay_out_all(words: Array) -> tuple[Array, Array, Array]:
    """Lays out objects one after the other by (n,) random words: their rows, columns and presence, (n,) each."""
    places = np.arange(_PLACES, dtype=np.int32)

    def is_clear(row: Array | int, column: Array | int) -> Array | np.ndarray:
        """(71, 71) bool: the corners of rooms that do not overlap the room with its corner at (row, column)."""
        return (abs(places - row) >= _ROOM)[:, None] | (abs(places - column) >= _ROOM)[None, :]

    def lay_out(free: Array, word: Array) -> tuple[Array, tuple[Array, Array, Array]]:
        in_rows = free.sum(axis=1, dtype=jnp.int32)
        count = in_rows.sum(dtype=jnp.int32)
        number = scale_below(word, jnp.maximum(count, 1).astype(jnp.uint32))
        ends = jnp.cumsum(in_rows, dtype=jnp.int32)
        row = jnp.minimum((ends <= number).sum(dtype=jnp.int32), _PLACES - 1)
        rest = number - (ends[row] - in_rows[row])
        column = jnp.minimum((jnp.cumsum(free[row], dtype=jnp.int32) <= rest).sum(dtype=jnp.int32), _PLACES - 1)
        present = count > 0
        # The object lies in the middle of its room.
        return free & (is_clear(row, column) | ~present), (row + 1, column + 1, present)

    return jax.lax.scan(lay_out, jnp.asarray(is_clear(_START - 1, _START - 1)), words)[1]


@functools.cache
def _words_of(shape: tuple[str, ...]) -> np.ndarray:
    """(rows + 2,) uint32: the rows of a shape as words between two empty ones; the left column is the lowest bit."""
    words = [sum(1 << i for i, pixel in enumerate(row) if pixel == "#") for row in shape]
    return np.array([0, *words, 0], np.uint32)


def _drawn(shape: tuple[str, ...], rows: Array, columns: Array, where: Array) -> Array:
    """Draws one shape at several places.

    Args:
        shape: its rows, `#` for black.
        rows: (n,) int32, rows of the upper left corners.
        columns: (n,) int32, columns of the upper left corners.
        where: (n,) bool, whether to draw it at each.

    Returns:
        (84, 3) uint32: each row of the picture in three words of 32 pixels, the leftmost in the lowest bit. So drawing
        takes only shifts and ORs of a few words.
    """
    words = _words_of(shape)
    picture_rows = np.arange(_SIZE, dtype=np.int32)
    row_of_shape = jnp.clip(picture_rows[None, :] - rows[:, None] + 1, 0, len(words) - 1)
    word = jnp.where(where[:, None], jnp.asarray(words)[row_of_shape], np.uint32(0))[:, :, None]  # (n, 84, 1)
    shift = columns[:, None, None] - 32 * np.arange(3, dtype=np.int32)[None, None, :]
    left, right = (jnp.clip(amount, 0, 31).astype(jnp.uint32) for amount in (shift, -shift))
    parts = jnp.where(shift >= 32, np.uint32(0), jnp.where(shift >= 0, word << left, word >> right))
    return jax.lax.reduce_or(parts, (0,))


def _pixels(words: Array) -> Array:
    """(84, 84) bool of (84, 3) uint32; see `_drawn`."""
    bits = (words[:, :, None] >> np.arange(32, dtype=np.uint32)[None, None, :]) & np.uint32(1)
    return bits.reshape(_SIZE, 96)[:, :_SIZE] == 1


def _paint_pixel(tile: Canvas, color: Color) -> Canvas:
    return tile.rectangle((0.5, 0.5), (1.0, 1.0), color)


_PAINTERS = tuple(
    functools.partial(_paint_pixel, color=color) for color in (palette.PAPER, palette.TEAL, palette.RED, palette.BLUE)
)
