"""The base class of the algorithmic tasks: tapes, heads, and a difficulty that grows with success."""

import abc
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.envs.algorithmic import _tape_picture
from jaxenvs.envs.algorithmic._tape_state import TapeState
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete, Tuple

MAX_LEVEL = 30
"""The highest level of a task."""

MAX_LENGTH = MAX_LEVEL + 2
"""The longest input: inputs are up to 2 longer than the level."""

SPARE_STEPS = 4
"""Steps allowed beyond those that reading and writing take."""
_WRONG, _TOO_SLOW = -0.5, -1.0


class TapeTask(Env[TapeState, Array], RendersText):
    """Base class of the algorithmic tasks; a subclass defines the input and the symbols to write.

    A subclass sets how many episodes in a row must come within `shortfall` of the best return for the level to rise.
    """

    changes_between_episodes: ClassVar[bool] = True
    frames_per_second: ClassVar[int] = 4

    moves: ClassVar[int] = 2
    """Number of moves of the read head: left and right, and in a grid also up and down."""
    uses_letters: ClassVar[bool] = True
    """Whether symbols are shown as letters rather than digits."""
    episodes_to_rise: ClassVar[int] = 10
    shortfall: ClassVar[float] = 1.0

    base: int = static(default=5)
    level: ArrayLike = 2
    streak: ArrayLike = 0

    def check_fields(self) -> None:
        """Checks the number of symbols, the level and the streak."""
        check_integer(self, "base", self.base, 2, 10)
        for name, most in (("level", MAX_LEVEL), ("streak", self.episodes_to_rise)):
            value = getattr(self, name)
            if isinstance(value, int | float):  # it is data, and may be an array or a tracer
                check_integer(self, name, value, int(name == "level"), most)
        self.check_task()

    def check_task(self) -> None:
        """Hook that checks the fields of a task's own."""

    @abc.abstractmethod
    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        """Draws an input of a size, () int32 from 1 to `MAX_LENGTH`: symbols as in `TapeState`, and the length."""

    @abc.abstractmethod
    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """The symbols to write for an input: target and its length, as in `TapeState`."""

    def steps_for(self, length: Array, target_length: Array) -> Array:
        """() int32: the number of steps allowed for writing the target."""
        return length + target_length + SPARE_STEPS

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
            elapsed=zero,
            total=jnp.zeros((), jnp.float32),
            level=level,
            streak=jnp.asarray(self.streak, jnp.int32),
        )
        return state, restart(self.observe(state), _info(state))

    def step(self, state: TapeState, action: Any) -> tuple[TapeState, TimeStep[Array]]:
        """Writes if told to, and moves the read head."""
        move, write, symbol = self.action_space.validate(action)
        does_write, place = write == 1, jnp.clip(state.written, 0, state.target.size - 1)
        is_right = (state.written < state.target_length) & (symbol == state.target[place])
        written = state.written + does_write.astype(jnp.int32)
        is_late = state.elapsed + 1 > self.steps_for(state.length, state.target_length)
        reward = jnp.where(does_write, jnp.where(is_right, 1.0, _WRONG), 0.0)
        reward = jnp.where(is_late, _TOO_SLOW, reward).astype(jnp.float32)
        terminated = is_late | (does_write & (~is_right | (written >= state.target_length)))
        state = state.replace(
            output=state.output.at[place].set(jnp.where(does_write, symbol, state.output[place])),
            column=state.column + (move == 1).astype(jnp.int32) - (move == 0).astype(jnp.int32),
            row=state.row + (move == 3).astype(jnp.int32) - (move == 2).astype(jnp.int32),
            written=written,
            elapsed=state.elapsed + 1,
            total=state.total + reward,
        )
        return state, transition(self.observe(state), reward, terminated, _info(state))

    def observe(self, state: TapeState) -> Array:
        """() int32: the symbol under the read head; `base` if there is none."""
        columns, rows = state.symbols.shape
        is_inside = (state.column >= 0) & (state.column < state.length) & (state.row >= 0) & (state.row < rows)
        seen = state.symbols[jnp.clip(state.column, 0, columns - 1), jnp.clip(state.row, 0, rows - 1)]
        return jnp.where(is_inside, seen, self.base)

    def after_episode(self, state: TapeState) -> Self:
        """The task of the next episode: one level higher after enough good episodes in a row."""
        is_good = state.total - state.target_length.astype(jnp.float32) >= -self.shortfall
        streak = jnp.where(is_good, jnp.minimum(state.streak + 1, self.episodes_to_rise), 0)
        rises = (streak >= self.episodes_to_rise) & (state.level < MAX_LEVEL)
        return self.replace(level=state.level + rises.astype(jnp.int32), streak=jnp.where(rises, 0, streak))

    def render(self, state: TapeState) -> Array:
        """(height, 768, 3) uint8: the input with the read head, the output and the target."""
        return _tape_picture.draw(state, self.base, self.uses_letters)

    def render_text(self, state: TapeState) -> str:
        """The input with the read head, the output and the target, as lines of text."""
        return _tape_picture.write(state, self.base, self.uses_letters)


def draw_symbols(key: Key, rows: int, base: int, length: Array) -> Array:
    """(MAX_LENGTH, rows) int32: random symbols, followed by blanks from `length` on."""
    symbols = jax.random.randint(key, (MAX_LENGTH, rows), 0, base, jnp.int32)
    return jnp.where(jnp.arange(MAX_LENGTH, dtype=jnp.int32)[:, None] < length, symbols, base)


def _info(state: TapeState) -> dict[str, Array]:
    return {"level": state.level}
