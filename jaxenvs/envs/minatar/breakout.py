"""MinAtar's Breakout: a ball that moves diagonally, a paddle and three rows of bricks."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import palette
from jaxenvs.envs.minatar._game import COLUMNS, LEFT, NOTHING, RIGHT, SIZE, Game, GameState, below, cell, stepped
from jaxenvs.envs.minatar._picture import Tile

_BRICK_ROWS = np.arange(1, 4, dtype=np.int32)[:, None]
_FLOOR = SIZE - 1


class BreakoutState(GameState, kw_only=True):
    """State of `Breakout`; each () int32 unless stated otherwise.

    Attributes:
        ball_row: row of the ball, from 0, the top, to 9.
        ball_column: column of the ball, from 0 to 9.
        trail_row: previous row of the ball.
        trail_column: previous column of the ball.
        ball_right: () bool, whether the ball moves right, not left.
        ball_down: () bool, whether the ball moves down, not up.
        paddle: column of the paddle, which is in row 9.
        bricks: (3, 10) bool, the bricks left in rows 1 to 3.
        in_bricks: () bool, whether the ball has just hit a brick, and would fly through another one now.
    """

    ball_row: Array
    ball_column: Array
    trail_row: Array
    trail_column: Array
    ball_right: Array
    ball_down: Array
    paddle: Array
    bricks: Array
    in_bricks: Array


class Breakout(Game[BreakoutState]):
    """Break the bricks of a wall with a ball, and do not let the ball pass the paddle.

    The ball moves one cell per frame along a diagonal. It bounces off the walls and the ceiling. A brick reverses its
    vertical motion and disappears, but never in two frames in a row. The paddle sends the ball back up; a ball that
    arrives at the paddle's cell from the side goes back the way it came. A new wall appears once the last brick is gone
    and the ball is back in the last row.

    Observation: (10, 10, 4) bool: row, column and channel.

        | channel | meaning                                    |
        |---------|--------------------------------------------|
        | 0       | `paddle`, in the last row                  |
        | 1       | `ball`                                     |
        | 2       | `trail`: the previous position of the ball |
        | 3       | `brick`: the bricks that are left          |

    Action: () int32. 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire. The minimal action set is 0 no-op, 1 left, 2
        right.

    Reward: 1 for each brick.

    Start: the ball in row 3 at the left or the right wall, with equal probability, falling inwards; the paddle in
        column 4.

    Episode end:
        Termination: the ball passes the paddle.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        sticky_action_prob: probability that the last action is repeated in place of the chosen one.
        use_minimal_action_set: whether there are three actions rather than six.

    Differences from the reference: the first action of an episode can stick to action 0. In the reference it can stick
        to the last action of the previous episode.

    Source: K. Young and T. Tian, "MinAtar: An Atari-Inspired Testbed", 2019, and the package minatar 1.0.15.

    Version history:
        v1: the minimal action set.
        v0: all six actions.
    """

    channels: ClassVar[tuple[str, ...]] = ("paddle", "ball", "trail", "brick")
    minimal_actions: ClassVar[tuple[int, ...]] = (NOTHING, LEFT, RIGHT)
    tiles: ClassVar[tuple[Tile, ...]] = (
        Tile(palette.BLUE_LIGHT, "brick"),
        Tile(palette.YELLOW, "disc"),
        Tile(palette.YELLOW_DARK, "dot"),
        Tile(palette.ORANGE, "brick"),
    )
    num_start_draws: ClassVar[int] = 1

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def start_with(self, surroundings: GameState, draws: Array) -> BreakoutState:
        """A whole wall; the draw decides at which side the ball starts."""
        at_right = below(draws[0], 2) == 1
        row, column = jnp.full((), 3, jnp.int32), jnp.where(at_right, 9, 0).astype(jnp.int32)
        return BreakoutState(
            ball_row=row,
            ball_column=column,
            trail_row=row,
            trail_column=column,
            ball_right=~at_right,
            ball_down=jnp.ones((), bool),
            paddle=jnp.full((), 4, jnp.int32),
            bricks=jnp.ones((3, SIZE), bool),
            in_bricks=jnp.zeros((), bool),
            **vars(surroundings),
        )

    def play(self, state: BreakoutState, action: Array, draws: Array) -> tuple[BreakoutState, Array]:
        """Moves the paddle, then the ball; there are no draws."""
        del draws
        paddle = stepped(state.paddle, action == RIGHT, action == LEFT)
        column = state.ball_column + jnp.where(state.ball_right, 1, -1)
        row = state.ball_row + jnp.where(state.ball_down, 1, -1)
        at_wall = (column < 0) | (column >= SIZE)
        column = jnp.clip(column, 0, SIZE - 1)
        right = state.ball_right ^ at_wall

        at_ceiling = row < 0
        here = (row == _BRICK_ROWS) & (column == COLUMNS)
        at_brick = (state.bricks & here).any()
        strikes = at_brick & ~state.in_bricks
        bricks = state.bricks & ~(here & strikes)

        at_floor = row == _FLOOR
        bricks = bricks | (at_floor & ~bricks.any())
        straight = at_floor & (state.ball_column == paddle)
        sideways = at_floor & ~straight & (column == paddle)
        stays = strikes | straight | sideways
        state = state.replace(
            ball_row=jnp.where(stays, state.ball_row, jnp.maximum(row, 0)),
            ball_column=column,
            trail_row=state.ball_row,
            trail_column=state.ball_column,
            ball_right=right ^ sideways,
            ball_down=state.ball_down ^ (at_ceiling | stays),
            paddle=paddle,
            bricks=bricks,
            in_bricks=at_brick,
            is_over=at_floor & ~straight & ~sideways,
        )
        return state, strikes.astype(jnp.int32)

    def planes(self, state: BreakoutState) -> tuple[Array, ...]:
        return (
            cell(_FLOOR, state.paddle),
            cell(state.ball_row, state.ball_column),
            cell(state.trail_row, state.trail_column),
            jnp.pad(state.bricks, ((1, 6), (0, 0))),
        )
