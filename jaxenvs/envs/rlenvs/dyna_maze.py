"""DynaMaze of rlenvs: a maze for planning agents, whose wall may move after a while."""

import functools
from typing import ClassVar, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_choice, check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.rlenvs._grid import TILE, cells, draw_cells, neighbour
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete, MultiDiscrete

_STILL = (".......#G", "..#....#.", "S.#....#.", "..#......", ".....#...", ".........")
_OPEN_ON_THE_RIGHT = ("........G", ".........", ".........", "########.", ".........", "...S.....")
_OPEN_ON_THE_LEFT = ("........G", ".........", ".........", ".########", ".........", "...S.....")
_OPEN_ON_BOTH_SIDES = ("........G", ".........", ".........", ".#######.", ".........", "...S.....")
_MAZES = {
    "none": (_STILL, _STILL, 0),
    "blocking": (_OPEN_ON_THE_RIGHT, _OPEN_ON_THE_LEFT, 1000),
    "shortcut": (_OPEN_ON_THE_LEFT, _OPEN_ON_BOTH_SIDES, 3000),
}
"""For each `change`: the maze, the maze it turns into, and after how many steps."""

_COLUMNS, _ROWS = 9, 6
_GOAL = (9, 6)
_GAP, _LANDING = (9, 3), 4  # where the wall closes in "blocking", and the column that the agent is moved to
_BAR = 40  # pixels


class DynaMazeState(PyTreeNode):
    """State of `DynaMaze`.

    Attributes:
        x: () int32, the agent's column, from 1 on the left.
        y: () int32, the agent's row, from 1 at the bottom.
        steps: () int32, steps taken in this maze, including earlier episodes, until the wall moves.
    """

    x: Array
    y: Array
    steps: Array


class DynaMaze(Env[DynaMazeState, Array]):
    """Find the way through a maze of 9 columns and 6 rows, again and again, even after a wall has moved.

    With `change="none"` the maze is that of the book's example 8.1, whose shortest path takes 14 steps. With "blocking"
    the gap in a wall closes on the right and opens on the left after 1,000 steps, which lengthens the shortest path
    from 10 steps to 16. With "shortcut" a second gap opens on the right after 3,000 steps, which shortens it from 16 to
    10.

    The steps of all episodes count: `after_episode` passes the number on, so AutoReset and the adapters continue in the
    current maze. Calling `reset` from outside begins a new maze.

    Observation: (2,) int32. It does not show walls.

        | index | meaning                      | min | max | unit |
        |-------|------------------------------|-----|-----|------|
        | 0     | x, the column, from the left | 1   | 9   |      |
        | 1     | y, the row, from the bottom  | 1   | 6   |      |

    Action: () int32. 0 up, 1 right, 2 down, 3 left. Walls and the edge of the grid stop the agent.

    Reward: 1 for reaching the goal, else 0.

    Start: (1, 4) if the maze never changes, else (4, 1).

    Episode end:
        Termination: the agent reaches the goal, (9, 6).
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Parameters:
        change: `"none"`, `"blocking"` or `"shortcut"`.
        steps_taken: number of steps already taken in this maze; `after_episode` sets it.

    Differences from the reference: none. As there, an agent that stands in the gap when it closes, which takes exactly
        the 1,000th step, is moved to (4, 3). That is a cell of the wall, which the agent can leave upwards and
        downwards.

    Source: R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction", 1998, examples 9.1, 9.2 and 9.3
        (8.1 to 8.3 in the second edition); Kaixhin/rlenvs, `DynaMaze.lua` of commit 1c276f2.

    Version history:
        v0: same behaviour as in rlenvs.
    """

    changes_between_episodes: ClassVar[bool] = True
    frames_per_second: ClassVar[int] = 4

    change: str = static(default="none")
    steps_taken: ArrayLike = 0

    def check_fields(self) -> None:
        """Checks the kind of change and the number of steps."""
        check_choice(self, "change", self.change, _MAZES)
        if isinstance(self.steps_taken, int | float):  # it is data, and may be an array or a tracer
            check_integer(self, "steps_taken", self.steps_taken, 0)

    @property
    def observation_space(self) -> MultiDiscrete:
        return cells(_COLUMNS, _ROWS)

    @property
    def action_space(self) -> Discrete:
        return Discrete(4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    @property
    def change_after(self) -> int:
        """The number of steps after which the wall moves; 0 if none does."""
        return _MAZES[self.change][2]

    def reset(self, key: Key) -> tuple[DynaMazeState, TimeStep[Array]]:
        """Puts the agent at the start."""
        check_key(key)
        maze = _MAZES[self.change][0]
        row = next(row for row, line in enumerate(maze) if "S" in line)
        state = DynaMazeState(
            x=jnp.full((), maze[row].index("S") + 1, jnp.int32),
            y=jnp.full((), _ROWS - row, jnp.int32),
            steps=jnp.minimum(jnp.asarray(self.steps_taken, jnp.int32), self.change_after),
        )
        return state, restart(self.observe(state))

    def step(self, state: DynaMazeState, action: Array) -> tuple[DynaMazeState, TimeStep[Array]]:
        """Takes a step unless a wall is in the way; afterwards the wall may move."""
        x, y = neighbour(state.x, state.y, self.action_space.validate(action), _COLUMNS, _ROWS)
        terminated = (x == _GOAL[0]) & (y == _GOAL[1])
        has_changed = state.steps >= self.change_after
        is_wall = jnp.asarray(_walls(self.change))
        is_blocked = is_wall.at[has_changed.astype(jnp.int32), _ROWS - y, x - 1].get(mode="clip")
        x, y = jnp.where(is_blocked, state.x, x), jnp.where(is_blocked, state.y, y)
        steps = jnp.minimum(state.steps + 1, self.change_after)
        if self.change == "blocking":
            closes = ~has_changed & (steps >= self.change_after)
            x = jnp.where(closes & (x == _GAP[0]) & (y == _GAP[1]), _LANDING, x)
        state = DynaMazeState(x=x, y=y, steps=steps)
        return state, transition(self.observe(state), terminated, terminated)

    def observe(self, state: DynaMazeState) -> Array:
        return jnp.stack([state.x, state.y])

    def after_episode(self, state: DynaMazeState) -> Self:
        """The maze as the episode left it."""
        return self.replace(steps_taken=state.steps)

    def render(self, state: DynaMazeState) -> Array:
        """(384, 576, 3) uint8: the maze, a mouse and its cheese; 40 more rows show the time until the wall moves."""
        mazes = np.array([[[_LETTERS.index(letter) for letter in line] for line in maze] for maze in self._mazes])
        kinds = jnp.asarray(mazes, jnp.int32)[(state.steps >= self.change_after).astype(jnp.int32)]
        maze = draw_cells(kinds, _CELLS, _paint_mouse, state.x, state.y, palette.PAPER).to_rgb()
        if self.change == "none":
            return maze
        canvas = Canvas.blank(_ROWS * TILE + _BAR, _COLUMNS * TILE, palette.PAPER).image(maze, (0, 0))
        left, right, y = 24.0, _COLUMNS * TILE - 24.0, _ROWS * TILE + _BAR / 2
        share = state.steps.astype(jnp.float32) / self.change_after
        canvas = canvas.line((left, y), (right, y), 12.0, palette.SILVER)
        return canvas.line((left, y), (left + (right - left) * share, y), 12.0, palette.TEAL).to_rgb()

    @property
    def _mazes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return _MAZES[self.change][:2]


@functools.lru_cache
def _walls(change: str) -> np.ndarray:
    """(2, rows, columns) bool: the walls before and after they have moved; the top row comes first."""
    return np.array([[[letter == "#" for letter in line] for line in maze] for maze in _MAZES[change][:2]])


# ---------------------------------------------------------------- the picture: a painter for each kind of cell


def _paint_floor(tile: Canvas) -> Canvas:
    return tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.SILVER, stroke=0.03)


