"""rlenvs' classic tasks, games and pictures against a second reading of their rules."""

import functools
import itertools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.rlenvs.acrobot import Acrobot
from jaxenvs.envs.rlenvs.blackjack import Blackjack, BlackjackState, Hand, draw_card
from jaxenvs.envs.rlenvs.cart_pole import CartPole
from jaxenvs.envs.rlenvs.catch import Catch
from jaxenvs.envs.rlenvs.mountain_car import MountainCar
from jaxenvs.envs.rlenvs.taxi import Taxi, TaxiState
from jaxenvs.envs.rlenvs.xo_world import XOWorld
from tests.parity import _rlenvs_rules as rules
from tests.parity.differences import assert_close, record, relative
from tests.parity.rows_rlenvs_classic import ROWS

TOLERANCE = {row.id: row.tolerance for row in ROWS}
KEY = jaxenvs.random.key(0)
ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed
PI = np.pi


def chosen(random, low, high, edges, count):
    """(count, n) float32: uniform, with one number in four from its list of edges."""
    values = random.uniform(low, high, (count, len(low)))
    for column, list_of_edges in enumerate(edges):
        where = random.random(count) < 0.25
        values[where, column] = random.choice(list_of_edges, where.sum())
    return values.astype(np.float32)


CONTINUOUS = {
    "rlenvs/CartPole-v0": (
        CartPole(),
        rules.cart_pole,
        ("x", "x_dot", "theta", "theta_dot"),
        ([-2.5, -3, -0.22, -3], [2.5, 3, 0.22, 3], [[0, 2.399, -2.399, 2.401], [0], [0, 0.2093, -0.2095], [0]]),
    ),
    "rlenvs/MountainCar-v0": (
        MountainCar(),
        rules.mountain_car,
        ("velocity", "position"),
        ([-0.07, -1.2], [0.07, 0.6], [[0.07, -0.07, 0], [-1.2, 0.6, 0.499, 0.501, -0.5]]),
    ),
    "rlenvs/Acrobot-v0": (
        Acrobot(),
        rules.acrobot,
        ("theta1", "theta2", "theta1_dot", "theta2_dot"),
        (
            [-PI, -PI, -4 * PI, -9 * PI],
            [PI, PI, 4 * PI, 9 * PI],
            [[0, PI, -PI], [0, PI, -PI], [0, 4 * PI, -4 * PI], [0, 9 * PI, -9 * PI]],
        ),
    ),
}


@pytest.mark.measures_parity
@pytest.mark.parametrize("id", CONTINUOUS)
def test_every_transition_of_the_continuous_tasks(id):
    env, rule, names, ranges = CONTINUOUS[id]
    count, tolerance = 1500, TOLERANCE[id]
    values = chosen(np.random.default_rng(60), *ranges, count)
    actions = np.arange(count, dtype=np.int32) % env.action_space.n
    opening, _ = env.reset(KEY)

    def step(values, action):
        return env.step(opening.replace(**{name: values[i] for i, name in enumerate(names)}), action)

    _, timestep = jax.device_get(jax.jit(jax.vmap(step))(values, actions))
    expected = [rule(*map(float, row), int(action)) for row, action in zip(values, actions, strict=True)]
    after, reward, margin = (np.array(part) for part in zip(*expected, strict=True))
    seen = timestep.observation.astype(np.float64)
    if id == "rlenvs/Acrobot-v0":  # angles that differ by whole turns are equal
        assert (abs(seen[:, :2]) <= np.float32(PI)).all()
        assert (abs(after[:, :2]) > 2 * PI).any() and (after[:, :2] < -PI).any()
        after[:, :2] += 2 * PI * np.round((seen[:, :2] - after[:, :2]) / (2 * PI))
    assert_close(id, seen, after, tolerance)
    clear = abs(margin) > 10 * tolerance
    assert (clear.sum() > 0.95 * count) and 10 < (margin[clear] > 0).sum() < 0.95 * count
    np.testing.assert_array_equal(timestep.terminated[clear], margin[clear] > 0)
    assert_close(id, timestep.reward[clear], reward[clear], tolerance)


