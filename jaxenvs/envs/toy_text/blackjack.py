"""Blackjack: come closer to 21 than the dealer without going over."""

import functools
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, View, palette
from jaxenvs.canvas.palette import Color
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.random import Key, check_key
from jaxenvs.core.spaces import Discrete, Tuple
from jaxenvs.envs._tileset import lay, sprite_of
from jaxenvs.envs.toy_text._chance import draw_digits

# The dealer stands with at most 12 cards: six aces are a soft 16, a six makes that a hard 12, and five more
# aces 17. So there are at most ten to draw.
_MAX_DRAWS = 10
_RANK_COUNT = 13
_LISTED = 8  # cards that fit in `Hand.ranks`
_DEALER_STANDS = 17
_LIMIT = 21
_LARGEST_SUM = 31  # that the observation space holds

_CARD_HEIGHT, _CARD_WIDTH, _CARD_STEP = 100, 72, 40  # pixels
_HAND_WIDTH = (_LISTED - 1) * _CARD_STEP + _CARD_WIDTH
_LEFT_END, _RIGHT_END, _DEALER_Y, _PLAYER_Y = 16, 356, 62, 238
_NO_CARD, _BACK = 0, 1
_FELT = palette.TEAL_DARK

RANKS = ("A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K")

Observation = tuple[Array, Array, Array]


class Hand(PyTreeNode):
    """Cards, and what they add up to. Ranks run from 1, the ace, to 13, the king.

    Attributes:
        ranks: () uint32, the ranks of the first eight cards in the order dealt, four bits each from the
            lowest on; for the picture alone, apart from the dealer's first card.
        size: () int32, the number of cards.
        hard: () int32, their sum with every ace as 1.
        has_ace: () bool, whether there is an ace.
    """

    ranks: Array
    size: Array
    hard: Array
    has_ace: Array

    @property
    def usable_ace(self) -> Array:
        """() bool: whether an ace counts 11 without going over 21."""
        return self.has_ace & (self.hard + 10 <= _LIMIT)

    @property
    def sum(self) -> Array:
        """() int32: the sum, a usable ace counting 11."""
        return jnp.where(self.usable_ace, self.hard + 10, self.hard)

    @property
    def is_bust(self) -> Array:
        """() bool: whether the sum is over 21."""
        return self.hard > _LIMIT

    @property
    def is_natural(self) -> Array:
        """() bool: whether it is an ace and a ten-valued card, and nothing else."""
        return (self.size == 2) & self.has_ace & (self.hard == 11)

    @property
    def score(self) -> Array:
        """() int32: the sum, or 0 when bust."""
        return jnp.where(self.is_bust, 0, self.sum)

    def take(self, rank: Array, when: Array) -> "Hand":
        """The hand with one more card of that rank, () int32, where `when`."""
        value = card_value(rank)
        listed = when & (self.size < _LISTED)
        place = (4 * jnp.minimum(self.size, _LISTED - 1)).astype(jnp.uint32)
        return Hand(
            ranks=self.ranks | jnp.where(listed, rank.astype(jnp.uint32) << place, jnp.zeros((), jnp.uint32)),
            size=self.size + when.astype(jnp.int32),
            hard=self.hard + jnp.where(when, value, 0),
            has_ace=self.has_ace | (when & (value == 1)),
        )


class BlackjackState(PyTreeNode):
    """State of `Blackjack`.

    Attributes:
        player: the player's hand.
        dealer: the dealer's hand, whose first card lies face up.
        revealed: () bool, whether the dealer has shown the second card; for the picture alone.
        key: () key that cards are drawn from.
    """

    player: Hand
    dealer: Hand
    revealed: Array
    key: Key


