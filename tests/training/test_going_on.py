"""Training that continues after its end, and for longer than an int32 can count; training from a host loop."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.errors import Diverged, InvalidField
from jaxenvs.training import DQN, PPO
from jaxenvs.training.schedule import after, has_taken, progress
from tests.training.test_learners import EACH, KEY, SAC_IS_SLOW, TINY_PPO, TINY_SAC, WALK, program, steered
from tests.training.toy_envs import Walk

MOST = 2**31 - 1


@functools.lru_cache
def two_more(kind):
    return jax.jit(functools.partial(kind.run, num_updates=2))


def changed(new, old):
    return any(bool((a != b).any()) for a, b in zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True))


@SAC_IS_SLOW
def test_training_goes_on_after_its_end_and_does_not_wrap(learner):
    env = steered(learner, WALK)
    state, _ = program(type(learner))(learner, env, KEY)
    learner = learner.replace(anneal=True)
    later, metrics = two_more(type(learner))(learner, env, state)
    assert changed(later.agent, state.agent)
    # As in a training of four updates: PPO reports the rate of an update, the others the rate after it.
    shares = np.array([2, 3] if isinstance(learner, PPO) else [3, 4]) / 4
    np.testing.assert_allclose(metrics.learning_rate, learner.learning_rate * (1 - shares), rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(metrics.env_steps, [144, 192])

    near = 2**31 // learner.steps_per_update
    old = state.replace(updates=jnp.asarray(near, jnp.int32), env_steps=jnp.asarray(near * 48, jnp.float32))
    later, metrics = two_more(type(learner))(learner, env, old)
    assert int(later.updates) == near + 2
    np.testing.assert_allclose(metrics.env_steps, [(near + 1) * 48, (near + 2) * 48], rtol=1e-7)
    assert (np.asarray(metrics.learning_rate) >= 0).all()
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(later.agent))
    if not isinstance(learner, PPO):
        assert (np.asarray(metrics.gradient_steps) == 16 * learner.gradient_steps).all(), "it has long begun to learn"
    if isinstance(learner, DQN):
        np.testing.assert_allclose(metrics.epsilon, learner.epsilon_end, rtol=1e-6)

    last = state.replace(updates=jnp.asarray(MOST, jnp.int32))
    later, metrics = two_more(type(learner))(learner, env, last)
    assert int(later.updates) == MOST and (np.asarray(metrics.env_steps) > 1e11).all()


@EACH
@pytest.mark.parametrize("total_steps", [2**31 - 1, 2**31, 3_000_000_000, 10**12])
def test_any_number_of_steps_can_be_asked_for(learner, total_steps):
    learner = (
        learner.replace(total_steps=total_steps, num_envs=64, num_steps=64, num_minibatches=2)
        if isinstance(learner, PPO)
        else learner.replace(total_steps=total_steps, num_envs=60)
    )
    state, metrics = jax.eval_shape(learner.train, steered(learner, WALK), KEY)
    assert metrics.env_steps.shape == (-(-total_steps // learner.steps_per_update),)
    assert (state.env_steps.dtype, state.updates.dtype) == (jnp.float32, jnp.int32)


def test_counters_at_their_boundaries():
    updates = jnp.array([0, 5, 2**31 // 8, MOST - 1, MOST], jnp.int32)
    np.testing.assert_array_equal(after(updates, 2), [2, 7, 2**31 // 8 + 2, MOST, MOST])
    np.testing.assert_allclose(progress(updates, MOST), np.asarray(updates, np.float64) / MOST, rtol=1e-6)
    assert float(progress(jnp.asarray(9, jnp.int32), 4)) == 1

    def taken(steps, updates, rounds):
        return bool(has_taken(steps, jnp.asarray(updates, jnp.int32), jnp.asarray(rounds, jnp.int32), 3, 16))

    for steps in (0, 1, 47, 48, 49, 96, 2**31 + 48, 3_000_000_001):
        for updates in {0, 1, steps // 48 - 1, steps // 48, steps // 48 + 1, MOST} - {-1}:
            for rounds in (0, 1, 15, 16):
                assert taken(steps, updates, rounds) == (updates * 48 + rounds * 3 >= steps), (steps, updates, rounds)


def test_an_extended_learner_takes_the_state_as_it_is():
    for learner in (TINY_PPO, TINY_SAC.replace(buffer_size=1_200)):
        env = steered(learner, WALK)
        longer = learner.extended(960)
        assert longer.num_updates == 20
        state, other = (jax.eval_shape(each.init, env, KEY) for each in (learner, longer))
        assert jax.tree.map(lambda x: x.shape, state) == jax.tree.map(lambda x: x.shape, other)


@pytest.mark.parametrize("count", [-1, 1.5, True, "2", 2**31])
def test_run_takes_a_number_of_updates(count):
    state = jax.eval_shape(TINY_PPO.init, WALK, KEY)
    with pytest.raises(InvalidField, match="run takes a number of updates, an integer of at least 0"):
        TINY_PPO.run(WALK, state, count)


def test_a_callback_sees_training_and_may_end_it(capsys):
    seen = []
    whole, whole_metrics = program(PPO)(TINY_PPO, WALK, KEY)
    state, metrics = TINY_PPO.train(
        WALK, KEY, progress=True, callback=lambda state, metrics: seen.append((int(state.updates), metrics))
    )
    assert [updates for updates, _ in seen] == [1, 2], "the first call does one update"
    assert sum(len(metrics.episodes) for _, metrics in seen) == 2
    np.testing.assert_array_equal(metrics.episodes, whole_metrics.episodes)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), whole.agent, state.agent)
    assert "96.0/96.0" in capsys.readouterr().err
    state, metrics = TINY_PPO.train(WALK, KEY, callback=lambda state, metrics: True)
    assert int(state.updates) == 1 and metrics.episodes.shape == (1,)
    assert capsys.readouterr().err == ""


def test_a_callback_cannot_be_compiled():
    with pytest.raises(InvalidField, match=r"Call it without `jax\.jit`"):
        jax.jit(functools.partial(TINY_PPO.train, progress=True))(WALK, KEY)


class Poisoned(Walk):
    """Rewards become NaN."""

    def step(self, state, action):
        state, timestep = Walk.step(self, state, action)
        return state, timestep.replace(reward=jnp.full_like(timestep.reward, jnp.nan))


def test_training_with_a_callback_says_that_it_diverged():
    with pytest.raises(Diverged, match="PPO: training diverged before update 1: weights are NaN"):
        TINY_PPO.train(Poisoned(), KEY, callback=lambda state, metrics: None)
