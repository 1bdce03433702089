"""Tasks of rlenvs against its rules, read a second time into plain Python that shares nothing with the environments."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.rlenvs.cliff_walking import CliffWalking
from jaxenvs.envs.rlenvs.dyna_maze import DynaMaze
from jaxenvs.envs.rlenvs.grid_world import GridWorld, GridWorldState
from jaxenvs.envs.rlenvs.jacks_car_rental import JacksCarRental
from jaxenvs.envs.rlenvs.multi_armed_bandit import MultiArmedBandit
from jaxenvs.envs.rlenvs.random_walk import RandomWalk, RandomWalkState
from jaxenvs.envs.rlenvs.windy_world import WindyWorld
from jaxenvs.registration import spec
from tests.envs.rlenvs.finite_model import cells_of, grid_states, outcomes_of
from tests.parity.differences import assert_close, record, relative
from tests.parity.rows_rlenvs_tabular import ROWS

TOLERANCE = {row.id.split("/")[1].split("-")[0]: row.tolerance for row in ROWS}
ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed
LANES = 20_000

COMPASS = {0: "N", 1: "E", 2: "S", 3: "W", 4: "NE", 5: "SE", 6: "SW", 7: "NW"}


def moved(place, action, width, height):
    """The reference's grids: each coordinate by itself, stopped at the edge."""
    x, y = place
    for letter in COMPASS[action]:
        if letter == "N" and y < height:
            y += 1
        elif letter == "S" and y > 1:
            y -= 1
        elif letter == "E" and x < width:
            x += 1
        elif letter == "W" and x > 1:
            x -= 1
    return x, y


def cliff(place, action):
    x, y = moved(place, action, 12, 4)
    in_lowest_row_off_the_start = y == 1 and x != 1
    return (x, y), -100 if in_lowest_row_off_the_start and x != 12 else -1, in_lowest_row_off_the_start


def windy(place, action, of_the_column_left=False):
    x, y = moved(place, action, 10, 7)
    for _ in range(int("0001112210"[(place[0] if of_the_column_left else x) - 1])):
        y = min(y + 1, 7)
    return (x, y), -1, (x, y) == (8, 4)


class Maze:
    """A maze with its count of steps."""

    def __init__(self, change, count):
        self.change, self.count = change, 0
        if change == "none":
            self.blocks = {(3, 3), (3, 4), (3, 5), (6, 2), (8, 4), (8, 5), (8, 6)}
        elif change == "blocking":
            self.blocks = {(x, 3) for x in range(1, 9)}
        else:
            self.blocks = {(x, 3) for x in range(2, 10)}
        for _ in range(count):
            self.tick((1, 1))

    def tick(self, place):
        self.count += 1
        if self.change == "blocking" and self.count == 1000:
            self.blocks = self.blocks - {(1, 3)} | {(9, 3)}
            return (4, 3) if place == (9, 3) else place
        if self.change == "shortcut" and self.count == 3000:
            self.blocks = self.blocks - {(9, 3)}
        return place

    def step(self, place, action):
        target = moved(place, action, 9, 6)
        place = self.tick(place if target in self.blocks else target)
        arrived = target == (9, 6)
        return place, int(arrived), arrived


GRIDS = {
    "cliff": (CliffWalking(), 12, 4, None, lambda: cliff),
    "wind": (WindyWorld(), 10, 7, None, lambda: windy),
    "wind, king": (WindyWorld(king_moves=True), 10, 7, None, lambda: windy),
    "wind, king, book": (
        WindyWorld(king_moves=True, book_wind=True),
        10,
        7,
        None,
        lambda: lambda place, action: windy(place, action, True),
    ),
    "maze": (DynaMaze(), 9, 6, 0, lambda: Maze("none", 0).step),
}
for change, counts in (("blocking", (0, 998, 999, 1000)), ("shortcut", (0, 2998, 2999, 3000))):
    for count in counts:
        GRIDS[f"{change} {count}"] = (
            DynaMaze(change=change),
            9,
            6,
            count,
            lambda change=change, count=count: Maze(change, count).step,
        )


@pytest.mark.measures_parity
@pytest.mark.parametrize("case", GRIDS)
def test_every_cell_and_action(case):
    env, width, height, count, rules = GRIDS[case]
    steps = {} if count is None else {"steps": min(count, env.change_after)}
    states, timesteps = outcomes_of(env, grid_states(env, width, height, **steps))
    for i, place in enumerate(cells_of(width, height).tolist()):
        for action in range(env.action_space.n):
            target, reward, over = rules()(tuple(place), action)
            seen = tuple(timesteps.observation[i, action].tolist())
            record(f"rlenvs/{type(env).__name__}-v0", relative((*seen, timesteps.reward[i, action]), (*target, reward)))
            assert (seen, timesteps.reward[i, action], timesteps.terminated[i, action]) == (target, reward, over), (
                place,
                action,
            )
    if count is not None:
        assert (states.steps == min(count + 1, env.change_after)).all()


