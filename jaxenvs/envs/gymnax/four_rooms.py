"""FourRooms: through narrow doors to a goal, with moves that may fail."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

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
        cell: () int32, where the agent is: 13 times its row, plus its column.
        goal: () int32, likewise.
        key: () key that failing moves are drawn from.
    """

    cell: Array
    goal: Array
    key: Key


class FourRooms(Env[FourRoomsState, Array]):
    """Four rooms with a door between neighbours; reach the goal.

    Observation: (4,) float32: row and column of the agent, row and column of the goal, each from 1 to 11.
        With `use_visual_obs`: (13, 13, 2) float32. Channel 0 is 1 where there is a wall, at its row and column.
        Channel 1 is 1 for the agent, but at its *column and row*: as if mirrored, and at times in a wall. The goal is
        not shown.

    Action: 0 up, 1 right, 2 down, 3 left. With probability `fail_prob` the agent goes in one of the other directions,
        each as likely. Above 3/4 all four are equally likely. A wall stops it.

    Reward: 1 for a step that ends at the goal, else 0.

    Start: the agent at `pos_fixed`, the goal at `goal_fixed`. With `resample_goal_pos` the goal is any free cell, which
        may be the one that the agent starts in, unless `resample_init_pos` puts that on any cell but the goal.

    Episode end:
        Termination: the agent is at the goal. Steps after that go on as before.
        Truncation: none here; 500 steps in the registered id.

    Attributes:
        fail_prob: probability of a direction other than the one chosen.
        resample_init_pos: whether the agent starts anywhere.
        resample_goal_pos: whether the goal is anywhere.
        use_visual_obs: see Observation.
        goal_fixed: row and column of the goal.
        pos_fixed: row and column of the start.

    Differences from the reference: the numbers are gymnax's, the mirrored mark included. Observations are float32, as
        its space says, where it returns integers.

    Source: R. S. Sutton, D. Precup and S. Singh, "Between MDPs and semi-MDPs", 1999; gymnax 1.0.1, `FourRooms-misc`.

    Version history: v0, as in gymnax.
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
        if isinstance(self.fail_prob, int | float) and not 0 <= self.fail_prob <= 1:
            raise InvalidField(f"FourRooms: `fail_prob` must be a probability, from 0 to 1, got {self.fail_prob!r}.")
        free = {divmod(int(cell), _SIZE) for cell in _maze.free_cells(ROOMS)}
        for name in ("goal_fixed", "pos_fixed"):
            if isinstance(getattr(self, name), list):
                # A list is how one may write a place; a static field must be hashable.
                object.__setattr__(self, name, tuple(getattr(self, name)))
            if getattr(self, name) not in free:
                raise InvalidField(
                    f"FourRooms: `{name}` must be (row, column) of a cell without a wall, each from 1 to 11,"
                    f" got {getattr(self, name)!r}."
                )

    @property
    def observation_space(self) -> Box:
        """Two places, or a picture of two channels."""
        return Box(0, 1, (_SIZE, _SIZE, 2)) if self.use_visual_obs else Box(1, _SIZE - 2, (4,))

    @property
    def action_space(self) -> Discrete:
        """Up, right, down, left."""
        return Discrete(len(_maze.MOVES))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 or 1."""
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[FourRoomsState, TimeStep[Array]]:
        """Puts agent and goal where they belong, or anywhere."""
        key, goal_key, start_key = jax.random.split(check_key(key), 3)
        free = _maze.free_cells(ROOMS)
        cells = jnp.asarray(free)
        goal, start = (jnp.asarray(np.int32(row * _SIZE + column)) for row, column in (self.goal_fixed, self.pos_fixed))
        if self.resample_goal_pos:
            goal = cells[draw_below(goal_key, len(free))]
        if self.resample_init_pos:
            # Any but the last; where that is the goal, the last: so each cell but the goal is as likely.
            start = cells[draw_below(start_key, len(free) - 1)]
            start = jnp.where(start == goal, cells[-1], start)
        state = FourRoomsState(cell=start, goal=goal, key=key)
        return state, restart(self.observe(state))

    def step(self, state: FourRoomsState, action: Array) -> tuple[FourRoomsState, TimeStep[Array]]:
        """Moves, or fails to."""
        key, draw_key = jax.random.split(state.key)
        draw = jax.random.uniform(draw_key, (), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), draw)

    def step_with(self, state: FourRoomsState, action: Array, draw: Array) -> tuple[FourRoomsState, TimeStep[Array]]:
        """A step whose chance is given: `draw`, () float32 in [0, 1).

        Of the four directions each takes a share of `fail_prob / 3` of the interval; beyond them the action counts.
        """
        share = jnp.minimum(jnp.asarray(self.fail_prob, jnp.float32) / 3.0, 0.25)
        direction = jnp.clip(draw / jnp.maximum(share, 1e-9), 0.0, 3.0).astype(jnp.int32)
        action = jnp.where(draw < 4.0 * share, direction, action)
        state = state.replace(cell=_maze.moved(ROOMS, state.cell, action))
        is_there = state.cell == state.goal
        return state, transition(self.observe(state), is_there, is_there)

    def observe(self, state: FourRoomsState) -> Array:
        """Places or planes, see the class."""
        row, column = _maze.place(ROOMS, state.cell)
        if not self.use_visual_obs:
            return jnp.stack([row, column, *_maze.place(ROOMS, state.goal)]).astype(jnp.float32)
        index = np.arange(_SIZE, dtype=np.int32)
        mirrored = (column == index[:, None]) & (row == index[None, :])
        return jnp.stack([jnp.asarray(_maze.walls(ROOMS)), mirrored], axis=-1).astype(jnp.float32)

    def render(self, state: FourRoomsState) -> Array:
        """(416, 416, 3) uint8: the rooms from above."""
        return _maze.picture(ROOMS, state.cell, state.goal).to_rgb()