@pytest.mark.parametrize(
    "id, opening", [("CartPole", [0, 0, 0, 0]), ("MountainCar", [0, -0.5]), ("Acrobot", [0, 0, 0, 0])]
)
def test_the_continuous_tasks_start_at_rest(id, opening):
    env = jaxenvs.unwrap(jaxenvs.make(f"rlenvs/{id}-v0"))
    np.testing.assert_array_equal(env.reset(KEY)[1].observation, np.array(opening, np.float32))


def test_an_arm_without_a_torque_stays_at_rest():
    """Where the first link's acceleration is divided by that of the second, as in the reference, it is infinite."""
    _, timestep = Acrobot().step(Acrobot().reset(KEY)[0], jnp.int32(1))
    np.testing.assert_array_equal(timestep.observation, np.zeros(4))


def every_state_of_taxi():
    return [x.reshape(-1).astype(np.int32) for x in np.indices((5, 5, 14, 5, 4, 7))]


@pytest.mark.measures_parity
def test_every_state_and_action_of_taxi():
    x, y, fuel, passenger, destination, action = every_state_of_taxi()
    states = TaxiState(x, y, fuel - 1, passenger + 1, destination + 1)
    _, timestep = jax.device_get(jax.jit(jax.vmap(Taxi().step))(states, action))
    columns = zip(x, y, fuel - 1, passenger + 1, destination + 1, action, strict=True)
    after, reward, over = zip(*(rules.taxi(*map(int, row)) for row in columns), strict=True)
    assert_close("rlenvs/Taxi-v0", timestep.observation, np.array(after), 0.0)
    assert_close("rlenvs/Taxi-v0", timestep.reward, np.array(reward), 0.0)
    np.testing.assert_array_equal(timestep.terminated, np.array(over))


def test_every_start_of_taxi_is_as_likely():
    keys = jax.random.split(KEY, 32_000)
    starts = np.asarray(jax.jit(jax.vmap(lambda key: Taxi().reset(key)[1].observation))(keys)) - [0, 0, 5, 1, 1]
    numbers = np.ravel_multi_index(tuple(starts.T), (5, 5, 8, 4, 4))
    assert scipy.stats.chisquare(np.bincount(numbers, minlength=3200)).pvalue > ALPHA


# ---------------------------------------------------------------- Blackjack


def value(rank):
    return 11 if rank == 1 else min(rank, 10)


@functools.cache
def blackjack_steps():
    """States with any deck and hand, stepped either way: the arguments of the rule, and the results."""
    random, count = np.random.default_rng(61), 6000
    usable = random.integers(0, 2, count)
    total = np.where(usable == 1, random.integers(12, 25, count), random.integers(4, 25, count))
    shown = random.integers(1, 14, count)
    decks = random.random((count, 52)) < 0.5  # by card, rank within suit
    rank = np.arange(52) % 13 + 1
    decks[::3] = (rank == 1) | (rank >= 10)  # only aces and tens, for the unusual cases,
    decks[1::3] = rank <= 4  # small cards, for long games,
    decks[2::3, 36:] = True  # and a mixture with enough cards for a game
    actions = random.integers(0, 2, count).astype(np.int32)
    keys = jax.random.split(KEY, count)
    ints = functools.partial(jnp.asarray, dtype=jnp.int32)
    face = np.array([value(rank) for rank in shown])
    ones = np.ones(count)
    states = BlackjackState(
        player=Hand(jnp.zeros(count, jnp.uint32), ints(2 * ones), ints(total), ints(usable)),
        dealer=Hand(jnp.asarray(shown, jnp.uint32), ints(ones), ints(face), ints(0 * ones)),
        deck=tuple(jnp.asarray(half @ (1 << np.arange(26)), jnp.uint32) for half in np.split(decks, 2, axis=1)),
        is_over=jnp.zeros(count, bool),
        key=keys,
    )

    def step(state, action):
        words = jax.random.bits(jax.random.split(state.key)[1], (9,), jnp.uint32)
        return words, *Blackjack().step(state, action)

    words, after, timestep = jax.device_get(jax.jit(jax.vmap(step))(states, actions))
    lists = [rank[deck].tolist() for deck in decks]
    columns = zip(total.tolist(), usable.tolist(), face.tolist(), lists, words.tolist(), actions.tolist(), strict=True)
    return [*columns], after, timestep


def cards_of(low, high):
    """The ranks of the cards of a deck, in their order."""
    return [bit % 13 + 1 for word in (int(low), int(high)) for bit in range(26) if word >> bit & 1]