@pytest.mark.parametrize(
    "env, start",
    [(CliffWalking(), (1, 1)), (WindyWorld(), (1, 4)), (DynaMaze(), (1, 4))],
    ids=["cliff", "wind", "maze"],
)
def test_starts(env, start):
    assert tuple(env.reset(jax.random.key(0))[1].observation.tolist()) == start


@pytest.mark.parametrize("change", ["blocking", "shortcut"])
def test_mazes_that_change_begin_at_the_lower_edge(change):
    assert DynaMaze(change=change).reset(jax.random.key(0))[1].observation.tolist() == [4, 1]


def test_steps_of_all_episodes_move_the_wall():
    """A hundred episodes of 10 steps through the right gap; then it is closed, and the walk takes the left gap."""
    env = jaxenvs.AutoReset(jaxenvs.make("rlenvs/DynaMaze-v0", change="blocking"))
    right = [1] * 5 + [0] * 5
    left = [3] * 3 + [0] * 5 + [1] * 8
    back = [2] * 2 + [3] * 5  # from below the closed gap to the start
    actions = jnp.array(right * 101 + back + left * 2, jnp.int32)
    state, _ = env.reset(jaxenvs.random.key(0))
    _, played = jax.jit(lambda state: jax.lax.scan(env.step, state, actions))(state)
    ends = np.flatnonzero(played.terminated) + 1
    assert ends.tolist() == [*range(10, 1001, 10), 1010 + 7 + 16, 1010 + 7 + 32]
    assert not played.truncated.any()
    fresh, _ = env.reset(jaxenvs.random.key(1))
    assert int(jaxenvs.unwrap(env).reset(jaxenvs.random.key(1))[0].steps) == 0
    assert jax.tree.structure(fresh) == jax.tree.structure(state)


@pytest.mark.measures_parity
def test_every_place_of_the_walk():
    places = jnp.arange(7, dtype=jnp.int32)
    _, timesteps = outcomes_of(RandomWalk(), RandomWalkState(position=places))
    assert_close(
        "rlenvs/RandomWalk-v0", timesteps.observation, [[0, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 6]], 0
    )
    inside = slice(1, 6)  # outside, the reference defines only the way back
    assert_close("rlenvs/RandomWalk-v0", timesteps.reward[inside], [[0, 0], [0, 0], [0, 0], [0, 0], [0, 1]], 0)
    assert timesteps.terminated[inside].tolist() == [[True, False], *[[False, False]] * 3, [False, True]]
    assert not timesteps.terminated[0, 1] and not timesteps.terminated[6, 0]
    assert int(RandomWalk().reset(jax.random.key(0))[1].observation) == 3


# ---------------------------------------------------------------- the square with puddles


def gaussian(height, width):
    """What torch/image's `gaussian` gives: 1 in the middle, deviations of a quarter of the sides."""
    rows = (np.arange(1, height + 1) - (height / 2 + 0.5)) / (height / 4)
    columns = (np.arange(1, width + 1) - (width / 2 + 0.5)) / (width / 4)
    return np.exp(-(rows[:, None] ** 2 + columns[None] ** 2) / 2)


def costs_of_moving(has_puddles):
    world = np.full((102, 102), -0.5)  # indices from 1; x first
    if has_puddles:
        world[30:91, 30:51] -= gaussian(61, 21)
        world[60:81, 1:51] -= gaussian(21, 60)[:, 10:]
    return world


@pytest.mark.measures_parity
@pytest.mark.parametrize("has_puddles", [False, True])
def test_every_twentieth_of_the_square(has_puddles):
    env, world = GridWorld(has_puddles=has_puddles), costs_of_moving(has_puddles)
    twentieths = np.stack(np.meshgrid(np.arange(21), np.arange(21), indexing="ij"), -1).reshape(-1, 2)
    x, y = jnp.asarray((twentieths / 20).astype(np.float32)).T
    _, timesteps = outcomes_of(env, GridWorldState(x=x, y=y))
    tolerance = TOLERANCE["GridWorld"]
    for i, place in enumerate(twentieths):
        for action in range(4):
            x, y = (c - 1 for c in moved(place + 1, action, 21, 21))
            reached, reward = timesteps.observation[i, action], timesteps.reward[i, action]
            record("rlenvs/GridWorld-v0", relative((*reached, reward), (x / 20, y / 20, world[5 * x + 1, 5 * y + 1])))
            np.testing.assert_allclose(timesteps.observation[i, action], (x / 20, y / 20), atol=tolerance)
            np.testing.assert_allclose(timesteps.reward[i, action], world[5 * x + 1, 5 * y + 1], atol=tolerance)
            assert timesteps.terminated[i, action] == (x == y == 20)
    assert timesteps.reward.min() < -1.4 or not has_puddles


