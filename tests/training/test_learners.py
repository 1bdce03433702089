"""Tests for every learner: interface, truncation, vmap, invalid input."""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.wrapper import SameActions, SameObservations, StatelessWrapper
from jaxenvs.errors import InvalidField, InvalidKey
from jaxenvs.spaces import Box, Dict, Tuple
from jaxenvs.training import DQN, PPO, SAC, Learner
from jaxenvs.training.alpha_zero_state import AlphaZeroMetrics
from jaxenvs.training.learner import Metrics
from jaxenvs.training.ppo_state import PPOMetrics
from jaxenvs.wrappers import EpisodeStatistics, TransformAction, TransformObservation
from tests.training.toy_envs import Endless, Reach, Walk

KEY = jaxenvs.random.key(1)
WALK = jaxenvs.TimeLimit(Walk(), max_episode_steps=6)
ENDLESS = jaxenvs.TimeLimit(Endless(), max_episode_steps=24)
TINY_PPO = PPO(total_steps=96, num_envs=3, num_steps=16, num_minibatches=2, num_epochs=2, hidden_sizes=(8,))
TINY_DQN = DQN(
    total_steps=96, num_envs=3, num_steps=16, buffer_size=60, batch_size=8, learning_starts=20, hidden_sizes=(8,)
)
TINY_SAC = SAC(
    total_steps=96,
    num_envs=3,
    num_steps=16,
    gradient_steps=2,
    batch_size=8,
    learning_starts=20,
    hidden_sizes=(8,),
    buffer_size=60,
)
EACH = pytest.mark.parametrize("learner", [TINY_PPO, TINY_DQN, TINY_SAC], ids=["ppo", "dqn", "sac"])
SAC_IS_SLOW = pytest.mark.parametrize(
    "learner", [TINY_PPO, TINY_DQN, pytest.param(TINY_SAC, marks=pytest.mark.slow)], ids=["ppo", "dqn", "sac"]
)
"""For what all learners inherit: compiling another program of SAC takes half a minute."""
ONLY_DQN = pytest.mark.parametrize(
    "learner",
    [pytest.param(TINY_PPO, marks=pytest.mark.slow), TINY_DQN, pytest.param(TINY_SAC, marks=pytest.mark.slow)],
    ids=["ppo", "dqn", "sac"],
)
"""The same where a program of PPO takes long as well."""


def left_or_right(action):
    return jnp.where(action[0] > 0, 6, 5).astype(jnp.int32)


def steered(learner, env):
    """`env` with actions that the learner takes: the two that it has, or for SAC a number whose sign tells which."""
    return TransformAction(env, left_or_right, Box(-1, 1)) if isinstance(learner, SAC) else env


@functools.lru_cache
def program(kind):
    """Training with the learner as an argument: other settings that are numbers compile nothing."""
    return jax.jit(kind.train)


def signature(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype, getattr(x, "weak_type", False)), tree)


@SAC_IS_SLOW
def test_train_is_init_then_updates(learner):
    walk = steered(learner, WALK)
    trained, metrics = program(type(learner))(learner, walk, KEY)
    state = jax.jit(learner.init)(walk, KEY)
    update = jax.jit(learner.update)
    rows = []
    for _ in range(learner.num_updates):
        assert signature(state) == signature(trained)
        state, row = update(walk, state)
        rows.append(row)
    assert update._cache_size() == 1
    assert (int(state.updates), int(state.env_steps)) == (2, 96)
    np.testing.assert_array_equal(metrics.env_steps, [48, 96])
    # Episodes and returns are whole numbers; the rest is rounded differently in another program.
    np.testing.assert_array_equal(metrics.mean_return, [row.mean_return for row in rows])
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), trained.agent, state.agent)


@EACH
def test_no_array_is_weakly_typed(learner):
    walk = steered(learner, WALK)
    state = jax.eval_shape(learner.init, walk, KEY)
    state, metrics = jax.eval_shape(learner.update, walk, state)
    assert not [x for x in jax.tree.leaves((state, metrics)) if x.weak_type]


@EACH
def test_training_runs_with_64_bit_types_on(learner):
    walk = steered(learner, WALK)
    narrow = jax.eval_shape(learner.init, walk, KEY)
    with jax.enable_x64(True):
        wide, _ = jax.eval_shape(learner.train, walk, KEY)
    assert signature(wide) == signature(narrow)


