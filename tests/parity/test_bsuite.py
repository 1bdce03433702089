"""bsuite's tasks compared with episodes and transitions of bsuite 0.3.6, recorded with their random draws."""

import functools
import json
import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jaxenvs
from jaxenvs.bsuite import bsuite_ids, make_bsuite
from jaxenvs.envs.bsuite.bandit import Bandit
from jaxenvs.envs.bsuite.cart_pole import CartPole
from jaxenvs.envs.bsuite.cart_pole_swingup import CartPoleSwingup
from jaxenvs.envs.bsuite.catch import Catch
from jaxenvs.envs.bsuite.deep_sea import DeepSea
from jaxenvs.envs.bsuite.discounting_chain import DiscountingChain
from jaxenvs.envs.bsuite.memory_chain import MemoryChain
from jaxenvs.envs.bsuite.mnist_bandit import MnistBandit
from jaxenvs.envs.bsuite.mountain_car import MountainCar
from jaxenvs.envs.bsuite.umbrella_chain import UmbrellaChain
from jaxenvs.wrappers import NoisyReward, ScaleReward
from tests.parity.differences import assert_close, record, relative
from tests.parity.rows_bsuite import ROWS

RECORDED = json.loads(Path(__file__).with_name("bsuite_of_0_3_6.json").read_text())
TOLERANCE = {row.id: row.tolerance for row in ROWS}
KEY = jaxenvs.random.key(0)
LANES = 20_000
ALPHA = 1e-4  # the probability that a correct implementation fails a test; the seeds are fixed
KINDS = {
    kind.__name__: kind
    for kind in (
        Bandit,
        CartPole,
        CartPoleSwingup,
        Catch,
        DeepSea,
        DiscountingChain,
        MemoryChain,
        MnistBandit,
        MountainCar,
        UmbrellaChain,
    )
}
IN_EPISODES = ["Bandit", "Catch", "DeepSea", "DiscountingChain", "MemoryChain", "MnistBandit", "UmbrellaChain"]
IN_TRANSITIONS = ["CartPole", "CartPoleSwingup", "MountainCar"]
GRIDS = {"Catch", "DeepSea"}
"""Tasks of which the places of the ones are recorded, rather than all of the observation."""


def build(name, fields, recorded=RECORDED):
    if name != "MnistBandit":
        return KINDS[name](**fields)
    return MnistBandit(*(np.array(recorded["mnist"][part], np.uint8) for part in ("images", "labels")))


def grouped(episodes):
    """Lists of the episodes that have the same fields, and so the same length."""
    groups = {}
    for episode in episodes:
        groups.setdefault(json.dumps(episode["fields"]), []).append(episode)
    return groups.values()


def step_given(env, state, action, chance):
    """A step with the random draws that bsuite had."""
    if isinstance(env, DeepSea):
        return env.step_with(state, action, chance[0], chance[1])
    if isinstance(env, UmbrellaChain):
        return env.step_with(state, action, chance == 1)
    return env.step(state, action)


def check_episodes(name, recorded=RECORDED):
    """Plays the recorded episodes; returns how many steps they had."""
    steps = 0
    for group in grouped(recorded[name]):
        env = build(name, group[0]["fields"], recorded)
        is_stochastic = isinstance(env, DeepSea) and not env.deterministic
        id = f"bsuite/{name}{'Stochastic' * is_stochastic}-v0"
        shape = env.observation_space.shape

        def play(start, actions, chances, env=env):
            state, first = env.reset(KEY)
            state = state.replace(**start)
            observed = env.observe(state)
            assert first.observation.shape == observed.shape
            return observed, jax.lax.scan(lambda s, x: step_given(env, s, *x), state, (actions, chances))[1]

        fresh = jax.device_get(jax.eval_shape(env.reset, KEY)[0])
        starts = {
            key: np.array([episode["start"][key] for episode in group]).astype(getattr(fresh, key).dtype)
            for key in group[0]["start"]
        }
        actions, chances, rewards, discounts, seen = (
            [[step[part] for step in episode["steps"]] for episode in group] for part in range(5)
        )
        chances = np.array(chances, np.float32) if chances[0][0] is not None else np.zeros_like(actions, np.float32)
        openings, timesteps = jax.jit(jax.vmap(play))(starts, np.array(actions, np.int32), chances)

        def dense(observation, shape=shape):
            if name not in GRIDS:
                return np.array(observation, np.float32).reshape(shape)
            grid = np.zeros(shape, np.float32)
            grid.reshape(-1)[observation] = 1
            return grid

        near = functools.partial(assert_close, id, tolerance=TOLERANCE[id])
        near(openings, [dense(episode["first"]) for episode in group])
        near(timesteps.observation, [[dense(observation) for observation in episode] for episode in seen])
        near(timesteps.reward, rewards)
        np.testing.assert_array_equal(timesteps.discount, discounts)
        steps += np.size(actions)
    return steps


