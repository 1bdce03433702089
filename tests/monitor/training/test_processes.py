"""Two processes that share their devices through `jax.distributed` give the results of one, and one of them writes."""

import functools
import socket

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.monitor import Run, read_episodes
from jaxenvs.monitor.training.training_loop import initial_state
from jaxenvs.training import PPO
from tests.devices import finish, start

SEED = 2
ENV = jaxenvs.make("Pendulum-v1", max_episode_steps=20)
PLAYED = jaxenvs.AutoReset(ENV, method="chunked")
POLICY = jaxenvs.RandomPolicy(ENV.action_space)
LEARNER = PPO(
    total_steps=3 * 256, num_envs=8, num_steps=32, num_minibatches=2, num_epochs=2, num_blocks=4, hidden_sizes=(8,)
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path):
    key = jaxenvs.random.key(SEED)
    address = f"127.0.0.1:{free_port()}"
    arguments = [[str(number), address, str(tmp_path)] for number in range(2)]
    finish([start(["-m", "tests.monitor.training.two_processes", *a], devices=2) for a in arguments], seconds=240)

    played = np.load(tmp_path / "played.npz")
    _, trajectory = jaxenvs.rollout(PLAYED, POLICY, key, 30, num_envs=16)
    np.testing.assert_array_equal(played["actions"], trajectory.actions)
    np.testing.assert_array_equal(played["reward"], trajectory.timesteps.reward)
    np.testing.assert_array_equal(played["returns"], jaxenvs.evaluate(ENV, POLICY, key, num_episodes=16).returns)

    assert not (tmp_path / "run-1").exists()
    run = Run.open(tmp_path / "run-0")
    assert run.manifest()["status"] == "finished"
    template = jax.eval_shape(functools.partial(initial_state, num_seeds=1), ENV, LEARNER, key)
    state, progress = run.load(template)
    assert progress == {"updates": 3}
    alone, metrics = jax.jit(LEARNER.train)(ENV, jax.random.fold_in(key, 0))
    # Sums over samples in another order, in float32, over three updates.
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=2e-5), state.agent, alone.agent)
    rows = run.read_progress()
    assert [row["update"] for row in rows] == [1, 2, 3]
    np.testing.assert_allclose([row["mean_return"] for row in rows], metrics.mean_return, rtol=1e-4)

    episodes = read_episodes(run, strict=True)  # those of all lanes, written once, by the first process
    assert set(episodes["writer"]) == {"training"}
    assert len(episodes["lane"]) == sum(row["episodes"] for row in rows) == 3 * 32 // 20 * 8
    assert set(episodes["lane"].tolist()) == set(range(8)) and set(episodes["length"].tolist()) == {20}
    total = sum(row["episodes"] * row["mean_return"] for row in rows if row["episodes"])
    np.testing.assert_allclose(episodes["episode_return"].sum(), total, rtol=1e-5)
