"""Blackjack against Gymnasium with the same cards dealt to both, and against exact probabilities."""

import functools
import itertools
from collections import Counter

import gymnasium
import gymnasium.envs.toy_text.blackjack as reference_module
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.toy_text.blackjack import Blackjack, BlackjackState, Hand, deal_hand, draw_cards
from tests.parity.differences import record, relative

ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed

RULES = {"sab": {"sab": True}, "natural": {"natural": True}, "neither": {}, "both": {"sab": True, "natural": True}}
ACE, KING = 1, 13
STICK, HIT = 0, 1

CHOSEN = [
    # (player, dealer): naturals on one side, on both, against a 21 of three cards; ties; soft 16 to 18; bust hands.
    ([ACE, KING], [10, 9]),
    ([ACE, KING], [ACE, 12]),
    ([ACE, 10], [7, 7, 7]),
    ([11, ACE], [5, 6]),
    ([7, 7, 7], [ACE, 10]),
    ([10, 9], [ACE, 6]),
    ([10, 7], [ACE, 6]),
    ([10, 6], [ACE, 6]),
    ([10, 8], [ACE, 5]),
    ([10, 8], [6, ACE]),
    ([ACE, ACE], [ACE, ACE]),
    ([ACE] * 11, [ACE] * 6),
    ([ACE] * 12, [2, 2]),
    ([ACE] * 21, [2, 3]),
    ([10, 10, ACE], [10, 6]),
    ([10, 10, 10], [10, 7]),
    ([10, 10, 10], [10, 6, 10]),
    ([10, 6], [10, 6, 10]),
    ([10, 5], [10, 2]),
    ([13, 12], [11, 10]),
]


def hands_of(lists):
    """A batch of hands, with their cards listed and counted by hand."""
    ranks = [sum(rank << (4 * i) for i, rank in enumerate(hand[:8])) for hand in lists]
    return Hand(
        ranks=jnp.asarray(ranks, jnp.uint32),
        size=jnp.asarray([len(hand) for hand in lists], jnp.int32),
        hard=jnp.asarray([sum(min(rank, 10) for rank in hand) for hand in lists], jnp.int32),
        has_ace=jnp.asarray([ACE in hand for hand in lists]),
    )


def batch(players, dealers, seed, repeats=1):
    """A batch of states, each `repeats` times, with different keys."""
    count = len(players) * repeats
    player, dealer = (
        jax.tree.map(lambda x: jnp.repeat(x, repeats, total_repeat_length=count), hands_of(hands))
        for hands in (players, dealers)
    )
    keys = jax.random.split(jaxenvs.random.key(seed), count)
    return BlackjackState(player=player, dealer=dealer, revealed=jnp.zeros(count, bool), key=keys)


@functools.lru_cache
def stepper(rules):
    env = Blackjack(**RULES[rules])
    return jax.jit(jax.vmap(env.step))


@functools.lru_cache
def situations():
    """Chosen and random hands, each several times, since each time other cards are drawn."""
    random = np.random.default_rng(40)
    players, dealers = [list(hands) for hands in zip(*CHOSEN * 10)]
    for _ in range(800):
        players.append(random.integers(1, 14, random.integers(2, 7)).tolist())
        dealers.append(random.integers(1, 14, 2).tolist())
    return players, dealers


@functools.lru_cache
def cards_for(seed, count):
    """The cards that a step draws from each state's key."""
    keys = jax.random.split(jaxenvs.random.key(seed), count)
    return np.stack(jax.jit(jax.vmap(lambda key: draw_cards(jax.random.split(key)[1], 10)))(keys), -1)


