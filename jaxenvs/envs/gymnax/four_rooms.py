"""FourRooms: go through narrow doors to a goal, with moves that may fail."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_probability
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.gymnax import _maze
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.spaces import Box, Discrete

ROOMS = (
    "xxxxxxxxxxxxx",
    "x     x     x",
    "x     x     x",
    "x           x",
    "x     x     x",
    "x     x     x",
    "xx xxxx     x",
    "x     xxx xxx",
    "x     x     x",
    "x     x     x",
    "x           x",
    "x     x     x",
    "xxxxxxxxxxxxx",
)
"""The map of Sutton, Precup and Singh."""

_SIZE = len(ROOMS)


class FourRoomsState(PyTreeNode):
    """State of `FourRooms`.

    Attributes:
        cell: () int32, the cell of the agent: 13 times its row, plus its column.
        goal: () int32, the cell of the goal.
        key: () key that failing moves are drawn from.
    """

    cell: Array
    goal: Array
    key: Key


class FourRooms(Env[FourRoomsState, Array]):
    """Reach the goal in a building of four rooms, with a door between neighbouring rooms.

    Observation: (4,) float32.

        | index | meaning             | min | max | unit |
        |-------|---------------------|-----|-----|------|
        | 0     | row of the agent    | 1   | 11  |      |
        | 1     | column of the agent | 1   | 11  |      |
        | 2     | row of the goal     | 1   | 11  |      |
        | 3     | column of the goal  | 1   | 11  |      |

    With `use_visual_obs`, the observation is instead (13, 13, 2) float32, with values 0 and 1. The goal is not shown.

        | channel | meaning                                                                                        |
        |---------|------------------------------------------------------------------------------------------------|
        | 0       | 1 where there is a wall, at its row and column                                                 |
        | 1       | 1 for the agent, but at its *column and row*: it appears mirrored, and sometimes inside a wall |

    Action: () int32. 0 up, 1 right, 2 down, 3 left. With probability `fail_prob` the agent moves in one of the other
        directions, drawn uniformly. Above 3/4, all four directions are equally likely. A wall stops the agent.

    Reward: 1 for a step that ends at the goal, else 0.

    Start: the agent at `pos_fixed`, the goal at `goal_fixed`. With `resample_goal_pos` the goal is any free cell. It
        may be the cell where the agent starts, unless `resample_init_pos` places the agent on any other cell.

    Episode end:
        Termination: the agent is at the goal. Later steps move it as usual.
        Truncation: none here; `make` adds a time limit of 500 steps.

    Parameters:
        fail_prob: probability of moving in a direction other than the chosen one.
        resample_init_pos: whether the agent starts in a random cell.
        resample_goal_pos: whether the goal is a random cell.
        use_visual_obs: whether the observation is a picture.
        goal_fixed: row and column of the goal.
        pos_fixed: row and column of the start.

    Differences from the reference: the values are those of gymnax, including the mirrored agent. Observations are
        float32, as the space of gymnax declares; gymnax itself returns integers.

    Source: R. S. Sutton, D. Precup and S. Singh, "Between MDPs and semi-MDPs", 1999; gymnax 1.0.1, `FourRooms-misc`.

    Version history:
        v0: same behaviour as in gymnax.
    """

    frames_per_second: ClassVar[int] = 8

    fail_prob: ArrayLike = 1.0 / 3.0
    resample_init_pos: bool = static(default=False)
    resample_goal_pos: bool = static(default=False)
    use_visual_obs: bool = static(default=False)
    goal_fixed: tuple[int, int] = static(default=(8, 9))
    pos_fixed: tuple[int, int] = static(default=(4, 1))

    def check_fields(self) -> None:
        """Checks the probability, and that start and goal are free cells."""
        check_probability(self, "fail_prob", self.fail_prob)
        free = {divmod(int(cell), _SIZE) for cell in _maze.free_cells(ROOMS)}
        for name in ("goal_fixed", "pos_fixed"):
            place = getattr(self, name)
            if isinstance(place, list | np.ndarray) and np.ndim(place) == 1:
                # A place may be given as a list or an array; a static field must be hashable.
                place = tuple(np.asarray(place).tolist())
                object.__setattr__(self, name, place)
            if not isinstance(place, tuple) or place not in free:
                raise InvalidField(
                    f"FourRooms: `{name}` must be the (row, column) of a cell without a wall, each from 1 to 11,"
                    f" got {getattr(self, name)!r}."
                )

    @property
    def observation_space(self) -> Box:
        """The cells of agent and goal, or a picture of two channels."""
        return Box(0, 1, (_SIZE, _SIZE, 2)) if self.use_visual_obs else Box(1, _SIZE - 2, (4,))

    @property
    def action_space(self) -> Discrete:
        return Discrete(len(_maze.MOVES))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[FourRoomsState, TimeStep[Array]]:
        """Puts agent and goal at their fixed cells, or at random ones."""
        key, goal_key, start_key = jax.random.split(check_key(key), 3)
        free = _maze.free_cells(ROOMS)
        cells = jnp.asarray(free)
        goal, start = (jnp.asarray(np.int32(row * _SIZE + column)) for row, column in (self.goal_fixed, self.pos_fixed))
        if self.resample_goal_pos:
            goal = cells[draw_below(goal_key, len(free))]
        if self.resample_init_pos:
            # Draws any cell but the last, and takes the last if that is the goal. So all cells but the goal are
            # equally likely.
            start = cells[draw_below(start_key, len(free) - 1)]
            start = jnp.where(start == goal, cells[-1], start)
        state = FourRoomsState(cell=start, goal=goal, key=key)
        return state, restart(self.observe(state))

    def step(self, state: FourRoomsState, action: Array) -> tuple[FourRoomsState, TimeStep[Array]]:
        key, draw_key = jax.random.split(state.key)
        draw = jax.random.uniform(draw_key, (), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), draw)

    def step_with(self, state: FourRoomsState, action: Array, draw: Array) -> tuple[FourRoomsState, TimeStep[Array]]:
        """A step with given randomness: `draw`, () float32 in [0, 1).

        Each of the four directions takes a share of `fail_prob / 3` of the interval; in the rest, the action counts.
        """
        share = jnp.minimum(jnp.asarray(self.fail_prob, jnp.float32) / 3.0, 0.25)
        direction = jnp.clip(draw / jnp.maximum(share, 1e-9), 0.0, 3.0).astype(jnp.int32)
        action = jnp.where(draw < 4.0 * share, direction, action)
        state = state.replace(cell=_maze.moved(ROOMS, state.cell, action))
        is_there = state.cell == state.goal
        return state, transition(self.observe(state), is_there, is_there)

    def observe(self, state: FourRoomsState) -> Array:
        row, column = _maze.place(ROOMS, state.cell)
        if not self.use_visual_obs:
            return jnp.stack([row, column, *_maze.place(ROOMS, state.goal)]).astype(jnp.float32)
        index = np.arange(_SIZE, dtype=np.int32)
        mirrored = (column == index[:, None]) & (row == index[None, :])
        return jnp.stack([jnp.asarray(_maze.walls(ROOMS)), mirrored], axis=-1).astype(jnp.float32)

    def render(self, state: FourRoomsState) -> Array:
        """(416, 416, 3) uint8: the rooms from above."""
        return _maze.picture(ROOMS, state.cell, state.goal).to_rgb()
