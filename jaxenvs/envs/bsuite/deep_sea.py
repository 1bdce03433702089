"""DeepSea: find a treasure that only one of many sequences of actions reaches, at a small cost per step."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.bsuite._fields import check_mapping_seed, check_shape
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_SIDE = 400  # pixels
_MOST_CELLS = 200


class DeepSeaState(PyTreeNode):
    """State of `DeepSea`.

    Attributes:
        row: () int32, row of the diver; `size` at the end.
        column: () int32, column of the diver.
        key: () key that randomness is drawn from; None if `deterministic`.
    """

    row: Array
    column: Array
    key: Key | None


class DeepSea(Env[DeepSeaState, Array]):
    """A diver sinks one row per step, and one column to the left or to the right; the treasure is in the last cell.

    Which action leads to the right differs from cell to cell, so nothing learned in one cell applies to the next. An
    agent without directed exploration takes about 2^size episodes to find the treasure.

    Observation: (size, size) float32: 1 in the diver's cell, else 0; all 0 at the end.

    Action: () int32, 0 or 1. One leads to the right and the other to the left; see `action_mapping`. Both stop at the
        sides. Without `deterministic`, a move to the right fails with probability 1 / size, and the diver sinks
        straight down.

    Reward: -`unscaled_move_cost` / size for an attempt to go right, plus 1 for an attempt in the last column, even if
        it fails. The best return is 1 - `unscaled_move_cost`, which is 0.99 by default. Without `deterministic`, plus
        N(0, 1) for the step from the first or the last cell of the last row.

    Start: row 0, column 0.

    Episode end:
        Termination: after `size` steps.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        size: number of rows and of columns.
        deterministic: whether moves always succeed and rewards have no noise.
        unscaled_move_cost: cost of `size` moves to the right.
        randomize_actions: whether the meaning of the actions differs from cell to cell. If not, 1 leads to the right.
        mapping_seed: seed of that difference. As in bsuite, the mapping is
            `numpy.random.RandomState(mapping_seed).binomial(1, 0.5, [size, size])`.
        action_mapping: (size, size) integers, the action that leads to the right in each cell, in place of
            `mapping_seed`. It is a leaf, so a batch of seas can have different mappings.

    Differences from the reference: without a `mapping_seed`, bsuite draws a mapping; here the seed is 42 by default, as
        in bsuite's experiments.

    Source: I. Osband et al., "Deep Exploration via Randomized Value Functions", 2019; bsuite 0.3.6, `DeepSea`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    frames_per_second: ClassVar[int] = 6

    size: int = static(default=10)
    deterministic: bool = static(default=True)
    unscaled_move_cost: ArrayLike = 0.01
    randomize_actions: bool = static(default=True)
    mapping_seed: int = static(default=42)
    action_mapping: ArrayLike | None = None

    def check_fields(self) -> None:
        """Checks the size, the seed, and the shape of the mapping."""
        check_integer(self, "size", self.size, 2, _MOST_CELLS)
        check_mapping_seed(self, self.mapping_seed)
        check_shape(self, "action_mapping", self.action_mapping, (self.size, self.size))

    @property
    def action_right(self) -> Array:
        """(size, size) int32: the action that leads to the right in each cell."""
        shape = self.size, self.size
        if self.action_mapping is not None:
            return jnp.asarray(self.action_mapping, jnp.int32)
        if not self.randomize_actions:
            return jnp.ones(shape, jnp.int32)
        return jnp.asarray(np.random.RandomState(self.mapping_seed).binomial(1, 0.5, shape), jnp.int32)

    @property
    def observation_space(self) -> Box:
        """(size, size) float32, 0 or 1."""
        return Box(0.0, 1.0, (self.size, self.size))

    @property
    def action_space(self) -> Discrete:
        """Two actions, whose meaning depends on the cell."""
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """From the cost of an attempt to go right to the treasure; unbounded with noise."""
        cost = jnp.asarray(self.unscaled_move_cost) / self.size
        return (jnp.minimum(0.0, -cost), 1.0 - jnp.minimum(0.0, cost)) if self.deterministic else (-math.inf, math.inf)

    def reset(self, key: Key) -> tuple[DeepSeaState, TimeStep[Array]]:
        key, zero = check_key(key), jnp.zeros((), jnp.int32)
        state = DeepSeaState(row=zero, column=zero, key=None if self.deterministic else key)
        return state, restart(self.observe(state))

    def step(self, state: DeepSeaState, action: Array) -> tuple[DeepSeaState, TimeStep[Array]]:
        """Lets the diver sink, to the left or to the right."""
        action = self.action_space.validate(action)
        if state.key is None:
            one = jnp.ones((), jnp.float32)
            return self.step_with(state, action, one, jnp.zeros_like(one))
        key, wind_key, noise_key = jax.random.split(state.key, 3)
        wind, noise = jax.random.uniform(wind_key, (), jnp.float32), jax.random.normal(noise_key, (), jnp.float32)
        return self.step_with(state.replace(key=key), action, wind, noise)

    def step_with(
        self, state: DeepSeaState, action: Array, wind: Array, noise: Array
    ) -> tuple[DeepSeaState, TimeStep[Array]]:
        """A step with given randomness.

        Args:
            state: as for `step`.
            action: as for `step`.
            wind: () float32 in [0, 1); a move to the right fails if it is at most 1 / size. 1 for no wind.
            noise: () float32, added to the reward of the step from the first or last cell of the last row. 0 for none.
        """
        last = self.size - 1
        goes_right = action == self.action_right[state.row, state.column]
        is_noisy = (state.row == last) & ((state.column == 0) | (state.column == last))
        cost = jnp.asarray(self.unscaled_move_cost, jnp.float32) / self.size
        reward = jnp.where(goes_right, jnp.where(state.column == last, 1.0, 0.0) - cost, 0.0)
        reward = reward + jnp.where(is_noisy, noise, 0.0)
        way = jnp.where(goes_right, (wind > 1 / self.size).astype(jnp.int32), -1)
        state = state.replace(
            row=jnp.minimum(state.row + 1, self.size),
            column=jnp.clip(state.column + way, 0, last),
        )
        return state, transition(self.observe(state), reward, state.row == self.size)

    def observe(self, state: DeepSeaState) -> Array:
        place = np.arange(self.size, dtype=np.int32)
        return ((place[:, None] == state.row) & (place[None] == state.column)).astype(jnp.float32)

    def render(self, state: DeepSeaState) -> Array:
        """(400, 400, 3) uint8: the diver in the sea, and the treasure below the last cell."""
        cell = _SIDE / (self.size + 1)  # half a column on either side, and a row of sand below the last
        large = max(cell, 16.0)
        canvas = Canvas.blank(_SIDE, _SIDE, palette.WATER).image(_water(self.size), (0, 0))
        chest = self.size * cell, _SIDE - 0.4 * large
        lid = chest[1] - 0.12 * large
        canvas = canvas.rectangle(chest, (1.1 * large, 0.7 * large), palette.WOOD_DARK, corner_radius=0.12 * large)
        canvas = canvas.line((chest[0] - 0.5 * large, lid), (chest[0] + 0.5 * large, lid), 0.14 * large, palette.YELLOW)
        x, y = (state.column.astype(jnp.float32) + 1.0) * cell, (state.row.astype(jnp.float32) + 0.5) * cell
        canvas = canvas.circle((x, y), 0.34 * large, palette.ORANGE)
        return canvas.circle((x + 0.1 * large, y - 0.06 * large), 0.15 * large, palette.PAPER).to_rgb()


def _water(size: int) -> np.ndarray:
    """(400, 400, 3) uint8: the sea, darker with depth, and the sand below."""
    depth = np.arange(_SIDE) * (size + 1) // _SIDE
    light, dark = (np.array(color, np.float32) for color in (palette.BLUE_LIGHT, palette.BLUE_DARK))
    rows = light + (depth[:, None] / size) * (dark - light)
    rows = np.where(depth[:, None] == size, np.array(palette.SAND, np.float32), rows)
    return np.broadcast_to(np.round(rows)[:, None], (_SIDE, _SIDE, 3)).astype(np.uint8)
