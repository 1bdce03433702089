"""RepeatCopy: write what stands on the tape forwards, backwards, and forwards again."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.envs.algorithmic._tape_task import MAX_LENGTH, TapeTask, draw_symbols
from jaxenvs.random import Key


class RepeatCopy(TapeTask):
    """Write the symbols of the tape in their order, in reverse, and in their order once more.

    Observation, action, reward, start and episode end are those of `Copy`. The level rises after 50 episodes in a row
    with nothing wrong.

    Attributes:
        base: how many symbols there are.
        level: the level of the first episode.
        streak: how many good enough episodes of that level it is credited with.

    Differences from the reference: none.

    Source: Zaremba et al., Learning Simple Algorithms from Examples, 2015; OpenAI Gym 0.17, `RepeatCopy-v0`.

    Version history: v0, as Gym's.
    """

    episodes_to_rise: ClassVar[int] = 50
    shortfall: ClassVar[float] = 0.1

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        """Random symbols."""
        return draw_symbols(key, 1, self.base, size), size

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """Three times the symbols, the second time in reverse."""
        place = jnp.arange(3 * MAX_LENGTH, dtype=jnp.int32)
        within = place % length
        source = jnp.where(place // length == 1, length - 1 - within, within)
        return jnp.where(place < 3 * length, symbols[source, 0], self.base), 3 * length