@pytest.mark.measures_parity
@pytest.mark.parametrize("name", IN_EPISODES)
def test_episodes(name):
    assert check_episodes(name) >= 12


def transitions(name, recorded=RECORDED):
    """Environments, states, actions and what they led to: rewards, discounts, observations."""
    for fields, rows in recorded[name]:
        rows, env = np.array(rows), build(name, fields)
        shapes = jax.eval_shape(env.reset, KEY)[0]
        states = jax.tree.map(lambda leaf, rows=rows: np.zeros(rows.shape[0], leaf.dtype), shapes)
        if name == "MountainCar":
            position, velocity, elapsed = rows[:, :3].T
            car = states.car.replace(position=position.astype("f4"), velocity=velocity.astype("f4"))
            states, rest = states.replace(car=car, elapsed=elapsed.astype("i4")), rows[:, 3:]
        else:
            motion = {name: rows[:, i].astype("f4") for i, name in enumerate(("x", "x_dot", "theta", "theta_dot"))}
            states, rest = states.replace(**motion, elapsed=rows[:, 4].astype("i4")), rows[:, 5:]
        actions, rewards, discounts = rest[:, :3].T
        yield env, states, actions.astype("i4"), rewards, discounts, rest[:, 3:]


def check_transitions(name, recorded=RECORDED):
    """Steps from the recorded states; returns the states, the discounts and the rewards of all."""
    tolerance, reached = TOLERANCE[f"bsuite/{name}-v0"], []
    for env, states, actions, rewards, discounts, observations in transitions(name, recorded):
        after, timesteps = jax.device_get(jax.jit(jax.vmap(env.step))(states, actions))
        assert timesteps.observation.shape[1:] == env.observation_space.shape == (1, observations.shape[-1])
        assert_close(f"bsuite/{name}-v0", timesteps.observation[:, 0], observations, tolerance)
        record(f"bsuite/{name}-v0", relative(timesteps.reward, rewards))
        np.testing.assert_allclose(timesteps.reward, rewards, rtol=1e-7)
        np.testing.assert_array_equal(timesteps.discount, discounts)
        reached.append((after.elapsed, discounts, rewards))
    return [np.concatenate(column) for column in zip(*reached, strict=True)]


@pytest.mark.measures_parity
@pytest.mark.parametrize("name", IN_TRANSITIONS)
def test_transitions(name):
    elapsed, discounts, rewards = check_transitions(name)
    ends = elapsed[discounts == 0]
    latest = {"MountainCar": 1000}.get(name, 1001)  # 1,000 hundredths of a second are not above 10 seconds
    assert len(elapsed) > 100 and ends.max() == latest and ends.min() < latest
    if name == "CartPoleSwingup":
        assert set(rewards) == {-0.1, 0.0, 0.9, 1.0}


def test_every_id_of_bsuites_is_built_as_bsuite_builds_it():
    experiments = RECORDED["experiments"]
    expected = {
        f"{name}/{index}": built
        for name, runs in experiments.items()
        for index, built in enumerate(built for count, built in runs for _ in range(count))
    }
    assert bsuite_ids() == sorted(expected, key=bsuite_ids().index) and len(expected) == 468
    names = {"SimpleBandit": "Bandit", "Cartpole": "CartPole", "CartpoleSwingup": "CartPoleSwingup"}
    for id, built in expected.items():
        built = dict(built)
        env = make_bsuite(id)
        for wrapper, field in ((NoisyReward, "noise_scale"), (ScaleReward, "reward_scale")):
            assert isinstance(env, wrapper) == (field in built)
            if isinstance(env, wrapper):
                assert getattr(env, field) == built.pop(field)
                env = env.env
        kind = built.pop("class")
        assert type(env).__name__ == names.get(kind, kind).replace("MNIST", "Mnist")
        if isinstance(env, Bandit | DiscountingChain):
            of_actions = env.arm_rewards if isinstance(env, Bandit) else env.chain_rewards
            np.testing.assert_array_equal(of_actions, np.array(built.pop("rewards"), np.float32))
        if isinstance(env, DeepSea):
            assert zlib.crc32(np.asarray(env.action_right).astype(np.uint8).tobytes()) == built.pop("mapping")
        assert {name: getattr(env, name) for name in built} == built, id


