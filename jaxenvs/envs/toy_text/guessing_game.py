"""GuessingGame: find a number by being told too low or too high."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.envs.toy_text._guessing import Guessing

_NEAR = 0.01
"""How near a guess must be, as a part of the greatest number."""


class GuessingGame(Guessing):
    """Guess a number between -1,000 and 1,000 to within 10.

    Observation: () int32: 0 before the first guess, then 1, 2 or 3 where the last guess was below, equal to or above
    the number.

    Action: (1,) float32, the guess, from -10,000 to 10,000.

    Reward: 1 for a guess within 10 of the number, else 0.

    Start: a number drawn uniformly.

    Episode end:
        Termination: a guess within 10 of the number, or `guess_max` guesses.
        Truncation: none here; 200 steps in the registered id.

    Info: `number`, () float32, and `guesses`, () int32, how many there were.

    Attributes:
        guess_max: guesses that one has.

    Differences from the reference: none.

    Source: OpenAI Gym 0.17, `GuessingGame-v0`.

    Version history: v0, as Gym's.
    """

    bounds: ClassVar[float] = 10_000.0

    def judge(self, guess: Array, number: Array) -> tuple[Array, Array]:
        """1 and the end where the guess is near."""
        near = self.range * _NEAR
        is_near = (number - near < guess) & (guess < number + near)
        return is_near.astype(jnp.float32), is_near
