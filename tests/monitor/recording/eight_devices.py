"""Recording over eight devices against the same on one. `test_recording_devices.py` runs this in its own process."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import jaxenvs
from jaxenvs.monitor import Run, Settings, outcome, read_episodes, record, train
from jaxenvs.training import PPO
from tests.monitor.recording.replaying import check_replays

ENV = jaxenvs.make("Taxi-v4", max_episode_steps=12)
AUTO = jaxenvs.AutoReset(ENV)
KEY = jaxenvs.random.key(0)
LANES, STEPS, BLOCKS = 16, 30, 3
COLUMNS = "lane", "seed", "episode_return", "length", "terminated", "truncated", "env_steps"


def rows_of(run):
    episodes = read_episodes(run, strict=True)
    return list(zip(*(episodes[name].tolist() for name in COLUMNS)))


@jax.jit
def play(state, actions):
    def step(state, action):
        state, timestep = jax.vmap(AUTO.step)(state, action)
        return state, outcome(timestep)

    return jax.lax.scan(step, state, actions)


def test_there_are_eight_devices():
    assert jax.device_count() == 8


def test_a_loop_over_lanes_of_several_devices_records_the_same(tmp_path):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    start = jax.jit(jax.vmap(AUTO.reset))(jax.random.split(KEY, LANES))[0]
    actions = jax.random.randint(KEY, (BLOCKS, STEPS, LANES), 0, 6, jnp.int32)
    for name, lanes, steps in (("one", None, None), ("eight", PartitionSpec("data"), PartitionSpec(None, "data"))):
        state, blocks = start, list(actions)
        if lanes is not None:
            state = jax.device_put(start, NamedSharding(mesh, lanes))
            blocks = [jax.device_put(block, NamedSharding(mesh, steps)) for block in blocks]
        with record(AUTO, tmp_path / name, start=state) as recorder:
            for block in blocks:
                state, outcomes = play(state, block)
                recorder.add(outcomes, block)
        if lanes is not None:
            assert len(outcomes.reward.sharding.device_set) == 8
    assert rows_of(tmp_path / "eight") == rows_of(tmp_path / "one")
    assert check_replays(recorder.run, ENV) == len(rows_of(tmp_path / "one")) > LANES * BLOCKS


def test_a_rollout_over_several_devices_records_the_same(tmp_path):
    policy = jaxenvs.RandomPolicy(ENV.action_space)
    for name, mesh in (("one", None), ("eight", 8)):
        with record(AUTO, tmp_path / name) as recorder:
            recorder.add_rollout(jaxenvs.rollout(AUTO, policy, KEY, STEPS, num_envs=LANES, mesh=mesh)[1], key=KEY)
    assert rows_of(tmp_path / "eight") == rows_of(tmp_path / "one")
    assert check_replays(recorder.run, ENV) == len(rows_of(tmp_path / "one")) > LANES


def test_training_over_several_devices_records_every_episode_and_learns_the_same(tmp_path):
    learner = PPO(
        total_steps=3 * 256,
        num_envs=16,
        num_steps=16,
        num_epochs=1,
        num_minibatches=1,
        num_blocks=8,
        hidden_sizes=(8,),
    )
    states = []
    for is_recorded in (False, True):
        run = Run.create(Settings("Taxi-v4", {}, None, "ppo", {}, seed=0), tmp_path / str(is_recorded))
        states.append(train(run, ENV, learner, KEY, mesh=8, record=is_recorded)[0])
    for plain, recorded in zip(*(jax.tree.leaves(state.agent) for state in states), strict=True):
        np.testing.assert_array_equal(np.asarray(plain), np.asarray(recorded))
    progress = run.read_progress()
    lanes, _, returns, lengths, _, truncated, _ = map(np.asarray, zip(*rows_of(run)))
    assert len(lanes) == sum(row["episodes"] for row in progress) > 30
    total = sum(row["episodes"] * row["mean_return"] for row in progress if row["episodes"])
    np.testing.assert_allclose(returns.sum(), total, rtol=1e-5)
    assert set(lanes.tolist()) == set(range(16)) and (lengths[truncated] == 12).all()
