"""Planning on models read from `step` reproduces the results in Sutton and Barto's book."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.rlenvs.cliff_walking import CliffWalking
from jaxenvs.envs.rlenvs.dyna_maze import DynaMaze
from jaxenvs.envs.rlenvs.jacks_car_rental import JacksCarRental
from jaxenvs.envs.rlenvs.multi_armed_bandit import MultiArmedBandit
from jaxenvs.envs.rlenvs.random_walk import RandomWalk, RandomWalkState
from jaxenvs.envs.rlenvs.windy_world import WindyWorld
from tests.envs.rlenvs.finite_model import grid_states, grid_values, outcomes_of


def best_return(env, columns, rows, discount=1.0, **others):
    """The value of the start under the best policy."""
    _, timesteps = outcomes_of(env, grid_states(env, columns, rows, **others))
    values = grid_values(timesteps, columns, rows, discount)
    x, y = env.reset(jax.random.key(0))[1].observation - 1
    return values[x, y]


def test_the_best_way_along_the_cliff():
    """Example 6.6: 13 steps, right along the edge."""
    assert best_return(CliffWalking(), 12, 4) == -13


@pytest.mark.parametrize(
    "king_moves, book_wind, steps", [(False, True, 15), (True, True, 7), (False, False, 17), (True, False, 7)]
)
def test_the_best_way_through_the_wind(king_moves, book_wind, steps):
    """Example 6.5: 15 steps; exercise 6.9: 7 with king's moves. The reference's own wind makes 17 of the 15."""
    assert best_return(WindyWorld(king_moves=king_moves, book_wind=book_wind), 10, 7) == -steps


@pytest.mark.parametrize(
    "change, taken, steps",
    [("none", 0, 14), ("blocking", 0, 10), ("blocking", 1000, 16), ("shortcut", 0, 16), ("shortcut", 3000, 10)],
)
def test_the_best_way_through_the_maze(change, taken, steps):
    """Figures 8.2, 8.4 and 8.5, at the book's discount of 0.95."""
    value = best_return(DynaMaze(change=change), 9, 6, discount=0.95, steps=taken)
    assert value == pytest.approx(0.95 ** (steps - 1), rel=1e-12)


def test_chances_of_the_random_walk():
    """Example 6.2: from A to E they are 1/6 to 5/6."""
    places = jnp.arange(1, 6, dtype=jnp.int32)
    _, timesteps = outcomes_of(RandomWalk(), RandomWalkState(position=places))
    onward = np.zeros((5, 5))
    for i, j in np.argwhere(~timesteps.terminated):
        onward[i, timesteps.observation[i, j] - 1] += 0.5
    chances = np.linalg.solve(np.eye(5) - onward, timesteps.reward.mean(-1))
    np.testing.assert_allclose(chances, np.arange(1, 6) / 6, rtol=1e-12)


# ---------------------------------------------------------------- Jack's car rental, at the book's discount of 0.9


@functools.cache
def rental():
    """The model by its parts: what a day does to each lot, and what a night does to both.

    Returns:
        Of each lot (21, 21) the probability of so many cars in the evening by those in the morning; the day's rents,
        (21, 21), by the cars of both lots; of nights, (441, 11), what follows, the reward, and the cars moved.
    """
    env, counts = JacksCarRental(), np.arange(21)
    start, _ = env.reset(jax.random.key(0))

    def day(cars, asked, brought):
        state, timestep = env.step_with(start.replace(cars=cars * two), jnp.int32(5), asked * two, brought * two)
        return state.cars[0], timestep.reward / 2

    def night(first, second, action):
        nobody = jnp.zeros(2, jnp.int32)
        state, timestep = env.step_with(start.replace(cars=jnp.stack([first, second])), action, nobody, nobody)
        return state.cars, timestep.reward, state.moved

    two = jnp.ones(2, jnp.int32)
    grid = np.stack(np.meshgrid(counts, counts, counts, indexing="ij"), -1).reshape(-1, 3).astype(np.int32)
    evening, rents = jax.device_get(jax.jit(jax.vmap(day))(*jnp.asarray(grid).T))
    lots, day_rents = [], []
    for request_rate, return_rate in zip(env.request_rates, env.return_rates, strict=True):
        asked, brought = (
            np.append(scipy.stats.poisson.pmf(counts[:-1], rate), scipy.stats.poisson.sf(19, rate))
            for rate in (request_rate, return_rate)
        )
        weight = asked[grid[:, 1]] * brought[grid[:, 2]]
        law, mean = np.zeros((21, 21)), np.zeros(21)
        np.add.at(law, (grid[:, 0], evening), weight)
        np.add.at(mean, grid[:, 0], weight * rents)
        lots.append(law)
        day_rents.append(mean)
    both = np.stack(np.meshgrid(counts, counts, indexing="ij"), -1).reshape(-1, 2).astype(np.int32)
    actions = jnp.arange(11, dtype=jnp.int32)
    nights = jax.vmap(jax.vmap(night, (None, None, 0)), (0, 0, None))
    cars, costs, moved = jax.device_get(jax.jit(nights)(*jnp.asarray(both).T, actions))
    return lots, day_rents[0][:, None] + day_rents[1], cars @ np.array([21, 1]), costs, moved


