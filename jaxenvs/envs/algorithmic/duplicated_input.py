"""DuplicatedInput: write each symbol once that is on the tape twice."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.pytree import static
from jaxenvs.envs.algorithmic._tape_task import MAX_LENGTH, TapeTask, draw_symbols
from jaxenvs.random import Key


class DuplicatedInput(TapeTask):
    """Each symbol stands on the tape twice; write it once.

    The level rises by one, up to 30, after 10 episodes in a row whose return was within 1 of the best possible.
    AutoReset and the adapters carry it from one episode to the next.

    Observation: () int32, from 0 to base: the symbol under the read head; `base` for a blank.

    Action: a tuple of three () int32: where the read head moves after writing (0 left, 1 right), whether to write (0
        no, 1 yes), and the symbol to write (0 to base - 1).

    Reward: 1 for a right symbol, -0.5 for a wrong one, 0 for writing nothing; -1 for the step that exceeds the time
        allowed.

    Start: the read head on the first of `level` to `level + 2` symbols, rounded down to whole groups of `duplication`.

    Episode end:
        Termination: everything is written, a symbol was wrong, or the number of steps exceeds the number of symbols to
            read plus the number to write plus 4.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Info: `level`, () int32: the level of this episode.

    Parameters:
        base: number of symbols.
        level: level of the first episode.
        streak: number of good episodes in a row at that level to begin with.
        duplication: how many times each symbol stands on the tape.

    Source: W. Zaremba et al., "Learning Simple Algorithms from Examples", 2015; OpenAI Gym 0.17, `DuplicatedInput-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    duplication: int = static(default=2)

    def check_task(self) -> None:
        """Checks the number of copies."""
        check_integer(self, "duplication", self.duplication, 1, MAX_LENGTH)

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        length = jnp.maximum(size // self.duplication, 1) * self.duplication
        symbols = draw_symbols(key, 1, self.base, jnp.asarray(MAX_LENGTH, jnp.int32))
        symbols = symbols[jnp.arange(MAX_LENGTH, dtype=jnp.int32) // self.duplication]
        return jnp.where(jnp.arange(MAX_LENGTH, dtype=jnp.int32)[:, None] < length, symbols, self.base), length

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        target = symbols[:: self.duplication, 0]
        return target, length // self.duplication
