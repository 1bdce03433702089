"""Training records every episode once, whatever the calls, and learns the same as without."""

import csv

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import PyTreeNode, static
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import Run, Settings, read_episodes, train
from jaxenvs.monitor.training import updates
from jaxenvs.monitor.training.training_episodes import evaluation_episodes
from jaxenvs.rollouts import Endings
from jaxenvs.training import DQN, PPO, SAC

ENV = jaxenvs.make("CartPole-v1")
KEY = jaxenvs.random.key(0)
STEPS, LANES = 5, 2


class State(PyTreeNode):
    agent: dict
    updates: jax.Array


class Metrics(PyTreeNode):
    episodes: jax.Array

    def figures(self):
        return {"episodes": (self.episodes, None)}


class Clockwork(PyTreeNode):
    """Learns nothing. Lane `l` ends an episode in each step `t` with `(2 t + l) % 7 == 3`."""

    num_updates: int = static(default=40)
    steps_per_update: int = static(default=STEPS * LANES)

    def init(self, env, key):
        return State({"w": jax.random.uniform(key, (), jnp.float32)}, jnp.zeros((), jnp.int32))

    def update(self, env, state):
        return self.update_with_endings(env, state)[:2]

    def update_with_endings(self, env, state):
        step = state.updates * STEPS + jnp.arange(STEPS, dtype=jnp.int32)[:, None]
        lane = jnp.arange(LANES, dtype=jnp.int32)[None]
        ended = (2 * step + lane) % 7 == 3
        endings = Endings(
            ended=ended,
            terminated=ended & (step % 2 == 0),
            truncated=ended & (step % 2 == 1),
            episode_return=jnp.broadcast_to(step, ended.shape).astype(jnp.float32) + state.agent["w"],
            length=step * 10 + lane,
        )
        return state.replace(updates=state.updates + 1), Metrics(ended.sum(dtype=jnp.int32)), endings


def make_run(path, algorithm="clockwork", num_seeds=1):
    return Run.create(Settings("CartPole-v1", {}, None, algorithm, {}, seed=0, num_seeds=num_seeds), path)


def expected(num_updates, weight):
    """lane, return, length, terminated, truncated and steps of all lanes of each episode."""
    return [
        (
            lane,
            float(np.float32(step) + np.float32(weight)),
            step * 10 + lane,
            step % 2 == 0,
            step % 2 == 1,
            (step + 1) * LANES,
        )
        for step in range(num_updates * STEPS)
        for lane in range(LANES)
        if (2 * step + lane) % 7 == 3
    ]


def rows_of(run, seed=0):
    episodes = read_episodes(run)
    chosen = (episodes["seed"] == seed) & (episodes["mode"] == "training")
    names = "lane", "episode_return", "length", "terminated", "truncated", "env_steps"
    return list(zip(*(episodes[name][chosen].tolist() for name in names)))


def weight_of(state, seed=None):
    return np.asarray(state.agent["w"])[() if seed is None else seed]


@pytest.mark.parametrize("room", [None, 3 * STEPS * LANES, 1], ids=["one call", "three updates", "less than an update"])
def test_every_episode_is_recorded_once_however_many_updates_fit_into_a_call(tmp_path, monkeypatch, room):
    if room is not None:
        monkeypatch.setattr(updates, "_room", lambda: room)
    run = make_run(tmp_path / "run")
    state, report = train(run, ENV, Clockwork(), KEY, record=True)
    assert rows_of(run) == expected(40, weight_of(state))
    episodes = read_episodes(run)
    assert set(episodes["writer"]) == set(episodes["mode"]) == {"training"}
    assert (np.diff(episodes["seconds"]) >= 0).all() and episodes["seconds"][-1] <= report.seconds
    with run.progress_path.open() as file:
        assert sum(int(row["episodes"]) for row in csv.DictReader(file)) == len(episodes["lane"])


def test_seeds_are_told_apart(tmp_path):
    run = make_run(tmp_path / "run", num_seeds=3)
    state, _ = train(run, ENV, Clockwork(), KEY, record=True)
    assert len({float(w) for w in state.agent["w"]}) == 3
    for seed in range(3):
        assert rows_of(run, seed) == expected(40, weight_of(state, seed))
    assert (np.diff(read_episodes(run)["env_steps"]) >= 0).all()