def returns(env, actions):
    """The returns of episodes from one start with each of these sequences of actions, which end with their last."""
    state, _ = jax.jit(env.reset)(KEY)
    play = jax.jit(jax.vmap(lambda actions: jax.lax.scan(env.step, state, actions)[1]))
    timesteps = play(np.array(actions, np.int32))
    assert timesteps.terminated[:, -1].all() and not timesteps.terminated[:, :-1].any()
    return timesteps.reward.sum(axis=1)


def test_the_best_returns_are_those_that_bsuite_names():
    sea = DeepSea()
    best = np.diag(sea.action_right)
    np.testing.assert_allclose(returns(sea, [best]), 0.99, rtol=1e-6)
    chains = [[chain] + [0] * 99 for chain in range(5)]
    for seed in (0, 8):
        paid = returns(DiscountingChain(mapping_seed=seed), chains)
        np.testing.assert_allclose(paid, np.where(np.arange(5) == seed % 5, 1.1, 1.0), rtol=1e-6)
    memory = MemoryChain(memory_length=3, num_bits=4)
    start = memory.reset(KEY)[0]
    answer = int(start.context[start.query])
    assert returns(memory, [[0, 0, 0, answer], [0, 0, 0, 1 - answer]]).tolist() == [1, -1]
    umbrella = UmbrellaChain(chain_length=1)
    need = int(umbrella.reset(KEY)[0].need_umbrella)
    assert returns(umbrella, [[need], [1 - need]]).tolist() == [1, -1]
    ball = int(Catch().reset(KEY)[0].ball_column)
    towards = [1 + np.sign(ball - 2)] * abs(ball - 2)
    assert returns(Catch(), [towards + [1] * (9 - len(towards)), [2] * 9]).tolist() == [1, 1 if ball == 4 else -1]


def stepped(env):
    """Many first steps with action 0: the first timesteps, then states and timesteps after the step."""
    opening, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(KEY, LANES))
    return jax.device_get((opening, *jax.jit(jax.vmap(env.step))(opening, jnp.zeros(LANES, jnp.int32))))


def test_starts_have_bsuites_distributions():
    def is_uniform(values, count):
        return scipy.stats.chisquare(np.bincount(values, minlength=count)).pvalue > ALPHA

    assert is_uniform(stepped(Catch())[0].ball_column, 5)
    memory = stepped(MemoryChain(num_bits=3))[0]
    assert is_uniform(memory.query + 3 * (memory.context @ np.array([1, 2, 4])), 24)
    umbrella = stepped(UmbrellaChain(n_distractor=2))[0]
    coins = np.stack([umbrella.need_umbrella, umbrella.has_umbrella, *umbrella.distractors.T])
    assert is_uniform(np.array([1, 2, 4, 8]) @ coins, 16)
    images = np.zeros((7, 2, 2), np.uint8)
    digits = jax.vmap(MnistBandit(images, images[:, 0, 0]).reset)(jax.random.split(KEY, LANES))[0].index
    assert is_uniform(np.asarray(digits), 7)
    for env, angle in ((CartPole(), 0.0), (CartPoleSwingup(), np.pi)):
        state = stepped(env)[0]
        turned = np.remainder(state.theta - angle + np.pi, 2 * np.pi) - np.pi
        for values in (state.x, state.x_dot, turned, state.theta_dot):
            assert scipy.stats.kstest(values, scipy.stats.uniform(-0.05, 0.1).cdf).pvalue > ALPHA
    positions = stepped(MountainCar())[0].car.position
    assert scipy.stats.kstest(positions, scipy.stats.uniform(-0.6, 0.2).cdf).pvalue > ALPHA


def test_chance_has_bsuites_distributions():
    _, umbrella, timesteps = stepped(UmbrellaChain(n_distractor=2))
    coins = np.stack([timesteps.reward == 1, *umbrella.distractors.T])
    assert scipy.stats.chisquare(np.bincount(np.array([1, 2, 4]) @ coins, minlength=8)).pvalue > ALPHA
    # In a sea two cells wide, the wind changes half of the right actions, and every cell of the last row is noisy.
    sea = DeepSea(size=2, deterministic=False, action_mapping=np.zeros((2, 2), np.int32))
    _, states, timesteps = stepped(sea)
    assert set(states.row.tolist()) == {1}
    assert scipy.stats.binomtest(int(states.column.sum()), LANES, 0.5).pvalue > ALPHA
    np.testing.assert_allclose(timesteps.reward, -0.005, rtol=1e-6)
    _, timesteps = jax.jit(jax.vmap(sea.step))(states, jnp.zeros(LANES, jnp.int32))
    noise = np.asarray(timesteps.reward) + 0.005 - states.column
    assert scipy.stats.kstest(noise, scipy.stats.norm.cdf).pvalue > ALPHA
