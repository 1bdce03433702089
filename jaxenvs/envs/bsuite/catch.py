"""Catch: move a paddle to where a ball comes down."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.spaces import Box, Discrete

_CELL = 32.0  # pixels
_MOST_CELLS = 100


class CatchState(PyTreeNode):
    """State of `Catch`; each () int32.

    Attributes:
        ball_row: row of the ball, from 0, the top.
        ball_column: column of the ball, from 0.
        paddle: column of the paddle, which is in the last row.
    """

    ball_row: Array
    ball_column: Array
    paddle: Array


class Catch(Env[CatchState, Array]):
    """A ball falls straight down, one row per step; be under it with a paddle when it reaches the last row.

    Observation: (rows, columns) float32: 1 at the ball and at the paddle, else 0.

    Action: () int32. 0 moves the paddle one column to the left, 1 not at all, 2 to the right. It stops at the sides.

    Reward: in the last step, 1 if the ball meets the paddle and -1 if not; else 0.

    Start: the ball in a random column of the first row, the paddle in column `columns // 2`.

    Episode end:
        Termination: the ball is in the last row, after `rows - 1` steps.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        rows: number of rows of the board.
        columns: number of columns of the board.

    Source: V. Mnih, N. Heess and A. Graves, "Recurrent Models of Visual Attention", 2014; bsuite 0.3.6, `Catch`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    frames_per_second: ClassVar[int] = 6

    rows: int = static(default=10)
    columns: int = static(default=5)

    def check_fields(self) -> None:
        """Checks the size of the board."""
        check_integer(self, "rows", self.rows, 2, _MOST_CELLS)
        check_integer(self, "columns", self.columns, 1, _MOST_CELLS)

    @property
    def observation_space(self) -> Box:
        """(rows, columns) float32, 0 or 1."""
        return Box(0.0, 1.0, (self.rows, self.columns))

    @property
    def action_space(self) -> Discrete:
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 1.0

    def reset(self, key: Key) -> tuple[CatchState, TimeStep[Array]]:
        state = CatchState(
            ball_row=jnp.zeros((), jnp.int32),
            ball_column=draw_below(check_key(key), self.columns),
            paddle=jnp.full((), self.columns // 2, jnp.int32),
        )
        return state, restart(self.observe(state))

    def step(self, state: CatchState, action: Array) -> tuple[CatchState, TimeStep[Array]]:
        """Moves the paddle, then the ball."""
        action = self.action_space.validate(action)
        state = state.replace(
            paddle=jnp.clip(state.paddle + action - 1, 0, self.columns - 1),
            ball_row=jnp.minimum(state.ball_row + 1, self.rows - 1),
        )
        terminated = state.ball_row == self.rows - 1
        reward = jnp.where(terminated, jnp.where(state.paddle == state.ball_column, 1.0, -1.0), 0.0)
        return state, transition(self.observe(state), reward, terminated)

    def observe(self, state: CatchState) -> Array:
        row, column = (np.arange(count, dtype=np.int32) for count in (self.rows, self.columns))
        row, column = row[:, None], column[None]
        ball = (row == state.ball_row) & (column == state.ball_column)
        paddle = (row == self.rows - 1) & (column == state.paddle)
        return (ball | paddle).astype(jnp.float32)

    def render(self, state: CatchState) -> Array:
        """(32 rows, 32 columns, 3) uint8: the ball above the paddle."""
        height, width = int(_CELL) * self.rows, int(_CELL) * self.columns
        canvas = Canvas.blank(height, width, palette.INK)
        x, y = ((value.astype(jnp.float32) + 0.5) * _CELL for value in (state.ball_column, state.ball_row))
        paddle = (state.paddle.astype(jnp.float32) + 0.5) * _CELL
        canvas = canvas.rectangle((paddle, height - 0.2 * _CELL), (0.92 * _CELL, 0.28 * _CELL), palette.BLUE_LIGHT)
        return canvas.circle((x, y - 0.12 * _CELL), 0.26 * _CELL, palette.YELLOW).to_rgb()
