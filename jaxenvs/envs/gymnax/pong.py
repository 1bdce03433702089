"""Pong of gymnax: keep a ball in play against a paddle that follows it."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

STAY, UP, DOWN = range(3)

_CELL = 16  # pixels


class PongState(PyTreeNode):
    """State of `Pong`; each () float32, in cells or cells per step. Rows count from the top.

    Attributes:
        left_paddle: row of the middle of the left paddle, the agent's.
        right_paddle: row of the middle of the right paddle.
        row: row of the ball.
        column: column of the ball.
        row_speed: speed of the ball downwards.
        column_speed: speed of the ball to the right.
        last_row: row of the ball one step before.
        last_column: column of the ball one step before.
    """

    left_paddle: Array
    right_paddle: Array
    row: Array
    column: Array
    row_speed: Array
    column_speed: Array
    last_row: Array
    last_column: Array


class Pong(Env[PongState, Array]):
    """Return the ball from the left side of a court; the game is over when either side misses it.

    A paddle returns the ball. The farther from the paddle's middle it is hit, the faster it moves up or down: its
    vertical speed changes by the distance divided by `paddle_half_height`, rounded, and is at most `ball_max_y_speed`.
    The right paddle reaches half a cell farther than it looks. It moves towards the ball's row by `paddle_y_speed` at
    each step, and down if up is no better, so it never rests.

    As in gymnax, nothing is random, and *doing nothing keeps the ball in play forever*. The ball bounces off the
    bottom but not off the top, beyond which it flies on until it is out.

    Observation: (height, width, 3) float32, with values 0 and 1: row, column and channel.

        | channel | meaning                                        |
        |---------|------------------------------------------------|
        | 0       | both paddles, in the first and the last column |
        | 1       | the ball; outside the court, the nearest cell  |
        | 2       | the ball's position one step before            |

    Action: () int32. 0 stays, 1 moves up, 2 moves down, by `paddle_y_speed`.

    Reward: 1 for a step after which the ball is in play, else 0.

    Start: a single state: the ball in the middle, moving to the right.

    Episode end:
        Termination: the ball is beyond the first or the last column. Making the other side miss is not a win.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Parameters:
        ball_max_y_speed: greatest vertical speed of the ball, cells per step.
        paddle_y_speed: speed of both paddles, cells per step.
        ball_x_speed: horizontal speed of the ball at the start, cells per step.
        use_ai_policy: whether the right paddle follows the ball; otherwise it moves as the left one does.
        width: number of columns of the court.
        height: number of rows of the court.
        paddle_half_height: how far a paddle reaches up and down from its middle, cells.

    Differences from the reference: observations lie in [0, 1], as this space declares; gymnax declares [0, 2].

    Source: gymnax 1.0.1, `Pong-misc`, after the batch_pong_poc of A. Kirsch.

    Version history:
        v0: same behaviour as in gymnax.
    """

    frames_per_second: ClassVar[int] = 30

    ball_max_y_speed: ArrayLike = 3.0
    paddle_y_speed: ArrayLike = 1.0
    ball_x_speed: ArrayLike = 1.0
    use_ai_policy: bool = static(default=True)
    width: int = static(default=40)
    height: int = static(default=30)
    paddle_half_height: int = static(default=2)

    def check_fields(self) -> None:
        least = {"width": 6, "paddle_half_height": 1, "height": 2 * self.paddle_half_height + 1}
        for name, low in least.items():
            check_integer(self, name, getattr(self, name), low)

    @property
    def observation_space(self) -> Box:
        return Box(0, 1, (self.height, self.width, 3))

    @property
    def action_space(self) -> Discrete:
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[PongState, TimeStep[Array]]:
        check_key(key)
        row, column = (jnp.full((), size / 2, jnp.float32) for size in (self.height, self.width))
        state = PongState(
            left_paddle=row,
            right_paddle=row,
            row=row,
            column=column,
            row_speed=jnp.zeros((), jnp.float32),
            column_speed=jnp.asarray(self.ball_x_speed, jnp.float32),
            last_row=row,
            last_column=column,
        )
        return state, restart(self.observe(state))

    def step(self, state: PongState, action: Array) -> tuple[PongState, TimeStep[Array]]:
        """Moves the paddles, then the ball."""
        state = self._with_paddles_moved(state, self.action_space.validate(action))
        state = state.replace(
            row=state.row + state.row_speed,
            column=state.column + state.column_speed,
            last_row=state.row,
            last_column=state.column,
        )
        is_low = state.row >= self.height
        state = state.replace(
            row=jnp.where(is_low, 2 * (self.height - 1) - state.row, state.row),
            row_speed=jnp.where(is_low, -state.row_speed, state.row_speed),
        )
        state = self._with_ball_returned(state)
        is_out = (state.column < 0) | (state.column >= self.width)
        return state, transition(self.observe(state), ~is_out, is_out)

    def observe(self, state: PongState) -> Array:
        rows = np.arange(self.height, dtype=np.float32)[:, None]
        columns = np.arange(self.width, dtype=np.float32)[None, :]

        def inside(value: Array, size: int) -> Array:
            return jnp.clip(jnp.floor(value), 0, size - 1)

        def spot(row: Array, column: Array) -> Array:
            return (rows == inside(row, self.height)) & (columns == inside(column, self.width))

        def paddle(middle: Array, column: int) -> Array:
            middle, half = jnp.floor(middle), self.paddle_half_height
            top, bottom = inside(middle - half, self.height), inside(middle + half, self.height)
            return (columns == column) & (rows >= top) & (rows <= bottom)

        paddles = paddle(state.left_paddle, 0) | paddle(state.right_paddle, self.width - 1)
        ball, trail = spot(state.row, state.column), spot(state.last_row, state.last_column)
        return jnp.stack([paddles, ball, trail], axis=-1).astype(jnp.float32)

    def render(self, state: PongState) -> Array:
        """(480, 640, 3) uint8, by default: the court, both paddles, the ball and its previous position."""
        height, width = self.height * _CELL, self.width * _CELL
        canvas = Canvas.blank(height, width, palette.INK)
        for y in range(_CELL, height, 3 * _CELL):
            canvas = canvas.rectangle((width / 2, float(y)), (4.0, 1.2 * _CELL), palette.SLATE)
        canvas = canvas.line((0.0, height - 2.0), (float(width), height - 2.0), 4.0, palette.SLATE)
        length = (2 * self.paddle_half_height + 1) * _CELL - 2.0
        sides = (state.left_paddle, 0, palette.TEAL), (state.right_paddle, self.width - 1, palette.ORANGE)
        for middle, column, color in sides:
            center = (column + 0.5) * _CELL, (jnp.floor(middle) + 0.5) * _CELL
            canvas = canvas.rectangle(center, (0.7 * _CELL, length), color, corner_radius=3.0)
        trail = (state.last_column + 0.5) * _CELL, (state.last_row + 0.5) * _CELL
        ball = (state.column + 0.5) * _CELL, (state.row + 0.5) * _CELL
        canvas = canvas.circle(trail, 0.3 * _CELL, palette.YELLOW_DARK)
        return canvas.circle(ball, 0.42 * _CELL, palette.YELLOW).to_rgb()

    def _with_paddles_moved(self, state: PongState, action: Array) -> PongState:
        """Moves the paddles, which stop at the edges."""
        speed = jnp.asarray(self.paddle_y_speed, jnp.float32)
        low, high = self.paddle_half_height, self.height - self.paddle_half_height - 1
        move = jnp.where(action == DOWN, speed, 0.0) - jnp.where(action == UP, speed, 0.0)
        right = state.right_paddle
        above, below = (jnp.abs(state.row - jnp.clip(right + step, low, high)) for step in (-speed, speed))
        follow = jnp.where(above < below, -speed, speed)
        # In a court with an odd height, paddles start between two cells; their first move rounds that down.
        return state.replace(
            left_paddle=jnp.clip(jnp.trunc(state.left_paddle) + move, low, high),
            right_paddle=jnp.clip(jnp.trunc(right) + (follow if self.use_ai_policy else move), low, high),
        )

    def _with_ball_returned(self, state: PongState) -> PongState:
        """Lets a paddle return the ball, if it reaches it."""
        half, last = self.paddle_half_height, self.width - 2
        at_left, at_right = state.row - state.left_paddle, state.row - state.right_paddle
        is_left = (2 - state.column >= 1) & (jnp.abs(at_left) <= half)
        is_right = (2 * last - state.column < last) & (jnp.abs(at_right) < half + 1)
        column = jnp.where(is_left, 2 - state.column, jnp.where(is_right, 2 * last - state.column, state.column))
        spin = jnp.where(is_left, at_left, at_right) / half
        limit = jnp.asarray(self.ball_max_y_speed, jnp.float32)
        row_speed = jnp.round(jnp.clip(state.row_speed + spin, -limit, limit))
        is_returned = is_left | is_right
        return state.replace(
            column=column,
            row_speed=jnp.where(is_returned, row_speed, state.row_speed),
            column_speed=jnp.where(is_returned, -state.column_speed, state.column_speed),
        )
