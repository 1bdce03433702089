"""Blackjack of rlenvs: one deck of 52 cards, and its own rules for aces."""

from typing import ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.trees import tree_where
from jaxenvs.envs._card_table import RANKS, ShownHand, draw_table, with_card
from jaxenvs.random import Key, check_key, scale_below
from jaxenvs.spaces import Discrete, Tuple

_LIMIT = 21
_DEALER_STANDS = 17
_ACE = 11
# With two aces, the other two aces, four twos and two threes, the dealer reaches 18 with the tenth card.
_MAX_DEALER_DRAWS = 8
_LARGEST_SUM = 34  # a ten on 24, which is an ace and a ten, three more aces and a ten

Tree = TypeVar("Tree")
Observation = tuple[Array, Array, Array]
Deck = tuple[Array, Array]
"""Two () uint32, for two suits each: bit 13 s + r is set if the card of rank r + 1 and suit s is in the deck."""

_TWO_SUITS = (1 << 2 * len(RANKS)) - 1


class Hand(PyTreeNode):
    """Cards and their sum by the rules of `Blackjack`.

    Attributes:
        ranks: () uint32, the ranks of the first eight cards, from 1, the ace, to 13, the king, in the order dealt, four
            bits each, lowest bits first; for the picture only.
        size: () int32, the number of cards.
        sum: () int32, the sum of the cards.
        usable_ace: () int32, 1 if 10 can be subtracted from the sum, else 0.
    """

    ranks: Array
    size: Array
    sum: Array
    usable_ace: Array

    def take(self, rank: Array, over: int, when: Array | bool = True) -> "Hand":
        """The hand with one more card.

        Args:
            rank: () int32, the rank of the card.
            over: the largest sum that does not use a usable ace; from a larger one, 10 is subtracted.
            when: () bool, whether the card is taken.
        """
        when = jnp.asarray(when)
        value = card_value(rank)
        total = self.sum + value
        uses_ace = (total > over) & (self.usable_ace == 1)
        total = jnp.where(uses_ace, total - 10, total)
        usable = jnp.where(uses_ace, (value == _ACE).astype(jnp.int32), self.usable_ace)
        return Hand(
            ranks=with_card(self.ranks, self.size, rank, when),
            size=self.size + when.astype(jnp.int32),
            sum=jnp.where(when, total, self.sum),
            usable_ace=jnp.where(when, usable, self.usable_ace),
        )


class BlackjackState(PyTreeNode):
    """State of `Blackjack`.

    Attributes:
        player: the player's hand.
        dealer: the dealer's hand: only the face-up card until the player stands.
        deck: the cards that are left. The dealer's second card is one of them: it is drawn when it is turned up, which
            is equivalent.
        is_over: () bool, whether the player stands or is bust; then steps change nothing.
        key: () key that cards are drawn from.
    """

    player: Hand
    dealer: Hand
    deck: Deck
    is_over: Array
    key: Key


