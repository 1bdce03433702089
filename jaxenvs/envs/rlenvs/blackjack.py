"""Blackjack as rlenvs has it: one deck of 52 cards, and its own way with aces."""

from typing import ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs._card_table import RANKS, ShownHand, draw_table, with_card
from jaxenvs.random import Key, check_key, scale_below
from jaxenvs.spaces import Discrete, Tuple

_LIMIT = 21
_DEALER_STANDS = 17
_ACE = 11
# With two aces, the other two, four twos and two threes, the dealer comes to 18 by the tenth card.
_MAX_DEALER_DRAWS = 8
_LARGEST_SUM = 34  # a ten on 24, which is an ace and a ten, three more aces and a ten

Tree = TypeVar("Tree")
Observation = tuple[Array, Array, Array]
Deck = tuple[Array, Array]
"""Two () uint32, for two suits each: bit 13 s + r is set where the card of rank r + 1 and suit s is there."""

_TWO_SUITS = (1 << 2 * len(RANKS)) - 1


class Hand(PyTreeNode):
    """Cards, and what they add up to by the rules of `Blackjack`.

    Attributes:
        ranks: () uint32, the ranks of the first eight cards, from 1, the ace, to 13, the king, in the order dealt, four
            bits each from the lowest on; for the picture alone.
        size: () int32, the number of cards.
        sum: () int32.
        usable_ace: () int32, 1 where 10 can be taken off the sum, else 0.
    """

    ranks: Array
    size: Array
    sum: Array
    usable_ace: Array

    def take(self, rank: Array, over: int, when: Array | bool = True) -> "Hand":
        """The hand with one more card.

        Args:
            rank: () int32, the card's.
            over: the largest sum that leaves a usable ace alone; from a larger one 10 are taken off.
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
        dealer: the dealer's, of the card that lies face up alone until the player stands.
        deck: the cards that are left. The dealer's second card is one of them: it is drawn when it is turned up, which
            comes to the same.
        is_over: () bool, whether the player stands or is bust; nothing happens then.
        key: () key that cards are drawn from.
    """

    player: Hand
    dealer: Hand
    deck: Deck
    is_over: Array
    key: Key


class Blackjack(Env[BlackjackState, Observation]):
    """Come closer to 21 than the dealer without going over, with cards from one deck of 52 that is shuffled each time.

    Number cards count their number, court cards 10, an ace 11. One among the first two cards is usable: where the sum
    would go over 21, 10 are taken off it instead. When the player stands, the dealer turns up the second card and draws
    until their sum is 17 or more.

    Observation: three () int32: the player's sum (4 to 24, to 34 when bust), the dealer's card that lies face up (2 to
        11, the ace), and whether the player has a usable ace (0 or 1).

    Action: 0 stand, 1 hit.

    Reward: 1 for winning, 0 for a draw and while playing, -1 for losing, which going over 21 without a usable ace is at
        once.

    Start: two cards for the player, one for the dealer.

    Episode end:
        Termination: the player stands or is bust. Steps after that change nothing and earn nothing.
        Truncation: none.

    Not as at a card table: these are the rules of rlenvs, kept so that results compare. (`Blackjack-v1` has the usual
    rules, and a deck without end.)

    * An ace that is drawn counts 11, and is usable only if it is drawn in the moment in which another one is used. So
      15 and an ace are 26, which is bust.
    * For the same reason an ace on a soft 21, of an ace and a ten, makes 22, which goes on, and beats every hand. Two
      more aces make it 24.
    * The dealer uses an ace as soon as a drawn card takes the sum to 17 or more, also where that would be at most 21.
      Only two cards can be a soft 17 to 21. Nothing is paid for an ace and a ten.

    Differences from Gymnasium's Blackjack: the above; cards are drawn without replacement; the dealer's ace is observed
        as 11 rather than 1.

    Differences from the reference: none in the rules. It says that sums are 2 to 20 and the dealer's card 1 to 10,
        which they are not; and plays on after the end.

    Source: Perez-Uribe and Sanchez 1998; Kaixhin/rlenvs, `Blackjack.lua` of commit 967da81.

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
        """Stand (0) or hit (1)."""
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """-1 to 1."""
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
        # An ace that was used this moment saves the player, whatever the sum is.
        is_bust = hits & (player.sum > _LIMIT) & (state.player.usable_ace == 0)
        dealer = _chosen(stands, second_card(state.dealer, rank), state.dealer)
        deck = _chosen(state.is_over, state.deck, deck)

        def play(number: Array, carry: tuple[Hand, Deck]) -> tuple[Hand, Deck]:
            dealer, deck = carry
            draws = stands & (dealer.sum < _DEALER_STANDS)
            rank, rest = draw_card(deck, words[number])
            return dealer.take(rank, _DEALER_STANDS - 1, draws), _chosen(draws, rest, deck)

        dealer, deck = jax.lax.fori_loop(1, 1 + _MAX_DEALER_DRAWS, play, (dealer, deck))
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
    """Draws a card; numbers alone, which is fast under `vmap`.

    Args:
        deck: at least one card.
        word: () uint32, all of its bits random.

    Returns:
        The rank, () int32 from 1 to 13, to which each card is as likely to within 2**-26, and the deck without it.
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
    """The position of the set bit before which there are `place` others, counted from the lowest; all () uint32."""
    position = jnp.zeros_like(place)
    for width in (16, 8, 4, 2, 1):
        below = word & np.uint32((1 << width) - 1)
        count = jax.lax.population_count(below)
        is_above = place >= count
        word = jnp.where(is_above, word >> np.uint32(width), below)
        place = jnp.where(is_above, place - count, place)
        position = jnp.where(is_above, position + np.uint32(width), position)
    return position


def _chosen(where: Array, yes: Tree, no: Tree) -> Tree:
    """One of two trees of numbers, by () bool."""
    return jax.tree.map(lambda a, b: jnp.where(where, a, b), yes, no)


def card_value(rank: Array) -> Array:
    """What a card counts, () int32: an ace 11, a court card 10."""
    return jnp.where(rank == 1, _ACE, jnp.minimum(rank, 10))


def empty_hand() -> Hand:
    """A hand without cards."""
    zero = jnp.zeros((), jnp.int32)
    return Hand(ranks=jnp.zeros((), jnp.uint32), size=zero, sum=zero, usable_ace=zero)


def second_card(hand: Hand, rank: Array) -> Hand:
    """A hand of one card with another: any ace is usable, of two one is left so."""
    taken = hand.take(rank, 2 * _ACE)
    has_ace = (hand.sum == _ACE) | (card_value(rank) == _ACE)
    total = jnp.where(taken.sum > _LIMIT, taken.sum - 10, taken.sum)
    return taken.replace(sum=total, usable_ace=has_ace.astype(jnp.int32))
