"""RepeatCopy: write the symbols on the tape forwards, backwards, and forwards again."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.envs.algorithmic._tape_task import MAX_LENGTH, TapeTask, draw_symbols
from jaxenvs.random import Key


class RepeatCopy(TapeTask):
    """Write the symbols of the tape in order, in reverse, and in order once more.

    The level rises by one, up to 30, after 50 episodes in a row without a mistake. AutoReset and the adapters carry it
    from one episode to the next.

    Observation: () int32, from 0 to base: the symbol under the read head; `base` for a blank.

    Action: a tuple of three () int32: where the read head moves after writing (0 left, 1 right), whether to write (0
        no, 1 yes), and the symbol to write (0 to base - 1).

    Reward: 1 for a right symbol, -0.5 for a wrong one, 0 for writing nothing; -1 for the step that exceeds the time
        allowed.

    Start: the read head on the first of `level` to `level + 2` random symbols.

    Episode end:
        Termination: everything is written, a symbol was wrong, or the number of steps exceeds the number of symbols to
            read plus the number to write plus 4.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Info: `level`, () int32: the level of this episode.

    Parameters:
        base: number of symbols.
        level: level of the first episode.
        streak: number of good episodes in a row at that level to begin with.

    Source: W. Zaremba et al., "Learning Simple Algorithms from Examples", 2015; OpenAI Gym 0.17, `RepeatCopy-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    episodes_to_rise: ClassVar[int] = 50
    shortfall: ClassVar[float] = 0.1

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        return draw_symbols(key, 1, self.base, size), size

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """The symbols three times, the second time in reverse."""
        place = jnp.arange(3 * MAX_LENGTH, dtype=jnp.int32)
        within = place % length
        source = jnp.where(place // length == 1, length - 1 - within, within)
        return jnp.where(place < 3 * length, symbols[source, 0], self.base), 3 * length
