"""WindyWorld of rlenvs: reach the goal across columns where wind blows upwards."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.envs.rlenvs._grid import GridState, cells, draw_cells, neighbour, state_at
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete, MultiDiscrete

_COLUMNS, _ROWS = 10, 7
_WIND = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)
"""The strength of the upward wind in each column, in rows."""
_START, _GOAL = (1, 4), (8, 4)
_REWARD = -1.0


class WindyWorld(Env[GridState, Array]):
    """Cross a grid of 10 columns and 7 rows to a goal. In some columns, wind blows the agent upwards.

    The wind has a strength of 1 row in columns 4, 5, 6 and 9, and of 2 rows in columns 7 and 8. The shortest path to
    the goal takes 17 steps; with `book_wind` it takes 15, as in the book. With `king_moves` both take 7.

    Observation: (2,) int32.

        | index | meaning                      | min | max | unit |
        |-------|------------------------------|-----|-----|------|
        | 0     | x, the column, from the left | 1   | 10  |      |
        | 1     | y, the row, from the bottom  | 1   | 7   |      |

    Action: () int32. 0 up, 1 right, 2 down, 3 left. With `king_moves` also 4 up and right, 5 down and right, 6 down and
        left, 7 up and left. The edge of the grid stops moves and wind.

    Reward: -1 per step.

    Start: (1, 4).

    Episode end:
        Termination: the agent ends a step on the goal, (8, 4).
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Parameters:
        king_moves: whether diagonal moves are allowed as well.
        book_wind: whether the wind is that of the column a move starts in, rather than that of the column it leads to.

    Differences from the reference: none without `book_wind`.

    Source: R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction", 1998, example 6.5 and exercise 6.6
        (6.9 in the second edition); Kaixhin/rlenvs, `WindyWorld.lua` of commit 1c276f2.

    Version history:
        v0: same behaviour as in rlenvs.
    """

    frames_per_second: ClassVar[int] = 4

    king_moves: bool = static(default=False)
    book_wind: bool = static(default=False)

    @property
    def observation_space(self) -> MultiDiscrete:
        return cells(_COLUMNS, _ROWS)

    @property
    def action_space(self) -> Discrete:
        """Up, right, down, left and, with `king_moves`, the diagonals."""
        return Discrete(8 if self.king_moves else 4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, -1.0

    def reset(self, key: Key) -> tuple[GridState, TimeStep[Array]]:
        """Puts the agent on (1, 4)."""
        check_key(key)
        state = state_at(_START)
        return state, restart(self.observe(state))

    def step(self, state: GridState, action: Array) -> tuple[GridState, TimeStep[Array]]:
        x, y = neighbour(state.x, state.y, self.action_space.validate(action), _COLUMNS, _ROWS)
        column = state.x if self.book_wind else x
        wind = jnp.asarray(_WIND, jnp.int32).at[column - 1].get(mode="clip")
        state = GridState(x=x, y=jnp.minimum(y + wind, _ROWS))
        terminated = (state.x == _GOAL[0]) & (state.y == _GOAL[1])
        return state, transition(self.observe(state), _REWARD, terminated)

    def observe(self, state: GridState) -> Array:
        return jnp.stack([state.x, state.y])

    def render(self, state: GridState) -> Array:
        """(448, 640, 3) uint8: the sky, its winds, the goal, and the agent, a balloon."""
        kinds = np.tile(np.array(_WIND), (_ROWS, 1))
        for kind, (x, y) in ((3, _START), (4, _GOAL)):
            kinds[_ROWS - y, x - 1] = kind
        return draw_cells(kinds, _CELLS, _paint_balloon, state.x, state.y, palette.SKY).to_rgb()


# ---------------------------------------------------------------- the picture: a painter for each kind of cell


def _paint_calm(tile: Canvas) -> Canvas:
    return tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.WHITE, stroke=0.03)


def _paint_breeze(tile: Canvas) -> Canvas:
    tile = tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.BLUE_LIGHT, opacity=0.4)
    return _chevron(_paint_calm(tile), 0.5)


def _paint_wind(tile: Canvas) -> Canvas:
    tile = tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.BLUE_LIGHT)
    return _chevron(_chevron(_paint_calm(tile), 0.3), 0.66)


def _paint_start(tile: Canvas) -> Canvas:
    return _paint_calm(tile).text("S", (0.1, 0.74), 0.16, palette.SLATE)


def _paint_goal(tile: Canvas) -> Canvas:
    tile = _paint_calm(tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.BLUE_LIGHT))
    for radius, color in ((0.4, palette.RED), (0.27, palette.WHITE), (0.14, palette.RED)):
        tile = tile.circle((0.5, 0.5), radius, color)
    return tile


def _paint_balloon(tile: Canvas) -> Canvas:
    return (
        tile.line((0.38, 0.4), (0.44, 0.24), 0.025, palette.WOOD_DARK)
        .line((0.62, 0.4), (0.56, 0.24), 0.025, palette.WOOD_DARK)
        .polygon([(0.27, 0.54), (0.73, 0.54), (0.58, 0.34), (0.42, 0.34)], palette.ORANGE_DARK)
        .circle((0.5, 0.64), 0.26, palette.ORANGE_DARK)
        .circle((0.5, 0.64), 0.24, palette.ORANGE)
        .polygon([(0.29, 0.53), (0.71, 0.53), (0.57, 0.36), (0.43, 0.36)], palette.ORANGE)
        .polygon(
            [(0.44, 0.87), (0.56, 0.87), (0.6, 0.62), (0.53, 0.36), (0.47, 0.36), (0.4, 0.62)], palette.YELLOW_LIGHT
        )
        .rectangle((0.5, 0.18), (0.2, 0.14), palette.WOOD, corner_radius=0.03)
        .rectangle((0.5, 0.24), (0.24, 0.04), palette.WOOD_DARK, corner_radius=0.02)
    )


def _chevron(tile: Canvas, y: float) -> Canvas:
    """An arrow head that points up."""
    return tile.polyline([(0.32, y - 0.1), (0.5, y + 0.1), (0.68, y - 0.1)], 0.07, palette.WATER, opacity=0.8)


_CELLS = (_paint_calm, _paint_breeze, _paint_wind, _paint_start, _paint_goal)