@pytest.mark.measures_parity
@pytest.mark.parametrize("action", [STICK, HIT])
@pytest.mark.parametrize("rules", RULES)
def test_step_is_gymnasiums_with_the_same_cards(rules, action, monkeypatch):
    players, dealers = situations()
    state, timestep = stepper(rules)(batch(players, dealers, 41), jnp.full(len(players), action, jnp.int32))
    state, timestep = jax.device_get((state.replace(key=None), timestep))
    cards = cards_for(41, len(players))
    reference = gymnasium.make("Blackjack-v1", **{"sab": False, **RULES[rules]}).unwrapped
    draws = iter(())
    monkeypatch.setattr(reference_module, "draw_card", lambda _: min(int(next(draws)), 10))
    rewards = Counter()
    for i, (player, dealer) in enumerate(zip(players, dealers)):
        reference.player, reference.dealer = ([min(rank, 10) for rank in hand] for hand in (player, dealer))
        draws = iter(cards[i])
        observation, reward, terminated, truncated, _ = reference.step(action)
        # The observed sum is clipped to its space.
        expected = (min(observation[0], 31), *observation[1:])
        assert tuple(int(part[i]) for part in timestep.observation) == expected, (player, dealer)
        record("Blackjack-v1", relative(timestep.reward[i], reward))
        assert timestep.reward[i] == reward, (player, dealer)
        assert (timestep.terminated[i], timestep.truncated[i]) == (terminated, truncated)
        assert state.dealer.size[i] == len(reference.dealer)
        assert state.dealer.hard[i] == sum(reference.dealer)
        assert state.player.hard[i] == sum(reference.player)
        rewards[float(reward)] += 1
    possible = {-1.0, 0.0} if action == HIT else {-1.0, 0.0, 1.0} | ({1.5} if rules == "natural" else set())
    assert set(rewards) == possible


def test_stepping_on_after_the_end_is_gymnasiums(monkeypatch):
    """Random actions with the same cards, also after the end: also hits after sticking and after going bust."""
    lanes, length = 40, 12
    random = np.random.default_rng(42)
    players, dealers = random.integers(1, 14, (2, lanes, 2)).tolist()
    actions = random.integers(0, 2, (length, lanes)).astype(np.int32)
    env = Blackjack(sab=True)

    def step(state, action):
        cards = jnp.stack(draw_cards(jax.random.split(state.key)[1], 10))
        state, timestep = env.step(state, action)
        return state, (timestep, cards)

    state = batch(players, dealers, 43)
    _, (timestep, cards) = jax.jit(lambda s, a: jax.lax.scan(jax.vmap(step), s, a))(state, actions)
    timestep, cards = jax.device_get((timestep, cards))
    reference = gymnasium.make("Blackjack-v1").unwrapped
    draws = iter(())
    monkeypatch.setattr(reference_module, "draw_card", lambda _: min(int(next(draws)), 10))
    for lane in range(lanes):
        reference.player, reference.dealer = ([min(r, 10) for r in hand] for hand in (players[lane], dealers[lane]))
        for t in range(length):
            draws = iter(cards[t, lane])
            observation, reward, terminated, _, _ = reference.step(int(actions[t, lane]))
            ours = tuple(int(part[t, lane]) for part in timestep.observation)
            assert ours == (min(observation[0], 31), *observation[1:])
            assert (timestep.reward[t, lane], timestep.terminated[t, lane]) == (reward, terminated)


@functools.lru_cache
def dealer_outcomes(hard, has_ace):
    """The exact distribution of the dealer's final score, 0 for bust, from a hand of two cards or more."""
    usable = has_ace and hard + 10 <= 21
    total = hard + 10 * usable
    if total >= 17:
        return {0 if total > 21 else total: 1.0}
    outcomes = Counter()
    for rank in range(1, 14):
        for score, chance in dealer_outcomes(hard + min(rank, 10), has_ace or rank == 1).items():
            outcomes[score] += chance / 13
    return dict(outcomes)


PLAYERS = {
    **{(total, 0): [min(total - 2, 10), max(total - 10, 2)] for total in range(4, 21)},
    (21, 0): [10, 9, 2],
    **{(total, 1): [ACE, total - 11] for total in range(12, 21)},
    (21, 1): [ACE, 4, 6],
    "natural": [ACE, KING],
}


@pytest.mark.parametrize("rules", ["sab", "natural", "neither"])
def test_sticking_pays_with_the_exact_probabilities(rules):
    """For every sum, usable ace and dealer's card: rewards over all hidden cards and what the dealer then draws."""
    repeats = 40
    cases = list(itertools.product(PLAYERS, range(1, 11)))
    # The hidden card runs over all ranks.
    rows = [(PLAYERS[name], [shown, hidden]) for name, shown in cases for hidden in range(1, 14)]
    action = jnp.full(len(rows) * repeats, STICK, jnp.int32)
    _, timestep = stepper(rules)(batch(*zip(*rows), 44, repeats), action)
    rewards = np.asarray(timestep.reward).reshape(len(cases), 13, repeats)
    assert np.asarray(timestep.terminated).all()
    statistic, freedom = 0.0, 0
    for (name, shown), deals in zip(cases, rewards):
        expected = Counter()
        for hidden in range(1, 14):
            chances = payoffs(name, shown, hidden, rules)
            assert set(deals[hidden - 1].tolist()) <= set(chances), (name, shown, hidden)
            expected.update({pay: repeats * chance for pay, chance in chances.items()})
        observed = Counter(deals.reshape(-1).tolist())
        statistic += sum((observed[pay] - count) ** 2 / count for pay, count in expected.items())
        freedom += len(expected) - 1
    # Each hidden card is dealt equally often, not at random, so the statistic varies less than chi-square.
    assert scipy.stats.chi2.sf(statistic, freedom) > ALPHA


