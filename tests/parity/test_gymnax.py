"""gymnax's miscellaneous environments: transitions against plain Python, chance against SciPy, what can be earned."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.envs.gymnax.bernoulli_bandit import BernoulliBandit
from jaxenvs.envs.gymnax.four_rooms import FourRooms
from jaxenvs.envs.gymnax.gaussian_bandit import GaussianBandit
from jaxenvs.envs.gymnax.meta_maze import MetaMaze
from jaxenvs.envs.gymnax.point_robot import PointRobot
from jaxenvs.envs.gymnax.pong import Pong
from jaxenvs.envs.gymnax.reacher import Reacher
from jaxenvs.envs.gymnax.swimmer import Swimmer
from jaxenvs.errors import InvalidField
from jaxenvs.registration import spec
from jaxenvs.training import PPO
from tests.learning import assert_learns
from tests.parity import _gymnax_cases as cases
from tests.parity import _gymnax_reference as reference
from tests.parity.differences import assert_close
from tests.parity.rows_gymnax import ROWS

KEY = jaxenvs.random.key(0)
TOLERANCE = {row.id: row.tolerance for row in ROWS}
ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed
LANES = 5_000

# The environment, its reference with the same settings, and the cases.
VARIANTS = [
    (FourRooms(), reference.four_rooms, cases.four_rooms),
    (FourRooms(use_visual_obs=True), functools.partial(reference.four_rooms, visual=True), cases.four_rooms),
    (MetaMaze(), reference.meta_maze, cases.meta_maze),
    (
        MetaMaze(punishment=-0.5, reward=2.0, normalize_time=True, maze_size=7, rf_size=5),
        functools.partial(reference.meta_maze, size=7, sight=5, prize=2.0, punishment=-0.5, normalize_time=True),
        functools.partial(cases.meta_maze, 7, 5),
    ),
    (PointRobot(), reference.point_robot, cases.point_robot),
    (
        PointRobot(goal_radius=0.25, dense_reward=True, center_init=True, normalize_time=False),
        functools.partial(reference.point_robot, near=0.25, dense=True, central=True, normalize_time=False),
        functools.partial(cases.point_robot, 0.25),
    ),
    (BernoulliBandit(), reference.bernoulli_bandit, cases.bernoulli_bandit),
    (
        BernoulliBandit(min_lim=0.0, max_lim=2.0, t_max=50.0),
        functools.partial(reference.bernoulli_bandit, low=0.0, high=2.0, span=50.0),
        cases.bernoulli_bandit,
    ),
    (GaussianBandit(), reference.gaussian_bandit, cases.gaussian_bandit),
    (
        GaussianBandit(sigma_l=0.5, normalize_time=False),
        functools.partial(reference.gaussian_bandit, deviation=0.5, normalize_time=False),
        cases.gaussian_bandit,
    ),
    (Reacher(), reference.reacher, cases.reacher),
    (
        Reacher(num_joints=3, torque_scale=2.0, dt=0.1),
        functools.partial(reference.reacher, torque=2.0, dt=0.1),
        functools.partial(cases.reacher, 3),
    ),
    (Swimmer(), reference.swimmer, cases.swimmer),
    (Swimmer(num_urchins=1, dt=0.1), functools.partial(reference.swimmer, dt=0.1), functools.partial(cases.swimmer, 1)),
    (Pong(), reference.pong, cases.pong),
    (
        Pong(width=9, height=13, paddle_half_height=1, use_ai_policy=False, ball_max_y_speed=2.0, paddle_y_speed=2.0),
        functools.partial(reference.pong, width=9, height=13, half=1, follows=False, fastest=2, speed=2),
        functools.partial(cases.pong, 9, 13, 1),
    ),
]


@pytest.mark.measures_parity
@pytest.mark.parametrize("env, play, told", VARIANTS, ids=lambda value: type(value).__name__)
def test_transitions(env, play, told):
    told = list(told())
    after, timesteps = cases.stepped(env, *cases.batch(env, told))
    id = f"gymnax/{type(env).__name__}-v0"
    near = functools.partial(assert_close, id, tolerance=TOLERANCE[id])
    expected = [play(state, action, chance) for state, action, chance in told]
    states, observations, rewards, ends = zip(*expected, strict=True)
    near(timesteps.observation, np.array(observations, float))
    near(timesteps.reward, rewards)
    np.testing.assert_array_equal(timesteps.terminated, ends)
    for name, values in after.items():
        near(values, np.array([state[name] for state in states], float), message=name)
    if isinstance(env, FourRooms | MetaMaze | Pong):
        assert 0 < np.mean(ends) < 0.5
    if isinstance(env, PointRobot) and not env.dense_reward:
        assert 0.2 < np.mean(rewards) < 0.8


def test_a_robot_at_the_very_edge_of_the_goal_is_there():
    state, _ = PointRobot(goal_radius=0.25).reset(KEY)
    state = state.replace(goal=jnp.array([1.0, 0.0], jnp.float32), position=jnp.array([0.75, 0.0], jnp.float32))
    nothing = jnp.zeros(2, jnp.float32)
    assert float(PointRobot(goal_radius=0.25).step(state, nothing)[1].reward) == 1
    assert float(PointRobot(goal_radius=0.2499).step(state, nothing)[1].reward) == 0


@functools.cache
def played(env, action=0):
    """Many starts, and a first step with the same action: both states, and the timesteps of the step."""
    actions = jnp.full((LANES, *env.action_space.shape), action, env.action_space.dtype)

    def play(keys, actions):
        states, _ = jax.vmap(env.reset)(keys)
        return states, *jax.vmap(env.step)(states, actions)

    return jax.device_get(jax.jit(play)(jax.random.split(KEY, LANES), actions))


def is_uniform(counts):
    return scipy.stats.chisquare(counts).pvalue > ALPHA


def follows(samples, distribution):
    return scipy.stats.kstest(np.asarray(samples).ravel(), distribution.cdf).pvalue > ALPHA


def test_rooms_begin_where_they_are_told_to_or_anywhere():
    start, _ = FourRooms().reset(KEY)
    assert (int(start.cell), int(start.goal)) == (4 * 13 + 1, 8 * 13 + 9)
    free = reference.free_cells(reference.ROOM_ROWS)
    assert len(free) == 104
    start = played(FourRooms(resample_init_pos=True, resample_goal_pos=True))[0]
    assert (start.cell != start.goal).all()
    for cells in (start.cell, start.goal):
        assert set(cells) == set(free) and is_uniform(np.bincount(cells)[free])
    start = played(FourRooms(resample_init_pos=True, goal_fixed=[11, 11]))[0]
    assert set(start.cell) == set(free) - {11 * 13 + 11} and (start.goal == 11 * 13 + 11).all()


@pytest.mark.parametrize("fail_prob, shares", [(1 / 3, (6, 1, 1, 1)), (0.9, (1, 1, 1, 1)), (0.0, (1, 0, 0, 0))])
def test_moves_fail_as_often_as_they_should(fail_prob, shares):
    places = np.array([9 * 13 + 3, 8 * 13 + 2, 9 * 13 + 1, 10 * 13 + 2])
    env = FourRooms(fail_prob=fail_prob, pos_fixed=(9, 2))
    moved = played(env, action=1)[1].cell
    counts = np.array([(moved == place).sum() for place in places[[0, 1, 2, 3]]])
    expected = LANES * np.array(shares) / sum(shares)
    assert counts.sum() == LANES
    assert (counts[expected == 0] == 0).all()
    assert scipy.stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue > ALPHA or fail_prob == 0


def test_goals_of_the_maze_are_anywhere_and_so_are_fresh_places():
    env, free = MetaMaze(), reference.free_cells(reference.maze_rows(9, 3))
    start, _, _ = played(env)
    assert (start.cell == 5 * 11 + 5).all() and set(start.goal) == set(free)
    assert is_uniform(np.bincount(start.goal)[free])
    # The goal is where the first move leads.
    states = start.replace(goal=jnp.full(LANES, 4 * 11 + 5, jnp.int32))
    states, timesteps = jax.jit(jax.vmap(env.step))(states, jnp.zeros(LANES, jnp.int32))
    assert (timesteps.reward == 10).all() and is_uniform(np.bincount(states.cell)[free])
    # In this way, an episode can end.
    np.testing.assert_array_equal(timesteps.terminated, states.cell == 4 * 11 + 5)


def test_robots_and_goals_are_put_where_the_circle_says():
    start, after, timesteps = played(PointRobot(goal_radius=9.0))
    half_turn = scipy.stats.uniform(0, math.pi)
    for places in (start.position, after.position):
        x, y = places.T
        assert follows(np.hypot(x, y), scipy.stats.uniform(0, 1)) and follows(np.arctan2(y, x), half_turn)
    np.testing.assert_allclose(np.hypot(*start.goal.T), 1, rtol=1e-6)
    assert follows(np.arctan2(start.goal[:, 1], start.goal[:, 0]), half_turn)
    assert (timesteps.info["goals_reached"] == 1).all()
    assert not played(PointRobot(center_init=True))[0].position.any()


def test_arms_pay_as_they_should():
    start, _, timesteps = played(BernoulliBandit())
    is_poor = start.reward_probs[:, 0] < 0.5
    np.testing.assert_allclose(start.reward_probs[is_poor], [[0.1, 0.9]] * is_poor.sum(), rtol=1e-6)
    np.testing.assert_allclose(start.reward_probs[~is_poor], [[0.9, 0.1]] * (~is_poor).sum(), rtol=1e-6)
    for count, total, share in (
        (is_poor.sum(), LANES, 0.5),
        (timesteps.reward[is_poor].sum(), is_poor.sum(), 0.1),
        (timesteps.reward[~is_poor].sum(), (~is_poor).sum(), 0.9),
    ):
        assert scipy.stats.binomtest(int(count), int(total), share).pvalue > ALPHA
    start, _, timesteps = played(GaussianBandit(), action=1)
    assert follows(start.mu, scipy.stats.norm(-1, 1))
    assert follows(timesteps.reward - start.mu, scipy.stats.norm(0, 0.1))


def test_arms_and_waters_are_anywhere():
    start = played(Reacher())[0]
    unit = scipy.stats.uniform(-1, 2)
    assert follows(start.angles / math.pi, unit) and follows(start.velocities, unit) and follows(start.goal / 2, unit)
    # Those beyond a distance of 2.
    out = (np.hypot(*start.goal.T) > 2).sum()
    assert scipy.stats.binomtest(int(out), LANES, 1 - math.pi / 4).pvalue > ALPHA
    start = played(Swimmer())[0]
    for places in (start.urchins, start.position, start.goal):
        assert follows(places, unit)
    assert not start.velocity.any()


def test_limits_are_gymnaxs():
    limits = {row.id: spec(row.id).max_episode_steps for row in ROWS}
    assert list(limits.values()) == [500, 200, 100, 100, 100, 100, 500, 1000]


# ---------------------------------------------------------------- what can be earned


def best_moves(rows, goal):
    """(cells,) int32: an action that leads nearer to the goal; at the goal itself, any that leads away."""
    distance = reference.steps_to(rows, goal)
    moves = np.zeros(len(rows) * len(rows[0]), np.int32)
    for cell in distance:
        moves[cell] = min(range(4), key=lambda action: (distance[reference.walk(rows, cell, action)] or 0, action))
        if cell == goal:
            moves[cell] = next(action for action in range(4) if reference.walk(rows, cell, action) != cell)
    return moves


def test_the_shortest_way_through_the_rooms_takes_as_long_as_it_should():
    """By the exact model: the mean time to the goal on shortest paths."""
    rows, goal, start = reference.ROOM_ROWS, 8 * 13 + 9, 4 * 13 + 1
    moves, free = best_moves(rows, goal), reference.free_cells(rows)
    place = {cell: i for i, cell in enumerate(free)}
    for fail_prob in (0.0, 1 / 3):
        # Expected steps t = 1 + P t, with t = 0 at the goal.
        chance = np.zeros((len(free), len(free)))
        for cell in free:
            for action in range(4):
                share = 1 - fail_prob if action == moves[cell] else fail_prob / 3
                chance[place[cell], place[reference.walk(rows, cell, action)]] += share
        chance[place[goal]] = 0
        steps = np.linalg.solve(np.eye(len(free)) - chance, np.array([cell != goal for cell in free], float))

        env = jaxenvs.TimeLimit(FourRooms(fail_prob=fail_prob), max_episode_steps=500)
        lengths = episode_lengths(env, moves)
        if fail_prob == 0:
            assert (lengths == reference.steps_to(rows, goal)[start]).all() and lengths[0] == round(steps[place[start]])
        else:  # four standard errors
            assert abs(lengths.mean() - steps[place[start]]) < 4 * lengths.std() / len(lengths) ** 0.5


@jax.jit
def _episode_lengths(env, moves):
    def policy(observation, key):
        return moves[(13 * observation[0] + observation[1]).astype(jnp.int32)]

    return jaxenvs.evaluate(env, policy, KEY, num_episodes=500, max_steps=500).lengths


def episode_lengths(env, moves):
    return np.asarray(_episode_lengths(env, jnp.asarray(moves)))


def test_every_goal_of_the_maze_is_reached_by_a_shortest_way():
    rows = reference.maze_rows(9, 3)
    goals = np.array(reference.free_cells(rows), np.int32)
    moves = np.stack([best_moves(rows, goal) for goal in goals])
    env = MetaMaze()
    start, _ = env.reset(KEY)

    def rewards(goal, moves):
        def step(state, _):
            state, timestep = env.step(state, moves[state.cell])
            return state, timestep.reward

        return jax.lax.scan(step, start.replace(goal=goal), None, length=12)[1]

    paid = np.asarray(jax.jit(jax.vmap(rewards))(goals, moves)) > 0
    middle = int(start.cell)
    expected = [2 if goal == middle else reference.steps_to(rows, goal)[middle] for goal in goals]
    assert paid.any(axis=1).all() and max(expected) == 8
    np.testing.assert_array_equal(paid.argmax(axis=1) + 1, expected)


def pulled(env, choose, belief):
    """(LANES,) return of 100 pulls; `choose(belief) -> action`, `belief` is followed by `belief_after`."""
    choose_action, learn = choose

    def play(key):
        state, _ = env.reset(key)

        def step(carry, _):
            state, belief = carry
            action = choose_action(belief)
            state, timestep = env.step(state, action)
            return (state, learn(belief, action, timestep.reward)), timestep.reward

        return jax.lax.scan(step, (state, belief), None, length=100)[1].sum()

    return np.asarray(jax.jit(jax.vmap(play))(jax.random.split(KEY, LANES)))


def test_the_best_play_of_the_bernoulli_bandit():
    """Only the lead of arm 1 matters: pulls that favour it minus those that favour arm 0. Pull the better arm."""
    choose = lambda lead: (lead > 0).astype(jnp.int32)  # noqa: E731  # a pair of small functions
    learn = lambda lead, action, reward: lead + jnp.where((action == 1) == (reward > 0), 1, -1)  # noqa: E731
    returns = pulled(BernoulliBandit(), (choose, learn), jnp.zeros((), jnp.int32))
    # The exact probability of each lead if arm 1 is the good one; the other case is symmetric.
    chance, expected = {0: 1.0}, 0.0
    for _ in range(100):
        after = {}
        for lead, share in chance.items():
            # Arm 1 pays with probability 0.9 and arm 0 with 0.1, so any pull favours arm 1 with probability 0.9.
            expected += share * (0.9 if lead > 0 else 0.1 if lead < 0 else 0.5)
            for step, part in ((1, 0.9), (-1, 0.1)):
                after[lead + step] = after.get(lead + step, 0) + share * part
        chance = after
    assert expected == pytest.approx(89.4, abs=0.05)  # what the class says
    assert abs(returns.mean() - expected) < 4 * returns.std() / LANES**0.5


def test_to_try_the_gaussian_bandit_once_is_worth_what_the_class_says():
    choose = lambda paid: jnp.where(paid >= 0, 1, 0)  # noqa: E731  # a pair of small functions
    learn = lambda paid, action, reward: jnp.where(jnp.isinf(paid), reward, paid)  # noqa: E731
    returns = pulled(GaussianBandit(), (choose, learn), jnp.full((), jnp.inf, jnp.float32))
    # With mu normal around -1: E[mu] for the first pull, and 99 E[mu; mu + noise > 0] for the others.
    norm, spread = scipy.stats.norm, math.hypot(1, 0.1)
    expected = -1 + 99 * (-norm.cdf(-1 / spread) + norm.pdf(-1 / spread) / spread)
    assert expected == pytest.approx(7.1, abs=0.05)
    assert 100 * (norm.pdf(1) - norm.cdf(-1)) == pytest.approx(8.33, abs=0.005)
    assert abs(returns.mean() - expected) < 4 * returns.std() / LANES**0.5


def test_who_does_nothing_never_loses_pong():
    def step(state, _):
        state, timestep = Pong().step(state, jnp.zeros((), jnp.int32))
        return state, (timestep.reward, state.column)

    rewards, columns = jax.jit(lambda: jax.lax.scan(step, Pong().reset(KEY)[0], None, length=1000)[1])()
    assert float(rewards.sum()) == 1000
    assert float(columns.min()) == 1 and float(columns.max()) == 38


def mean_return(env, total_steps, seed):
    """After training with PPO; random actions get -112, 16 and 91 in the three tasks below."""
    learner = PPO(total_steps=total_steps, num_envs=32, num_steps=100, learning_rate=1e-3, gamma=0.97, num_epochs=8)
    key = jaxenvs.random.key(seed)
    state, _ = jax.jit(learner.train)(env, key)
    return float(jaxenvs.evaluate(env, learner.policy(env, state.agent), key, num_episodes=128).mean_return)


LEARNS = {
    "ppo: gymnax/PointRobot-v0": functools.partial(
        mean_return, jaxenvs.make("gymnax/PointRobot-v0", dense_reward=True, center_init=True), 400_000
    ),
    "ppo: gymnax/Reacher-v0": functools.partial(mean_return, jaxenvs.make("gymnax/Reacher-v0"), 800_000),
    "ppo: gymnax/Swimmer-v0": functools.partial(mean_return, jaxenvs.make("gymnax/Swimmer-v0"), 400_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNS)
def test_ppo_learns(name):
    assert_learns(name, LEARNS[name])


@pytest.mark.parametrize(
    "kind, fields, message",
    [
        (FourRooms, {"fail_prob": 1.5}, "`fail_prob` must be a probability"),
        (FourRooms, {"goal_fixed": (0, 3)}, r"`goal_fixed` must be the \(row, column\) of a cell without a wall"),
        (FourRooms, {"pos_fixed": 17}, "`pos_fixed` must be"),
        (MetaMaze, {"maze_size": 8}, "`maze_size` must be an odd integer"),
        (MetaMaze, {"rf_size": 1}, "`rf_size` must be an odd integer of at least 3"),
        (PointRobot, {"goal_radius": -0.1}, "`goal_radius` must be at least 0"),
        (BernoulliBandit, {"reward_prob": -0.1}, "`reward_prob` must be a probability"),
        (BernoulliBandit, {"t_max": 0}, "`t_max` must be above 0"),
        (GaussianBandit, {"sigma_l": -1.0}, "`sigma_l` must be at least 0"),
        (Reacher, {"num_joints": 0}, "`num_joints` must be an integer of at least 1"),
        (Swimmer, {"num_urchins": 1.5}, "`num_urchins` must be an integer"),
        (Pong, {"height": 4}, "`height` must be an integer of at least 5"),
        (Pong, {"paddle_half_height": 0}, "`paddle_half_height` must be an integer of at least 1"),
    ],
)
def test_bad_fields_are_refused(kind, fields, message):
    with pytest.raises(InvalidField, match=message):
        kind(**fields)