class Blackjack(Env[BlackjackState, Observation]):
    """Come closer to 21 than the dealer without going over, playing with a single deck of 52 cards.

    The deck is shuffled for every episode. Number cards count their number, court cards 10 and an ace 11. One ace among
    the first two cards is usable: if the sum would exceed 21, 10 is subtracted from it. When the player stands, the
    dealer turns up the second card and draws until their sum is at least 17.

    These are the rules of rlenvs, kept so that results compare. `Blackjack-v1` has the usual rules, an infinite deck,
    and shows the dealer's ace as 1. At a card table the following would be different:

    * An ace that is drawn later counts 11. It is usable only if it is drawn in the same step in which another one is
      used. So 15 and an ace make 26, which is bust.
    * For the same reason, an ace drawn to a soft 21 (an ace and a ten) makes 22. The player goes on with it, and it
      beats every hand. Two more aces make 24.
    * The dealer uses an ace as soon as a drawn card takes the sum to 17 or more, even if the sum would be at most 21.
      Only two cards can be a soft 17 to 21. A natural pays no bonus.

    Observation: a tuple of three () int32.

        | index | meaning                                          | min | max | unit   |
        |-------|--------------------------------------------------|-----|-----|--------|
        | 0     | sum of the player's hand; at most 24 unless bust | 4   | 34  | points |
        | 1     | the dealer's face-up card; an ace is 11          | 2   | 11  | points |
        | 2     | whether the player has a usable ace              | 0   | 1   |        |

    Action: () int32. 0 stands, 1 hits.

    Reward: 1 for a win, 0 for a draw and while playing, -1 for a loss. Going over 21 without a usable ace loses at
        once.

    Start: two cards for the player and one for the dealer.

    Episode end:
        Termination: the player stands or goes bust. Later steps change nothing and earn nothing.
        Truncation: none here; `make` adds no time limit.

    Differences from the reference: none in the rules. The reference declares sums from 2 to 20 and a dealer's card from
        1 to 10, which is wrong, and plays on after the end.

    Source: A. Perez-Uribe and E. Sanchez, "Blackjack as a test bed for learning strategies in neural networks", 1998;
        Kaixhin/rlenvs, `Blackjack.lua` of commit 967da81.

    Version history:
        v0: first version.
    """

    frames_per_second: ClassVar[int] = 4

    @property
    def observation_space(self) -> Tuple:
        """The player's sum, the dealer's card, the usable ace."""
        return Tuple((Discrete(_LARGEST_SUM + 1), Discrete(_ACE + 1), Discrete(2)))

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 1.0

    def reset(self, key: Key) -> tuple[BlackjackState, TimeStep[Observation]]:
        """Deals two cards to the player, and one to the dealer."""
        key, deal_key = jax.random.split(check_key(key))
        words = jax.random.bits(deal_key, (3,), jnp.uint32)
        deck = jnp.asarray(_TWO_SUITS, jnp.uint32), jnp.asarray(_TWO_SUITS, jnp.uint32)
        ranks = []
        for i in range(3):
            rank, deck = draw_card(deck, words[i])
            ranks.append(rank)
        dealer = empty_hand().take(ranks[1], _LIMIT)
        state = BlackjackState(
            player=second_card(empty_hand().take(ranks[0], _LIMIT), ranks[2]),
            dealer=dealer,
            deck=deck,
            is_over=jnp.zeros((), bool),
            key=key,
        )
        return state, restart(self.observe(state))

    def step(self, state: BlackjackState, action: Array) -> tuple[BlackjackState, TimeStep[Observation]]:
        """Hits, or stands and lets the dealer play."""
        hits = (self.action_space.validate(action) != 0) & ~state.is_over
        stands = ~hits & ~state.is_over
        key, card_key = jax.random.split(state.key)
        words = jax.random.bits(card_key, (1 + _MAX_DEALER_DRAWS,), jnp.uint32)
        rank, deck = draw_card(state.deck, words[0])
        player = state.player.take(rank, _LIMIT, hits)
        # An ace used in this step saves the player, whatever the sum is.
        is_bust = hits & (player.sum > _LIMIT) & (state.player.usable_ace == 0)
        dealer = tree_where(stands, second_card(state.dealer, rank), state.dealer)
        deck = tree_where(state.is_over, state.deck, deck)

        dealer, deck = _played_by_dealer(stands, dealer, deck, words[1:])
        wins = (player.sum > dealer.sum) | (dealer.sum > _LIMIT)
        outcome = jnp.where(wins, 1.0, jnp.where(dealer.sum > player.sum, -1.0, 0.0))
        reward = jnp.where(stands, outcome, jnp.where(is_bust, -1.0, 0.0))
        is_over = state.is_over | stands | is_bust
        state = BlackjackState(player=player, dealer=dealer, deck=deck, is_over=is_over, key=key)
        return state, transition(self.observe(state), reward, is_over)

    def observe(self, state: BlackjackState) -> Observation:
        """The player's sum, the dealer's shown card, and whether the player has a usable ace, () int32 each."""
        shown = card_value((state.dealer.ranks & np.uint32(15)).astype(jnp.int32))
        return state.player.sum, shown, state.player.usable_ace

    def render(self, state: BlackjackState) -> Array:
        """(376, 384, 3) uint8: the table. Suits are decoration; the dealer's second card shows once turned up."""
        player, dealer = state.player, state.dealer
        hidden = dealer.size < 2
        is_bust = state.is_over & hidden  # the player never stood
        return draw_table(
            ShownHand(
                ranks=dealer.ranks,
                size=jnp.maximum(dealer.size, 2),
                total=dealer.sum,
                is_bust=dealer.sum > _LIMIT,
                usable_ace=(dealer.usable_ace == 1) & ~hidden,
                second_hidden=hidden,
            ),
            ShownHand(player.ranks, player.size, player.sum, is_bust, player.usable_ace == 1, second_hidden=False),
        )


