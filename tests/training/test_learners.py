"""What holds for every learner: interface, truncation, vmap, bad input."""

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
from jaxenvs.spaces import Box, Dict
from jaxenvs.training import DQN, PPO, Learner
from jaxenvs.wrappers import EpisodeStatistics, TransformAction, TransformObservation
from tests.training.toy_envs import Endless, Reach, Walk

KEY = jaxenvs.random.key(1)
WALK = jaxenvs.TimeLimit(Walk(), max_episode_steps=6)
TINY_PPO = PPO(total_steps=96, num_envs=3, num_steps=16, num_minibatches=2, num_epochs=2, hidden_sizes=(8,))
TINY_DQN = DQN(
    total_steps=96, num_envs=3, num_steps=16, buffer_size=60, batch_size=8, learning_starts=20, hidden_sizes=(8,)
)
EACH = pytest.mark.parametrize("learner", [TINY_PPO, TINY_DQN], ids=["ppo", "dqn"])


@functools.lru_cache
def program(kind):
    """Training with the learner as an argument: other settings that are numbers compile nothing."""
    return jax.jit(kind.train)


def signature(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype, getattr(x, "weak_type", False)), tree)


@EACH
def test_train_is_init_then_updates(learner):
    trained, metrics = program(type(learner))(learner, WALK, KEY)
    state = jax.jit(learner.init)(WALK, KEY)
    update = jax.jit(learner.update)
    rows = []
    for _ in range(learner.num_updates):
        assert signature(state) == signature(trained)
        state, row = update(WALK, state)
        rows.append(row)
    assert update._cache_size() == 1
    assert (int(state.updates), int(state.env_steps)) == (2, 96)
    np.testing.assert_array_equal(metrics.env_steps, [48, 96])
    # Episodes and returns are whole numbers; the rest is rounded differently in another program.
    np.testing.assert_array_equal(metrics.mean_return, [row.mean_return for row in rows])
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), trained.agent, state.agent)


@EACH
def test_no_array_is_weakly_typed(learner):
    state = jax.eval_shape(learner.init, WALK, KEY)
    state, metrics = jax.eval_shape(learner.update, WALK, state)
    assert not [x for x in jax.tree.leaves((state, metrics)) if x.weak_type]


@EACH
def test_training_runs_with_64_bit_types_on(learner):
    narrow = jax.eval_shape(learner.init, WALK, KEY)
    with jax.enable_x64(True):
        wide, _ = jax.eval_shape(learner.train, WALK, KEY)
    assert signature(wide) == signature(narrow)


