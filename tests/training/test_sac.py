"""Tests only for SAC; the tests for every learner are in test_learners.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import Run, Settings, train
from jaxenvs.spaces import Box, MultiBinary
from jaxenvs.training import SAC
from jaxenvs.training.replay import Transition
from jaxenvs.wrappers import TransformAction
from tests.training.toy_envs import Reach, Walk

KEY = jaxenvs.random.key(3)
TINY = SAC(
    total_steps=48, num_envs=2, num_steps=4, gradient_steps=2, batch_size=4, learning_starts=8, hidden_sizes=(8,)
)
PENDULUM = jaxenvs.make("Pendulum-v1", max_episode_steps=5)


def centre(action):
    """Whatever the action, one that `Reach` takes."""
    return jnp.array([0.0, -2.0], jnp.float32)


def as_numbers(tree):
    return [
        np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)
        for x in jax.tree.leaves(tree)
    ]


@pytest.mark.parametrize("terminated", [False, True])
def test_a_terminated_step_is_followed_by_nothing_and_a_truncated_one_by_the_soft_value(terminated):
    learner = TINY.replace(gamma=0.5, temperature=0.3)
    state = jax.jit(learner.init)(Reach(), KEY)
    step = Transition(
        features=jnp.zeros(1, jnp.float32),
        choice=jnp.zeros(2, jnp.float32),
        reward=jnp.asarray(7.0, jnp.float32),
        terminated=jnp.asarray(terminated),
        next_features=jnp.ones(1, jnp.float32),
    )
    space = Reach().action_space
    targets = jax.tree.map(lambda w: w + 0.1, state.targets)  # other weights than the critics'
    value = learner.target_value(state.agent, targets, space, step, KEY)
    choices = learner.distribution(state.agent.actor, space, step.next_features)
    choice, log_prob = choices.sample_with_log_prob(KEY)
    lower = min(float(v) for v in learner.values(targets, step.next_features, choice))
    follows = 0.0 if terminated else 0.5 * (lower - 0.3 * float(log_prob))
    assert abs(lower - 0.3 * float(log_prob)) > 0.1, "otherwise this could not tell the two apart"
    np.testing.assert_allclose(value, 7 + follows, rtol=1e-6)


@pytest.mark.slow
def test_eager_and_compiled_updates_are_the_same():
    learner = TINY.replace(num_envs=1, num_steps=1, gradient_steps=1, learning_starts=1)
    state = jax.jit(learner.init)(Reach(), KEY)
    compiled = jax.jit(learner.update)(Reach(), state)
    with jax.disable_jit():
        eager = learner.update(Reach(), state)
    for one, other in zip(as_numbers(eager), as_numbers(compiled), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # float32, fused in another way


@pytest.mark.parametrize("num_seeds", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_an_interrupted_run_resumes_to_the_same_state(tmp_path, num_seeds):
    settings = Settings("Pendulum-v1", {}, 5, "sac", {}, seed=0, num_seeds=num_seeds)
    whole, _ = train(Run.create(settings, tmp_path / "whole"), PENDULUM, TINY, KEY)
    run = Run.create(settings, tmp_path / "parts")
    _, report = train(run, PENDULUM, TINY, KEY, should_stop=lambda: True)
    assert 0 < report.updates < TINY.num_updates
    resumed, report = train(Run.open(run.path), PENDULUM, TINY, KEY, resume=True)
    assert report.updates == TINY.num_updates
    for one, other in zip(as_numbers(whole), as_numbers(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_actions_are_uniform_and_nothing_is_learnt_until_learning_starts():
    learner = TINY.replace(total_steps=4096, num_envs=512, num_steps=7, buffer_size=10_240, learning_starts=4096)
    fresh = jax.jit(learner.init)(Reach(), KEY)
    assert fresh.buffer.replay.capacity == 7168, "no more than all of training"
    update = jax.jit(learner.update)
    before, idle = update(Reach(), fresh)
    after, busy = update(Reach(), before)
    choices = np.asarray(before.buffer.replay.items.choice[:3584])
    assert np.abs(choices).max() <= 1
    # Five standard deviations of a binomial count. The tanh of a standard normal variable would give 0.42.
    np.testing.assert_allclose((np.abs(choices) < 0.5).mean(), 0.5, atol=5 * 0.5 / choices.size**0.5)
    for one, other in zip(as_numbers(fresh.agent), as_numbers(before.agent), strict=True):
        np.testing.assert_array_equal(one, other)
    assert all((one != other).any() for one, other in zip(as_numbers(before.agent), as_numbers(after.agent)))
    assert np.isnan(idle.critic_loss) and np.isfinite(busy.critic_loss)


def test_the_temperature_leads_the_entropy_to_its_target():
    learner = SAC(
        total_steps=4_000,
        num_steps=25,
        gradient_steps=2,
        batch_size=32,
        learning_starts=200,
        learning_rate=1e-2,
        hidden_sizes=(16,),
    )
    goals = jnp.array([-2.0, 0.5], jnp.float32)
    _, metrics = jax.jit(jax.vmap(lambda goal: learner.replace(target_entropy=goal).train(Reach(), KEY)))(goals)
    np.testing.assert_allclose(metrics.entropy[:, -4:].mean(axis=1), goals, atol=0.3)
    assert float(metrics.temperature[1, -1]) > float(metrics.temperature[0, -1])


def test_features_are_normalised_by_those_that_were_acted_on():
    learner = TINY.replace(normalize_observations=True)
    state, _ = jax.jit(learner.train)(PENDULUM, KEY)
    features, statistics = state.buffer.replay.items.features, state.agent.statistics
    assert features.shape[0] == 48 == round(float(statistics.count))
    np.testing.assert_allclose(statistics.mean, features.mean(0), atol=1e-3)
    np.testing.assert_allclose(statistics.variance, features.var(0), atol=1e-2)
    scaled = (features[0] - statistics.mean) / jnp.sqrt(statistics.variance + 1e-8)
    plain = TINY.policy(PENDULUM, state.agent.replace(statistics=None))
    np.testing.assert_allclose(learner.policy(PENDULUM, state.agent)(features[0], KEY), plain(scaled, KEY), rtol=1e-5)


def test_a_fixed_temperature_stays():
    learner = TINY.replace(temperature=0.25, learn_temperature=False)
    state, metrics = jax.jit(learner.train)(Reach(), KEY)
    np.testing.assert_allclose(metrics.temperature[2:], 0.25, rtol=1e-6)
    assert float(jnp.exp(state.agent.log_temperature)) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "space, message",
    [
        (MultiBinary(2), r"SAC supports Box \(of real numbers\) action spaces"),
        (Box(0, 3, (2,), np.int32), r"SAC supports Box \(of real numbers\) action spaces"),
        (Box(-np.inf, np.inf, (2,)), r"bounds of the action space, and Box\(-inf, inf, .* lacks some"),
        (Box(0, np.inf, (2,)), "lacks some.*TransformAction"),
        (Box(np.array([-np.inf, 0], np.float32), np.ones(2, np.float32)), "lacks some"),
    ],
)
def test_action_spaces_without_bounded_real_numbers_are_refused(space, message):
    with pytest.raises(InvalidField, match=message):
        TINY.train(TransformAction(Reach(), centre, space), KEY)


def test_discrete_actions_are_refused_in_favour_of_other_learners():
    with pytest.raises(InvalidField, match=r"this environment has Discrete\(2, start=5\)\. Use PPO or DQN"):
        TINY.train(Walk(), KEY)


def test_a_mesh_is_refused():
    with pytest.raises(InvalidField, match="SAC learns on one device"):
        TINY.train(Reach(), KEY, mesh=2)


def test_boxes_of_any_shape_and_bounds_are_acted_in():
    space = Box(np.array([[-1, 0], [2, -9]], np.float32), np.array([[1, 3], [2.5, -1]], np.float32))
    env = TransformAction(Reach(), centre, space)
    assert jax.eval_shape(TINY.train, env, KEY)[0].buffer.replay.items.choice.shape == (48, 4)
    policy = TINY.policy(env, jax.jit(TINY.init)(env, KEY).agent, stochastic=True)
    actions = jax.jit(jax.vmap(policy, in_axes=(None, 0)))(jnp.ones(1, jnp.float32), jax.random.split(KEY, 200))
    assert actions.shape == (200, 2, 2) and jax.vmap(space.contains)(actions).all()
    low, high = np.asarray(space.low), np.asarray(space.high)
    spread = np.ptp(np.asarray(actions), axis=0) / (high - low)
    assert (spread > 0.8).all()


def test_a_share_of_the_actions_is_drawn_uniformly_after_learning_has_started():
    learner = TINY.replace(total_steps=1_000, learning_starts=0)
    state = jax.jit(learner.init)(Reach(), KEY)
    always_one = {(8,): jnp.zeros(8), (4,): jnp.array([12.0, 12.0, -20.0, -20.0])}  # means, then logs of deviations
    actor = jax.tree.map(lambda w: always_one.get(w.shape, jnp.zeros_like(w)), state.agent.actor)
    state = state.replace(agent=state.agent.replace(actor=actor))

    @jax.jit
    def play(share):
        varied = learner.replace(random_exploration=share)
        played, _ = jax.lax.scan(lambda s, n: varied.play(Reach(), s, n, jnp.int32(1)), state, jnp.arange(500))
        return played.buffer.replay.items.choice

    for share in (0.0, 0.25, 1.0):
        choices = np.asarray(play(share))
        is_uniform = (choices != choices.max()).any(axis=1)
        assert abs(is_uniform.mean() - share) < 0.05
        assert share == 0.0 or choices.min() < -0.95
    with pytest.raises(InvalidField, match="random_exploration"):
        learner.replace(random_exploration=1.5)
