"""GuessingGame: find a number by being told too low or too high."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.envs.toy_text._guessing import Guessing

_NEAR = 0.01
"""How near a guess must be, as a fraction of the greatest number."""


class GuessingGame(Guessing):
    """Guess a number between -1,000 and 1,000 to within 10.

    Observation: () int32, from 0 to 3: 0 before the first guess; then 1, 2 or 3 if the last guess was below, equal to
        or above the number.

    Action: (1,) float32 in [-10,000, 10,000]: the guess.

    Reward: 1 for a guess within 10 of the number, else 0.

    Start: a number drawn uniformly from [-1,000, 1,000).

    Episode end:
        Termination: a guess is within 10 of the number, or `guess_max` guesses have been made.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Info: `number`, () float32: the number to guess. `guesses`, () int32: the guesses made so far.

    Parameters:
        guess_max: number of guesses allowed.

    Source: OpenAI Gym 0.17, `GuessingGame-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    bounds: ClassVar[float] = 10_000.0

    def judge(self, guess: Array, number: Array) -> tuple[Array, Array]:
        """Ends the game, with reward 1, if the guess is near."""
        near = self.range * _NEAR
        is_near = (number - near < guess) & (guess < number + near)
        return is_near.astype(jnp.float32), is_near
