"""HotterColder: find a number by how warm each guess is."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.envs.toy_text._guessing import Guessing


class HotterColder(Guessing):
    """Guess a number between -1,000 and 1,000, and earn more the closer the guess.

    Observation: () int32, from 0 to 3: 0 before the first guess; then 1, 2 or 3 if the last guess was below, equal to
        or above the number.

    Action: (1,) float32 in [-2,000, 2,000]: the guess.

    Reward: ((smaller + 2,000) / (larger + 2,000))^2, of the guess and the number. It lies in [0, 1] and is 1 for the
        number itself.

    Start: a number drawn uniformly from [-1,000, 1,000).

    Episode end:
        Termination: `guess_max` guesses have been made.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Info: `number`, () float32: the number to guess. `guesses`, () int32: the guesses made so far.

    Parameters:
        guess_max: number of guesses allowed.

    Source: OpenAI Gym 0.17, `HotterColder-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    bounds: ClassVar[float] = 2_000.0

    def judge(self, guess: Array, number: Array) -> tuple[Array, Array]:
        """Rewards the guess by how warm it is; no guess ends the game."""
        lesser, greater = jnp.minimum(guess, number), jnp.maximum(guess, number)
        return ((lesser + self.bounds) / (greater + self.bounds)) ** 2, jnp.zeros((), bool)
