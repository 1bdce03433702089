"""Chains of stones and their liberties, kept from move to move.

Every stone carries the number of its chain, and how many liberties the chain has. A new stone takes one liberty from
each chain of the other player that it touches, and joins those of its own player. Only two kinds of chains change in
ways that need a count: the one that the stone joins, and those beside stones that were captured.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.games.go.board import EMPTY, Layout, any_of


class Stones(PyTreeNode, kw_only=True):
    """The stones on the board. The attributes are those of `GoPosition`."""

    board: Array
    chain: Array
    liberties: Array


class Placement(PyTreeNode, kw_only=True):
    """What a move does to the board.

    Attributes:
        is_stone: () bool, whether it places a stone; if not, all of the following says that nothing happens.
        point: () int32, where.
        around: (4,) int32, the neighbours of the point.
        captured_first: (4,) bool, the neighbours whose chains are captured, each chain once.
        joined_first: (4,) bool, the neighbours whose chains the stone joins, each chain once.
        captured: (points,) bool, the stones that are captured.
        joined: (points,) bool, the chain that the stone belongs to afterwards.
    """

    is_stone: Array
    point: Array
    around: Array
    captured_first: Array
    joined_first: Array
    captured: Array
    joined: Array


def placed(layout: Layout, stones: Stones, player: Array, point: Array, is_stone: Array) -> tuple[Stones, Placement]:
    """Places a stone, if `is_stone`, and takes the stones that it captures off the board.

    Args:
        layout: that of the board.
        stones: those before the move.
        player: () int32, whose stone it is.
        point: () int32, a point of the board, which is empty.
        is_stone: () bool, whether to place one.
    """
    board, chain, liberties = stones.board, stones.chain, stones.liberties
    own, other = player.astype(jnp.int8), (1 - player).astype(jnp.int8)
    around = point + np.array(layout.steps, np.int32)
    chains = [*chain[around]]
    is_other = (board[around] == other) & is_stone
    is_captured = is_other & (liberties[around] == 1)
    is_joined = (board[around] == own) & is_stone

    captured = _belong(chain, chains, is_captured)
    is_here = (layout.indices == point.astype(jnp.int16)) & is_stone
    joined = is_here | _belong(chain, chains, is_joined)
    pressed = _belong(chain, chains, is_other & ~is_captured)
    beside_captured = any_of([_belong(near, chains, is_captured) for near in layout.neighbours(chain)])

    board = jnp.where(captured, jnp.int8(EMPTY), jnp.where(is_here, own, board))
    chain = jnp.where(captured, jnp.int16(0), jnp.where(joined, point.astype(jnp.int16), chain))
    liberties = jnp.where(captured, jnp.int16(0), liberties - pressed.astype(jnp.int16))
    changed = layout.inner(joined) | (beside_captured & (layout.inner(board) == own))
    after = _counted(layout, Stones(board=board, chain=chain, liberties=liberties), changed)
    return after, Placement(
        is_stone=is_stone,
        point=point,
        around=around,
        captured_first=jnp.stack(first_of_each(chains, [*is_captured])),
        joined_first=jnp.stack(first_of_each(chains, [*is_joined])),
        captured=captured,
        joined=joined,
    )


def first_of_each(chains: Sequence[Array], chosen: Sequence[Array]) -> list[Array]:
    """Which of four neighbours to choose so that each chain is chosen once, though several stones may belong to it.

    Args:
        chains: four arrays, the number of each neighbour's chain.
        chosen: four arrays of bools, the neighbours to choose from.

    Returns:
        Four arrays of bools.
    """
    first = [chosen[0]]
    for k in range(1, 4):
        first.append(chosen[k] & ~any_of([chosen[j] & (chains[j] == chains[k]) for j in range(k)]))
    return first


def _belong(chain: Array, chains: Sequence[Array], chosen: Array) -> Array:
    """Which of some points, whose chains are (n,), belong to one of four `chains` that are `chosen`, (4,) bool."""
    return any_of([chain == jnp.where(chosen[k], chains[k], jnp.int16(-1)) for k in range(4)])


@compiled_once
def _counted(layout: Layout, stones: Stones, changed: Array) -> Stones:
    """Counts the liberties of the chains that some stones, (inner points,) bool, belong to."""
    inner = layout.inner(stones.chain)
    around = layout.neighbours(stones.chain)
    is_empty = layout.inner(stones.board) == EMPTY

    def next_below(number: Array) -> Array:
        """() int16: the greatest number of a changed chain that is less than `number`, or 0."""
        return jnp.max(jnp.where(changed & (inner < number), inner, jnp.int16(0)))

    def remain(carry: tuple[Array, Array]) -> Array:
        return carry[1] > 0

    def count(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        liberties, number = carry
        is_liberty = is_empty & any_of([near == number for near in around])
        liberties = jnp.where(stones.chain == number, is_liberty.sum(dtype=jnp.int16), liberties)
        return liberties, next_below(number)

    first = next_below(jnp.int16(layout.num_points))
    liberties, _ = jax.lax.while_loop(remain, count, (stones.liberties, first))
    return stones.replace(liberties=liberties)
