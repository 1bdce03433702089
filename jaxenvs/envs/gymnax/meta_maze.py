"""MetaMaze: find the goal, then return to it as often as time allows."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import palette
from jaxenvs.core.checks import is_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.gymnax import _maze
from jaxenvs.envs.gymnax._past import one_hot, time_feature
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.spaces import Box, Discrete


class MetaMazeState(PyTreeNode):
    """State of `MetaMaze`.

    Attributes:
        cell: () int32, the cell of the agent: its row times the number of columns of `maze`, plus its column.
        goal: () int32, the cell of the goal.
        last_action: () int32, the last action; 0 at reset.
        last_reward: () float32, the last reward; 0 at reset.
        elapsed: () int32, steps so far.
        key: () key that new places are drawn from.
    """

    cell: Array
    goal: Array
    last_action: Array
    last_reward: Array
    elapsed: Array
    key: Key


class MetaMaze(Env[MetaMazeState, Array]):
    """Find a hidden goal in a maze of pillars, again and again.

    The goal is in another cell in each episode. Reaching it moves the agent to a random cell.

    Observation: (rf_size^2 + 6,) float32; indices are those of the default `rf_size`.

        | index | meaning                                                               | min  | max | unit |
        |-------|-----------------------------------------------------------------------|------|-----|------|
        | 0-8   | cells around the agent, row by row: 1 for a wall                      | 0    | 1   |      |
        | 9-12  | last action, one-hot; action 0 at reset                               | 0    | 1   |      |
        | 13    | last reward                                                           | -inf | inf |      |
        | 14    | (steps so far - 50) / 50 with `normalize_time`, else the steps so far | -1   | inf |      |

    Action: () int32. 0 up, 1 right, 2 down, 3 left. A wall or pillar stops the agent.

    Reward: `reward` for a step that reaches the goal. `punishment` is added for a step that a wall stopped, so it
        should be negative.

    Start: the agent in the middle of the maze, the goal in any free cell, possibly the same one.

    Episode end:
        Termination: the agent reached the goal and was then placed on the goal itself, which has a probability of 1 in
            the number of free cells. This is gymnax's behaviour; the published task continues.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Parameters:
        reward: reward for reaching the goal.
        punishment: added to the reward for walking into a wall.
        normalize_time: whether the observed number of steps is scaled. As in gymnax, the scale is that of 100 steps,
            whatever the time limit.
        maze_size: number of rows and of columns inside the walls, an odd number; pillars stand where both row and
            column are odd.
        rf_size: number of rows and of columns seen around the agent, an odd number of at least 3.

    Differences from the reference: with `rf_size` above 3, gymnax starts away from the middle, or outside the maze. The
        bounds of the observation space are those above; in gymnax the reward lies outside its bounds.

    Source: T. Miconi et al., "Backpropamine: training self-modifying neural networks with differentiable neuromodulated
        plasticity", 2019; gymnax 1.0.1, `MetaMaze-misc`.

    Version history:
        v0: same behaviour as in gymnax.
    """

    frames_per_second: ClassVar[int] = 8

    reward: ArrayLike = 10.0
    punishment: ArrayLike = 0.0
    normalize_time: bool = static(default=False)
    maze_size: int = static(default=9)
    rf_size: int = static(default=3)

    def check_fields(self) -> None:
        for name in ("maze_size", "rf_size"):
            value = getattr(self, name)
            if not is_integer(value) or value < 3 or value % 2 == 0:
                raise InvalidField(f"MetaMaze: `{name}` must be an odd integer of at least 3, got {value!r}.")

    @property
    def maze(self) -> tuple[str, ...]:
        """The rows of the maze: `x` for a wall or pillar. The outer walls are as thick as the agent can see."""
        border = self.rf_size // 2
        inside = range(self.maze_size)
        rows = ["".join("x" if row % 2 and column % 2 else " " for column in inside) for row in inside]
        edge = ("x" * (self.maze_size + 2 * border),) * border
        return (*edge, *("x" * border + row + "x" * border for row in rows), *edge)

    @property
    def observation_space(self) -> Box:
        seen = self.rf_size**2 + 4
        low, high = np.zeros(seen + 2, np.float32), np.ones(seen + 2, np.float32)
        low[seen:], high[seen:] = (-np.inf, -1.0 if self.normalize_time else 0.0), np.inf
        return Box(low, high)

    @property
    def action_space(self) -> Discrete:
        return Discrete(len(_maze.MOVES))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0, or the sum of those of `reward` and `punishment` that apply."""
        gains = jnp.stack([jnp.asarray(gain, jnp.float32) for gain in (self.reward, self.punishment)])
        return jnp.minimum(gains, 0.0).sum(), jnp.maximum(gains, 0.0).sum()

    def reset(self, key: Key) -> tuple[MetaMazeState, TimeStep[Array]]:
        key, goal_key = jax.random.split(check_key(key))
        middle = len(self.maze) // 2
        zero = jnp.zeros((), jnp.int32)
        state = MetaMazeState(
            cell=jnp.asarray(np.int32(middle * len(self.maze) + middle)),
            goal=self._drawn(goal_key),
            last_action=zero,
            last_reward=jnp.zeros((), jnp.float32),
            elapsed=zero,
            key=key,
        )
        return state, restart(self.observe(state))

    def step(self, state: MetaMazeState, action: Array) -> tuple[MetaMazeState, TimeStep[Array]]:
        """Moves the agent, and from the goal to a random cell."""
        key, place_key = jax.random.split(state.key)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), self._drawn(place_key))

    def step_with(self, state: MetaMazeState, action: Array, fresh: Array) -> tuple[MetaMazeState, TimeStep[Array]]:
        """A step with given randomness: `fresh`, () int32, the cell the agent is moved to if it reaches the goal."""
        landed = _maze.moved(self.maze, state.cell, action)
        is_there, is_stopped = landed == state.goal, landed == state.cell
        prize, punishment = (jnp.asarray(value, jnp.float32) for value in (self.reward, self.punishment))
        reward = jnp.where(is_there, prize, 0.0) + jnp.where(is_stopped, punishment, 0.0)
        cell = jnp.where(is_there, fresh, landed)
        state = state.replace(cell=cell, last_action=action, last_reward=reward, elapsed=state.elapsed + 1)
        return state, transition(self.observe(state), reward, cell == state.goal)

    def observe(self, state: MetaMazeState) -> Array:
        maze = _maze.walls(self.maze)
        row, column = _maze.place(self.maze, state.cell)
        reach = self.rf_size // 2
        start = jnp.maximum(row - reach, 0), jnp.maximum(column - reach, 0)
        seen = jax.lax.dynamic_slice(jnp.asarray(maze), start, (self.rf_size, self.rf_size))
        late = time_feature(state.elapsed, self.normalize_time)
        past = [one_hot(state.last_action, 4), state.last_reward[None], late[None]]
        return jnp.concatenate([seen.reshape(-1).astype(jnp.float32), *past])

    def render(self, state: MetaMazeState) -> Array:
        """(352, 352, 3) uint8, by default: the maze from above, and a frame around the visible cells."""
        size = _maze.tile_size(self.maze)
        row, column = _maze.place(self.maze, state.cell)
        middle = (column.astype(jnp.float32) + 0.5) * size, (row.astype(jnp.float32) + 0.5) * size
        edge = self.rf_size * size - 4
        gold, blue = (jnp.asarray(color, jnp.int32) for color in (palette.YELLOW, palette.BLUE))
        color = jnp.where(state.last_reward > 0, gold, blue)
        canvas = _maze.picture(self.maze, state.cell, state.goal)
        return canvas.rectangle(middle, (edge, edge), color, corner_radius=6.0, stroke=4.0, opacity=0.8).to_rgb()

    def _drawn(self, key: Key) -> Array:
        """() int32: a free cell, drawn uniformly."""
        free = _maze.free_cells(self.maze)
        return jnp.asarray(free)[draw_below(key, len(free))]
