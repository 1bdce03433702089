"""Reverse: write what stands on the tape backwards."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.algorithmic._tape_task import MAX_LENGTH, TapeTask, draw_symbols
from jaxenvs.random import Key


class Reverse(TapeTask):
    """Write the symbols of the tape in reverse.

    Observation, action, reward, start and episode end are those of `Copy`, with 2 symbols, 2 standing for a blank. The
    level begins with 1, and rises after 50 episodes in a row with nothing wrong.

    Attributes:
        base: how many symbols there are.
        level: the level of the first episode.
        streak: how many good enough episodes of that level it is credited with.

    Differences from the reference: none.

    Source: Zaremba et al., Learning Simple Algorithms from Examples, 2015; OpenAI Gym 0.17, `Reverse-v0`.

    Version history: v0, as Gym's.
    """

    episodes_to_rise: ClassVar[int] = 50
    shortfall: ClassVar[float] = 0.1

    base: int = static(default=2)
    level: ArrayLike = 1

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        """Random symbols."""
        return draw_symbols(key, 1, self.base, size), size

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """The symbols from the last to the first."""
        place = jnp.arange(MAX_LENGTH, dtype=jnp.int32)
        return jnp.where(place < length, symbols[jnp.maximum(length - 1 - place, 0), 0], self.base), jnp.asarray(length)
