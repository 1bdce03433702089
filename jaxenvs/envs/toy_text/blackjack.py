"""Blackjack: come closer to 21 than the dealer without going over."""

from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs._card_table import LISTED, RANKS, ShownHand, draw_table, rank_at, with_card
from jaxenvs.envs.toy_text._chance import draw_digits
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete, Tuple

# The dealer stands with at most 12 cards: six aces are a soft 16, a six makes that a hard 12, and five more
# aces make 17. So the dealer draws at most ten.
_MAX_DRAWS = 10
_RANK_COUNT = 13
_DEALER_STANDS = 17
_LIMIT = 21
_LARGEST_SUM = 31  # the upper bound of the observation space

Observation = tuple[Array, Array, Array]


class Hand(PyTreeNode):
    """Cards and their sum. Ranks run from 1, the ace, to 13, the king.

    Attributes:
        ranks: () uint32, the ranks of the first eight cards in the order dealt, four bits each, lowest bits first. Only
            the picture uses them, except for the dealer's first card.
        size: () int32, the number of cards.
        hard: () int32, their sum, with every ace counting 1.
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
        """() bool: whether the hand is just an ace and a ten-valued card."""
        return (self.size == 2) & self.has_ace & (self.hard == 11)

    @property
    def score(self) -> Array:
        """() int32: the sum, or 0 when bust."""
        return jnp.where(self.is_bust, 0, self.sum)

    def take(self, rank: Array, when: Array) -> "Hand":
        """The hand with one more card of that rank, () int32, if `when`."""
        value = card_value(rank)
        return Hand(
            ranks=with_card(self.ranks, self.size, rank, when),
            size=self.size + when.astype(jnp.int32),
            hard=self.hard + jnp.where(when, value, 0),
            has_ace=self.has_ace | (when & (value == 1)),
        )


class BlackjackState(PyTreeNode):
    """State of `Blackjack`.

    Attributes:
        player: the player's hand.
        dealer: the dealer's hand, whose first card lies face up.
        revealed: () bool, whether the dealer has shown the second card; for the picture only.
        key: () key that cards are drawn from.
    """

    player: Hand
    dealer: Hand
    revealed: Array
    key: Key


class Blackjack(Env[BlackjackState, Observation], RendersText):
    """Come closer to 21 than the dealer without going over.

    Number cards count their number and court cards 10. An ace counts 11 (it is then "usable") unless that would go over
    21, in which case it counts 1. The deck is infinite: every card is drawn uniformly from all ranks. When the player
    sticks, the dealer draws until their sum is at least 17. A soft 17 (with a usable ace) counts as 17.

    Observation: a tuple of three () int32.

        | index | meaning                                      | min | max | unit   |
        |-------|----------------------------------------------|-----|-----|--------|
        | 0     | sum of the player's hand; above 21 when bust | 4   | 31  | points |
        | 1     | the dealer's face-up card; an ace is 1       | 1   | 10  | points |
        | 2     | whether the player has a usable ace          | 0   | 1   |        |

    Action: () int32. 0 sticks, 1 hits. Hitting at 21 is allowed.

    Reward: 1 for a win, 0 for a draw and while playing, -1 for a loss. Going over 21 loses at once. An ace and a
        ten-valued card as the first two cards are a natural. With `sab`, a natural beats every hand that is not a
        natural. With `natural`, winning with a natural pays 1.5; `sab` overrides this.

    Start: two cards each for the player and the dealer.

    Episode end:
        Termination: the player sticks or goes bust.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        natural: whether winning with a natural pays 1.5.
        sab: whether to play by the rules of Sutton and Barto's book. The registered id sets it, so
            `make("Blackjack-v1", natural=True)` has no effect without `sab=False`.

    Differences from the reference: the observed sum stops at 31, the upper bound of its space. In Gymnasium it keeps
        growing if a bust player keeps hitting. The picture shows all the player's cards, and the dealer's once they are
        revealed, rather than only the sum.

    Source: R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction", 2nd edition, 2018, example 5.1;
        Gymnasium 1.4.0, `Blackjack-v1`.

    Version history:
        v1: same rules as Gymnasium's v1, which corrected naturals.
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
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """-1 to 1, or to 1.5 if naturals pay that."""
        return -1.0, 1.5 if self.natural and not self.sab else 1.0

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
        shown = card_value(rank_at(state.dealer.ranks, 0))
        return jnp.minimum(player.sum, _LARGEST_SUM), shown, player.usable_ace.astype(jnp.int32)

    def render(self, state: BlackjackState) -> Array:
        """(376, 384, 3) uint8: the table. Suits are decoration; the dealer's second card shows once revealed."""
        dealer, player, hidden = state.dealer, state.player, ~state.revealed
        return draw_table(
            ShownHand(
                ranks=dealer.ranks,
                size=dealer.size,
                total=jnp.where(hidden, card_value(rank_at(dealer.ranks, 0)), dealer.sum),
                is_bust=dealer.is_bust,
                usable_ace=dealer.usable_ace & ~hidden,
                second_hidden=hidden,
            ),
            ShownHand(player.ranks, player.size, player.sum, player.is_bust, player.usable_ace, second_hidden=False),
        )


def draw_cards(key: Key, count: int) -> list[Array]:
    """Draws the ranks of cards, () int32 each from 1 to 13, from a deck that never runs out."""
    return [digit + 1 for digit in draw_digits(key, _RANK_COUNT, count)]


def card_value(rank: Array) -> Array:
    """The value of a card, () int32: 1 for an ace, 10 for a court card."""
    return jnp.minimum(rank, 10)


def deal_hand(ranks: Sequence[Array]) -> Hand:
    """The hand of these cards, () int32 each."""
    zero = jnp.zeros((), jnp.int32)
    hand = Hand(ranks=jnp.zeros((), jnp.uint32), size=zero, hard=zero, has_ace=jnp.zeros((), bool))
    for rank in ranks:
        hand = hand.take(jnp.asarray(rank, jnp.int32), jnp.ones((), bool))
    return hand


def _names(hand: Hand) -> list[str]:
    ranks = [int(rank_at(hand.ranks, slot)) for slot in range(min(int(hand.size), LISTED))]
    return [RANKS[rank - 1] for rank in ranks] + ["..."] * (int(hand.size) > LISTED)


def _describe(hand: Hand) -> str:
    words = [str(int(hand.sum))] + ["usable ace"] * bool(hand.usable_ace) + ["bust"] * bool(hand.is_bust)
    return f"({', '.join(words)})"
