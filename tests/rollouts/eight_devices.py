"""rollout and evaluate over eight devices against the same on one. `test_mesh.py` runs this in its own process."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.rollouts.evaluate import _play
from jaxenvs.rollouts.mesh import lane_mesh
from jaxenvs.rollouts.rollout import _rollout

KEY = jaxenvs.random.key(3)
COLLECTIVES = "all-reduce|all-gather|all-to-all|collective-permute|collective-broadcast|reduce-scatter|send|recv"


def raw(x):
    return np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)


def assert_equal(left, right):
    jax.tree.map(lambda x, y: np.testing.assert_array_equal(raw(x), raw(y)), left, right)


def assert_equal_to_rounding(left, right):
    """Keys, integers and truth values are equal; real numbers differ by at most the last bit per step."""

    def compare(x, y):
        x, y = raw(x), raw(y)
        if np.issubdtype(x.dtype, np.floating):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(x, y)

    jax.tree.map(compare, left, right)


def env_and_policy(env_id, method, **fields):
    env = jaxenvs.AutoReset(jaxenvs.make(env_id, **fields), method=method, chunk_size=3)
    return env, jaxenvs.RandomPolicy(env.action_space)


def collectives_in(lowered):
    return re.findall(rf" ({COLLECTIVES})(?:-start)?\(", lowered.compile().as_text())


def test_there_are_eight_devices():
    assert jax.device_count() == 8


@pytest.mark.parametrize(
    ("env_id", "method"),
    [
        ("Pendulum-v1", "select"),
        ("Taxi-v4", "chunked"),
        pytest.param("Pendulum-v1", "chunked", marks=pytest.mark.slow),
        pytest.param("Taxi-v4", "select", marks=pytest.mark.slow),
    ],
)
def test_rollout_is_the_same(env_id, method):
    """Bit by bit, but for real numbers from JAX 0.12 on."""
    env, policy = env_and_policy(env_id, method, max_episode_steps=25)
    one = jaxenvs.rollout(env, policy, KEY, 60, num_envs=64, keep_states=True)
    spread = jaxenvs.rollout(env, policy, KEY, 60, num_envs=64, keep_states=True, mesh=8)
    if env_id == "Taxi-v4" or jax.__version_info__ < (0, 12):
        assert_equal(one, spread)
    else:
        assert_equal_to_rounding(one, spread)
    assert one[1].timesteps.done.sum() > 64
    assert spread[1].actions.sharding.spec == PartitionSpec(None, "data")
    assert spread[0].key.sharding.spec == PartitionSpec("data")


@pytest.mark.parametrize("method", ["select", pytest.param("chunked", marks=pytest.mark.slow)])
def test_division_by_a_shared_parameter_differs_by_rounding_alone(method):
    """In programs for several devices XLA simplifies x / parameter to x * (1 / parameter), as CartPole divides."""
    env, policy = env_and_policy("CartPole-v1", method)

    def played(mesh, **options):
        program = jax.jit(lambda key: jaxenvs.rollout(env, policy, key, 60, num_envs=64, mesh=mesh))
        return program.lower(KEY).compile(compiler_options=options)(KEY)

    exact = {"xla_disable_hlo_passes": "algsimp"}
    assert_equal(played(None, **exact), played(8, **exact))
    (_, one), (_, spread) = played(None), played(8)
    assert_equal_to_rounding(one, spread)


def test_threefry_keys_and_the_progress_bar_change_nothing(capsys):
    env, policy = env_and_policy("Taxi-v4", "chunked", max_episode_steps=25)
    key = jax.random.key(0)
    one = jaxenvs.rollout(env, policy, key, 60, num_envs=16)
    assert_equal(one, jaxenvs.rollout(env, policy, key, 60, num_envs=16, mesh=4, progress=True))
    assert "100%" in capsys.readouterr().err


def test_evaluate_is_the_same_bit_by_bit():
    env = jaxenvs.make("CartPole-v1")
    policy = jaxenvs.RandomPolicy(env.action_space)
    one = jaxenvs.evaluate(env, policy, KEY, num_episodes=24)
    assert_equal(one, jaxenvs.evaluate(env, policy, KEY, num_episodes=24, mesh=8))
    assert_equal(one, jaxenvs.evaluate(env, policy, KEY, num_episodes=24, mesh=4, progress=True))
    assert len(set(np.asarray(one.lengths).reshape(8, 3).max(axis=1).tolist())) > 1  # devices end at different times


@pytest.mark.parametrize("method", [pytest.param("select", marks=pytest.mark.slow), "chunked"])
def test_stepping_and_resetting_need_no_other_device(method):
    env, policy = env_and_policy("CartPole-v1", method)
    mesh = lane_mesh("test", 8)
    assert collectives_in(_rollout.lower(env, policy, KEY, 9, 64, False, mesh)) == []
    assert collectives_in(_play.lower(env.env, policy, KEY, 64, 9, mesh)) == []
    # The search does find a collective if there is one.
    together = jax.jit(lambda: jaxenvs.rollout(env, policy, KEY, 9, num_envs=64, mesh=8)[1].timesteps.reward.sum())
    assert collectives_in(together.lower()) == ["all-reduce"]


def test_further_axes_of_a_mesh_repeat_the_work():
    env, policy = env_and_policy("Taxi-v4", "select")
    mesh = jax.make_mesh((2, 4), ("model", "data"))
    _, spread = jaxenvs.rollout(env, policy, KEY, 9, num_envs=8, mesh=mesh)
    assert_equal(jaxenvs.rollout(env, policy, KEY, 9, num_envs=8)[1], spread)
    assert spread.actions.addressable_shards[0].data.shape == (9, 2)


def test_devices_that_cannot_share_the_lanes_are_refused():
    env, policy = env_and_policy("CartPole-v1", "select")
    with pytest.raises(InvalidField, match="`num_envs` is 12, and must be a multiple of the 8 devices"):
        jaxenvs.rollout(env, policy, KEY, 9, num_envs=12, mesh=8)
    with pytest.raises(InvalidField, match="evaluate: `num_episodes` is 12"):
        jaxenvs.evaluate(env.env, policy, KEY, num_episodes=12, mesh=8)
    with pytest.raises(InvalidField, match="16 devices were asked for, and JAX sees 8"):
        jaxenvs.rollout(env, policy, KEY, 9, num_envs=16, mesh=16)
    with pytest.raises(InvalidField, match=r'axis "data" of a mesh, and this one has \'x\', \'y\''):
        jaxenvs.rollout(env, policy, KEY, 9, num_envs=16, mesh=Mesh(np.reshape(jax.devices(), (4, 2)), ("x", "y")))
    mesh = jax.make_mesh((8,), ("data",))
    with jax.set_mesh(mesh), pytest.raises(InvalidField, match=r"Leave out `jax.set_mesh`"):
        jaxenvs.rollout(env, policy, KEY, 9, num_envs=16, mesh=mesh)
