"""The picture of a card table with the dealer's and the player's hand, and hands packed as ranks into one word."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, View, palette
from jaxenvs.canvas.palette import Color
from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.envs._tileset import lay, sprite_of

LISTED = 8
"""How many cards of a hand fit into a word, and into the picture."""
RANKS = ("A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K")
"""The names of the ranks, which run from 1 to 13."""

_CARD_HEIGHT, _CARD_WIDTH, _CARD_STEP = 100, 72, 40  # pixels
_HAND_WIDTH = (LISTED - 1) * _CARD_STEP + _CARD_WIDTH
_LEFT_END, _RIGHT_END, _DEALER_Y, _PLAYER_Y = 16, 356, 62, 238
_NO_CARD, _BACK = 0, 1
_FELT = palette.TEAL_DARK


def with_card(ranks: Array, size: Array, rank: Array, when: Array) -> Array:
    """Adds a card to a hand's list of ranks, () uint32.

    Args:
        ranks: () uint32, the ranks of the first eight cards in the order dealt, four bits each, lowest bits first.
        size: () int32, the number of cards so far; from eight on the list stays as it is.
        rank: () int32, the rank of the new card.
        when: () bool, whether to add it.
    """
    listed = when & (size < LISTED)
    place = (4 * jnp.minimum(size, LISTED - 1)).astype(jnp.uint32)
    return ranks | jnp.where(listed, rank.astype(jnp.uint32) << place, jnp.zeros((), jnp.uint32))


def rank_at(ranks: Array, slot: int) -> Array:
    """The rank of the card in one of the eight slots of a list, () int32; 0 if it is empty."""
    return ((ranks >> np.uint32(4 * slot)) & np.uint32(15)).astype(jnp.int32)


class ShownHand(NamedTuple):
    """What the picture shows of a hand.

    Attributes:
        ranks: () uint32, the list of ranks; see `with_card`.
        size: () int32, the number of cards, including those that lie face down.
        total: () int32, the number shown beside it.
        is_bust: () bool, whether it says BUST.
        usable_ace: () bool, whether it says USABLE ACE.
        second_hidden: () bool, whether the second card lies face down.
    """

    ranks: Array
    size: Array
    total: Array
    is_bust: ArrayLike
    usable_ace: Array
    second_hidden: ArrayLike


def draw_table(dealer: ShownHand, player: ShownHand) -> Array:
    """(376, 384, 3) uint8: the table. Suits are decoration."""
    canvas = Canvas(jnp.asarray(_table()), View())
    for hand, y in ((dealer, _DEALER_Y), (player, _PLAYER_Y)):
        canvas = canvas.image(_draw_hand(hand), (_LEFT_END, y))
    for hand, y in ((dealer, _DEALER_Y), (player, _PLAYER_Y)):
        bust, usable = (jnp.where(flag, 1.0, 0.0) for flag in (hand.is_bust, hand.usable_ace))
        canvas = canvas.number(hand.total, (_RIGHT_END, y - 14), 18, palette.WHITE, digits=3, align="right")
        canvas = canvas.text("BUST", (216, y - 14), 18, palette.YELLOW, align="center", opacity=bust)
        canvas = canvas.text("USABLE ACE", (216, y - 14), 14, palette.TEAL_LIGHT, align="center", opacity=usable)
    return canvas.to_rgb()


@functools.lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """The pixels of the empty table, painted only once, even within a trace."""
    with jax.ensure_compile_time_eval():
        canvas = Canvas.blank(376, 384, palette.WOOD_DARK)
        canvas = canvas.rectangle((192, 188), (372, 364), palette.WOOD, corner_radius=20)
        canvas = canvas.rectangle((192, 188), (360, 352), _FELT, corner_radius=16)
        canvas = canvas.line((28, 188), (356, 188), 2, palette.TEAL_LIGHT, opacity=0.4)
        for name, y in (("DEALER", _DEALER_Y), ("PLAYER", _PLAYER_Y)):
            canvas = canvas.text(name, (28, y - 14), 14, palette.TEAL_LIGHT)
        return np.asarray(canvas.pixels)


def _draw_hand(hand: ShownHand) -> Array:
    """(100, 352, 3) uint8: the listed cards on the felt, each over the one before, in the middle."""
    cards = jnp.asarray(_cards())
    row = Canvas.blank(_CARD_HEIGHT, _HAND_WIDTH, _FELT)
    for slot in range(LISTED):
        rank = rank_at(hand.ranks, slot)
        picture = jnp.where(rank > 0, 4 * rank + (3 * rank + slot) % 4, _NO_CARD)
        if slot == 1:
            picture = jnp.where(hand.second_hidden, _BACK, picture)
        row = row.image(cards.at[picture].get(mode="clip"), (slot * _CARD_STEP, 0))
    unused = LISTED - jnp.minimum(hand.size, LISTED)
    return _moved_right(row.to_rgb(), unused * _CARD_STEP // 2)


@functools.lru_cache(maxsize=1)
def _cards() -> np.ndarray:
    """(56, 100, 72, 4) uint8: no card, the back, and from 4 on four suits of each rank."""
    blank, back = (sprite_of(paint, _CARD_HEIGHT, _CARD_WIDTH) for paint in (_paint_blank, _paint_back))
    # All symbols are painted on one canvas and cut out, since every operation compiles once per shape of canvas.
    large, small = (np.split(sprite_of(paint, 36, 4 * 36), 4, axis=1) for paint in (_paint_suits, _paint_small_suits))
    names = [np.split(sprite_of(paint, 26, 13 * 34), 13, axis=1) for paint in (_paint_names, _paint_red_names)]
    cards = [np.zeros_like(blank), back, np.zeros_like(blank), np.zeros_like(blank)]
    for rank in range(len(RANKS)):
        for suit in range(4):
            card = lay(lay(blank, names[suit % 2][rank], 2, 4), small[suit], 1, 20)
            cards.append(lay(card, large[suit], 28, 54))
    return np.stack(cards)


def _paint_blank(canvas: Canvas) -> Canvas:
    middle, size = (_CARD_WIDTH / 2, _CARD_HEIGHT / 2), (_CARD_WIDTH, _CARD_HEIGHT)
    canvas = canvas.rectangle(middle, size, palette.STEEL, corner_radius=8)
    return canvas.rectangle(middle, (size[0] - 2, size[1] - 2), palette.WHITE, corner_radius=7)


def _paint_back(canvas: Canvas) -> Canvas:
    canvas = _paint_blank(canvas)
    middle = (_CARD_WIDTH / 2, _CARD_HEIGHT / 2)
    canvas = canvas.rectangle(middle, (_CARD_WIDTH - 12, _CARD_HEIGHT - 12), palette.BLUE, corner_radius=4)
    for x in (20, 36, 52):
        for y in (20, 35, 50, 65, 80):
            diamond = [(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)]
            canvas = canvas.polygon(diamond, palette.BLUE_LIGHT)
    return canvas


def _paint_names(canvas: Canvas, color: Color = palette.INK) -> Canvas:
    for i, name in enumerate(RANKS):
        canvas = canvas.text(name, (34 * i + 17, 22), 16, color, align="center")
    return canvas


def _paint_suits(canvas: Canvas, size: float = 18) -> Canvas:
    for i, paint in enumerate((_paint_spade, _paint_heart, _paint_club, _paint_diamond)):
        canvas = paint(canvas, 36 * i + 18, 18, size)
    return canvas


def _paint_spade(canvas: Canvas, x: float, y: float, s: float) -> Canvas:
    return (
        canvas.circle((x - 0.38 * s, y + 0.05 * s), 0.4 * s, palette.INK)
        .circle((x + 0.38 * s, y + 0.05 * s), 0.4 * s, palette.INK)
        .polygon(
            [(x, y - 0.8 * s), (x + 0.72 * s, y - 0.1 * s), (x, y + 0.3 * s), (x - 0.72 * s, y - 0.1 * s)], palette.INK
        )
        .polygon([(x, y), (x + 0.35 * s, y + 0.8 * s), (x - 0.35 * s, y + 0.8 * s)], palette.INK)
    )


def _paint_heart(canvas: Canvas, x: float, y: float, s: float) -> Canvas:
    tip = [(x, y + 0.8 * s), (x + 0.72 * s, y - 0.05 * s), (x, y - 0.45 * s), (x - 0.72 * s, y - 0.05 * s)]
    return (
        canvas.circle((x - 0.38 * s, y - 0.28 * s), 0.41 * s, palette.RED)
        .circle((x + 0.38 * s, y - 0.28 * s), 0.41 * s, palette.RED)
        .polygon(tip, palette.RED)
    )


def _paint_club(canvas: Canvas, x: float, y: float, s: float) -> Canvas:
    for right, down, radius in ((0.0, -0.42, 0.37), (-0.4, 0.1, 0.37), (0.4, 0.1, 0.37), (0.0, -0.05, 0.2)):
        canvas = canvas.circle((x + right * s, y + down * s), radius * s, palette.INK)
    return canvas.polygon([(x, y - 0.1 * s), (x + 0.32 * s, y + 0.8 * s), (x - 0.32 * s, y + 0.8 * s)], palette.INK)


def _paint_diamond(canvas: Canvas, x: float, y: float, s: float) -> Canvas:
    return canvas.polygon([(x, y - 0.8 * s), (x + 0.6 * s, y), (x, y + 0.8 * s), (x - 0.6 * s, y)], palette.RED)


_paint_red_names = functools.partial(_paint_names, color=palette.RED)  # for hearts and diamonds, the odd suits
_paint_small_suits = functools.partial(_paint_suits, size=9)


@compiled_once
def _moved_right(image: Array, pixels: Array) -> Array:
    return jnp.roll(image, pixels, axis=1)
