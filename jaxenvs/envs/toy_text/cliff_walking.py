"""CliffWalking: walk along a cliff to the goal without falling off."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.envs._cliff_picture import draw_cliff
from jaxenvs.envs.toy_text._chance import draw_side
from jaxenvs.envs.toy_text._tabular import HasTransitionTable, TabularState, TransitionTable
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete

_ROWS, _COLUMNS = 4, 12
_START, _GOAL = 36, 47  # the lower corners; between them lies the cliff
_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # (rows, columns) of up, right, down, left
_STEP_REWARD, _FALL_REWARD = -1.0, -100.0


class CliffWalking(Env[TabularState, Array], RendersText, HasTransitionTable):
    """Walk along a cliff from the lower left to the lower right of a grid of 4 rows and 12 columns.

    Observation: () int32, from 0 to 47: the cell, `row * 12 + column`. The start is 36 and the goal 47.

    Action: () int32. 0 up, 1 right, 2 down, 3 left. On slippery ground, a step goes in the chosen direction or to
        either side of it, with probability 1/3 each. A step off the grid leaves the agent where it is.

    Reward: -1 per step; -100 for stepping off the cliff (cells 37 to 46), which returns the agent to the start without
        ending the episode.

    Start: cell 36.

    Episode end:
        Termination: the agent reaches the goal.
        Truncation: none here; `make` adds no time limit.

    Info: `prob`, () float32: the probability of the direction that the step took, even if another direction leads to
        the same cell; 1 at reset.

    Parameters:
        is_slippery: whether the ground is slippery. If not, the state has no key.

    Differences from the reference: none. As there, the goal is not absorbing: a step taken from it after the end moves
        the agent.

    Source: R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction", 2nd edition, 2018, example 6.6;
        Gymnasium 1.4.0, `CliffWalking-v1` and `CliffWalkingSlippery-v1`.

    Version history:
        v1: same behaviour as Gymnasium's v1, which added slippery ground.
    """

    frames_per_second: ClassVar[int] = 4

    is_slippery: bool = static(default=False)

    @property
    def observation_space(self) -> Discrete:
        return Discrete(_ROWS * _COLUMNS)

    @property
    def action_space(self) -> Discrete:
        return Discrete(4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -100.0, -1.0

    def reset(self, key: Key) -> tuple[TabularState, TimeStep[Array]]:
        """Puts the agent on cell 36."""
        key = check_key(key)
        state = TabularState(index=jnp.full((), _START, jnp.int32), key=key if self.is_slippery else None)
        return state, restart(self.observe(state), {"prob": jnp.ones((), jnp.float32)})

    def step(self, state: TabularState, action: Array) -> tuple[TabularState, TimeStep[Array]]:
        """Takes a step along the cliff, or off it."""
        direction, key = self.action_space.validate(action), state.key
        probability = 1.0
        if key is not None:
            key, slip_key = jax.random.split(key)
            direction = direction + draw_side(slip_key, 1.0 / 3.0)
            probability = 1.0 / 3.0
        direction = direction & 3
        down = (direction == 2).astype(jnp.int32) - (direction == 0).astype(jnp.int32)
        right = (direction == 1).astype(jnp.int32) - (direction == 3).astype(jnp.int32)
        row = jnp.clip(state.index // _COLUMNS + down, 0, _ROWS - 1)
        column = jnp.clip(state.index % _COLUMNS + right, 0, _COLUMNS - 1)
        cell = row * _COLUMNS + column
        fell = (cell > _START) & (cell < _GOAL)
        index = jnp.where(fell, _START, cell)
        info = {"prob": jnp.full((), probability, jnp.float32)}
        state = TabularState(index=index, key=key)
        reward = jnp.where(fell, _FALL_REWARD, _STEP_REWARD)
        return state, transition(self.observe(state), reward, cell == _GOAL, info)

    def observe(self, state: TabularState) -> Array:
        return state.index

    def transition_table(self) -> TransitionTable:
        """The exact model; three branches if the ground is slippery, else one."""
        sides = np.array([-1, 0, 1]) if self.is_slippery else np.array([0])
        moves = np.array(_MOVES)[(np.arange(4)[:, None] + sides) % 4]
        row, column = np.divmod(np.arange(_ROWS * _COLUMNS), _COLUMNS)
        to_row = np.clip(row[:, None, None] + moves[..., 0], 0, _ROWS - 1)
        to_column = np.clip(column[:, None, None] + moves[..., 1], 0, _COLUMNS - 1)
        cell = to_row * _COLUMNS + to_column
        fell = (cell > _START) & (cell < _GOAL)
        start = np.zeros(_ROWS * _COLUMNS)
        start[_START] = 1.0
        return TransitionTable(
            probability=np.full(cell.shape, 1.0 / len(sides)),
            next_state=np.where(fell, _START, cell).astype(np.int32),
            reward=np.where(fell, _FALL_REWARD, _STEP_REWARD),
            terminated=cell == _GOAL,
            start=start,
        )

    def render_text(self, state: TabularState) -> str:
        """The grid: `x` the agent, `o` ground, `C` the cliff, `T` the goal."""
        cells = ["C" if _START < i < _GOAL else "T" if i == _GOAL else "o" for i in range(_ROWS * _COLUMNS)]
        cells[int(state.index)] = "x"
        rows = ["  ".join(cells[i : i + _COLUMNS]) for i in range(0, len(cells), _COLUMNS)]
        return "\n".join(rows) + "\n\n"

    def render(self, state: TabularState) -> Array:
        """(256, 768, 3) uint8: a meadow, the sea below its edge, and the agent, a hiker."""
        return draw_cliff(state.index)
