"""evaluate compared with one Python loop per episode."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField, WrapperOrderError
from jaxenvs.rollouts import evaluate as evaluate_function
from tests.training.toy_envs import Endless, Walk

KEY = jaxenvs.random.key(5)
WALK = Walk(slip=0.4)
LIMITED = jaxenvs.TimeLimit(WALK, max_episode_steps=12)


def left_or_right(observation, key):
    return jax.random.randint(key, (), 5, 7, jnp.int32)


def play(env, policy, key):
    """Return and length of one episode."""
    step, act = jax.jit(env.step), jax.jit(lambda observation, key: policy(observation, key))
    reset_key, key = jax.random.split(key)
    state, timestep = env.reset(reset_key)
    total, length = np.float32(0), 0
    while not timestep.done:
        key, action_key = jax.random.split(key)
        state, timestep = step(state, act(timestep.observation, action_key))
        total, length = total + np.float32(timestep.reward), length + 1
    return total, length


@pytest.mark.parametrize("env", [WALK, LIMITED], ids=["until-terminated", "limited"])
def test_evaluate_equals_a_loop_over_episodes(env):
    evaluation = jaxenvs.evaluate(env, left_or_right, KEY, num_episodes=12)
    played = [play(env, left_or_right, key) for key in jax.random.split(KEY, 12)]
    np.testing.assert_array_equal(evaluation.returns, [total for total, _ in played])
    np.testing.assert_array_equal(evaluation.lengths, [length for _, length in played])
    assert len(set(evaluation.lengths.tolist())) > 3  # long and short ones, each counted once
    assert evaluation.finished.all()


def test_summaries_are_over_all_episodes():
    evaluation = jaxenvs.evaluate(LIMITED, left_or_right, KEY, num_episodes=12)
    assert evaluation.num_episodes == 12
    assert int(evaluation.num_finished) == 12
    # float32 sums of 12 numbers: a few units in the last place.
    np.testing.assert_allclose(evaluation.mean_return, np.mean(evaluation.returns), rtol=1e-6)
    np.testing.assert_allclose(evaluation.std_return, np.std(evaluation.returns), rtol=1e-6)
    np.testing.assert_allclose(evaluation.mean_length, np.mean(evaluation.lengths), rtol=1e-6)


def test_progress_changes_nothing_else(capsys):
    env = jaxenvs.make("CartPole-v1")
    policy = jaxenvs.RandomPolicy(env.action_space)
    plain = jaxenvs.evaluate(env, policy, KEY, num_episodes=9)
    shown = jaxenvs.evaluate(env, policy, KEY, num_episodes=9, progress=True)
    jax.tree.map(np.testing.assert_array_equal, plain, shown)
    assert "9.00/9.00" in capsys.readouterr().err


def test_max_steps_cuts_short_and_says_so():
    evaluation = jaxenvs.evaluate(WALK, left_or_right, KEY, num_episodes=12, max_steps=4)
    whole = jaxenvs.evaluate(WALK, left_or_right, KEY, num_episodes=12)
    np.testing.assert_array_equal(evaluation.finished, whole.lengths <= 4)
    np.testing.assert_array_equal(evaluation.lengths, np.minimum(whole.lengths, 4))
    assert 0 < int(evaluation.num_finished) < 12


@pytest.mark.parametrize("progress", [False, True])
def test_an_endless_environment_stops_with_a_warning(progress):
    with pytest.warns(UserWarning, match="2 of 2 episodes had not ended after 10000 steps"):
        evaluation = jaxenvs.evaluate(
            Endless(), lambda o, k: jnp.asarray(5, jnp.int32), KEY, num_episodes=2, progress=progress
        )
    assert not evaluation.finished.any()
    np.testing.assert_array_equal(evaluation.returns, 10_000)


def test_evaluate_maps_over_policies():
    def score(action):
        policy = jax.tree_util.Partial(lambda action, observation, key: action, action)
        return jaxenvs.evaluate(LIMITED, policy, KEY, num_episodes=5).mean_return

    scores = jax.jit(jax.vmap(score))(jnp.asarray([5, 6], jnp.int32))
    assert scores[0] < 0 < scores[1]


def test_auto_reset_is_refused():
    with pytest.raises(WrapperOrderError, match="without AutoReset"):
        jaxenvs.evaluate(jaxenvs.AutoReset(LIMITED), left_or_right, KEY)


def test_bad_counts_are_refused():
    with pytest.raises(InvalidField, match="num_episodes"):
        jaxenvs.evaluate(LIMITED, left_or_right, KEY, num_episodes=0)
    with pytest.raises(InvalidField, match="max_steps"):
        jaxenvs.evaluate(LIMITED, left_or_right, KEY, max_steps=0)


def test_the_top_level_names_are_the_functions():
    assert jaxenvs.evaluate is evaluate_function
    assert callable(jaxenvs.rollout)


def test_dtypes_are_the_same_with_64_bit_types_on():
    with jax.enable_x64(True):
        evaluation = jaxenvs.evaluate(LIMITED, left_or_right, jaxenvs.random.key(5), num_episodes=3)
        state, trajectory = jaxenvs.rollout(LIMITED, left_or_right, jaxenvs.random.key(5), 3)
    assert (evaluation.returns.dtype, evaluation.lengths.dtype) == (jnp.float32, jnp.int32)
    assert evaluation.mean_return.dtype == jnp.float32
    assert (trajectory.actions.dtype, trajectory.timesteps.reward.dtype) == (jnp.int32, jnp.float32)
    assert state.elapsed.dtype == jnp.int32
