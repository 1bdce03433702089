"""What the algorithmic tasks share: tapes, heads, and tasks that grow with success."""

import abc
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.algorithmic import _tape_picture
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete, Tuple

MAX_LEVEL = 30
"""The level that tasks grow to."""

MAX_LENGTH = MAX_LEVEL + 2
"""The longest input: a level's are up to 2 longer than it says."""

_SPARE_STEPS = 4
_WRONG, _TOO_SLOW = -0.5, -1.0


class TapeState(PyTreeNode):
    """State of the algorithmic tasks.

    Attributes:
        symbols: (MAX_LENGTH, rows) int32, the input, a column of the grid after the other; blanks behind it.
        length: () int32, how many columns it has.
        target: (most,) int32, what is to be written; blanks behind it.
        target_length: () int32, how much that is.
        output: (most,) int32, what was written; blanks behind it.
        column: () int32, where the read head is; also outside the input.
        row: () int32, likewise.
        written: () int32, how many symbols were written.
        time: () int32, steps since the start.
        total: () float32, sum of the rewards since the start.
        level: () int32, the least length of inputs in this episode.
        streak: () int32, how many episodes of this level before it were good enough, one after the other.
    """

    symbols: Array
    length: Array
    target: Array
    target_length: Array
    output: Array
    column: Array
    row: Array
    written: Array
    time: Array
    total: Array
    level: Array
    streak: Array


class TapeTask(Env[TapeState, Array], RendersText):
    """Base of the algorithmic tasks; each says what an input is, and what is to be written.

    A class sets how many episodes in a row must come within `shortfall` of the best return for the level to rise.
    """

    outlives_episodes: ClassVar[bool] = True
    frames_per_second: ClassVar[int] = 4

    moves: ClassVar[int] = 2
    """How many ways the read head can go: left and right, in a grid also up and down."""
    uses_letters: ClassVar[bool] = True
    """Whether symbols are shown as letters rather than digits."""
    episodes_to_rise: ClassVar[int] = 10
    shortfall: ClassVar[float] = 1.0

    base: int = static(default=5)
    level: ArrayLike = 2
    streak: ArrayLike = 0

    def check_fields(self) -> None:
        """Checks the number of symbols, the level and the streak."""
        name = type(self).__name__
        if not isinstance(self.base, int) or isinstance(self.base, bool) or not 2 <= self.base <= 10:
            raise InvalidField(f"{name}: `base` must be an integer from 2 to 10, got {self.base!r}.")
        for field, low, high in (("level", 1, MAX_LEVEL), ("streak", 0, self.episodes_to_rise)):
            value = getattr(self, field)
            if isinstance(value, int | float) and not (isinstance(value, int) and low <= value <= high):
                raise InvalidField(f"{name}: `{field}` must be an integer from {low} to {high}, got {value!r}.")

    @abc.abstractmethod
    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        """The input of a size, () int32 from 1 to `MAX_LENGTH`: symbols as in `TapeState`, and the length."""

    @abc.abstractmethod
    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """What is to be written for an input: target and its length, as in `TapeState`."""

    def steps_for(self, length: Array, target_length: Array) -> Array:
        """() int32: in how many steps it must be written."""
        return length + target_length + _SPARE_STEPS

    @property
    def observation_space(self) -> Discrete:
        """The symbols, and one more for a blank."""
        return Discrete(self.base + 1)

    @property
    def action_space(self) -> Tuple:
        """Where the read head goes, whether to write, and what."""
        return Tuple((Discrete(self.moves), Discrete(2), Discrete(self.base)))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """-1 to 1."""
        return -1.0, 1.0

    def reset(self, key: Key) -> tuple[TapeState, TimeStep[Array]]:
        """Puts the read head at the beginning of a new input."""
        size_key, input_key = jax.random.split(check_key(key))
        level = jnp.asarray(self.level, jnp.int32)
        size = level + jax.random.randint(size_key, (), 0, 3, jnp.int32)
        symbols, length = self.draw_input(input_key, size)
        target, target_length = self.target_of(symbols, length)
        zero = jnp.zeros((), jnp.int32)
        state = TapeState(
            symbols=symbols,
            length=length,
            target=target,
            target_length=target_length,
            output=jnp.full_like(target, self.base),
            column=zero,
            row=zero,
            written=zero,
            time=zero,
            total=jnp.zeros((), jnp.float32),
            level=level,
            streak=jnp.asarray(self.streak, jnp.int32),
        )
        return state, restart(self.observe(state), _info(state))

    def step(self, state: TapeState, action: Any) -> tuple[TapeState, TimeStep[Array]]:
        """Writes, where told to, and moves the read head."""
        move, write, symbol = self.action_space.validate(action)
        does_write, place = write == 1, jnp.clip(state.written, 0, state.target.size - 1)
        is_right = (state.written < state.target_length) & (symbol == state.target[place])
        written = state.written + does_write.astype(jnp.int32)
        is_late = state.time + 1 > self.steps_for(state.length, state.target_length)
        reward = jnp.where(does_write, jnp.where(is_right, 1.0, _WRONG), 0.0)
        reward = jnp.where(is_late, _TOO_SLOW, reward).astype(jnp.float32)
        terminated = is_late | (does_write & (~is_right | (written >= state.target_length)))
        state = state.replace(
            output=state.output.at[place].set(jnp.where(does_write, symbol, state.output[place])),
            column=state.column + (move == 1).astype(jnp.int32) - (move == 0).astype(jnp.int32),
            row=state.row + (move == 3).astype(jnp.int32) - (move == 2).astype(jnp.int32),
            written=written,
            time=state.time + 1,
            total=state.total + reward,
        )
        return state, transition(self.observe(state), reward, terminated, _info(state))

    def observe(self, state: TapeState) -> Array:
        """() int32: the symbol under the read head; `base` where there is none."""
        columns, rows = state.symbols.shape
        is_inside = (state.column >= 0) & (state.column < state.length) & (state.row >= 0) & (state.row < rows)
        seen = state.symbols[jnp.clip(state.column, 0, columns - 1), jnp.clip(state.row, 0, rows - 1)]
        return jnp.where(is_inside, seen, self.base)

    def after_episode(self, state: TapeState) -> Self:
        """The task of the next episode: harder by one after enough good ones in a row."""
        is_good = state.total - state.target_length.astype(jnp.float32) >= -self.shortfall
        streak = jnp.where(is_good, jnp.minimum(state.streak + 1, self.episodes_to_rise), 0)
        rises = (streak >= self.episodes_to_rise) & (state.level < MAX_LEVEL)
        return self.replace(level=state.level + rises.astype(jnp.int32), streak=jnp.where(rises, 0, streak))

    def render(self, state: TapeState) -> Array:
        """(height, 768, 3) uint8: the input with the read head, what was written, and what is to be."""
        return _tape_picture.draw(state, self.base, self.uses_letters)

    def render_text(self, state: TapeState) -> str:
        """The same as lines of text."""
        return _tape_picture.write(state, self.base, self.uses_letters)


def draw_symbols(key: Key, rows: int, base: int, length: Array) -> Array:
    """(MAX_LENGTH, rows) int32: random symbols, blanks from `length` on."""
    symbols = jax.random.randint(key, (MAX_LENGTH, rows), 0, base, jnp.int32)
    return jnp.where(jnp.arange(MAX_LENGTH, dtype=jnp.int32)[:, None] < length, symbols, base)


def _info(state: TapeState) -> dict[str, Array]:
    return {"level": state.level}