class Blackjack(Env[BlackjackState, Observation], RendersText):
    """Come closer to 21 than the dealer without going over.

    Number cards count their number, court cards 10, an ace 11 ("usable") unless that would go over 21, and
    then 1. The deck is infinite: every card is drawn from all ranks alike. When the player sticks, the dealer draws
    until their sum is 17 or more, a soft 17 (with a usable ace) included.

    Observation: three () int32: the sum of the player's hand (4 to 21, up to 31 when bust), the dealer's
    card that lies face up (1, the ace, to 10), and whether the player has a usable ace (0 or 1).

    Action: 0 stick, 1 hit. Hitting at 21 is allowed.

    Reward: 1 for winning, 0 for a draw and while playing, -1 for losing, which going over 21 is at once.
    An ace and a ten-valued card from the start are a natural. With `sab`, a natural wins against every
    hand that is not one. With `natural`, winning with a natural pays 1.5; `sab` overrides it.

    Start: two cards each.

    Episode end:
        Termination: the player sticks or is bust.
        Truncation: none here, and no step limit in the registered id.

    Attributes:
        natural: whether winning with a natural pays 1.5.
        sab: whether to play by the rules in Sutton and Barto's book. The registered id sets it, so
            `make("Blackjack-v1", natural=True)` needs `sab=False` beside it to have an effect.

    Differences from the reference: the observed sum stops at 31, the end of its space, where Gymnasium's
    goes on growing if a player who is bust keeps on hitting. The picture shows all cards rather than
    their sum alone, and the dealer's once they are revealed.

    Source: Sutton and Barto, Reinforcement Learning: An Introduction, 2nd edition, 2018, example 5.1;
    Gymnasium 1.4.0, `Blackjack-v1`.

    Version history: v1, as Gymnasium's v1, which corrected naturals.
    """

    frames_per_second: ClassVar[int] = 4

    natural: bool = static(default=False)
    sab: bool = static(default=False)

    @property
    def observation_space(self) -> Tuple:
        """The player's sum, the dealer's card, the usable ace."""
        return Tuple((Discrete(_LARGEST_SUM + 1), Discrete(11), Discrete(2)))

    @property
    def action_space(self) -> Discrete:
        """Stick or hit."""
        return Discrete(2)

    def reset(self, key: Key) -> tuple[BlackjackState, TimeStep[Observation]]:
        """Deals two cards to the dealer and two to the player."""
        key, deal_key = jax.random.split(check_key(key))
        cards = draw_cards(deal_key, 4)
        state = BlackjackState(
            player=deal_hand(cards[2:]),
            dealer=deal_hand(cards[:2]),
            revealed=jnp.zeros((), bool),
            key=key,
        )
        return state, restart(self.observe(state))

    def step(self, state: BlackjackState, action: Array) -> tuple[BlackjackState, TimeStep[Observation]]:
        """Hits, or sticks and lets the dealer play."""
        hits = self.action_space.validate(action) != 0
        key, card_key = jax.random.split(state.key)
        cards = draw_cards(card_key, _MAX_DRAWS)
        player, dealer = state.player.take(cards[0], hits), state.dealer
        for card in cards:
            dealer = dealer.take(card, ~hits & (dealer.sum < _DEALER_STANDS))
        reward = jnp.sign(player.score - dealer.score).astype(jnp.float32)
        if self.sab:
            reward = jnp.where(player.is_natural & ~dealer.is_natural, 1.0, reward)
        elif self.natural:
            reward = jnp.where(player.is_natural & (reward == 1.0), 1.5, reward)
        reward = jnp.where(hits, jnp.where(player.is_bust, -1.0, 0.0), reward)
        state = BlackjackState(player=player, dealer=dealer, revealed=state.revealed | ~hits, key=key)
        return state, transition(self.observe(state), reward, ~hits | player.is_bust)

    def render_text(self, state: BlackjackState) -> str:
        """Both hands, the dealer's second card hidden until the player sticks."""
        dealer, player = _names(state.dealer), _names(state.player)
        dealer_line = " ".join([*dealer, _describe(state.dealer)]) if bool(state.revealed) else f"{dealer[0]} ??"
        return f"Dealer: {dealer_line}\nPlayer: {' '.join([*player, _describe(state.player)])}\n"

    def observe(self, state: BlackjackState) -> Observation:
        """The player's sum, the dealer's shown card, and whether the player has a usable ace, () int32 each."""
        player = state.player
        shown = card_value(_rank_at(state.dealer, 0))
        return jnp.minimum(player.sum, _LARGEST_SUM), shown, player.usable_ace.astype(jnp.int32)

    def render(self, state: BlackjackState) -> Array:
        """(376, 384, 3) uint8: the table. Suits are decoration; the dealer's second card shows once revealed."""
        canvas = Canvas(jnp.asarray(_table()), View())
        hidden = ~state.revealed
        canvas = canvas.image(_draw_hand(state.dealer, hidden), (_LEFT_END, _DEALER_Y))
        canvas = canvas.image(_draw_hand(state.player, False), (_LEFT_END, _PLAYER_Y))
        shown = jnp.where(hidden, card_value(_rank_at(state.dealer, 0)), state.dealer.sum)
        for hand, total, y in ((state.dealer, shown, _DEALER_Y), (state.player, state.player.sum, _PLAYER_Y)):
            bust = jnp.where(hand.is_bust, 1.0, 0.0)
            usable = jnp.where(hand.usable_ace & ~((y == _DEALER_Y) & hidden), 1.0, 0.0)
            canvas = canvas.number(total, (_RIGHT_END, y - 14), 18, palette.WHITE, digits=3, align="right")
            canvas = canvas.text("BUST", (216, y - 14), 18, palette.YELLOW, align="center", opacity=bust)
            canvas = canvas.text("USABLE ACE", (216, y - 14), 14, palette.TEAL_LIGHT, align="center", opacity=usable)
        return canvas.to_rgb()


