"""MinAtar's Freeway: a chicken that crosses eight lanes of traffic."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.canvas import palette
from jaxenvs.envs.minatar._game import (
    COLUMNS,
    DOWN,
    LANES,
    NOTHING,
    SIZE,
    UP,
    Game,
    GameState,
    below,
    cell,
    in_lanes,
    stepped,
)
from jaxenvs.envs.minatar._picture import Tile

_COLUMN = 4  # where the chicken walks
_HOME = SIZE - 1
_PAUSE = 3  # frames between two steps of the chicken
_FRAMES = 2500
_SPEEDS = 5


class FreewayState(GameState, kw_only=True):
    """State of `Freeway`; each () int32 unless stated otherwise.

    Attributes:
        row: row of the chicken, from 0, its goal, to 9.
        pause: frames until it can step again.
        columns: (8,) int32, columns of the cars; the car of lane i is in row i + 1.
        timers: (8,) int32, frames until they move.
        intervals: (8,) int32, from 1 to 5: how many frames a car waits after each move.
        rightwards: (8,) bool, whether they drive right, not left.
        frames_left: number of frames left.
    """

    row: Array
    pause: Array
    columns: Array
    timers: Array
    intervals: Array
    rightwards: Array
    frames_left: Array


class Freeway(Game[FreewayState]):
    """Cross a road of eight lanes as often as time allows.

    The chicken steps up or down at most every third frame. Each car drives from one side of the road to the other and
    re-enters where it began. A chicken that is hit returns to row 9. A chicken that reaches the other side returns
    there as well, and the cars draw new intervals, from 1 to 5, and directions, both uniformly.

    Observation: (10, 10, 7) bool: row, column and channel.

        | channel | meaning                                                                               |
        |---------|---------------------------------------------------------------------------------------|
        | 0       | `chicken`                                                                             |
        | 1       | `car`                                                                                 |
        | 2-6     | `speed1` to `speed5`: the cell behind each car that waits 1 to 5 frames between moves |

    Action: () int32. 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire. The minimal action set is 0 no-op, 1 up, 2 down.

    Reward: 1 for each crossing.

    Start: the chicken in row 9, and all cars in column 0 with random intervals and directions.

    Episode end:
        Termination: after 2,501 frames.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        sticky_action_prob: probability that the last action is repeated in place of the chosen one.
        use_minimal_action_set: whether there are three actions rather than six.

    Differences from the reference: the first action of an episode can stick to action 0. In the reference it can stick
        to the last action of the previous episode. As in the reference, the clock terminates the game, one frame after
        the 2,500 of the paper; a car stands still for one frame more than its speed says; and the observation does not
        include time.

    Source: K. Young and T. Tian, "MinAtar: An Atari-Inspired Testbed", 2019, and the package minatar 1.0.15.

    Version history:
        v1: the minimal action set.
        v0: all six actions.
    """

    channels: ClassVar[tuple[str, ...]] = ("chicken", "car", "speed1", "speed2", "speed3", "speed4", "speed5")
    minimal_actions: ClassVar[tuple[int, ...]] = (NOTHING, UP, DOWN)
    tiles: ClassVar[tuple[Tile, ...]] = (
        Tile(palette.YELLOW, "disc"),
        Tile(palette.TEAL),
        Tile(palette.RED, "dot"),
        Tile(palette.ORANGE, "dot"),
        Tile(palette.YELLOW_LIGHT, "dot"),
        Tile(palette.SILVER, "dot"),
        Tile(palette.STEEL, "dot"),
    )
    num_start_draws: ClassVar[int] = 8
    num_draws: ClassVar[int] = 8

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def start_with(self, surroundings: GameState, draws: Array) -> FreewayState:
        """Draws the cars, in the same way as `play`."""
        intervals, rightwards = _drawn_cars(draws)
        return FreewayState(
            row=jnp.full((), _HOME, jnp.int32),
            pause=jnp.full((), _PAUSE, jnp.int32),
            columns=jnp.zeros(8, jnp.int32),
            timers=intervals,
            intervals=intervals,
            rightwards=rightwards,
            frames_left=jnp.full((), _FRAMES, jnp.int32),
            **vars(surroundings),
        )

    def play(self, state: FreewayState, action: Array, draws: Array) -> tuple[FreewayState, Array]:
        """A frame, with one draw per car: its tenths stand for intervals 1 to 5, leftwards and rightwards in turn."""
        can_step = state.pause == 0
        goes_up, goes_down = (can_step & (action == direction) for direction in (UP, DOWN))
        row = stepped(state.row, goes_down, goes_up)
        pause = jnp.where(goes_up | goes_down, _PAUSE, state.pause)

        arrives = row == 0
        new_intervals, new_rightwards = _drawn_cars(draws)
        intervals = jnp.where(arrives, new_intervals, state.intervals)
        rightwards = jnp.where(arrives, new_rightwards, state.rightwards)
        timers = jnp.where(arrives, new_intervals, state.timers)
        row = jnp.where(arrives, _HOME, row)

        moves = timers == 0
        columns = jnp.where(moves, _around(state.columns + jnp.where(rightwards, 1, -1)), state.columns)
        run_over = (row == LANES) & ((state.columns == _COLUMN) | (columns == _COLUMN))
        state = state.replace(
            row=jnp.where(run_over.any(), _HOME, row),
            pause=jnp.maximum(pause - 1, 0),
            columns=columns,
            timers=jnp.where(moves, intervals, timers - 1),
            intervals=intervals,
            rightwards=rightwards,
            frames_left=state.frames_left - 1,
            is_over=state.frames_left <= 0,
        )
        return state, arrives.astype(jnp.int32)

    def planes(self, state: FreewayState) -> tuple[Array, ...]:
        behind = _around(state.columns + jnp.where(state.rightwards, -1, 1))
        trails = behind[:, None] == COLUMNS
        return (
            cell(state.row, _COLUMN),
            in_lanes(state.columns[:, None] == COLUMNS),
            *(in_lanes(trails & (state.intervals == interval)[:, None]) for interval in range(1, _SPEEDS + 1)),
        )


def _drawn_cars(draws: Array) -> tuple[Array, Array]:
    """Intervals and directions, (8,) each, from as many uniform numbers."""
    tenths = below(draws, 2 * _SPEEDS)
    return 1 + tenths // 2, tenths % 2 == 1


def _around(columns: Array) -> Array:
    """Columns from -1 to 10, wrapped to the other side if they lie outside."""
    return jnp.where(columns < 0, SIZE - 1, jnp.where(columns >= SIZE, 0, columns))
