"""CliffWalking of rlenvs: walk along a cliff to the goal; a fall ends the episode."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.envs._cliff_picture import draw_cliff
from jaxenvs.envs.rlenvs._grid import GridState, cells, neighbour, state_at
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete, MultiDiscrete

_COLUMNS, _ROWS = 12, 4
_START = (1, 1)
_STEP_REWARD, _FALL_REWARD = -1.0, -100.0


class CliffWalking(Env[GridState, Array]):
    """Walk along a cliff from the lower left to the lower right of a grid of 12 columns and 4 rows.

    The cliff is the cells (2, 1) to (11, 1). In the book and in `CliffWalking-v1`, a fall leads back to the start and
    the episode goes on; here it ends the episode. The best path is the same, with 13 steps and a return of -13, but an
    agent falls at most once per episode, so returns during learning do not compare.

    Observation: (2,) int32.

        | index | meaning                      | min | max | unit |
        |-------|------------------------------|-----|-----|------|
        | 0     | x, the column, from the left | 1   | 12  |      |
        | 1     | y, the row, from the bottom  | 1   | 4   |      |

    Action: () int32. 0 up, 1 right, 2 down, 3 left. The edge of the grid stops the agent.

    Reward: -1 per step; -100 for the step off the cliff.

    Start: (1, 1).

    Episode end:
        Termination: the agent reaches the goal, (12, 1), or falls.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Source: R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction", 1998, example 6.6; Kaixhin/rlenvs,
        `CliffWalking.lua` of commit 2afdffe.

    Version history:
        v0: same behaviour as in rlenvs.
    """

    frames_per_second: ClassVar[int] = 4

    @property
    def observation_space(self) -> MultiDiscrete:
        return cells(_COLUMNS, _ROWS)

    @property
    def action_space(self) -> Discrete:
        return Discrete(4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -100.0, -1.0

    def reset(self, key: Key) -> tuple[GridState, TimeStep[Array]]:
        """Puts the agent on (1, 1)."""
        check_key(key)
        state = state_at(_START)
        return state, restart(self.observe(state))

    def step(self, state: GridState, action: Array) -> tuple[GridState, TimeStep[Array]]:
        """Takes a step along the cliff, or off it."""
        x, y = neighbour(state.x, state.y, self.action_space.validate(action), _COLUMNS, _ROWS)
        terminated = (y == 1) & (x > 1)
        reward = jnp.where(terminated & (x < _COLUMNS), _FALL_REWARD, _STEP_REWARD)
        state = GridState(x=x, y=y)
        return state, transition(self.observe(state), reward, terminated)

    def observe(self, state: GridState) -> Array:
        return jnp.stack([state.x, state.y])

    def render(self, state: GridState) -> Array:
        """(256, 768, 3) uint8: a meadow, the sea below its edge, and the agent, a hiker."""
        return draw_cliff((_ROWS - state.y) * _COLUMNS + state.x - 1)