def draw_cards(key: Key, count: int) -> list[Array]:
    """Draws the ranks of cards, () int32 each from 1 to 13, from a deck that never runs out."""
    return [digit + 1 for digit in draw_digits(key, _RANK_COUNT, count)]


def card_value(rank: Array) -> Array:
    """What a card counts, () int32: an ace 1, a court card 10."""
    return jnp.minimum(rank, 10)


def deal_hand(ranks: Sequence[Array]) -> Hand:
    """The hand of these cards, () int32 each."""
    zero = jnp.zeros((), jnp.int32)
    hand = Hand(ranks=jnp.zeros((), jnp.uint32), size=zero, hard=zero, has_ace=jnp.zeros((), bool))
    for rank in ranks:
        hand = hand.take(jnp.asarray(rank, jnp.int32), jnp.ones((), bool))
    return hand


def _rank_at(hand: Hand, slot: int) -> Array:
    """The rank of the card in one of the eight listed slots, () int32; 0 where there is none."""
    return ((hand.ranks >> np.uint32(4 * slot)) & np.uint32(15)).astype(jnp.int32)


def _names(hand: Hand) -> list[str]:
    ranks = [int(_rank_at(hand, slot)) for slot in range(min(int(hand.size), _LISTED))]
    return [RANKS[rank - 1] for rank in ranks] + ["..."] * (int(hand.size) > _LISTED)


def _describe(hand: Hand) -> str:
    words = [str(int(hand.sum))] + ["usable ace"] * bool(hand.usable_ace) + ["bust"] * bool(hand.is_bust)
    return f"({', '.join(words)})"


# ---------------------------------------------------------------- the picture, in pixels, y down


@functools.lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """The pixels of the empty table, painted once and for all, even within a trace."""
    with jax.ensure_compile_time_eval():
        canvas = Canvas.blank(376, 384, palette.WOOD_DARK)
        canvas = canvas.rectangle((192, 188), (372, 364), palette.WOOD, corner_radius=20)
        canvas = canvas.rectangle((192, 188), (360, 352), _FELT, corner_radius=16)
        canvas = canvas.line((28, 188), (356, 188), 2, palette.TEAL_LIGHT, opacity=0.4)
        for name, y in (("DEALER", _DEALER_Y), ("PLAYER", _PLAYER_Y)):
            canvas = canvas.text(name, (28, y - 14), 14, palette.TEAL_LIGHT)
        return np.asarray(canvas.pixels)


def _draw_hand(hand: Hand, second_hidden: ArrayLike) -> Array:
    """(100, 352, 3) uint8: the listed cards on the felt, each over the one before, in the middle."""
    cards = jnp.asarray(_cards())
    row = Canvas.blank(_CARD_HEIGHT, _HAND_WIDTH, _FELT)
    for slot in range(_LISTED):
        rank = _rank_at(hand, slot)
        picture = jnp.where(rank > 0, 4 * rank + (3 * rank + slot) % 4, _NO_CARD)
        if slot == 1:
            picture = jnp.where(second_hidden, _BACK, picture)
        row = row.image(cards.at[picture].get(mode="clip"), (slot * _CARD_STEP, 0))
    unused = _LISTED - jnp.minimum(hand.size, _LISTED)
    return jnp.roll(row.to_rgb(), unused * _CARD_STEP // 2, axis=1)


@functools.lru_cache(maxsize=1)
def _cards() -> np.ndarray:
    """(56, 100, 72, 4) uint8: no card, the back, and from 4 on four suits of each rank."""
    blank, back = (sprite_of(paint, _CARD_HEIGHT, _CARD_WIDTH) for paint in (_paint_blank, _paint_back))
    # All symbols are painted on one canvas and cut out: every operation compiles once for a canvas's shape.
    large, small = (np.split(sprite_of(paint, 36, 4 * 36), 4, axis=1) for paint in (_paint_suits, _paint_small_suits))
    names = [np.split(sprite_of(paint, 26, 13 * 34), 13, axis=1) for paint in (_paint_names, _paint_red_names)]
    cards = [np.zeros_like(blank), back, np.zeros_like(blank), np.zeros_like(blank)]
    for rank in range(_RANK_COUNT):
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