@pytest.mark.parametrize("detour", [(), (0, 2), (3, 1) * 4, (2, 3, 0, 1) * 40], ids=len)
def test_rounding_costs_no_steps(detour):
    """28 steps lead to the corner, also after many steps that cancel out."""
    env = GridWorld()
    actions = jnp.array([*detour, *[1] * 16, *[0] * 12], jnp.int32)
    state, timestep = env.reset(jax.random.key(0))
    np.testing.assert_allclose(timestep.observation, (0.2, 0.4))
    _, played = jax.jit(lambda state, actions: jax.lax.scan(env.step, state, actions))(state, actions)
    assert np.flatnonzero(played.terminated).tolist() == [len(actions) - 1]


def test_depth_between_the_twentieths():
    env, world = GridWorld(has_puddles=True, stride=0.01), costs_of_moving(True)
    x, y = np.random.default_rng(0).integers(0, 101, (2, 500))
    states = GridWorldState(x=jnp.asarray(x / 100, jnp.float32), y=jnp.asarray(y / 100, jnp.float32))
    _, timesteps = outcomes_of(env, states)
    right = np.minimum(x + 1, 100)
    np.testing.assert_allclose(timesteps.reward[:, 1], world[right + 1, y + 1], atol=TOLERANCE["GridWorld"])


# ---------------------------------------------------------------- the car rental


def day_and_night(lots, action, asked, brought):
    lots, dollars = list(lots), 0
    for i in (0, 1):
        served = min(asked[i], lots[i])
        dollars += 10 * served
        lots[i] = min(lots[i] - served + brought[i], 20)
    giver, taker = (0, 1) if action > 5 else (1, 0)
    for _ in range(abs(action - 5)):
        if lots[giver] > 0 and lots[taker] < 20:
            lots[giver] -= 1
            lots[taker] += 1
            dollars -= 2
    return lots, dollars


@pytest.mark.measures_parity
def test_days_and_nights():
    draw = np.random.default_rng(0)
    cars = draw.choice([0, 1, 2, 5, 10, 17, 19, 20, *range(21)], (4000, 2))
    asked, brought = draw.integers(0, 21, (2, 4000, 2))
    asked[:2000] //= 4
    brought[:2000] //= 5
    actions = draw.integers(0, 11, 4000)
    env = JacksCarRental()
    start, opening = env.reset(jax.random.key(0))
    assert opening.observation.tolist() == [10, 10]
    arguments = (jnp.asarray(each, jnp.int32) for each in (cars, actions, asked, brought))
    step = jax.vmap(lambda cars, *others: env.step_with(start.replace(cars=cars), *others))
    _, timesteps = jax.jit(step)(*arguments)
    expected = [day_and_night(*case) for case in zip(cars, actions, asked, brought, strict=True)]
    assert_close("rlenvs/JacksCarRental-v0", timesteps.observation, [lots for lots, _ in expected], 0)
    assert_close("rlenvs/JacksCarRental-v0", timesteps.reward, [dollars for _, dollars in expected], 0)
    assert not timesteps.terminated.any()


def test_lots_fill_and_empty_as_often_as_poisson_says():
    """With many cars no request is refused, so the cars in the evening show the requests or the returns."""
    rates = {"request_rates": (3.0, 4.0), "return_rates": (0.0, 0.0)}, {"return_rates": (3.0, 2.0)}
    lots = 20, 8
    for env, cars in zip((JacksCarRental(**rates[0]), JacksCarRental((0.0, 0.0), **rates[1])), lots, strict=True):
        start, _ = env.reset(jax.random.key(0))
        start = start.replace(cars=jnp.full((2,), cars, jnp.int32))
        keys = jax.random.split(jaxenvs.random.key(7), LANES)
        step = jax.jit(jax.vmap(lambda key, env=env, start=start: env.step(start.replace(key=key), jnp.int32(5))))
        evening = np.asarray(step(keys)[1].observation)
        for lot, rate in enumerate(env.request_rates if cars == 20 else env.return_rates):
            counts = np.bincount(np.abs(evening[:, lot] - cars), minlength=12)[:12]
            law = scipy.stats.poisson.pmf(np.arange(11), rate)
            expected = LANES * np.append(law, 1 - law.sum())
            assert scipy.stats.chisquare([*counts[:11], LANES - counts[:11].sum()], expected).pvalue > ALPHA
        assert abs(np.corrcoef(evening.T)[0, 1]) < 5 / math.sqrt(LANES)  # lots are independent


# ---------------------------------------------------------------- the bandit


