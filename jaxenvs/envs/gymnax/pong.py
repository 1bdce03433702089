"""Pong of gymnax: keep a ball in play against a paddle that follows it."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

STAY, UP, DOWN = range(3)

_CELL = 16  # pixels


class PongState(PyTreeNode):
    """State of `Pong`; each () float32, in cells. Rows count from the top.

    Attributes:
        left_paddle: row of the middle of the agent's paddle.
        right_paddle: likewise of the other one.
        row: of the ball.
        column: of the ball.
        row_speed: of the ball, cells a step, downwards.
        column_speed: likewise to the right.
        last_row: where the ball was a step before.
        last_column: likewise.
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
    """Play the ball back from the left side of a court; the game is over once either side misses it.

    Observation: (height, width, 3) float32, row, column and channel.

        | channel | what it shows |
        |---|---|
        | 0 | both paddles, in the first and the last column |
        | 1 | the ball; outside the court, the nearest cell |
        | 2 | where the ball was a step before |

    Action: 0 stay, 1 up, 2 down, by `paddle_y_speed`.

    A paddle sends the ball back, faster up or down the farther from its middle it was struck: by the distance over
    `paddle_half_height`, rounded, and at most `ball_max_y_speed` altogether. The right paddle reaches half a cell
    farther than it looks. It goes towards the ball's row by `paddle_y_speed` at each step, and down where up is no
    better, so that it never rests.

    Reward: 1 for a step after which the ball is in play, else 0.

    Start: always the same, the ball in the middle, on its way to the right.

    Episode end:
        Termination: the ball is beyond the first or the last column: it is no win to make the other one miss.
        Truncation: none here; 1,000 steps in the registered id.

    What gymnax does, and so does this: there is no chance, and *doing nothing keeps the ball in play for ever*; and the
    ball turns back at the bottom, but not at the top, beyond which it flies on until it is out.

    Attributes:
        ball_max_y_speed: greatest speed of the ball up or down, cells a step.
        paddle_y_speed: of both paddles, cells a step.
        ball_x_speed: of the ball at the start, cells a step.
        use_ai_policy: whether the right paddle follows the ball; else it does what the left one does.
        width: columns of the court.
        height: rows of the court.
        paddle_half_height: cells that a paddle reaches up and down from its middle.

    Differences from the reference: observations lie in [0, 1], as the space says, where gymnax's says [0, 2].

    Source: gymnax 1.0.1, `Pong-misc`, after the batch_pong_poc of A. Kirsch.

    Version history: v0, as in gymnax.
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
        """Checks the sizes."""
        least = {"width": 6, "paddle_half_height": 1, "height": 2 * self.paddle_half_height + 1}
        for name, low in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise InvalidField(f"Pong: `{name}` must be an integer of at least {low}, got {value!r}.")

    @property
    def observation_space(self) -> Box:
        """Three planes of the court."""
        return Box(0, 1, (self.height, self.width, 3))

    @property
    def action_space(self) -> Discrete:
        """Stay, up, down."""
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 or 1."""
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[PongState, TimeStep[Array]]:
        """Serves; the key changes nothing."""
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
        """(height, width, 3) float32."""
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
        """(480, 640, 3) uint8, by default: the court, both paddles, the ball and where it was."""
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
        """After the paddles' moves, which end at the edges."""
        speed = jnp.asarray(self.paddle_y_speed, jnp.float32)
        low, high = self.paddle_half_height, self.height - self.paddle_half_height - 1
        move = jnp.where(action == DOWN, speed, 0.0) - jnp.where(action == UP, speed, 0.0)
        right = state.right_paddle
        above, below = (jnp.abs(state.row - jnp.clip(right + step, low, high)) for step in (-speed, speed))
        follow = jnp.where(above < below, -speed, speed)
        # A court of an odd height starts with paddles on halves of cells, which the first move rounds down.
        return state.replace(
            left_paddle=jnp.clip(jnp.trunc(state.left_paddle) + move, low, high),
            right_paddle=jnp.clip(jnp.trunc(right) + (follow if self.use_ai_policy else move), low, high),
        )

    def _with_ball_returned(self, state: PongState) -> PongState:
        """After a paddle has sent the ball back, if it did."""
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
