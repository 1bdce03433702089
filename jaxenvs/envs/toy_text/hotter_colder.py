"""HotterColder: find a number by the warmth of guesses."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.envs.toy_text._guessing import Guessing


class HotterColder(Guessing):
    """Guess a number between -1,000 and 1,000, and be paid for coming close.

    Observation: () int32: 0 before the first guess, then 1, 2 or 3 where the last guess was below, equal to or above
    the number.

    Action: (1,) float32, the guess, from -2,000 to 2,000.

    Reward: ((lesser + 2,000) / (greater + 2,000))^2, of guess and number: from 0 to 1, 1 for the number itself.

    Start: a number drawn uniformly.

    Episode end:
        Termination: `guess_max` guesses.
        Truncation: none here; 200 steps in the registered id.

    Info: `number`, () float32, and `guesses`, () int32, how many there were.

    Attributes:
        guess_max: guesses that one has.

    Differences from the reference: none.

    Source: OpenAI Gym 0.17, `HotterColder-v0`.

    Version history: v0, as Gym's.
    """

    bounds: ClassVar[float] = 2_000.0

    def judge(self, guess: Array, number: Array) -> tuple[Array, Array]:
        """The warmth; no guess ends the game."""
        lesser, greater = jnp.minimum(guess, number), jnp.maximum(guess, number)
        return ((lesser + self.bounds) / (greater + self.bounds)) ** 2, jnp.zeros((), bool)
