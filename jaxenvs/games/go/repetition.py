"""Superko: which moves would repeat an earlier position, found by hashes without playing any of them.

A position has a Zobrist hash of 64 bits, in two words of 32: the exclusive or of one random word for each stone. A move
changes it by the word of the new stone and by those of the stones that it captures. Each stone also carries the hash
of its chain, so that the hash after a move is known from the four neighbours of the point.

Looking up that hash for every point in the whole history would take much longer than the move. Two filters, neither
of which ever drops a repetition, leave few points to look up:

1. If a move of a player to a point repeats a position, then in that earlier position the player had a stone there. Now
   the point is empty, so that stone has been captured since. So only points on which the player has lost a stone at
   some time can repeat. Before the first capture, there are none. (Whether the move itself captures does not matter:
   the last move of a cycle may be one without a capture.)
2. A Bloom filter has two bits set for each position of the history. A position for which one of them is not set is new.

What remains is compared with every hash in the history, in a loop that ends when nothing is left. So the result does
not depend on the filters, and is exact, except that two different positions may have the same hash. If hashes are
random, that happens to a pair of positions with probability 2**-64; in a game of 722 moves on a board of 19 by 19, in
which each of 361 points is compared with up to 722 positions at each move, to one pair in less than one game in 10**11.
The history has a place for every move up to the move limit, so it cannot overflow.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.games.go.board import BLACK, EMPTY, WHITE, Layout
from jaxenvs.games.go.chains import Placement, Stones, first_of_each

_FILTER_BITS_PER_POSITION = 16
"""The least number of bits of the Bloom filter for each position of the longest game. With two bits set for each, one
new position in 64 passes the filter at the end of such a game, and fewer before."""
_WORD = 32


class History(PyTreeNode, kw_only=True):
    """What superko needs to know of a game.

    Attributes:
        hash: (2,) uint32, of the stones on the board.
        chain_hash: (2, points) uint32, for each stone that of the stones of its chain; 0 elsewhere.
        lost: (2, points) bool, whether each player has ever lost a stone on each point.
        keys: (2, move limit + 1) uint32, the key of the position after each number of moves: its hash, under
            situational superko with the player to move. The key at the start of the game is 0, and so are those
            of moves that are still to come.
        filter: (words,) uint32, the Bloom filter of the keys.
    """

    hash: Array
    chain_hash: Array
    lost: Array
    keys: Array
    filter: Array


def new_history(layout: Layout, move_limit: int) -> History:
    """The history of a game that begins."""
    bits = _FILTER_BITS_PER_POSITION * (move_limit + 1)
    words = max(1 << (bits - 1).bit_length(), _WORD) // _WORD
    zeros = np.zeros((2,), np.uint32)
    return History(
        hash=jnp.asarray(zeros),
        chain_hash=jnp.zeros((2, layout.num_points), jnp.uint32),
        lost=jnp.zeros((2, layout.num_points), bool),
        keys=jnp.zeros((2, move_limit + 1), jnp.uint32),
        filter=_with_key(jnp.zeros(words, jnp.uint32), jnp.asarray(zeros)),
    )


@functools.cache
def stone_words(num_points: int) -> np.ndarray:
    """(2, 2, points) uint32: for each player the two words of a stone on each point.

    They are outputs of splitmix64, the generator of Steele, Lea and Flood (2014).
    """
    return _splitmix64(2 * num_points).reshape(2, num_points, 2).transpose(0, 2, 1)


@functools.cache
def white_to_move() -> np.ndarray:
    """(2,) uint32: the words by which the keys of a board differ under situational superko."""
    return _splitmix64(1, seed=1)[0]


def _splitmix64(count: int, seed: int = 0) -> np.ndarray:
    """(count, 2) uint32: words of random numbers."""
    counter = np.uint64(seed << 32) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return np.stack([mixed >> np.uint64(32), mixed & np.uint64(0xFFFFFFFF)], axis=1).astype(np.uint32)


def key_of(hash: Array, player: Array, situational: bool) -> Array:
    """(2, ...) uint32: the keys of boards with hashes (2, ...) in which `player` is to move."""
    if not situational:
        return hash
    side = white_to_move().reshape(2, *[1] * (hash.ndim - 1))
    return jnp.where(player == WHITE, hash ^ side, hash)


def remembered(
    layout: Layout, history: History, player: Array, placement: Placement, moves: Array, situational: bool
) -> History:
    """The history after a move.

    Args:
        layout: that of the board.
        history: before the move.
        player: () int32, who moved.
        placement: what the move did to the board.
        moves: () int32, the number of moves so far, this one included.
        situational: whether keys tell who is to move.
    """
    words = stone_words(layout.num_points)
    stone = jnp.asarray(words)[player, :, placement.point]
    near = history.chain_hash[:, placement.around]
    captured, joined = jnp.zeros(2, jnp.uint32), stone
    for k in range(4):
        captured ^= jnp.where(placement.captured_first[k], near[:, k], jnp.uint32(0))
        joined ^= jnp.where(placement.joined_first[k], near[:, k], jnp.uint32(0))
    hash = jnp.where(placement.is_stone, history.hash ^ stone ^ captured, history.hash)
    key = key_of(hash, 1 - player, situational)
    chain_hash = jnp.where(placement.joined[None], joined[:, None], history.chain_hash)
    is_loser = np.arange(2, dtype=np.int32)[:, None] != player
    return History(
        hash=hash,
        chain_hash=jnp.where(placement.captured[None], jnp.uint32(0), chain_hash),
        lost=history.lost | (is_loser & placement.captured[None]),
        keys=jnp.where((np.arange(history.keys.shape[1], dtype=np.int32) == moves)[None], key[:, None], history.keys),
        filter=_with_key(history.filter, key),
    )


def repeating(layout: Layout, stones: Stones, history: History, player: Array, situational: bool) -> Array:
    """The points on which `player`, whose turn it is, may not play because the position would be one of the history.

    Args:
        layout: that of the board.
        stones: those on the board.
        history: all positions so far, this one included.
        player: () int32.
        situational: whether positions count as the same only if the same player is to move.

    Returns:
        (inner points,) bool. Moves that are illegal for other reasons may or may not be among them.
    """
    is_black = player == BLACK
    words = stone_words(layout.num_points)
    own_words = jnp.where(is_black, words[BLACK], words[WHITE])
    lost = jnp.where(is_black, history.lost[BLACK], history.lost[WHITE])
    candidates = layout.inner((stones.board == EMPTY) & lost)

    in_danger = layout.neighbours((stones.board == (1 - player).astype(jnp.int8)) & (stones.liberties == 1))
    counted = first_of_each(layout.neighbours(stones.chain), in_danger)
    hashes = layout.inner(own_words) ^ history.hash[:, None]
    for counts, captured in zip(counted, layout.neighbours(history.chain_hash), strict=True):
        hashes = hashes ^ jnp.where(counts[None], captured, jnp.uint32(0))
    keys = key_of(hashes, 1 - player, situational)
    suspects = candidates & _may_contain(history.filter, keys)
    return _exact(suspects, keys, history.keys)


@compiled_once
def _exact(suspects: Array, keys: Array, known: Array) -> Array:
    """(n,) bool: which of some points, (n,) bool, have a key, (2, n) uint32, that is among (2, m) `known` ones."""
    indices = np.arange(1, suspects.size + 1, dtype=np.int16)

    def last(suspects: Array, before: Array) -> Array:
        """() int16: the greatest index of a suspect less than `before`, or 0."""
        return jnp.max(jnp.where(suspects & (indices < before), indices, jnp.int16(0)))

    def remain(carry: tuple[Array, Array]) -> Array:
        return carry[1] > 0

    def check(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        found, index = carry
        key = keys[:, index.astype(jnp.int32) - 1]
        is_known = ((known[0] == key[0]) & (known[1] == key[1])).any()
        return found | ((indices == index) & is_known), last(suspects, index)

    none = jnp.zeros_like(suspects)
    found, _ = jax.lax.while_loop(remain, check, (none, last(suspects, jnp.int16(suspects.size + 1))))
    return found


def _bits_of(words: int, key: Array) -> tuple[Array, Array]:
    """The places of two bits for a key, (2, ...): int32 numbers of words in a filter, and uint32 masks in these."""
    masks = jnp.uint32(1) << (key & np.uint32(_WORD - 1))
    return ((key >> np.uint32(5)) & np.uint32(words - 1)).astype(jnp.int32), masks


def _with_key(filter: Array, key: Array) -> Array:
    """A Bloom filter with the bits of a key, (2,) uint32, set."""
    places, masks = _bits_of(filter.size, key)
    words = np.arange(filter.size, dtype=np.int32)
    for k in range(2):
        filter = jnp.where(words == places[k], filter | masks[k], filter)
    return filter


def _may_contain(filter: Array, keys: Array) -> Array:
    """(n,) bool: whether both bits of each of (2, n) keys are set."""
    places, masks = _bits_of(filter.size, keys)
    found = filter[places] & masks
    return (found[0] != 0) & (found[1] != 0)
