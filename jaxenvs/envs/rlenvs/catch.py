"""Catch of rlenvs: a ball falls at a slant, on a screen that may flicker or be partly covered."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer, check_probability
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.spaces import Box, Discrete

_STEEPEST = 1 / 3
"""Greatest slope, in columns per step, at levels 0 and 2."""
_LEFT_TURN = 2 / 3
"""The column of a ball that turns back at the left side."""
_FRAME = 384  # pixels


class CatchState(PyTreeNode):
    """State of `Catch`.

    Attributes:
        player: () int32, the player's leftmost column, from 0.
        row: () int32, the ball's row, from 0 at the top; the last is the player's.
        x: () float32, the ball's column, from 0, with a fraction.
        slope: () float32, columns that the ball moves to the right per step.
        flickered: () bool, whether the last observation was blank.
        key: () key that flickering is drawn from.
    """

    player: Array
    row: Array
    x: Array
    slope: Array
    flickered: Array
    key: Key


class Catch(Env[CatchState, Array]):
    """A ball falls from the top of a screen, one row per step; be under it when it reaches the last row.

    A ball that reaches or passes the last column turns back from there. A ball that moves left and passes below column
    1 turns back from column 2/3. Compared with bsuite's Catch, the screen and the player are larger, balls fall at a
    slant, and a miss earns 0 rather than -1.

    Observation: (size, size, 1) uint8: row, column and channel. It is 255 at the ball, in the column its position
        rounds down to, and at the player in the last row; else 0.

    Action: () int32. 0 stays, 1 moves one column to the left, 2 to the right.

    Reward: 1 for the step in which the ball reaches the last row at the player, else 0. The ball's exact position
        counts: it must lie between the player's leftmost and rightmost column. So a ball seen in the rightmost column
        is caught only if it is exactly there.

    Start: the ball in a random column of the first row, with a slope uniform in (-1/3, 1/3) times (1 - level), which is
        straight down at level 1; the player in the middle.

    Episode end:
        Termination: the ball is in the last row, after size - 1 steps. It stays there, and later steps earn nothing.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        level: how steeply the ball slants; see Start. The default of rlenvs is 2, which gives the same slopes as level
            0.
        flickering: probability that the observation after a step is blank.
        size: number of rows and of columns.
        player_width: width of the player, columns; None for a twelfth of `size`, rounded up.
        obscured: whether the rows just above the last one are covered: a quarter of `size`, rounded up.

    Differences from the reference: the observation is uint8 from 0 to 255 with the channel last, so that learners treat
        it as a picture. The reference has an array of shape (1, size, size) with values 0 and 1. A player wider than
        half the screen starts as far to the left as it needs to fit.

    Source: V. Mnih, N. Heess and A. Graves, "Recurrent Models of Visual Attention", 2014; Kaixhin/rlenvs, `Catch.lua`
        of commit b6f086b.

    Version history:
        v0: first version.
    """

    frames_per_second: ClassVar[int] = 12

    level: ArrayLike = 2.0
    flickering: ArrayLike = 0.0
    size: int = static(default=24)
    player_width: int | None = static(default=None)
    obscured: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks the sizes and the probability."""
        check_integer(self, "size", self.size, 2)
        check_integer(self, "player_width", self.width, 1, self.size, most_is="size")
        check_probability(self, "flickering", self.flickering)

    @property
    def width(self) -> int:
        """The width of the player, in columns."""
        return math.ceil(self.size / 12) if self.player_width is None else self.player_width

    @property
    def covered_rows(self) -> range:
        """The rows that are covered if `obscured`."""
        return range(self.size - 1 - math.ceil(self.size / 4), self.size - 1)

    @property
    def observation_space(self) -> Box:
        return Box(0, 255, (self.size, self.size, 1), np.uint8)

    @property
    def action_space(self) -> Discrete:
        """Stay (0), left (1) or right (2)."""
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[CatchState, TimeStep[Array]]:
        """Draws the ball's column and slope."""
        key, column_key, slope_key = jax.random.split(check_key(key), 3)
        slope = jax.random.uniform(slope_key, (), jnp.float32, -_STEEPEST, _STEEPEST)
        state = CatchState(
            player=jnp.asarray(min(math.ceil(self.size / 2) - 1, self.size - self.width), jnp.int32),
            row=jnp.zeros((), jnp.int32),
            x=draw_below(column_key, self.size).astype(jnp.float32),
            slope=slope * (1.0 - jnp.asarray(self.level, jnp.float32)),
            flickered=jnp.zeros((), bool),
            key=key,
        )
        return state, restart(self.observe(state))

    def step(self, state: CatchState, action: Array) -> tuple[CatchState, TimeStep[Array]]:
        """Moves the player and lets the ball fall by a row."""
        action = self.action_space.validate(action)
        key, flicker_key = jax.random.split(state.key)
        last = self.size - 1
        was_over = state.row == last
        change = (action == 2).astype(jnp.int32) - (action == 1).astype(jnp.int32)
        player = jnp.clip(state.player + change, 0, self.size - self.width)
        x = state.x + state.slope
        at_right, at_left = x >= last, (x < 1.0) & (state.slope < 0.0)
        turns = at_right | at_left
        x = jnp.where(at_right, float(last), jnp.where(at_left, _LEFT_TURN, x)).astype(state.x.dtype)
        flicker = jax.random.uniform(flicker_key, (), jnp.float32) < jnp.asarray(self.flickering, jnp.float32)
        state = CatchState(
            player=player,
            row=jnp.minimum(state.row + 1, last),
            x=jnp.where(was_over, state.x, x),
            slope=jnp.where(turns & ~was_over, -state.slope, state.slope),
            flickered=flicker,
            key=key,
        )
        terminated = state.row == last
        offset = state.x - player.astype(state.x.dtype)
        caught = terminated & ~was_over & (offset >= 0) & (offset <= self.width - 1)
        return state, transition(self.observe(state), caught, terminated)

    def observe(self, state: CatchState) -> Array:
        """(size, size, 1) uint8: the ball and the player, or nothing."""
        rows, columns = np.arange(self.size, dtype=np.int32)[:, None], np.arange(self.size, dtype=np.int32)[None, :]
        ball = (rows == state.row) & (columns == jnp.floor(state.x).astype(jnp.int32))
        player = (rows == self.size - 1) & (columns >= state.player) & (columns < state.player + self.width)
        seen = (ball | player) & ~state.flickered
        if self.obscured:
            seen = seen & ((rows < self.covered_rows.start) | (rows >= self.covered_rows.stop))
        return jnp.where(seen, 255, 0).astype(jnp.uint8)[:, :, None]

    def render(self, state: CatchState) -> Array:
        """(384, 384, 3) uint8: ball and player, even if they are covered; all dark if the screen flickered."""
        size = float(self.size)
        canvas = Canvas.blank(_FRAME, _FRAME, palette.PAPER, x_range=(0.0, size), y_range=(0.0, size))
        row, player = state.row.astype(jnp.float32), state.player.astype(jnp.float32)
        x = state.x.astype(jnp.float32)
        canvas = canvas.rectangle((size / 2, 0.5), (size, 1.0), palette.MIST)
        canvas = canvas.rectangle(
            (player + self.width / 2, 0.5), (float(self.width), 0.9), palette.BLUE, corner_radius=0.3
        )
        canvas = canvas.circle((x + 0.5, size - 0.5 - row), 0.48, palette.ORANGE)
        if self.obscured:
            rows = self.covered_rows
            middle = size - (rows.start + rows.stop) / 2
            canvas = canvas.rectangle((size / 2, middle), (size, float(len(rows))), palette.STEEL, opacity=0.6)
        veil = jnp.where(state.flickered, 0.7, 0.0)
        return canvas.rectangle((size / 2, size / 2), (size, size), palette.INK, opacity=veil).to_rgb()