@EACH
def test_metrics_count_whole_episodes(learner):
    walk = steered(learner, WALK)
    _, metrics = program(type(learner))(learner, walk, KEY)
    assert 3 * (16 // 6) <= int(metrics.episodes[0]) <= 48
    assert 1 <= float(metrics.mean_length[0]) <= 6


@pytest.mark.parametrize("metrics", [PPOMetrics, AlphaZeroMetrics])
def test_the_figures_of_a_log_come_in_the_order_of_the_fields(metrics):
    """In every process, so that the columns of all files are the same."""
    figures = metrics(**dict.fromkeys(metrics.__dataclass_fields__, 0.0)).figures()
    own = list(metrics.__dataclass_fields__)[len(Metrics.__dataclass_fields__) :]
    assert list(figures) == ["mean_return", "mean_length", "episodes", *own]
    assert figures["learning_rate"] == (0.0, 1)


@SAC_IS_SLOW
def test_the_mean_return_is_nan_where_no_episode_ended(learner):
    """Only outside of programs: the program itself computes no NaN, so it runs under `jax_debug_nans`."""
    with jax.debug_nans(True):
        _, metrics = program(type(learner))(learner, steered(learner, ENDLESS), KEY)
        assert not any(np.isnan(x).any() for x in jax.tree.leaves(metrics))
        assert np.isnan(metrics.mean_return[0])
    np.testing.assert_array_equal(metrics.episodes, [0, 3])
    np.testing.assert_array_equal(metrics.mean_return, [np.nan, 24])
    np.testing.assert_array_equal(metrics.mean_length, [np.nan, 24])


@SAC_IS_SLOW  # `test_sac.py` trains two seeds together
def test_seeds_trained_together_equal_seeds_trained_alone(learner):
    walk = steered(learner, WALK)
    keys = jax.random.split(KEY, 3)
    states, metrics = jax.jit(jax.vmap(learner.train, in_axes=(None, 0)))(walk, keys)
    for i, key in enumerate(keys):
        state, single = program(type(learner))(learner, walk, key)
        # The first update plays with the first weights: whole numbers must agree exactly.
        assert int(metrics.episodes[i, 0]) == int(single.episodes[0])
        assert float(metrics.mean_return[i, 0]) == float(single.mean_return[0])
        # Batched matrix products sum in another order; two updates of float32.
        jax.tree.map(
            lambda many, one, i=i: np.testing.assert_allclose(many[i], one, rtol=1e-3, atol=1e-4),
            states.agent,
            state.agent,
        )
    weights = jax.tree.leaves(states.agent)[0]
    assert not np.allclose(weights[0], weights[1])


@ONLY_DQN
def test_learning_rates_map(learner):
    walk = steered(learner, WALK)
    rates = jnp.array([0.0, 1e-3, 1e-2], jnp.float32)
    fresh = jax.jit(learner.init)(walk, KEY).agent
    trained = jax.jit(jax.vmap(lambda rate: learner.replace(learning_rate=rate).train(walk, KEY)[0].agent))(rates)
    name = "network" if learner is TINY_DQN else "actor"
    moved = [
        sum(
            float(jnp.abs(new[i] - old).sum())
            for new, old in zip(jax.tree.leaves(getattr(trained, name)), jax.tree.leaves(getattr(fresh, name)))
        )
        for i in range(3)
    ]
    assert moved[0] == 0
    assert 0 < moved[1] < moved[2]


@EACH
def test_other_numbers_compile_nothing(learner):
    train = program(type(learner))
    train(learner, steered(learner, WALK), KEY)
    before = train._cache_size()
    slippery = jaxenvs.TimeLimit(Walk(slip=0.1), max_episode_steps=6)
    train(learner.replace(learning_rate=0.5, gamma=0.3), steered(learner, slippery), KEY)
    assert train._cache_size() == before


@EACH
def test_the_learnt_policy_acts_in_the_action_space(learner):
    if isinstance(learner, DQN):
        learner = learner.replace(epsilon_end=0.5)
    walk = steered(learner, WALK)
    agent = jax.jit(learner.init)(walk, KEY).agent
    env = jaxenvs.AutoReset(walk)
    best = jaxenvs.rollout(env, learner.policy(walk, agent), KEY, 40)[1]
    drawn = jaxenvs.rollout(env, learner.policy(walk, agent, stochastic=True), KEY, 40)[1]
    if isinstance(learner, SAC):
        assert jax.vmap(env.action_space.contains)(drawn.actions).all() and jnp.unique(drawn.actions).size == 40
        assert float(jnp.abs(best.actions).max()) < float(jnp.abs(drawn.actions).max())
    else:
        assert set(np.asarray(best.actions).tolist()) <= {5, 6}
        assert set(np.asarray(drawn.actions).tolist()) == {5, 6}
    again = jaxenvs.rollout(env, learner.policy(walk, agent), KEY, 40)[1]
    np.testing.assert_array_equal(best.actions, again.actions)


def test_a_policy_for_pictures_of_numbers_is_evaluated_in_a_jitted_function():
    space = Box(0, 1, (36, 36, 1), np.float32)

    def grey(observation):
        return jnp.full(space.shape, jnp.abs(observation["position"][0]) / 9, jnp.float32)

    env = TransformObservation(WALK, grey, space)
    learner = PPO(channels=(4,), hidden_sizes=(4,))
    agent = jax.jit(learner.init)(env, KEY).agent
    assert jaxenvs.evaluate(env, learner.policy(env, agent), KEY, num_episodes=2).finished.all()


def test_a_setting_makes_the_learnt_policy_of_ppo_draw_its_actions():
    learner = PPO(draws_actions=True)
    agent = jax.jit(learner.init)(WALK, KEY).agent
    chosen = {
        asked: learner.policy(WALK, agent, stochastic=asked)  # of None, the setting decides
        for asked in (None, True, False)
    }
    assert [chosen[asked].stochastic for asked in (None, True, False)] == [True, True, False]
    assert not learner.replace(draws_actions=False).policy(WALK, agent).stochastic
    env = jaxenvs.AutoReset(WALK)
    drawn = {asked: np.asarray(jaxenvs.rollout(env, policy, KEY, 40)[1].actions) for asked, policy in chosen.items()}
    assert set(drawn[None].tolist()) == {5, 6} and (drawn[None] == drawn[True]).all()


TRUNCATED = jaxenvs.TimeLimit(Endless(), max_episode_steps=4)
TERMINATED = Endless(length=4)


@pytest.mark.parametrize("kind", [PPO, DQN, SAC])
@pytest.mark.parametrize(
    "env, low, high",
    [  # with a limit, the length is data, and each learner is compiled once
        # Truncation hides the rewards that follow: the value is 1 / (1 - 0.9) = 10. Taken for an end, it
        # would be at most 1 + 0.9 + 0.81 + 0.729 = 3.44.
        pytest.param(TRUNCATED, 9.7, 10.3, id="truncated"),
        # The observation does not tell the time, so the value lies between those of 1 and of 4 steps to go.
        pytest.param(TERMINATED, 1.0, 3.44, id="terminated", marks=pytest.mark.slow),
        # Both flags at once: terminated counts.
        pytest.param(jaxenvs.TimeLimit(TERMINATED, max_episode_steps=4), 1.0, 3.44, id="both"),
    ],
)
def test_the_value_reaches_beyond_truncation_but_not_termination(kind, env, low, high):
    steps = {
        "total_steps": 12_000,
        "num_envs": 4,
        "num_steps": 8,
        "gamma": 0.9,
        "learning_rate": 1e-2,
        "hidden_sizes": (8,),
    }
    replay = {"target_rate": 0.05, "batch_size": 16, "buffer_size": 2_000, "learning_starts": 100}
    features = jnp.ones(2, jnp.float32)
    if kind is PPO:
        learner = PPO(**steps)
        value = learner.value(program(PPO)(learner, env, KEY)[0].agent, features)
    elif kind is DQN:
        learner = DQN(**steps, **replay)
        agent = program(DQN)(learner, env, KEY)[0].agent
        value = learner.values(agent.network, env.action_space, features).max()
    else:  # without the entropy bonus, which would count as reward
        bare = {"temperature": 0.0, "learn_temperature": False}
        learner = SAC(**steps, **replay, **bare, gradient_steps=1, anneal=True)
        agent = program(SAC)(learner, steered(learner, env), KEY)[0].agent
        value = learner.values(agent.critics, features, jnp.zeros(1, jnp.float32)).min()
    assert low <= float(value) <= high


@pytest.mark.parametrize("learner", [TINY_DQN, TINY_SAC], ids=["dqn", "sac"])
def test_the_replay_buffer_holds_what_each_step_led_to(learner):
    rows = program(type(learner))(learner, steered(learner, WALK), KEY)[0].buffer.replay.items
    position, next_position = np.asarray(rows.features[:, 0]), np.asarray(rows.next_features[:, 0])
    # The start of another episode can be further away, and is at most 2 away from 0.
    np.testing.assert_array_equal(np.abs(next_position - position), 1)
    np.testing.assert_array_equal(rows.terminated, np.abs(next_position) >= 4)
    np.testing.assert_array_equal(rows.reward, next_position)
    # Rows of one environment are num_envs apart, those below 36 were written last.
    cut_off = ~np.asarray(rows.terminated[:33]) & (position[3:36] != next_position[:33])
    assert rows.terminated.any() and cut_off.any(), "otherwise this could not tell the two apart"


@pytest.mark.parametrize(
    "learner",
    [
        PPO(total_steps=60_000, num_envs=16, num_steps=16, learning_rate=5e-3, num_minibatches=2, hidden_sizes=(8,)),
        SAC(
            total_steps=6_000,
            gradient_steps=2,
            batch_size=32,
            learning_starts=200,
            learning_rate=1e-2,
            anneal=True,
            hidden_sizes=(16,),
        ),
    ],
    ids=["ppo", "sac"],
)
def test_the_best_action_of_a_box_is_found(learner):
    agent = program(type(learner))(learner, Reach(), KEY)[0].agent
    action = learner.policy(Reach(), agent)(jnp.ones(1, jnp.float32), KEY)
    # The best action is (0.5, -3); the rest is the noise that is left when the learning rate has reached 0.
    np.testing.assert_allclose(action, [0.5, -3.0], atol=0.15)


@EACH
def test_several_values_of_a_setting_are_refused_without_vmap(learner):
    several = learner.replace(learning_rate=jnp.array([1e-3, 1e-2], jnp.float32))
    with pytest.raises(InvalidField, match=r"`learning_rate` is an array of shape \(2,\).*`jax.vmap` over"):
        several.train(steered(learner, WALK), KEY)


@EACH
def test_spaces_that_hold_no_number_are_refused(learner):
    nothing = Box(0, 1, (0,), np.float32)
    unseen = TransformObservation(WALK, lambda observation: jnp.zeros(0, jnp.float32), nothing)
    with pytest.raises(InvalidField, match=f"{type(learner).__name__}: these observations contain no numbers"):
        learner.train(steered(learner, unseen), KEY)
    if not isinstance(learner, DQN):
        with pytest.raises(InvalidField, match="the actions of this environment contain no numbers"):
            learner.train(TransformAction(WALK, lambda action: jnp.asarray(5, jnp.int32), nothing), KEY)


PICTURED = Dict({"picture": Box(0, 255, (2, 2, 2, 8, 8), np.uint8), "place": WALK.observation_space})


def _with_picture(place):
    return {"picture": jnp.zeros((2, 2, 2, 8, 8), jnp.uint8), "place": place}


class EndsEachStep(SameObservations, SameActions, StatelessWrapper):
    """Says that every step ends something, and resets nothing."""

    def reset(self, key):
        return self.env.reset(key)

    def step(self, state, action):
        state, timestep = self.env.step(state, action)
        return state, timestep.replace(terminated=jnp.ones((), bool))


@ONLY_DQN
def test_an_environment_may_reset_itself_and_count_already(learner):
    """As with lives: what ends within an episode is learnt from, and episodes are counted whole."""
    walk = steered(learner, WALK)
    counted = EpisodeStatistics(jaxenvs.AutoReset(walk))
    _, plain = program(type(learner))(learner, walk, KEY)
    for env in (jaxenvs.AutoReset(walk), counted):
        jax.tree.map(np.testing.assert_array_equal, program(type(learner))(learner, env, KEY)[1], plain)
    _, metrics = program(type(learner))(learner, EndsEachStep(counted), KEY)
    np.testing.assert_array_equal(metrics.episodes[0], plain.episodes[0])
    np.testing.assert_array_equal(metrics.mean_length[0], plain.mean_length[0])


@EACH
def test_environments_that_cannot_be_learnt_in_are_refused(learner):
    with pytest.raises(InvalidField, match=r"jaxenvs.make\('CartPole-v1'\)"):
        learner.train("CartPole-v1", KEY)
    with pytest.raises(InvalidField, match=r"takes a jaxenvs\.Env, got int"):
        learner.train(3, KEY)
    with pytest.raises(InvalidField, match="these observations contain Box"):
        learner.train(TransformObservation(WALK, _with_picture, PICTURED), KEY)
    with pytest.raises(InvalidKey):
        learner.train(steered(learner, WALK), 0)


@pytest.mark.parametrize(
    "learner, space",
    [
        (TINY_PPO, jaxenvs.spaces.MultiBinary(3)),
        (TINY_PPO, Box(0, 4, (2,), np.int32)),
        (TINY_PPO, Tuple((jaxenvs.spaces.Discrete(2), Box(-1, 1)))),
        (TINY_PPO, Tuple(())),
        (TINY_DQN, Tuple((jaxenvs.spaces.Discrete(2),))),
        (TINY_DQN, jaxenvs.spaces.MultiDiscrete([2, 2])),
        (TINY_DQN, Box(-1, 1, (2,), np.float32)),
    ],
)
def test_unsupported_action_spaces_are_refused(learner, space):
    env = TransformAction(WALK, lambda action: jnp.asarray(5, jnp.int32), space)
    with pytest.raises(InvalidField, match=rf"{type(learner).__name__} supports .*Discrete.* this environment has"):
        learner.train(env, KEY)


@EACH
def test_settings_survive_json(learner):
    settings = {field.name: getattr(learner, field.name) for field in dataclasses.fields(learner)}
    again = type(learner)(**json.loads(json.dumps(settings)))
    assert again == learner
    assert tuple(settings) == learner.setting_names()
    assert isinstance(again, Learner)
