"""What the games of MinAtar share: six actions, sticky ones, bool channels on a grid of 10 by 10, a picture."""

import abc
import math
from typing import ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.minatar._picture import Tile, picture
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

SIZE = 10
NOTHING, LEFT, UP, RIGHT, DOWN, FIRE = range(6)

ROWS = np.arange(SIZE, dtype=np.int32)[:, None]
COLUMNS = np.arange(SIZE, dtype=np.int32)[None, :]
LANES = np.arange(1, 9, dtype=np.int32)
"""(8,) the rows between the first and the last, in which things travel."""


class GameState(PyTreeNode, kw_only=True):
    """What the state of every game holds.

    Attributes:
        terminal: () bool, whether the episode is over; nothing moves then.
        last_action: () int32, the last action carried out, of the six; 0 at reset.
        key: () key that chance is drawn from.
    """

    terminal: Array
    last_action: Array
    key: Key


State = TypeVar("State", bound=GameState)


class Game(Env[State, Array]):
    """A game: its subclasses hold the rules, this class what surrounds them.

    Attributes:
        sticky_action_prob: probability that the last action is carried out in place of the chosen one.
        use_minimal_action_set: whether the actions are only those that matter in the game, rather than all six.
    """

    frames_per_second: ClassVar[int] = 15

    channels: ClassVar[tuple[str, ...]]
    """What each channel of the observation shows."""
    minimal_actions: ClassVar[tuple[int, ...]]
    """The actions, of the six, that matter."""
    tiles: ClassVar[tuple[Tile, ...]]
    """How each channel is painted; where several meet, the last of them is seen."""
    num_start_draws: ClassVar[int] = 0
    """How many uniform numbers a start takes."""
    num_draws: ClassVar[int] = 0
    """How many uniform numbers a step takes beside the first, which is for sticky actions."""

    sticky_action_prob: ArrayLike = 0.1
    use_minimal_action_set: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks the probability."""
        value = self.sticky_action_prob
        if isinstance(value, int | float) and not 0 <= value <= 1:
            name = type(self).__name__
            raise InvalidField(f"{name}: `sticky_action_prob` must be a probability, from 0 to 1, got {value!r}.")

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
        """At least 0."""
        return 0.0, math.inf

    def reset(self, key: Key) -> tuple[State, TimeStep[Array]]:
        """Begins a game."""
        key, start_key = jax.random.split(check_key(key))
        surroundings = GameState(terminal=jnp.zeros((), bool), last_action=jnp.zeros((), jnp.int32), key=key)
        state = self.start_with(surroundings, jax.random.uniform(start_key, (self.num_start_draws,), jnp.float32))
        return state, restart(self.observe(state))

    def step(self, state: State, action: Array) -> tuple[State, TimeStep[Array]]:
        """Plays a frame."""
        key, draw_key = jax.random.split(state.key)
        draws = jax.random.uniform(draw_key, (1 + self.num_draws,), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), draws)

    def step_with(self, state: State, action: Array, draws: Array) -> tuple[State, TimeStep[Array]]:
        """A step whose chance is given.

        Args:
            state: as for `step`.
            action: as for `step`.
            draws: (1 + num_draws,) float32 in [0, 1): the action sticks where the first is below
                `sticky_action_prob`; the others are the game's, see `play`.
        """
        if self.use_minimal_action_set:
            index = np.arange(len(self.minimal_actions), dtype=np.int32)
            action = jnp.sum(jnp.where(index == action, np.array(self.minimal_actions, np.int32), 0), dtype=jnp.int32)
        sticks = draws[0] < jnp.asarray(self.sticky_action_prob, draws.dtype)
        action = jnp.where(sticks, state.last_action, action)
        played, reward = self.play(state, action, draws[1:])
        # A game that is over stays as it is.
        held = jax.tree.map(lambda new, old: jnp.where(state.terminal, old, new), played, state)
        reward = jnp.where(state.terminal, 0, reward)
        state = held.replace(last_action=action)
        return state, transition(self.observe(state), reward, state.terminal)

    def observe(self, state: State) -> Array:
        """(10, 10, channels) bool."""
        return jnp.stack(self.planes(state), axis=-1)

    def render(self, state: State) -> Array:
        """(320, 320, 3) uint8: the grid, with a tile where a channel is set."""
        return picture(self.planes(state), self.tiles)

    @abc.abstractmethod
    def start_with(self, surroundings: GameState, draws: Array) -> State:
        """The state that a game begins in.

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
            The next state, its key and last action as they were, and the reward, () int32.
        """

    @abc.abstractmethod
    def planes(self, state: State) -> tuple[Array, ...]:
        """The channels, each (10, 10) bool."""


def cell(row: ArrayLike, column: ArrayLike) -> Array:
    """(10, 10) bool: true at one cell, or nowhere if that lies outside."""
    return jnp.asarray((row == ROWS) & (column == COLUMNS))


def in_lanes(plane: Array) -> Array:
    """(10, 10) bool of what lies in the lanes, (8, 10)."""
    return jnp.pad(plane, ((1, 1), (0, 0)))


def below(draw: Array, count: ArrayLike) -> Array:
    """An integer from 0 to `count` - 1 out of a uniform number in [0, 1), as int32."""
    return (draw * jnp.asarray(count, draw.dtype)).astype(jnp.int32)


def stepped(position: Array, forwards: Array, backwards: Array, low: int = 0, high: int = SIZE - 1) -> Array:
    """A coordinate after a move of one cell, or none, that ends at the border."""
    return jnp.clip(position + forwards.astype(jnp.int32) - backwards.astype(jnp.int32), low, high)