def test_a_resumed_run_records_no_episode_twice(tmp_path):
    run = make_run(tmp_path / "run")
    state, report = train(run, ENV, Clockwork(), KEY, record=True, should_stop=lambda: True)
    assert 0 < report.updates < 40
    assert rows_of(run) == expected(report.updates, weight_of(state))
    checkpoint = run.checkpoint_path.read_bytes()
    train(run, ENV, Clockwork(), KEY, record=True, resume=True)
    run.checkpoint_path.write_bytes(checkpoint)  # as if it had been killed after the last episodes were written
    state, _ = train(run, ENV, Clockwork(), KEY, record=True, resume=True)
    assert rows_of(run) == expected(40, weight_of(state))
    assert read_episodes(run)["episode"].tolist() == list(range(len(expected(40, 0))))


def test_a_repeated_evaluation_replaces_the_earlier_one(tmp_path):
    run = make_run(tmp_path / "run")
    policy = jaxenvs.RandomPolicy(ENV.action_space)
    outcomes = [jaxenvs.evaluate(ENV, policy, jaxenvs.random.key(seed), num_episodes=4) for seed in range(3)]
    for env_steps, outcome in ((400, outcomes[0]), (400, outcomes[1]), (800, outcomes[2])):
        with evaluation_episodes(run, env_steps, 1.5, record=True) as keep:
            keep(1, outcome)
    episodes = read_episodes(run)
    np.testing.assert_array_equal(episodes["episode_return"], np.concatenate([x.returns for x in outcomes[1:]]))
    assert episodes["env_steps"].tolist() == [400] * 4 + [800] * 4
    assert set(episodes["mode"]) == {"evaluation"} and set(episodes["seed"]) == {1}


def test_a_learner_without_endings_is_refused_before_it_trains(tmp_path):
    class Silent(PyTreeNode):
        num_updates: int = static(default=1)
        steps_per_update: int = static(default=1)
        init = update = Clockwork.init

    run = make_run(tmp_path / "run")
    with pytest.raises(InvalidField, match="Silent has no `update_with_endings`"):
        train(run, ENV, Silent(), KEY, record=True)
    assert not run.episodes_path.exists()


LEARNERS = {
    "ppo": PPO(
        total_steps=1024,
        num_envs=8,
        num_steps=32,
        num_epochs=1,
        num_minibatches=1,
        hidden_sizes=(8,),
        activation="relu",
    ),
    "dqn": DQN(total_steps=1024, num_envs=4, num_steps=32, learning_starts=256, hidden_sizes=(8,)),
    "sac": SAC(total_steps=512, num_envs=4, learning_starts=256, hidden_sizes=(8,)),
}


@pytest.mark.parametrize(
    ("algorithm", "id"),
    [
        ("ppo", "CartPole-v1"),
        pytest.param("dqn", "CartPole-v1", marks=pytest.mark.slow),
        pytest.param("sac", "Pendulum-v1", marks=pytest.mark.slow),
    ],
)
def test_a_recorded_training_learns_the_same_to_the_bit(tmp_path, algorithm, id):
    env, learner = jaxenvs.make(id, max_episode_steps=14), LEARNERS[algorithm]
    states = []
    for record in (False, True):
        run = make_run(tmp_path / str(record), algorithm)
        states.append(train(run, env, learner, KEY, record=record)[0])
    for plain, recorded in zip(*map(jax.tree.leaves, states), strict=True):
        if jnp.issubdtype(plain.dtype, jax.dtypes.prng_key):
            plain, recorded = jax.random.key_data(plain), jax.random.key_data(recorded)
        np.testing.assert_array_equal(np.asarray(plain), np.asarray(recorded))
    episodes = read_episodes(run)
    progress = run.read_progress()
    assert len(episodes["lane"]) == sum(row["episodes"] for row in progress) > 20
    total = sum(row["episodes"] * row["mean_return"] for row in progress if row["episodes"])
    np.testing.assert_allclose(episodes["episode_return"].sum(), total, rtol=1e-5)
    assert (episodes["truncated"] == (episodes["length"] == 14)).all() and episodes["truncated"].any()
    assert (episodes["terminated"] | episodes["truncated"]).all()
    if id == "CartPole-v1":
        assert (episodes["episode_return"] == episodes["length"]).all() and episodes["terminated"].any()