@EACH
def test_metrics_count_whole_episodes(learner):
    _, metrics = program(type(learner))(learner, WALK, KEY)
    assert 3 * (16 // 6) <= int(metrics.episodes[0]) <= 48
    assert 1 <= float(metrics.mean_length[0]) <= 6


@EACH
def test_the_mean_return_is_nan_where_no_episode_ended(learner):
    _, metrics = program(type(learner))(learner, jaxenvs.TimeLimit(Endless(), max_episode_steps=24), KEY)
    np.testing.assert_array_equal(metrics.episodes, [0, 3])
    np.testing.assert_array_equal(metrics.mean_return, [np.nan, 24])
    np.testing.assert_array_equal(metrics.mean_length, [np.nan, 24])


@EACH
def test_seeds_trained_together_equal_seeds_trained_alone(learner):
    keys = jax.random.split(KEY, 3)
    states, metrics = jax.jit(jax.vmap(learner.train, in_axes=(None, 0)))(WALK, keys)
    for i, key in enumerate(keys):
        state, single = program(type(learner))(learner, WALK, key)
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


@EACH
def test_learning_rates_map(learner):
    rates = jnp.array([0.0, 1e-3, 1e-2], jnp.float32)
    fresh = jax.jit(learner.init)(WALK, KEY).agent
    trained = jax.jit(jax.vmap(lambda rate: learner.replace(learning_rate=rate).train(WALK, KEY)[0].agent))(rates)
    name = "actor" if learner is TINY_PPO else "network"
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
    train(learner, WALK, KEY)
    before = train._cache_size()
    train(learner.replace(learning_rate=0.5, gamma=0.3), jaxenvs.TimeLimit(Walk(slip=0.1), max_episode_steps=6), KEY)
    assert train._cache_size() == before


@EACH
def test_the_learnt_policy_acts_in_the_action_space(learner):
    if isinstance(learner, DQN):
        learner = learner.replace(epsilon_end=0.5)
    agent = jax.jit(learner.init)(WALK, KEY).agent
    env = jaxenvs.AutoReset(WALK)
    best = jaxenvs.rollout(env, learner.policy(WALK, agent), KEY, 40)[1]
    drawn = jaxenvs.rollout(env, learner.policy(WALK, agent, stochastic=True), KEY, 40)[1]
    assert set(np.asarray(best.actions).tolist()) <= {5, 6}
    assert set(np.asarray(drawn.actions).tolist()) == {5, 6}
    again = jaxenvs.rollout(env, learner.policy(WALK, agent), KEY, 40)[1]
    np.testing.assert_array_equal(best.actions, again.actions)


TRUNCATED = jaxenvs.TimeLimit(Endless(), max_episode_steps=4)
TERMINATED = Endless(length=4)


@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
@pytest.mark.parametrize(
    "env, low, high",
    [
        # Truncation hides the rewards that follow: the value is 1 / (1 - 0.9) = 10. Taken for an end, it
        # would be at most 1 + 0.9 + 0.81 + 0.729 = 3.44.
        pytest.param(TRUNCATED, 9.7, 10.3, id="truncated"),
        # The observation does not tell the time, so the value lies between those of 1 and of 4 steps to go.
        pytest.param(TERMINATED, 1.0, 3.44, id="terminated"),
        # Both flags at once: terminated counts.
        pytest.param(jaxenvs.TimeLimit(TERMINATED, max_episode_steps=4), 1.0, 3.44, id="both"),
    ],
)
def test_the_value_reaches_beyond_truncation_but_not_termination(algorithm, env, low, high):
    steps = {
        "total_steps": 12_000,
        "num_envs": 4,
        "num_steps": 8,
        "gamma": 0.9,
        "learning_rate": 1e-2,
        "hidden_sizes": (8,),
    }
    if algorithm == "ppo":
        learner = PPO(**steps)
        agent = program(PPO)(learner, env, KEY)[0].agent
        value = learner.value(agent, jnp.ones(2, jnp.float32))
    else:
        learner = DQN(**steps, target_rate=0.05, batch_size=16, buffer_size=2_000, learning_starts=100)
        agent = program(DQN)(learner, env, KEY)[0].agent
        value = learner.values(agent.network, env.action_space, jnp.ones(2, jnp.float32)).max()
    assert low <= float(value) <= high


def test_ppo_acts_in_a_box():
    learner = PPO(
        total_steps=60_000, num_envs=16, num_steps=16, learning_rate=5e-3, num_minibatches=2, hidden_sizes=(8,)
    )
    agent = program(PPO)(learner, Reach(), KEY)[0].agent
    action = learner.policy(Reach(), agent)(jnp.ones(1, jnp.float32), KEY)
    # The best action is (0.5, -3); what noise is left when the learning rate has reached 0.
    np.testing.assert_allclose(action, [0.5, -3.0], atol=0.15)


@pytest.mark.parametrize(
    "kind, settings, message",
    [
        (PPO, {"num_minibatches": 3}, r"num_minibatches \(3\) does not divide the 1024 samples"),
        (PPO, {"gamma": 1.5}, r"`gamma` must be in \[0, 1\], got 1.5"),
        (PPO, {"gae_lambda": -0.1}, "`gae_lambda` must be in"),
        (PPO, {"learning_rate": float("nan")}, "`learning_rate` is NaN"),
        (PPO, {"learning_rate": np.float32("nan")}, "`learning_rate` is NaN"),
        (PPO, {"learning_rate": -1e-3}, "`learning_rate` must be at least 0"),
        (PPO, {"num_envs": 0}, "`num_envs` must be an integer of at least 1"),
        (PPO, {"total_steps": 1e6}, "`total_steps` must be an integer"),
        (PPO, {"hidden_sizes": 64}, "`hidden_sizes` must be a tuple"),
        (PPO, {"activation": "gelu"}, "`activation` must be one of tanh"),
        (DQN, {"gamma": -1.0}, "`gamma` must be in"),
        (DQN, {"buffer_size": 1001}, r"multiple of num_envs \(8\), such as 1008"),
        (DQN, {"learning_starts": 600_000}, "nothing would be learnt"),
        (DQN, {"epsilon_end": 2.0}, "`epsilon_end` must be in"),
        (DQN, {"batch_size": 0}, "`batch_size` must be"),
    ],
)
def test_bad_settings_are_refused(kind, settings, message):
    with pytest.raises(InvalidField, match=message):
        kind(**settings)


PICTURED = Dict({"picture": Box(0, 255, (8, 8), np.uint8), "place": WALK.observation_space})


def _with_picture(place):
    return {"picture": jnp.zeros((8, 8), jnp.uint8), "place": place}


class EndsEachStep(SameObservations, SameActions, StatelessWrapper):
    """Says that every step ends something, and resets nothing."""

    def reset(self, key):
        return self.env.reset(key)

    def step(self, state, action):
        state, timestep = self.env.step(state, action)
        return state, timestep.replace(terminated=jnp.ones((), bool))


@EACH
def test_an_environment_may_reset_itself_and_count_already(learner):
    """As with lives: what ends within an episode is learnt from, and episodes are counted whole."""
    counted = EpisodeStatistics(jaxenvs.AutoReset(WALK))
    _, plain = program(type(learner))(learner, WALK, KEY)
    for env in (jaxenvs.AutoReset(WALK), counted):
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
    with pytest.raises(InvalidField, match="observations hold pictures"):
        learner.train(TransformObservation(WALK, _with_picture, PICTURED), KEY)
    with pytest.raises(InvalidKey):
        learner.train(WALK, 0)


@pytest.mark.parametrize(
    "learner, space",
    [
        (TINY_PPO, jaxenvs.spaces.MultiBinary(3)),
        (TINY_PPO, jaxenvs.spaces.Box(0, 4, (2,), np.int32)),
        (TINY_DQN, jaxenvs.spaces.Box(-1, 1, (2,), np.float32)),
    ],
)
def test_unsupported_action_spaces_are_refused(learner, space):
    env = TransformAction(WALK, lambda action: jnp.asarray(5, jnp.int32), space)
    with pytest.raises(InvalidField, match=rf"{type(learner).__name__} acts in .*Discrete.* this environment has"):
        learner.train(env, KEY)


@EACH
def test_settings_survive_json(learner):
    settings = {field.name: getattr(learner, field.name) for field in dataclasses.fields(learner)}
    again = type(learner)(**json.loads(json.dumps(settings)))
    assert again == learner
    assert tuple(settings) == learner.setting_names()
    assert isinstance(again, Learner)
