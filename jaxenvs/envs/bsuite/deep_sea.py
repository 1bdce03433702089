"""DeepSea: a treasure that only one sequence of actions of many reaches, each step of which costs a little."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.bsuite._fields import check_integer, check_mapping_seed, check_shape
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_SIDE = 400  # pixels
_MOST_CELLS = 200


class DeepSeaState(PyTreeNode):
    """State of `DeepSea`.

    Attributes:
        row: () int32, how deep; `size` at the end.
        column: () int32.
        key: () key that chance is drawn from; None where `deterministic`.
    """

    row: Array
    column: Array
    key: Key | None


class DeepSea(Env[DeepSeaState, Array]):
    """A diver sinks a row a step, one column to the left or to the right; the treasure lies in the last cell.

    Which of the two actions leads to the right is another matter in each cell, so nothing can be learnt from one cell
    for the next, and an agent that does not explore on purpose takes some 2^size episodes to find the treasure.

    Observation: (size, size) float32: 1 in the diver's cell, else 0; all 0 at the end.

    Action: 0 or 1. One leads to the right, the other to the left, see `action_mapping`; both stop at the sides. Without
        `deterministic`, a move to the right fails with probability 1 / size, and the diver sinks straight.

    Reward: -`unscaled_move_cost` / size for an attempt to go right, and 1 for one in the last column, whether or not it
        fails. The best return is 1 - `unscaled_move_cost`, thus 0.99. Without `deterministic`, N(0, 1) more for the
        step from the first or the last cell of the last row.

    Start: row 0, column 0.

    Episode end:
        Termination: after `size` steps.
        Truncation: none.

    Attributes:
        size: rows and columns.
        deterministic: see above.
        unscaled_move_cost: what `size` moves to the right cost.
        randomize_actions: whether the meaning of the actions differs from cell to cell; else 1 leads to the right.
        mapping_seed: says how, as in bsuite: `numpy.random.RandomState(mapping_seed).binomial(1, 0.5, [size, size])`.
        action_mapping: (size, size) integers, the action that leads to the right in each cell, instead of the above; a
            leaf, so a batch of seas can differ in it.

    Differences from the reference: bsuite draws a mapping where there is no `mapping_seed`; here it is 42 by default,
        as in bsuite's experiments.

    Source: I. Osband et al., "Deep Exploration via Randomized Value Functions", 2019; bsuite 0.3.6, `DeepSea`.

    Version history: v0, as bsuite's.
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
        check_integer("DeepSea", "size", self.size, 2, _MOST_CELLS)
        check_mapping_seed("DeepSea", self.mapping_seed)
        check_shape("DeepSea", "action_mapping", self.action_mapping, (self.size, self.size))

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
        """From an attempt to go right to the treasure; any number where there is noise."""
        cost = jnp.asarray(self.unscaled_move_cost) / self.size
        return (jnp.minimum(0.0, -cost), 1.0 - jnp.minimum(0.0, cost)) if self.deterministic else (-math.inf, math.inf)

    def reset(self, key: Key) -> tuple[DeepSeaState, TimeStep[Array]]:
        """Dives in at the left."""
        key, zero = check_key(key), jnp.zeros((), jnp.int32)
        state = DeepSeaState(row=zero, column=zero, key=None if self.deterministic else key)
        return state, restart(self.observe(state))

    def step(self, state: DeepSeaState, action: Array) -> tuple[DeepSeaState, TimeStep[Array]]:
        """Sinks, to the left or to the right."""
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
        """A step whose chance is given.

        Args:
            state: as for `step`.
            action: as for `step`.
            wind: () float32 in [0, 1); a move to the right fails up to 1 / size. 1 for none.
            noise: () float32, what the step from the first or last cell of the last row pays beside. 0 for none.
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
        """(size, size) float32."""
        place = np.arange(self.size, dtype=np.int32)
        return ((place[:, None] == state.row) & (place[None] == state.column)).astype(jnp.float32)

    def render(self, state: DeepSeaState) -> Array:
        """(400, 400, 3) uint8: the diver in the sea, and the treasure beneath the last cell."""
        cell = _SIDE / (self.size + 1)  # half a column at either side, and a row of sand beneath the last
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
    """(400, 400, 3) uint8: the sea, darker with depth, and the sand beneath."""
    depth = np.arange(_SIDE) * (size + 1) // _SIDE
    light, dark = (np.array(color, np.float32) for color in (palette.BLUE_LIGHT, palette.BLUE_DARK))
    rows = light + (depth[:, None] / size) * (dark - light)
    rows = np.where(depth[:, None] == size, np.array(palette.SAND, np.float32), rows)
    return np.broadcast_to(np.round(rows)[:, None], (_SIDE, _SIDE, 3)).astype(np.uint8)