def payoffs(name, shown, hidden, rules):
    """The exact distribution of the reward for sticking."""
    score = 21 if name == "natural" else name[0]
    dealer_has_natural = {min(shown, 10), min(hidden, 10)} == {1, 10}
    chances = Counter()
    for dealer, chance in dealer_outcomes(shown + min(hidden, 10), 1 in (shown, hidden)).items():
        pay = float(np.sign(score - dealer))
        if name == "natural" and rules == "sab" and not dealer_has_natural:
            pay = 1.0
        if name == "natural" and rules == "natural" and pay == 1.0:
            pay = 1.5
        chances[pay] += chance
    return chances


def test_the_dealers_play_has_the_exact_distribution():
    """For every card shown: the final score of the dealer, over 26,000 deals each."""
    shown, hidden, repeats = range(1, 11), range(1, 14), 2000
    dealers = [[s, h] for s in shown for h in hidden]
    state = batch([[10, 10]] * len(dealers), dealers, 45, repeats)
    state, _ = stepper("neither")(state, jnp.full(len(dealers) * repeats, STICK, jnp.int32))
    scores = np.asarray(jax.vmap(lambda hand: hand.score)(state.dealer)).reshape(10, 13, repeats)
    for s, h in itertools.product(shown, hidden):
        exact = dealer_outcomes(s + min(h, 10), 1 in (s, h))
        observed = Counter(scores[s - 1, h - 1].tolist())
        assert set(observed) <= set(exact)
        if len(exact) > 1:
            counts = [[observed[k], repeats * p] for k, p in exact.items()]
            assert scipy.stats.chisquare(*np.transpose(counts)).pvalue > ALPHA / 130, (s, h)


def test_ten_draws_are_enough_for_every_dealer():
    @functools.lru_cache
    def longest(hard, has_ace):
        if hard + 10 * (has_ace and hard + 10 <= 21) >= 17:
            return 0
        return 1 + max(longest(hard + min(rank, 10), has_ace or rank == 1) for rank in range(1, 14))

    starts = itertools.product(range(1, 14), repeat=2)
    assert max(longest(min(a, 10) + min(b, 10), 1 in (a, b)) for a, b in starts) == 10


def test_hands_are_dealt_with_the_exact_probabilities():
    exact = Counter()
    for a, b, shown in itertools.product(range(1, 14), repeat=3):
        hard = min(a, 10) + min(b, 10)
        usable = int(1 in (a, b))
        exact[hard + 10 * usable, min(shown, 10), usable] += 1 / 13**3
    count = 200_000
    keys = jax.random.split(jaxenvs.random.key(46), count)
    observation = jax.jit(jax.vmap(lambda key: Blackjack().reset(key)[1].observation))(keys)
    observed = Counter(zip(*(np.asarray(part).tolist() for part in observation)))
    assert set(observed) <= set(exact)
    pairs = np.array([[observed[k], count * p] for k, p in exact.items()])
    assert scipy.stats.chisquare(pairs[:, 0], pairs[:, 1]).pvalue > ALPHA


def test_every_rank_is_drawn_alike_in_every_place_and_independently():
    count = 130_000
    keys = jax.random.split(jaxenvs.random.key(47), count)
    cards = np.stack(jax.jit(jax.vmap(lambda key: draw_cards(key, 10)))(keys), -1)
    for place in range(10):
        assert scipy.stats.chisquare(np.bincount(cards[:, place], minlength=14)[1:]).pvalue > ALPHA / 10
    for place in range(9):
        pairs = np.bincount((cards[:, place] - 1) * 13 + cards[:, place + 1] - 1, minlength=169)
        assert scipy.stats.chisquare(pairs).pvalue > ALPHA / 9


@pytest.mark.parametrize("hand", [[ACE, KING], [ACE] * 9, [10, 9, 8], [2, 3]])
def test_deal_hand_counts_its_cards(hand):
    dealt, expected = deal_hand(hand), jax.tree.map(lambda x: x[0], hands_of([hand]))
    jax.tree.map(np.testing.assert_array_equal, dealt, expected)