def iterated(backup):
    """The (441,) values that `backup` of values to (441, 11) returns leaves as they are, and those returns."""
    values = np.zeros(441)
    for _ in range(1000):
        returns = backup(values)
        if np.abs(returns.max(-1) - values).max() < 1e-9:
            return values, returns
        values = returns.max(-1)
    raise AssertionError("value iteration did not settle")


def expected_of(values):
    """(21, 21) the mean over a day of values by the cars in the evening."""
    (first, second), *_ = rental()
    return first @ values.reshape(21, 21) @ second.T


def test_the_books_policy_for_the_rental():
    """Example 4.2 and figure 4.2: from 4 cars to the first lot to 5 to the second.

    The night comes first there; day and night are the environment's own. Rows of the policy and values from 421 to 637
    are also what dynamic programming gives on the book's text itself. The figure's labels are 420 and 612.
    """
    _, rents, after, costs, moved = rental()
    values, returns = iterated(lambda values: costs + (rents + 0.9 * expected_of(values)).ravel()[after])
    policy = np.take_along_axis(moved, returns.argmax(-1)[:, None], 1).reshape(21, 21)
    assert policy[0].tolist() == [0] * 8 + [-1] * 2 + [-2] * 3 + [-3] * 5 + [-4] * 3
    assert policy[20].tolist() == [5, 5, 5, 5, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert (policy.min(), policy.max()) == (-4, 5)
    np.testing.assert_allclose((values.min(), values.max()), (421.414, 636.990), atol=1e-3)


def test_deciding_before_the_day_earns_less_than_after_it():
    """From every state; the best policy then seldom moves cars to the first lot."""
    _, rents, after, costs, _ = rental()
    rents = rents.reshape(441, 1)

    def early(values):
        onward = costs + 0.9 * values[after]
        return rents + np.stack([expected_of(onward[:, action]).ravel() for action in range(11)], -1)

    def late(values):
        return rents + expected_of((costs + 0.9 * values[after]).max(-1)).reshape(441, 1)

    (values, returns), (informed, _) = iterated(early), iterated(late)
    assert (values < informed).all()
    assert (returns.argmax(-1).min() - 5, returns.argmax(-1).max() - 5) == (-1, 5)
    np.testing.assert_allclose(values[10 * 21 + 10], 570.179, atol=1e-3)  # from the start


def test_chance_is_as_the_model_says():
    """The cars after the first day and a night in which 3 go to the second lot."""
    (first, second), _, after, _, _ = rental()
    env = JacksCarRental()
    keys = jax.random.split(jaxenvs.random.key(3), 20_000)
    seen = jax.jit(jax.vmap(lambda key: env.step(env.reset(key)[0], jnp.int32(8))[1].observation))(keys)
    counts = np.bincount(np.asarray(seen) @ np.array([21, 1]), minlength=441)
    law = np.zeros(441)
    np.add.at(law, after[:, 8], np.outer(first[10], second[10]).ravel())
    often = law * len(keys) > 10
    pooled = (np.append(each[often], each[~often].sum()) for each in (counts, law / law.sum() * len(keys)))
    assert scipy.stats.chisquare(*pooled).pvalue > 1e-4


# ---------------------------------------------------------------- the ten-armed testbed


@jax.jit
def mean_play(explore):
    """Mean rewards and shares of best arms, (1000,) each, of greedy play that explores so often, over 1,000 bandits."""
    env = MultiArmedBandit()

    def play(key):
        state, _ = env.reset(key)

        def body(carry, draw_key):
            state, sums, pulls = carry
            greedy_key, arm_key = jax.random.split(draw_key)
            best = jnp.argmax(sums / jnp.maximum(pulls, 1.0)).astype(jnp.int32)
            does_explore = jax.random.uniform(greedy_key, (), jnp.float32) < explore
            arm = jnp.where(does_explore, jax.random.randint(arm_key, (), 0, 10, jnp.int32), best)
            state, timestep = env.step(state, arm)
            carry = state, sums.at[arm].add(timestep.reward), pulls.at[arm].add(1.0)
            return carry, (timestep.reward, timestep.info["regret"] == 0)

        zeros = jnp.zeros(10, jnp.float32)
        keys = jax.random.split(jax.random.fold_in(key, 1), 1000)
        return jax.lax.scan(body, (state, zeros, zeros), keys)[1]

    rewards, is_best = jax.vmap(play)(jax.random.split(jaxenvs.random.key(1), 1000))
    return rewards.mean(0), is_best.mean(0, dtype=jnp.float32)


def test_the_best_of_ten_arms():
    """Section 2.3: the best possible on the testbed is about 1.54."""
    states, _ = jax.vmap(MultiArmedBandit().reset)(jax.random.split(jaxenvs.random.key(0), 20_000))
    best = np.asarray(states.means).max(-1)
    assert abs(best.mean() - 1.53875) < 5 * best.std() / np.sqrt(len(best))


def test_the_ten_armed_testbed():
    """Figure 2.2: greedy play earns about 1 per pull and finds the best arm in a third of the tasks; with one exploring
    pull in ten it earns more than 1.3 and pulls the best arm about 80 % of the time."""
    reward, is_best = mean_play(0.0)
    assert 0.95 < reward[-100:].mean() < 1.1 and 0.28 < is_best[-100:].mean() < 0.42
    reward, is_best = mean_play(0.1)
    assert 1.3 < reward[-100:].mean() < 1.45 and 0.72 < is_best[-100:].mean() < 0.86