@pytest.mark.measures_parity
def test_blackjack_with_any_hand_and_deck():
    cases, after, timestep = blackjack_steps()
    seen = Counter()
    for i, case in enumerate(cases):
        total, usable, dealer, reward, over, deck = rules.blackjack(*case)
        reached = timestep.reward[i], timestep.observation[0][i], timestep.observation[1][i]
        record("rlenvs/Blackjack-v0", relative(reached, (reward, total, case[2])))
        assert (after.player.sum[i], after.dealer.sum[i]) == (total, dealer), case
        assert (timestep.reward[i], timestep.terminated[i]) == (reward, over), case
        assert cards_of(after.deck[0][i], after.deck[1][i]) == deck
        assert timestep.observation[0][i] == total and timestep.observation[1][i] == case[2]
        if not over:
            assert timestep.observation[2][i] == usable, case
        seen["goes on above 21"] += not over and total > 21
        seen["bust by an ace"] += over and total > 21 and total - case[0] == 11
        seen["dealer far from 17"] += over and len(case[3]) - len(deck) > 5
        seen["draw"] += over and reward == 0
    assert min(seen.values()) > 5, seen


def test_a_game_that_is_over_stays_so():
    env = Blackjack()
    step = jax.jit(env.step)
    state, first = step(jax.jit(env.reset)(KEY)[0], jnp.int32(0))
    again, timestep = step(state, jnp.int32(1))
    assert first.terminated and timestep.terminated and float(timestep.reward) == 0
    jax.tree.map(np.testing.assert_array_equal, again.replace(key=None), state.replace(key=None))


def exact_openings():
    """The probability of each first observation, over all ordered triples of the 52 cards."""
    chances = Counter()
    for ranks in itertools.product(range(1, 14), repeat=3):
        left, chance = dict.fromkeys(range(1, 14), 4), 1.0
        for number, rank in enumerate(ranks):
            chance *= left[rank] / (52 - number)
            left[rank] -= 1
        first, shown, second = map(value, ranks)
        total = first + second
        chances[12 if total == 22 else total, shown, int(11 in (first, second))] += chance
    return chances


def test_blackjack_deals_from_one_deck():
    keys = jax.random.split(KEY, 200_000)
    openings, decks = jax.jit(jax.vmap(lambda key: (lambda s, t: (t.observation, s.deck))(*Blackjack().reset(key))))(
        keys
    )
    assert (sum(np.bitwise_count(np.asarray(half)) for half in decks) == 49).all()
    seen = Counter(zip(*(np.asarray(part).tolist() for part in openings), strict=True))
    exact = exact_openings()
    assert set(seen) <= set(exact) and sum(exact.values()) == pytest.approx(1)
    pairs = np.array([[seen[opening], len(keys) * chance] for opening, chance in exact.items()])
    assert scipy.stats.chisquare(pairs[:, 0], pairs[:, 1]).pvalue > ALPHA


def test_a_deck_is_drawn_to_its_last_card():
    def draw(deck, word):
        rank, deck = draw_card(deck, word)
        return deck, rank

    whole = jnp.uint32(2**26 - 1), jnp.uint32(2**26 - 1)
    words = jax.random.bits(KEY, (52, 4000), jnp.uint32)
    deal = jax.jit(jax.vmap(lambda words: jax.lax.scan(draw, whole, words)[1], in_axes=1))
    ranks = np.asarray(deal(words))
    assert all((np.bincount(deal, minlength=14)[1:] == 4).all() for deal in ranks)
    for place in (0, 25, 51):
        assert scipy.stats.chisquare(np.bincount(ranks[:, place], minlength=14)[1:]).pvalue > ALPHA
    # Neighbours have the same rank with probability 3 / 51 at any place; with replacement it would be 1 / 13.
    assert scipy.stats.binomtest(int((ranks[:, ::2] == ranks[:, 1::2]).sum()), 26 * 4000, 3 / 51).pvalue > ALPHA


# ---------------------------------------------------------------- Catch


