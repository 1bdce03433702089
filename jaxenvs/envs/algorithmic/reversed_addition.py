"""ReversedAddition: add the numbers that stand one below the other."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.pytree import static
from jaxenvs.envs.algorithmic._tape_task import MAX_LENGTH, TapeTask, draw_symbols
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key


class ReversedAddition(TapeTask):
    """In a grid numbers stand one below the other, the lowest digit first; write their sum, the lowest digit first.

    Observation: () int32 from 0 to 3: the digit under the read head, 3 for a blank.

    Action: a tuple of where the read head goes after writing (0 left, 1 right, 2 up, 3 down), whether to write (0 no,
    1 yes), and the digit to write (0 to 2).

    Reward: 1 for a right digit, -0.5 for a wrong one, 0 for none; -1 on the step that is too late.

    Start: the head on the upper left digit of `rows` random numbers of `level` to `level + 2` digits.

    Episode end:
        Termination: all is written, a digit was wrong, or more steps have passed than twice the digits of a number,
            and 4 (for two rows and for three, as in the reference).
        Truncation: none here; 200 steps in the registered ids.

    Info and how the level rises are those of `Copy`.

    Attributes:
        base: of the number system.
        level: the level of the first episode.
        streak: how many good enough episodes of that level it is credited with.
        rows: how many numbers are added.

    Differences from the reference: none.

    Source: Zaremba et al., Learning Simple Algorithms from Examples, 2015; OpenAI Gym 0.17, `ReversedAddition-v0` and
    `ReversedAddition3-v0`.

    Version history: v0, as Gym's.
    """

    moves: ClassVar[int] = 4
    uses_letters: ClassVar[bool] = False

    base: int = static(default=3)
    rows: int = static(default=2)

    def check_fields(self) -> None:
        """Checks the number of rows as well."""
        super().check_fields()
        if not isinstance(self.rows, int) or isinstance(self.rows, bool) or not 2 <= self.rows <= self.base:
            # With more rows than the base has digits, a carry could need two.
            raise InvalidField(
                f"ReversedAddition: `rows` must be an integer from 2 to `base` ({self.base}), got {self.rows!r}."
            )

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        """Random numbers."""
        return draw_symbols(key, self.rows, self.base, size), size

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """The sum, with one digit more where the last carry is not 0."""
        is_digit = jnp.arange(MAX_LENGTH, dtype=jnp.int32) < length
        sums = jnp.where(is_digit, symbols.sum(1, dtype=jnp.int32), 0)

        def add(carry: Array, total: Array) -> tuple[Array, Array]:
            total = total + carry
            return total // self.base, total % self.base

        _, digits = jax.lax.scan(add, jnp.zeros((), jnp.int32), jnp.append(sums, jnp.zeros(1, jnp.int32)))
        target_length = length + (digits[length] > 0).astype(jnp.int32)
        return jnp.where(jnp.arange(MAX_LENGTH + 1, dtype=jnp.int32) < target_length, digits, self.base), target_length

    def steps_for(self, length: Array, target_length: Array) -> Array:
        """() int32: the last carry's digit gives no more time."""
        del target_length
        return super().steps_for(length, length)
