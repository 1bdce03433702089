"""CliffWalking of rlenvs: walk along a cliff to the goal; a fall is the end."""

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
    """Walk from the lower left to the lower right of a grid of 12 columns and 4 rows, along a cliff.

    Observation: (2,) int32, the cell (x, y), from (1, 1) at the lower left to (12, 4). The cliff is (2, 1) to (11, 1).

    Action: 0 up, 1 right, 2 down, 3 left. The edge of the grid stops it.

    Reward: -1 a step; -100 for the step off the cliff.

    Start: (1, 1).

    Episode end:
        Termination: the agent arrives at the goal, (12, 1), or falls.
        Truncation: none here; 1,000 steps in the registered id.

    Differences from the reference: none. From the book and from Gymnasium's `CliffWalking-v1`, where a fall leads back
    to the start and the episode goes on: here it is over. The best path is the same, 13 steps and a return of -13, but
    an agent falls once an episode at most, so that returns while learning do not compare.

    Source: Sutton and Barto, Reinforcement Learning: An Introduction, 1998, example 6.6;
    Kaixhin/rlenvs, `CliffWalking.lua` of commit 2afdffe.

    Version history: v0, as in rlenvs.
    """

    frames_per_second: ClassVar[int] = 4

    @property
    def observation_space(self) -> MultiDiscrete:
        """The cells (x, y)."""
        return cells(_COLUMNS, _ROWS)

    @property
    def action_space(self) -> Discrete:
        """Up, right, down, left."""
        return Discrete(4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """-100 or -1."""
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
        """(2,) int32: the cell."""
        return jnp.stack([state.x, state.y])

    def render(self, state: GridState) -> Array:
        """(256, 768, 3) uint8: a meadow, the sea below its edge, and the agent, a hiker."""
        return draw_cliff((_ROWS - state.y) * _COLUMNS + state.x - 1)