@pytest.mark.parametrize("is_restless", [False, True])
def test_pulls(is_restless):
    env = MultiArmedBandit(is_restless=is_restless)
    keys = jax.random.split(jaxenvs.random.key(2), LANES)
    before, _ = jax.vmap(env.reset)(keys)
    arms = jnp.arange(LANES, dtype=jnp.int32) % 10
    after, timesteps = jax.jit(jax.vmap(env.step))(before, arms)
    pulled = np.take_along_axis(np.asarray(before.means), np.asarray(arms)[:, None], 1)[:, 0]
    noise = np.asarray(timesteps.reward) - pulled
    assert scipy.stats.kstest(noise, scipy.stats.norm.cdf).pvalue > ALPHA
    assert scipy.stats.kstest(np.asarray(before.means).ravel(), scipy.stats.norm.cdf).pvalue > ALPHA
    drift = np.asarray(after.means - before.means)
    if is_restless:
        assert scipy.stats.kstest(drift.ravel(), scipy.stats.norm(0, 0.1).cdf).pvalue > ALPHA
        assert abs(np.corrcoef(noise, drift[:, 0])[0, 1]) < 5 / math.sqrt(LANES)  # no noise serves twice
    else:
        assert (drift == 0).all()
    regret = np.asarray(before.means).max(-1) - pulled
    np.testing.assert_allclose(timesteps.info["regret"], regret, atol=TOLERANCE["MultiArmedBandit"])
    assert not timesteps.terminated.any() and (np.asarray(timesteps.observation) == 0).all()


@pytest.mark.measures_parity
def test_a_pull_by_scripted_chance():
    env = MultiArmedBandit(means=(0.5, -1.0, 2.0), num_arms=3, is_restless=True)
    state, _ = env.reset(jax.random.key(0))
    state, timestep = env.step_with(state, jnp.int32(1), jnp.array([0.25, 1.0, -2.0, 3.0]))
    tolerance = TOLERANCE["MultiArmedBandit"]
    reached = timestep.reward, *state.means, timestep.info["regret"]
    record("rlenvs/MultiArmedBandit-v0", relative(np.array(reached), (-0.75, 0.6, -1.2, 2.3, 3.0)))
    np.testing.assert_allclose(timestep.reward, -0.75, atol=tolerance)
    np.testing.assert_allclose(state.means, (0.6, -1.2, 2.3), atol=tolerance)
    np.testing.assert_allclose(timestep.info["regret"], 3.0, atol=tolerance)


@pytest.mark.parametrize("is_restless", [False, True])
def test_arms_outlive_episodes(is_restless):
    bare = MultiArmedBandit(is_restless=is_restless, drift=0.5)
    env = jaxenvs.AutoReset(jaxenvs.TimeLimit(bare, max_episode_steps=3))

    def play(key):
        state, _ = env.reset(key)

        def body(state, arm):
            state, timestep = env.step(state, arm)
            return state, (state.inner.inner.means, timestep.truncated)

        return jax.lax.scan(body, state, jnp.zeros(9, jnp.int32))[1]

    means, truncated = jax.jit(jax.vmap(play))(jax.random.split(jaxenvs.random.key(0), 3))
    assert truncated[0].tolist() == [False, False, True] * 3
    change = np.abs(np.diff(np.asarray(means), axis=1))
    assert (change == 0).all() if not is_restless else (change > 0).all() and change.max() < 4
    assert len(np.unique(np.asarray(means)[:, 0, 0])) == 3


# ---------------------------------------------------------------- fields and limits


def test_limits_are_the_familys():
    assert {spec(row.id).max_episode_steps for row in ROWS} == {1000}


@pytest.mark.parametrize(
    "kind, fields, message",
    [
        (DynaMaze, {"change": "blockin"}, "`change` must be one of .* Did you mean: `blocking`"),
        (DynaMaze, {"steps_taken": -1}, "`steps_taken` must be an integer"),
        (GridWorld, {"stride": 0.0}, "`stride` must be above 0"),
        (JacksCarRental, {"request_rates": (3.0,)}, "`request_rates` must be 2 numbers"),
        (JacksCarRental, {"return_rates": (3.0, -2.0)}, "`return_rates` must be at least 0"),
        (MultiArmedBandit, {"num_arms": 0}, "`num_arms` must be"),
        (MultiArmedBandit, {"means": (0.0, 1.0)}, "`means` must hold one number for each of 10 arms"),
        (MultiArmedBandit, {"means": 1.0}, "`means` must hold"),
        (MultiArmedBandit, {"drift": -0.1}, "`drift` must be at least 0"),
    ],
)
def test_bad_fields_are_refused(kind, fields, message):
    with pytest.raises(jaxenvs.errors.InvalidField, match=message):
        kind(**fields)
