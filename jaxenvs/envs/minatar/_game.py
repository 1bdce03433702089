"""The base class of the games of MinAtar: six actions, sticky actions, bool channels on a 10 by 10 grid, a picture."""

import abc
import math
from typing import ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_probability
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trees import tree_where
from jaxenvs.envs.minatar._picture import Tile, picture
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

SIZE = 10
NOTHING, LEFT, UP, RIGHT, DOWN, FIRE = range(6)

ROWS = np.arange(SIZE, dtype=np.int32)[:, None]
COLUMNS = np.arange(SIZE, dtype=np.int32)[None, :]
LANES = np.arange(1, 9, dtype=np.int32)
"""(8,) the rows between the first and the last, in which objects move."""


class GameState(PyTreeNode, kw_only=True):
    """The part of the state that all games share.

    Attributes:
        is_over: () bool, whether the episode is over; then nothing moves.
        last_action: () int32, the last action taken, one of the six; 0 at reset.
        key: () key that chance is drawn from.
    """

    is_over: Array
    last_action: Array
    key: Key


State = TypeVar("State", bound=GameState)


class Game(Env[State, Array]):
    """A game: its subclasses define the rules, and this class everything around them.

    Attributes:
        sticky_action_prob: probability that the last action is repeated in place of the chosen one.
        use_minimal_action_set: whether the actions are only those that matter in the game rather than all six.
    """

    frames_per_second: ClassVar[int] = 15

    channels: ClassVar[tuple[str, ...]]
    """What each channel of the observation shows."""
    minimal_actions: ClassVar[tuple[int, ...]]
    """Those of the six actions that matter."""
    tiles: ClassVar[tuple[Tile, ...]]
    """How each channel is painted; where several overlap, the last of them is visible."""
    num_start_draws: ClassVar[int] = 0
    """How many uniform numbers a start needs."""
    num_draws: ClassVar[int] = 0
    """How many uniform numbers a step needs besides the first, which is for sticky actions."""

    sticky_action_prob: ArrayLike = 0.1
    use_minimal_action_set: bool = static(default=False)

    def check_fields(self) -> None:
        check_probability(self, "sticky_action_prob", self.sticky_action_prob)

    @property
    def observation_space(self) -> Box:
        """A bool for each row, column and channel."""
        return Box(False, True, (SIZE, SIZE, len(self.channels)), bool)

    @property
    def action_space(self) -> Discrete:
        """All six actions, or those that matter."""
        return Discrete(len(self.minimal_actions) if self.use_minimal_action_set else FIRE + 1)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, math.inf

    def reset(self, key: Key) -> tuple[State, TimeStep[Array]]:
        key, start_key = jax.random.split(check_key(key))
        surroundings = GameState(is_over=jnp.zeros((), bool), last_action=jnp.zeros((), jnp.int32), key=key)
        state = self.start_with(surroundings, jax.random.uniform(start_key, (self.num_start_draws,), jnp.float32))
        return state, restart(self.observe(state))

    def step(self, state: State, action: Array) -> tuple[State, TimeStep[Array]]:
        key, draw_key = jax.random.split(state.key)
        draws = jax.random.uniform(draw_key, (1 + self.num_draws,), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), draws)

    def step_with(self, state: State, action: Array, draws: Array) -> tuple[State, TimeStep[Array]]:
        """A step with given randomness.

        Args:
            state: as for `step`.
            action: as for `step`.
            draws: (1 + num_draws,) float32 in [0, 1). The action sticks if the first is below `sticky_action_prob`;
                the others are those of `play`.
        """
        if self.use_minimal_action_set:
            index = np.arange(len(self.minimal_actions), dtype=np.int32)
            action = jnp.sum(jnp.where(index == action, np.array(self.minimal_actions, np.int32), 0), dtype=jnp.int32)
        sticks = draws[0] < jnp.asarray(self.sticky_action_prob, draws.dtype)
        action = jnp.where(sticks, state.last_action, action)
        played, reward = self.play(state, action, draws[1:])
        # A game that is over does not change.
        held = tree_where(state.is_over, state, played)
        reward = jnp.where(state.is_over, 0, reward)
        state = held.replace(last_action=action)
        return state, transition(self.observe(state), reward, state.is_over)

    def observe(self, state: State) -> Array:
        return jnp.stack(self.planes(state), axis=-1)

    def render(self, state: State) -> Array:
        """(320, 320, 3) uint8: the grid, with a tile where a channel is set."""
        return picture(self.planes(state), self.tiles)

    @abc.abstractmethod
    def start_with(self, surroundings: GameState, draws: Array) -> State:
        """The state in which a game begins.

        Args:
            surroundings: the fields that all games share.
            draws: (num_start_draws,) float32 in [0, 1).
        """

    @abc.abstractmethod
    def play(self, state: State, action: Array, draws: Array) -> tuple[State, Array]:
        """One frame of a game that is not over.

        Args:
            state: before the frame.
            action: () int32, one of the six.
            draws: (num_draws,) float32 in [0, 1).

        Returns:
            The next state, with unchanged key and last action, and the reward, () int32.
        """

    @abc.abstractmethod
    def planes(self, state: State) -> tuple[Array, ...]:
        """The channels, each (10, 10) bool."""


def cell(row: ArrayLike, column: ArrayLike) -> Array:
    """(10, 10) bool: True at one cell, or nowhere if that lies outside."""
    return jnp.asarray((row == ROWS) & (column == COLUMNS))


def in_lanes(plane: Array) -> Array:
    """(10, 10) bool from the content of the lanes, (8, 10)."""
    return jnp.pad(plane, ((1, 1), (0, 0)))


def below(draw: Array, count: ArrayLike) -> Array:
    """An int32 from 0 to `count` - 1 from a uniform number in [0, 1)."""
    return (draw * jnp.asarray(count, draw.dtype)).astype(jnp.int32)


def stepped(position: Array, forwards: Array, backwards: Array, low: int = 0, high: int = SIZE - 1) -> Array:
    """A coordinate after a move of one cell, or no move, which the border stops."""
    return jnp.clip(position + forwards.astype(jnp.int32) - backwards.astype(jnp.int32), low, high)
