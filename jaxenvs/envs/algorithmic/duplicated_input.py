"""DuplicatedInput: write each symbol once that stands on the tape twice."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.pytree import static
from jaxenvs.envs.algorithmic._tape_task import MAX_LENGTH, TapeTask, draw_symbols
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key


class DuplicatedInput(TapeTask):
    """On the tape each symbol stands twice; write it once.

    Observation, action, reward and episode end are those of `Copy`, and so is how the level rises.

    Start: the head on the first symbol of `level` to `level + 2`, rounded down to pairs.

    Attributes:
        base: how many symbols there are.
        level: the level of the first episode.
        streak: how many good enough episodes of that level it is credited with.
        duplication: how often each symbol stands on the tape.

    Differences from the reference: none.

    Source: Zaremba et al., Learning Simple Algorithms from Examples, 2015; OpenAI Gym 0.17, `DuplicatedInput-v0`.

    Version history: v0, as Gym's.
    """

    duplication: int = static(default=2)

    def check_fields(self) -> None:
        """Checks the number of copies as well."""
        super().check_fields()
        if not isinstance(self.duplication, int) or not 1 <= self.duplication <= MAX_LENGTH:
            raise InvalidField(
                f"DuplicatedInput: `duplication` must be an integer from 1 to {MAX_LENGTH}, got {self.duplication!r}."
            )

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        """Random symbols, each several times."""
        length = jnp.maximum(size // self.duplication, 1) * self.duplication
        symbols = draw_symbols(key, 1, self.base, jnp.asarray(MAX_LENGTH, jnp.int32))
        symbols = symbols[jnp.arange(MAX_LENGTH, dtype=jnp.int32) // self.duplication]
        return jnp.where(jnp.arange(MAX_LENGTH, dtype=jnp.int32)[:, None] < length, symbols, self.base), length

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """Each symbol once."""
        target = symbols[:: self.duplication, 0]
        return target, length // self.duplication
