"""Copy: write the symbols on the tape."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.envs.algorithmic._tape_task import TapeTask, draw_symbols
from jaxenvs.random import Key


class Copy(TapeTask):
    """Write the symbols of the tape in order.

    The level rises by one, up to 30, after 10 episodes in a row whose return was within 1 of the best possible.
    AutoReset and the adapters carry it from one episode to the next.

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

    Differences from the reference: none. (Before Gym 0.9, all environments of a process shared one level.)

    Source: W. Zaremba et al., "Learning Simple Algorithms from Examples", 2015; OpenAI Gym 0.17, `Copy-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        return draw_symbols(key, 1, self.base, size), size

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        return symbols[:, 0], jnp.asarray(length)
