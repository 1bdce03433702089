"""The base class of the games of guessing a number."""

import abc
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

NO_GUESS, LOWER, EQUAL, HIGHER = range(4)
_WORDS = ("no guess yet", "lower than the number", "equal to the number", "higher than the number")
_WIDTH, _HEIGHT = 720, 200  # pixels


class GuessingState(PyTreeNode):
    """State of the games of guessing.

    Attributes:
        number: () float32, the number to guess.
        guess: () float32, the last guess, 0 before the first; for the picture only.
        hint: () int32, the observation.
        guesses: () int32, the number of guesses so far.
    """

    number: Array
    guess: Array
    hint: Array
    guesses: Array


class Guessing(Env[GuessingState, Array], RendersText):
    """Base class of the games; a subclass defines the reward of a guess, and whether it ends the game."""

    frames_per_second: ClassVar[int] = 4
    range: ClassVar[float] = 1000.0
    """The number lies between this and its negative."""
    bounds: ClassVar[float]
    """A guess lies between this and its negative."""

    guess_max: int = static(default=200)

    def check_fields(self) -> None:
        check_integer(self, "guess_max", self.guess_max)

    @abc.abstractmethod
    def judge(self, guess: Array, number: Array) -> tuple[Array, Array]:
        """The reward for a guess, () float32, and whether it ends the game, () bool."""

    @property
    def observation_space(self) -> Discrete:
        """No guess yet, or how the guess compares with the number."""
        return Discrete(4)

    @property
    def action_space(self) -> Box:
        return Box(-self.bounds, self.bounds, (1,), np.float32)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[GuessingState, TimeStep[Array]]:
        number = jax.random.uniform(check_key(key), (), jnp.float32, -self.range, self.range)
        zero = jnp.zeros((), jnp.int32)
        state = GuessingState(number=number, guess=jnp.zeros((), jnp.float32), hint=zero, guesses=zero)
        return state, restart(self.observe(state), _info(state))

    def step(self, state: GuessingState, action: Array) -> tuple[GuessingState, TimeStep[Array]]:
        """Compares a guess with the number."""
        guess = self.action_space.validate(action)[0]
        hint = jnp.where(guess < state.number, LOWER, jnp.where(guess > state.number, HIGHER, EQUAL))
        reward, is_over = self.judge(guess, state.number)
        state = state.replace(guess=guess, hint=hint.astype(jnp.int32), guesses=state.guesses + 1)
        is_over = is_over | (state.guesses >= self.guess_max)
        return state, transition(self.observe(state), reward, is_over, _info(state))

    def observe(self, state: GuessingState) -> Array:
        """() int32: what the last guess was told."""
        return state.hint

    def render_text(self, state: GuessingState) -> str:
        """The last guess and how it compares with the number."""
        told = _WORDS[int(state.hint)]
        return f"{told}\n" if int(state.hint) == NO_GUESS else f"{float(state.guess):g} is {told}\n"

    def render(self, state: GuessingState) -> Array:
        """(200, 720, 3) uint8: the number line, with the number to guess below it and the last guess above it."""
        canvas = Canvas.blank(_HEIGHT, _WIDTH, palette.PAPER)
        left, right, middle = 40.0, _WIDTH - 40.0, 0.5 * _HEIGHT

        def place(x: Array | float) -> Array | float:
            return left + (right - left) * (x + self.bounds) / (2 * self.bounds)

        canvas = canvas.line((left, middle), (right, middle), 4.0, palette.STEEL)
        canvas = canvas.line((place(-self.range), middle), (place(self.range), middle), 10.0, palette.YELLOW)
        for x in np.linspace(-self.bounds, self.bounds, 9):
            canvas = canvas.line((place(x), middle - 8), (place(x), middle + 8), 2.0, palette.STEEL)
        number, guess = place(state.number), place(jnp.clip(state.guess, -self.bounds, self.bounds))
        canvas = canvas.polygon(
            [(number, middle + 10), (number - 12, middle + 34), (number + 12, middle + 34)], palette.TEAL
        )
        seen = (state.hint != NO_GUESS).astype(jnp.float32)
        canvas = canvas.polygon(
            [(guess, middle - 10), (guess - 12, middle - 34), (guess + 12, middle - 34)], palette.ORANGE, opacity=seen
        )
        canvas = canvas.text("number", (left, _HEIGHT - 24.0), 14.0, palette.TEAL_DARK)
        return canvas.text("guess", (left, 34.0), 14.0, palette.ORANGE_DARK).to_rgb()


def _info(state: GuessingState) -> dict[str, Array]:
    return {"number": state.number, "guesses": state.guesses}
