"""ReversedAddition: add the numbers in the rows of a grid."""

from functools import partial
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import static
from jaxenvs.core.varying import varying_as
from jaxenvs.envs.algorithmic._tape_task import MAX_LENGTH, SPARE_STEPS, TapeTask, draw_symbols
from jaxenvs.random import Key


class ReversedAddition(TapeTask):
    """Add the numbers of a grid, one per row and lowest digit first, and write their sum, lowest digit first.

    The level rises by one, up to 30, after 10 episodes in a row whose return was within 1 of the best possible.
    AutoReset and the adapters carry it from one episode to the next.

    Observation: () int32, from 0 to base: the digit under the read head; `base` for a blank.

    Action: a tuple of three () int32: where the read head moves after writing (0 left, 1 right, 2 up, 3 down), whether
        to write (0 no, 1 yes), and the digit to write (0 to base - 1).

    Reward: 1 for a right digit, -0.5 for a wrong one, 0 for writing nothing; -1 for the step that exceeds the time
        allowed.

    Start: the read head on the upper left digit of `rows` random numbers of `level` to `level + 2` digits.

    Episode end:
        Termination: everything is written, a digit was wrong, or the number of steps exceeds twice the digits of a
            number plus 4. As in the reference, that is so for two rows and for three.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Info: `level`, () int32: the level of this episode.

    Parameters:
        base: base of the number system.
        level: level of the first episode.
        streak: number of good episodes in a row at that level to begin with.
        rows: number of numbers to add.

    Source: W. Zaremba et al., "Learning Simple Algorithms from Examples", 2015; OpenAI Gym 0.17, `ReversedAddition-v0`
        and `ReversedAddition3-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    moves: ClassVar[int] = 4
    uses_letters: ClassVar[bool] = False

    base: int = static(default=3)
    rows: int = static(default=2)

    def check_task(self) -> None:
        """Checks the number of rows."""
        # With more rows than the base has digits, a carry could need two.
        check_integer(self, "rows", self.rows, 2, self.base, most_is="base")

    def draw_input(self, key: Key, size: Array) -> tuple[Array, Array]:
        return draw_symbols(key, self.rows, self.base, size), size

    def target_of(self, symbols: Array, length: Array) -> tuple[Array, Array]:
        """The sum, with one more digit if the last carry is not 0."""
        is_digit = jnp.arange(MAX_LENGTH, dtype=jnp.int32) < length
        sums = jnp.where(is_digit, symbols.sum(1, dtype=jnp.int32), 0)

        digits = _carried(jnp.append(sums, jnp.zeros(1, jnp.int32)), self.base)
        target_length = length + (digits[length] > 0).astype(jnp.int32)
        return jnp.where(jnp.arange(MAX_LENGTH + 1, dtype=jnp.int32) < target_length, digits, self.base), target_length

    def steps_for(self, length: Array, target_length: Array) -> Array:
        """() int32: the digit of the last carry does not add time."""
        del target_length
        return 2 * length + SPARE_STEPS


@partial(compiled_once, static_argnames="base")
def _carried(sums: Array, base: int) -> Array:
    """The digits of a number, the lowest first, of which each is given as a sum that may be too large."""

    def add(carry: Array, total: Array) -> tuple[Array, Array]:
        total = total + carry
        return total // base, total % base

    return jax.lax.scan(add, varying_as(sums, jnp.zeros((), jnp.int32)), sums)[1]