def draw_card(deck: Deck, word: Array) -> tuple[Array, Deck]:
    """Draws a card by scalar arithmetic only, which is fast under `vmap`.

    Args:
        deck: at least one card.
        word: () uint32, with all bits random.

    Returns:
        The rank, () int32 from 1 to 13, and the deck without the card. All cards are equally likely to within 2**-26.
    """
    low, high = deck
    in_low, in_high = (jax.lax.population_count(half) for half in deck)
    place = scale_below(word, in_low + in_high).astype(jnp.uint32)
    from_high = place >= in_low
    half, place = jnp.where(from_high, high, low), jnp.where(from_high, place - in_low, place)
    bit = _bit_at(half, place)
    left = half & ~(np.uint32(1) << bit)
    deck = jnp.where(from_high, low, left), jnp.where(from_high, left, high)
    return bit.astype(jnp.int32) % len(RANKS) + 1, deck


def _bit_at(word: Array, place: Array) -> Array:
    """The position of the set bit with `place` set bits below it; all () uint32."""
    position = jnp.zeros_like(place)
    for width in (16, 8, 4, 2, 1):
        below = word & np.uint32((1 << width) - 1)
        count = jax.lax.population_count(below)
        is_above = place >= count
        word = jnp.where(is_above, word >> np.uint32(width), below)
        place = jnp.where(is_above, place - count, place)
        position = jnp.where(is_above, position + np.uint32(width), position)
    return position


def card_value(rank: Array) -> Array:
    """The value of a card, () int32: 11 for an ace, 10 for a court card."""
    return jnp.where(rank == 1, _ACE, jnp.minimum(rank, 10))


def empty_hand() -> Hand:
    """A hand without cards."""
    zero = jnp.zeros((), jnp.int32)
    return Hand(ranks=jnp.zeros((), jnp.uint32), size=zero, sum=zero, usable_ace=zero)


def second_card(hand: Hand, rank: Array) -> Hand:
    """Adds a second card to a hand of one: an ace is usable, and one remains usable of two."""
    taken = hand.take(rank, 2 * _ACE)
    has_ace = (hand.sum == _ACE) | (card_value(rank) == _ACE)
    total = jnp.where(taken.sum > _LIMIT, taken.sum - 10, taken.sum)
    return taken.replace(sum=total, usable_ace=has_ace.astype(jnp.int32))


@compiled_once
def _played_by_dealer(stands: Array, dealer: Hand, deck: Deck, words: Array) -> tuple[Hand, Deck]:
    """The dealer's hand and the deck after the dealer has played, if the player stands, by random words."""

    def play(number: Array, carry: tuple[Hand, Deck]) -> tuple[Hand, Deck]:
        dealer, deck = carry
        draws = stands & (dealer.sum < _DEALER_STANDS)
        rank, rest = draw_card(deck, words[number])
        return dealer.take(rank, _DEALER_STANDS - 1, draws), tree_where(draws, rest, deck)

    return jax.lax.fori_loop(0, _MAX_DEALER_DRAWS, play, (dealer, deck))