@functools.cache
def episodes_of_catch(lanes=400, **fields):
    """Whole episodes with random actions: env, first states, actions (steps, lanes), and results."""
    env = Catch(**fields)
    keys = jax.random.split(KEY, lanes)
    actions = jax.random.randint(jax.random.key(1), (env.size - 1, lanes), 0, 3, jnp.int32)

    def body(states, actions):
        states, timesteps = jax.vmap(env.step)(states, actions)
        return states, (states, timesteps)

    opening = jax.jit(jax.vmap(env.reset))(keys)
    _, played = jax.jit(lambda states, actions: jax.lax.scan(body, states, actions))(opening[0], actions)
    return env, *jax.device_get((opening, actions, played))


@pytest.mark.measures_parity
@pytest.mark.parametrize(
    "fields, turns",
    [({}, 50), ({"level": 3.0, "obscured": True}, 100), ({"level": 1.0, "size": 13, "player_width": 5}, 0)],
    ids=["level 2", "level 3, obscured", "level 1, other sizes"],
)
def test_episodes_of_catch(fields, turns):
    env, (states, opening), actions, (after, timesteps) = episodes_of_catch(**fields)
    size, width, tolerance = env.size, env.width, TOLERANCE["rlenvs/Catch-v0"]
    counted, doubtful = 0, 0
    for lane in range(actions.shape[1]):
        player, ball_y = int(states.player[lane]) + 1, 1
        ball_x, slope = float(states.x[lane]) + 1, float(states.slope[lane])
        assert player == -(-size // 2)
        screen = rules.catch_screen(size, width, player, ball_x, ball_y, env.obscured)
        np.testing.assert_array_equal(opening.observation[lane, :, :, 0], screen)
        for t in range(size - 1):
            was = slope
            action = int(actions[t, lane])
            player, ball_x, ball_y, slope, reward, over = rules.catch(
                size, width, player, ball_x, ball_y, slope, action
            )
            record("rlenvs/Catch-v0", relative((after.x[t, lane] + 1, after.slope[t, lane]), (ball_x, slope)))
            assert after.x[t, lane] + 1 == pytest.approx(ball_x, abs=tolerance)
            assert after.slope[t, lane] == pytest.approx(slope, abs=tolerance)
            counted += was != slope
            assert timesteps.terminated[t, lane] == over
            if 0 < abs(ball_x - round(ball_x)) < 2 * tolerance:  # rounding decides in which cell it is shown
                doubtful += 1
                continue
            assert timesteps.reward[t, lane] == reward
            screen = rules.catch_screen(size, width, player, ball_x, ball_y, env.obscured)
            np.testing.assert_array_equal(timesteps.observation[t, lane, :, :, 0], screen)
        assert over
    assert counted >= turns and doubtful < 30
    assert 0 < timesteps.reward.sum() < actions.shape[1]


def test_balls_start_anywhere_and_at_any_slope():
    keys = jax.random.split(KEY, 24_000)
    states, _ = jax.jit(jax.vmap(Catch().reset))(keys)
    assert scipy.stats.chisquare(np.bincount(np.asarray(states.x).astype(int), minlength=24)).pvalue > ALPHA
    assert scipy.stats.kstest(states.slope, scipy.stats.uniform(-1 / 3, 2 / 3).cdf).pvalue > ALPHA


def test_the_screen_flickers_as_often_as_asked():
    _, (_, opening), _, (after, timesteps) = episodes_of_catch(flickering=0.3)
    assert opening.observation.any(axis=(1, 2, 3)).all()
    blank = ~timesteps.observation.any(axis=(2, 3, 4))
    np.testing.assert_array_equal(blank, after.flickered)
    assert scipy.stats.binomtest(int(blank.sum()), blank.size, 0.3).pvalue > ALPHA


# ---------------------------------------------------------------- XOWorld


def walks(random, steps, lanes):
    """(steps, lanes) int32 actions, each repeated for some steps, so that the player moves far."""
    return np.repeat(random.integers(0, 4, (-(-steps // 9), lanes)), 9, axis=0)[:steps].astype(np.int32)


@pytest.mark.measures_parity
@pytest.mark.parametrize("double", [False, True], ids=["circles", "both"])
@pytest.mark.parametrize("random", [False, True], ids=["static", "random"])
def test_walks_in_the_world_of_crosses_and_circles(double, random):
    env, steps, lanes = XOWorld(double=double, random=random), 120, 8
    states, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(KEY, lanes))
    if random:  # objects in the last lane are as close as possible, so that several are touched at once
        close = np.array([(1 + 13 * r, 1 + 13 * c) for r in range(6) for c in range(6) if (r, c) not in PLAYERS])[::2]
        rows, columns = (states.rows.at[-1].set(close[:14, 0]), states.columns.at[-1].set(close[:14, 1]))
        states = states.replace(rows=rows, columns=columns)
    actions = walks(np.random.default_rng(62), steps, lanes)

    def body(states, actions):
        states, timesteps = jax.vmap(env.step)(states, actions)
        return states, timesteps

    timesteps = jax.device_get(jax.jit(lambda s, a: jax.lax.scan(body, s, a))(states, actions)[1])
    rewards = Counter()
    for lane in range(lanes):
        row = column = 35
        places = list(zip(states.rows[lane].tolist(), states.columns[lane].tolist(), strict=True))
        crosses, circles = ([p for p, is_cross in zip(places, env.is_cross) if is_cross == kind] for kind in (1, 0))
        assert (len(crosses), len(circles)) == COUNTS[double, random]
        for t in range(steps):
            row, column, reward, picture = rules.xo_world(row, column, crosses, circles, int(actions[t, lane]))
            record("rlenvs/XOWorld-v0", relative(timesteps.reward[t, lane], reward))
            record("rlenvs/XOWorld-v0", relative(timesteps.observation[t, lane, :, :, 0], picture))
            assert timesteps.reward[t, lane] == reward, (t, lane)
            np.testing.assert_array_equal(timesteps.observation[t, lane, :, :, 0], picture)
            rewards[reward] += 1
    assert rewards[-10] >= 5 and (rewards[10] >= 5) == double
    assert not timesteps.terminated.any()


PLAYERS = {(2, 2), (2, 3), (3, 2), (3, 3)}
COUNTS = {(False, False): (0, 16), (True, False): (8, 8), (False, True): (0, 14), (True, True): (7, 7)}


def test_the_grid_is_a_chess_board():
    env = XOWorld(double=True)
    state, _ = jax.jit(env.reset)(KEY)
    crosses = {(int(r), int(c)) for r, c, is_cross in zip(state.rows, state.columns, env.is_cross) if is_cross}
    assert crosses == {(6 + 20 * i, 6 + 20 * j) for i in range(4) for j in range(4) if (i + j) % 2}


@functools.cache
def layouts(lanes=3000):
    states, _ = jax.jit(jax.vmap(XOWorld(random=True).reset))(jax.random.split(KEY, lanes))
    return jax.device_get(states)


def test_objects_keep_their_distance():
    states = layouts()
    assert states.present.all()
    for a, b in itertools.combinations(range(14), 2):
        apart = np.maximum(abs(states.rows[:, a] - states.rows[:, b]), abs(states.columns[:, a] - states.columns[:, b]))
        assert apart.min() >= 13
    to_player = np.maximum(abs(states.rows - 35), abs(states.columns - 35))
    assert to_player.min() == 13
    assert (states.rows.min(), states.rows.max(), states.columns.min(), states.columns.max()) == (1, 71, 1, 71)


def test_objects_are_laid_out_as_by_trial_and_error():
    """The first is uniform; the last is distributed as if random places were tried until one is free."""
    states = layouts()
    free = np.array([[max(abs(r - 35), abs(c - 35)) >= 13 for c in range(1, 72)] for r in range(1, 72)])
    for places, share in ((states.rows[:, 0], free.sum(1)), (states.columns[:, 0], free.sum(0))):
        counts = np.bincount(places, minlength=72)[1:]
        assert scipy.stats.chisquare(counts, len(places) * share / free.sum()).pvalue > ALPHA
    random, found = np.random.default_rng(63), []
    for _ in range(300):
        laid = [(35, 35)]
        while len(laid) < 15:
            row, column = random.integers(1, 72, 2).tolist()
            if all(max(abs(row - r), abs(column - c)) >= 13 for r, c in laid):
                laid.append((row, column))
        found.append(laid[-1])
    last = np.array(found) - 36
    ours = np.stack([states.rows[:, -1], states.columns[:, -1]], axis=1) - 36
    for measure in (lambda p: p[:, 0], lambda p: abs(p).max(axis=1), lambda p: abs(p[:, 0] * p[:, 1])):
        assert scipy.stats.ks_2samp(measure(last), measure(ours)).pvalue > ALPHA