def _paint_wall(tile: Canvas) -> Canvas:
    tile = tile.rectangle((0.5, 0.5), (1.0, 1.0), palette.SLATE)
    for y, seams in ((0.13, (0.25, 0.75)), (0.38, (0.0, 0.5, 1.0)), (0.63, (0.25, 0.75)), (0.88, (0.0, 0.5, 1.0))):
        for left, right in zip((0.0, *seams), (*seams, 1.0), strict=True):
            if right > left:
                size = (right - left - 0.05, 0.2)
                tile = tile.rectangle(((left + right) / 2, y), size, palette.STEEL, corner_radius=0.03)
    return tile


def _paint_start(tile: Canvas) -> Canvas:
    return _paint_floor(tile).text("S", (0.1, 0.74), 0.16, palette.SLATE)


def _paint_cheese(tile: Canvas) -> Canvas:
    tile = _paint_floor(tile).polygon([(0.1, 0.34), (0.9, 0.34), (0.9, 0.56), (0.1, 0.44)], palette.YELLOW)
    tile = tile.polygon([(0.1, 0.44), (0.9, 0.56), (0.62, 0.78)], palette.YELLOW_LIGHT)
    tile = tile.polygon([(0.1, 0.34), (0.9, 0.34), (0.9, 0.26), (0.1, 0.26)], palette.YELLOW_DARK)
    for x, y, radius in ((0.36, 0.38, 0.05), (0.6, 0.43, 0.06), (0.78, 0.4, 0.04)):
        tile = tile.circle((x, y), radius, palette.YELLOW_DARK)
    return tile


def _paint_mouse(tile: Canvas) -> Canvas:
    tail = [(0.24, 0.28), (0.12, 0.3), (0.1, 0.42), (0.18, 0.5)]
    return (
        tile.polyline(tail, 0.035, palette.RED_LIGHT)
        .circle((0.42, 0.38), 0.2, palette.STEEL)
        .circle((0.55, 0.36), 0.17, palette.STEEL)
        .polygon([(0.56, 0.5), (0.6, 0.22), (0.9, 0.32)], palette.STEEL, corner_radius=0.03)
        .circle((0.56, 0.6), 0.13, palette.STEEL)
        .circle((0.56, 0.6), 0.08, palette.RED_LIGHT)
        .circle((0.72, 0.4), 0.028, palette.INK)
        .circle((0.91, 0.32), 0.035, palette.RED)
        .line((0.4, 0.19), (0.46, 0.19), 0.05, palette.SLATE)
        .line((0.58, 0.19), (0.64, 0.19), 0.05, palette.SLATE)
    )


_LETTERS = ".#SG"
_CELLS = (_paint_floor, _paint_wall, _paint_start, _paint_cheese)
