"""rollout against a plain loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField, InvalidKey
from jaxenvs.rollouts import RandomPolicy
from jaxenvs.rollouts.rollout import _rollout
from jaxenvs.training import PPO
from tests.training.toy_envs import Walk

WALK = Walk()
LIMITED = jaxenvs.AutoReset(jaxenvs.TimeLimit(WALK, max_episode_steps=5))
KEY = jaxenvs.random.key(2)
STEPS = 30


class Homing(PyTreeNode):
    """Walks towards `home`, at times at random."""

    home: jax.Array

    def __call__(self, observation, key):
        towards = jnp.where(observation["position"][0] < self.home, 6, 5)
        return jnp.where(jax.random.uniform(key, (), jnp.float32) < 0.3, 5, towards)


HOMING = Homing(jnp.asarray(1.0, jnp.float32))


def loop(env, policy, key, num_steps):
    """(states, observations, actions, timesteps) of a Python loop, stacked over time."""
    step, act = jax.jit(env.step), jax.jit(lambda observation, key: policy(observation, key))
    reset_key, key = jax.random.split(key)
    state, timestep = env.reset(reset_key)
    rows = []
    for _ in range(num_steps):
        key, action_key = jax.random.split(key)
        observation = timestep.observation
        action = act(observation, action_key)
        next_state, timestep = step(state, action)
        rows.append((state, observation, action, timestep))
        state = next_state
    return state, jax.tree.map(lambda *xs: jnp.stack(xs), *rows)


def assert_equal(left, right):
    left, right = (jax.tree.map(raw, tree) for tree in (left, right))
    jax.tree.map(np.testing.assert_array_equal, left, right)


def raw(x):
    return jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x


@pytest.mark.parametrize("env", [WALK, LIMITED], ids=["bare", "limited-and-reset"])
def test_rollout_equals_a_python_loop(env):
    state, trajectory = jaxenvs.rollout(env, HOMING, KEY, STEPS, keep_states=True)
    last, expected = loop(env, HOMING, KEY, STEPS)
    assert_equal(state, last)
    assert_equal((trajectory.states, trajectory.observations, trajectory.actions, trajectory.timesteps), expected)
    assert bool(trajectory.timesteps.done.any())


def test_each_lane_equals_a_single_rollout():
    state, trajectory = jaxenvs.rollout(LIMITED, HOMING, KEY, STEPS, num_envs=3)
    assert trajectory.actions.shape == (STEPS, 3)
    assert trajectory.observations["position"].shape == (STEPS, 3, 1)
    for i, key in enumerate(jax.random.split(KEY, 3)):
        one_state, one = jaxenvs.rollout(LIMITED, HOMING, key, STEPS)
        assert_equal(jax.tree.map(lambda x, i=i: x[i], state), one_state)
        assert_equal(
            jax.tree.map(lambda x, i=i: x[:, i], (trajectory.actions, trajectory.timesteps)),
            (one.actions, one.timesteps),
        )
        assert_equal(jax.tree.map(lambda x, i=i: x[i], trajectory.initial), one.initial)


@pytest.mark.parametrize("num_envs", [None, 2])
def test_progress_changes_nothing_else(num_envs, capsys):
    plain = jaxenvs.rollout(LIMITED, HOMING, KEY, 101, num_envs=num_envs, keep_states=True)
    shown = jaxenvs.rollout(LIMITED, HOMING, KEY, 101, num_envs=num_envs, keep_states=True, progress=True)
    assert_equal(plain, shown)
    assert "100%" in capsys.readouterr().err


def test_new_parameters_and_weights_compile_nothing():
    jaxenvs.rollout(Walk(step_reward=1.0), HOMING, KEY, STEPS)
    before = _rollout._cache_size()
    _, trajectory = jaxenvs.rollout(Walk(step_reward=2.0), Homing(jnp.asarray(-1.0, jnp.float32)), KEY, STEPS)
    assert _rollout._cache_size() == before
    positions = trajectory.timesteps.observation["position"][:, 0]
    np.testing.assert_array_equal(trajectory.timesteps.reward, 2 * positions)


def test_a_plain_function_is_a_policy():
    _, trajectory = jaxenvs.rollout(WALK, lambda observation, key: jnp.asarray(6, jnp.int32), KEY, 4)
    np.testing.assert_array_equal(trajectory.actions, 6)


def test_random_policy_draws_from_the_action_space():
    _, trajectory = jaxenvs.rollout(WALK, RandomPolicy(WALK.action_space), KEY, 64)
    assert set(np.asarray(trajectory.actions).tolist()) == {5, 6}


def test_states_are_kept_only_on_request():
    assert jaxenvs.rollout(WALK, HOMING, KEY, 4)[1].states is None


def test_rollout_can_be_jitted_and_differentiated():
    def total(reward):
        return jaxenvs.rollout(Walk(step_reward=reward), HOMING, KEY, 8)[1].timesteps.reward.sum()

    gradient = jax.jit(jax.grad(total))(jnp.asarray(1.0, jnp.float32))
    positions = jaxenvs.rollout(WALK, HOMING, KEY, 8)[1].timesteps.observation["position"]
    assert float(gradient) == float(positions.sum())


def test_bad_arguments_are_refused():
    with pytest.raises(InvalidField, match=r"num_steps.*at least 1"):
        jaxenvs.rollout(WALK, HOMING, KEY, 0)
    with pytest.raises(InvalidField, match=r"num_envs.*at least 1"):
        jaxenvs.rollout(WALK, HOMING, KEY, 1, num_envs=0)
    with pytest.raises(InvalidField, match="policy is called"):
        jaxenvs.rollout(WALK, 3, KEY, 1)
    with pytest.raises(InvalidKey, match="rollout"):
        jaxenvs.rollout(WALK, HOMING, 0, 1)
    with pytest.raises(InvalidField, match=r"policy\(observation, key\)`, and `<lambda>` cannot be: too many"):
        jaxenvs.rollout(WALK, lambda observation: 0, KEY, 1)


@pytest.mark.parametrize(
    "use",
    [
        lambda env: jaxenvs.rollout(env, HOMING, KEY, 1),
        lambda env: jaxenvs.evaluate(env, HOMING, KEY, num_episodes=1),
        lambda env: jaxenvs.evaluation(env),
        lambda env: PPO().train(env, KEY),
    ],
    ids=["rollout", "evaluate", "evaluation", "train"],
)
def test_what_is_not_an_environment_is_refused_with_what_to_write(use):
    with pytest.raises(
        InvalidField, match=r"takes an environment, got the string 'Walk'\. Write `jaxenvs\.make\('Walk'\)`"
    ):
        use("Walk")
    with pytest.raises(InvalidField, match=r"takes a jaxenvs\.Env, got the class Walk\. Build one"):
        use(Walk)
    with pytest.raises(InvalidField, match=r"takes a jaxenvs\.Env, got dict"):
        use({})
