"""Area scoring: a player's stones, and the empty points from which only that player's stones can be reached."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.games.go.board import BLACK, EMPTY, WHITE, Layout

_STEPS_AT_ONCE = 4
"""Steps of the flood between two looks at whether it still changes something."""


@compiled_once
def area(layout: Layout, board: Array, wanted: ArrayLike = True) -> Array:
    """The area of each player, by the rules of Tromp and Taylor: an empty point reaches a colour if a path of empty
    points leads from it to a stone of that colour, and belongs to a player if it reaches no other's.

    Args:
        layout: that of the board.
        board: (points,) int8.
        wanted: () bool, whether the result is used; if not, it is not the area, and costs less.

    Returns:
        (2,) int32, black's and white's.
    """
    is_empty = layout.inner(board) == EMPTY
    black, white = jnp.uint8(1), jnp.uint8(2)
    none = jnp.uint8(0)
    # Colours as bits, so that both floods are one.
    reached = layout.inner(jnp.where(board == BLACK, black, jnp.where(board == WHITE, white, none)))

    def spread(reached: Array) -> Array:
        around = layout.neighbours(jnp.pad(reached, layout.stride))
        return jnp.where(is_empty, reached | around[0] | around[1] | around[2] | around[3], reached)

    def continues(carry: tuple[Array, Array]) -> Array:
        return carry[1]

    def flood(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        before, _ = carry
        after = before
        for _ in range(_STEPS_AT_ONCE):
            after = spread(after)
        return after, (after != before).any()

    reached, _ = jax.lax.while_loop(continues, flood, (reached, jnp.asarray(wanted, bool)))
    return jnp.stack([(reached == black).sum(dtype=jnp.int32), (reached == white).sum(dtype=jnp.int32)])
