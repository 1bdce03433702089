"""Copy: write what stands on the tape."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.envs.algorithmic._tape_task import TapeTask, draw_symbols
from jaxenvs.random import Key


class Copy(TapeTask):
    """Write the symbols of the tape in their order.

    Observation: () int32 from 0 to 5: the symbol under the read head, 5 for a blank.

    Action: a tuple of where the read head goes after writing (0 left, 1 right), whether to write (0 no, 1 yes), and the
    symbol to write (0 to 4).

    Reward: 1 for a right symbol, -0.5 for a wrong one, 0 for none; -1 on the step that is too late.

    Start: the head on the first of `level` to `level + 2` random symbols.

    Episode end:
        Termination: all is written, a symbol was wrong, or more steps than symbols to read and to write, and 4, have
            passed.
        Truncation: none here; 200 steps in the registered id.

    Info: `level`, () int32.

    The level rises by one, up to 30, after 10 episodes in a row whose return was within 1 of the best one. AutoReset
    and the adapters carry it from episode to episode.

    Attributes:
        base: how many symbols there are.
        level: the level of the first episode.
        streak: how many good enough episodes of that level it is credited with.

    Differences from the reference: none. (Before Gym 0.9 the level was one for all environments of a process.)

    Source: Zaremba et al., Learning Simple Algorithms from Examples, 2015; OpenAI Gym 0.17, `Copy-v0`.

    Version history: v0, as Gym's.
    """

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        """Random symbols."""
        return draw_symbols(key, 1, self.base, size), size

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """The symbols as they stand."""
        return symbols[:, 0], jnp.asarray(length)
