"""PPO over several devices against PPO on one. `test_mesh.py` runs this in its own process."""

import functools
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import Run, Settings, train
from jaxenvs.training import DQN, PPO

KEY = jaxenvs.random.key(1)
ENV = jaxenvs.make("Pendulum-v1", max_episode_steps=20)
LEARNER = PPO(
    total_steps=4 * 512,
    num_envs=16,
    num_steps=32,
    num_minibatches=2,
    num_epochs=2,
    num_blocks=8,
    learning_rate=1e-2,
    normalize_observations=True,
    normalize_rewards=True,
    hidden_sizes=(8,),
)
# Four updates of sixteen minibatches: sums over samples are taken in another order, in float32.
TOLERANCE = {"rtol": 1e-4, "atol": 2e-5}


def raw(x):
    return np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)


@functools.lru_cache
def trained(mesh):
    return jax.jit(functools.partial(LEARNER.train, mesh=mesh))(ENV, jax.random.fold_in(KEY, 0))


def test_training_is_the_same_on_one_device_and_on_eight():
    (one, one_metrics), (spread, metrics) = trained(None), trained(8)
    chex.assert_trees_all_close(one.agent, spread.agent, **TOLERANCE)
    # A variance from sums of squares is among these.
    chex.assert_trees_all_close(one_metrics, metrics, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(raw(one.key), raw(spread.key))
    np.testing.assert_array_equal(one_metrics.episodes, metrics.episodes)
    moved = jax.tree.map(
        lambda x, y: jnp.abs(x - y).max(),
        jax.jit(LEARNER.init)(ENV, jax.random.fold_in(KEY, 0)).agent.actor,
        one.agent.actor,
    )
    assert min(jax.tree.leaves(moved)) > 100 * TOLERANCE["atol"]  # and something was learnt


def test_lanes_are_spread_and_weights_are_everywhere():
    state, _ = trained(8)
    spread = state.env_state, state.observation, state.discounted_return
    assert {x.sharding.spec for x in jax.tree.leaves(spread)} == {PartitionSpec("data")}
    shared = state.agent, state.optimizer_state, state.return_statistics, state.key, state.updates
    assert all(x.sharding.is_fully_replicated for x in jax.tree.leaves(shared))


def test_devices_exchange_sums_and_nothing_else():
    update = jax.jit(functools.partial(LEARNER.update, mesh=8))
    text = update.lower(ENV, trained(8)[0]).compile().as_text()
    kinds = r" (all-reduce|all-gather|all-to-all|collective-permute|collective-broadcast|reduce-scatter)(?:-start)?\("
    found = [line for line in text.splitlines() if re.search(kinds, line)]
    assert found and not [line for line in found if " all-reduce" not in line]
    # A minibatch sums up its gradient, and before that its advantages and their squares; nothing is summed
    # in the loop that plays, the only one that steps environments.
    in_loops = [line for line in found if "while/body" in re.search(r'op_name="([^"]*)"', line)[1]]
    assert len(in_loops) == 3
    assert not [line for line in in_loops if "shard_map" in line]


def monitored(path, mesh, num_seeds=1, **arguments):
    settings = Settings("Pendulum-v1", {}, None, "ppo", {}, 0, num_seeds)
    run = Run.open(path) if "resume" in arguments else Run.create(settings, path)
    return run, *train(run, ENV, LEARNER, KEY, mesh=mesh, **arguments)


def test_run_stopped_on_eight_devices_resumes_on_four(tmp_path):
    _, _, report = monitored(tmp_path / "run", 8, should_stop=lambda: True)
    assert 0 < report.updates < 4
    run, state, report = monitored(tmp_path / "run", 4, resume=True)
    assert report.updates == 4
    one, metrics = trained(None)
    chex.assert_trees_all_close(one.agent, state.agent, **TOLERANCE)
    rows = run.read_progress()
    assert [row["episodes"] for row in rows] == metrics.episodes.tolist()
    np.testing.assert_allclose([row["mean_return"] for row in rows], metrics.mean_return, rtol=1e-4)


def test_seeds_are_trained_side_by_side_on_every_device(tmp_path):
    _, several, _ = monitored(tmp_path / "run", 2, num_seeds=2)
    # Batched matrix products sum in another order.
    first = jax.tree.map(lambda x: x[0], several.agent)
    chex.assert_trees_all_close(trained(None)[0].agent, first, rtol=1e-3, atol=2e-4)


def test_what_cannot_be_spread_is_refused():
    train_on = functools.partial(LEARNER.replace(num_blocks=2).train, mesh=8)
    with pytest.raises(InvalidField, match="PPO: `num_blocks` is 2, and must be a multiple of the 8 devices"):
        train_on(ENV, KEY)
    with pytest.raises(InvalidField, match="DQN learns on one device"):
        DQN().train(ENV, KEY, mesh=2)
