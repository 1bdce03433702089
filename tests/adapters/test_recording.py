"""Recording environments behind adapters: the episodes are those that are counted from what the adapters return."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest

import jaxenvs
from jaxenvs import adapters
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv, record
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import Run, read_episodes
from tests.monitor.recording.replaying import check_replayer, check_replays, replays_of

LANES, LIMIT = 3, 16
LIMITED = jaxenvs.make("CartPole-v1", max_episode_steps=LIMIT)
"""With random actions, some of its episodes terminate and others are truncated."""


def recorded(path):
    episodes = read_episodes(path)
    names = "lane", "episode_return", "length", "terminated", "truncated", "env_steps"
    return list(zip(*(episodes[name].tolist() for name in names)))


class Count:
    """Counts the episodes of lanes in plain Python."""

    def __init__(self, lanes):
        self.returns, self.lengths, self.steps, self.rows = [0.0] * lanes, [0] * lanes, 0, []

    def step(self, rewards, terminated, truncated, skipped=()):
        """One step of all lanes, except those that `skipped` it."""
        lanes = [lane for lane in range(len(self.returns)) if lane not in skipped]
        self.steps += len(lanes)
        for lane in lanes:
            self.returns[lane] += float(rewards[lane])
            self.lengths[lane] += 1
            flags = bool(terminated[lane]), bool(truncated[lane])
            if any(flags):
                self.rows.append((lane, self.returns[lane], self.lengths[lane], *flags, self.steps))
                self.forget(lane)

    def forget(self, lane):
        self.returns[lane], self.lengths[lane] = 0.0, 0


def test_a_gymnasium_environment_with_its_time_limit(tmp_path):
    env = record(gymnasium.make("jaxenvs/CartPole-v1", max_episode_steps=LIMIT), tmp_path / "run")
    plain = gymnasium.make("jaxenvs/CartPole-v1", max_episode_steps=LIMIT)
    count, rng = Count(1), np.random.default_rng(0)
    for episode in range(12):
        seed = 7 if episode in (0, 6) else None
        options = {"low": -0.01, "high": 0.01} if episode == 3 else None
        first, other = env.reset(seed=seed, options=options), plain.reset(seed=seed, options=options)
        np.testing.assert_array_equal(first[0], other[0])
        for step in range(1000):
            action = int(rng.integers(2))
            result, expected = env.step(action), plain.step(action)
            np.testing.assert_array_equal(result[0], expected[0])
            assert result[1:] == expected[1:]
            count.step([result[1]], [result[2]], [result[3]])
            if result[2] or result[3] or (episode == 5 and step == 4):  # which `reset` then cuts short
                break
        if episode == 5:
            count.forget(0)
    env.close()
    assert recorded(tmp_path / "run") == count.rows and len(count.rows) == 11
    assert {row[3] for row in count.rows} == {row[4] for row in count.rows} == {True, False}
    assert check_replays(Run.open(tmp_path / "run"), LIMITED) == 10
    check_replayer(Run.open(tmp_path / "run"))
    assert ("training", 3) not in replays_of(Run.open(tmp_path / "run"))  # its start came from options


def test_a_wrapper_that_changes_rewards_leaves_no_replays(tmp_path):
    env = gymnasium.wrappers.TransformReward(gymnasium.make("jaxenvs/CartPole-v1"), lambda reward: 2 * reward)
    with pytest.raises(InvalidField, match="TransformReward may change actions or rewards"):
        record(env, tmp_path / "run", replays=True)
    env = record(env, tmp_path / "run")
    env.reset(seed=0)
    while not any(env.step(0)[2:4]):
        pass
    env.close()
    ((_, total, length, *_),) = recorded(tmp_path / "run")
    assert total == 2 * length and not (tmp_path / "run" / "replays").exists()


@pytest.mark.parametrize("mode", ["SameStep", "NextStep", "Disabled"])
def test_a_gymnasium_batch_in_each_mode(tmp_path, mode):
    envs = GymnasiumVectorEnv(LIMITED, LANES, autoreset_mode=mode)
    assert record(envs, tmp_path / "run") is envs
    count, rng, over = Count(LANES), np.random.default_rng(0), np.zeros(LANES, bool)
    envs.reset(seed=3)
    for index in range(80):
        if index == 50:
            envs.reset(seed=[9, None, 9])
            over[:] = False
            for lane in range(LANES):
                count.forget(lane)
        if mode == "Disabled" and over.any():
            envs.reset(options={"reset_mask": over})
            over[:] = False
        _, reward, terminated, truncated, _ = envs.step(rng.integers(0, 2, LANES))
        count.step(reward, terminated, truncated, np.flatnonzero(over) if mode == "NextStep" else ())
        over = terminated | truncated
    envs.close()
    assert recorded(tmp_path / "run") == count.rows and len(count.rows) > 10
    assert check_replays(Run.open(tmp_path / "run"), LIMITED) == len(count.rows)


def test_the_batch_of_stable_baselines3(tmp_path):
    pytest.importorskip("stable_baselines3", reason="the extra `sb3` is missing")
    envs = record(adapters.StableBaselines3VecEnv(LIMITED, LANES, seed=5), tmp_path / "run")
    rng, rows = np.random.default_rng(0), []
    envs.reset()
    for _ in range(60):
        _, _, dones, infos = envs.step(rng.integers(0, 2, LANES))
        rows += [(lane, infos[lane]["episode"]["r"], infos[lane]["episode"]["l"]) for lane in np.flatnonzero(dones)]
    envs.close()
    assert [row[:3] for row in recorded(tmp_path / "run")] == rows and len(rows) > 6
    assert check_replays(Run.open(tmp_path / "run"), LIMITED) == len(rows)


@pytest.mark.parametrize("mode", ["same_step", "next_step"])
def test_a_batch_of_torch_tensors(tmp_path, mode):
    torch = pytest.importorskip("torch", reason="the extra `sb3` is missing")
    envs = record(adapters.TorchVectorEnv(LIMITED, LANES, autoreset_mode=mode), tmp_path / "run", mode="evaluation")
    count, over = Count(LANES), np.zeros(LANES, bool)
    rng, action = np.random.default_rng(0), torch.zeros(LANES, dtype=torch.int32)
    envs.reset(seed=3)
    for _ in range(60):
        action.copy_(torch.from_numpy(rng.integers(0, 2, LANES)))  # the same memory each time
        _, reward, terminated, truncated, _ = envs.step(action)
        count.step(reward, terminated, truncated, np.flatnonzero(over) if mode == "next_step" else ())
        over = (terminated | truncated).numpy().copy()
        reward.zero_()
    envs.close()
    assert recorded(tmp_path / "run") == count.rows and len(count.rows) > 6
    assert check_replays(Run.open(tmp_path / "run"), LIMITED) == len(count.rows)
    assert set(read_episodes(tmp_path / "run")["mode"]) == {"evaluation"}


def test_a_field_that_is_set_ends_the_replays_with_a_warning(tmp_path):
    envs = record(GymnasiumVectorEnv(LIMITED, LANES), tmp_path / "run")
    envs.reset(seed=0)
    envs.set_attr("gravity", 1.6)
    with pytest.warns(UserWarning, match="A field of the environment was set"):
        for _ in range(60):
            envs.step(np.zeros(LANES, np.int64))
        envs.close()
    assert len(recorded(tmp_path / "run")) > 3 and not (tmp_path / "run" / "replays").exists()


def test_an_episode_whose_state_was_set_has_no_replay(tmp_path):
    def play(env):
        while not any(env.step(0)[2:4]):
            pass

    env = record(gymnasium.make("jaxenvs/CartPole-v1", max_episode_steps=LIMIT), tmp_path / "single")
    for seed, number in ((0, None), (1, np.zeros(4)), (2, None)):
        env.reset(seed=seed)
        env.step(1)
        if number is not None:
            env.unwrapped.state = number
        play(env)
    env.close()
    assert len(recorded(tmp_path / "single")) == 3
    assert check_replays(Run.open(tmp_path / "single"), LIMITED, least=2) == 2

    envs = record(GymnasiumVectorEnv(LIMITED, LANES, autoreset_mode="SameStep"), tmp_path / "batch")
    envs.reset(seed=0)
    for step in range(3 * LIMIT):
        if step == LIMIT + 2:
            envs.set_attr("state", [np.zeros(4)] * LANES)
        envs.step(np.array([0, 1, step % 2]))
    envs.close()
    episodes = len(recorded(tmp_path / "batch"))
    assert check_replays(Run.open(tmp_path / "batch"), LIMITED) == episodes - LANES


def test_what_cannot_be_recorded_is_refused(tmp_path):
    envs = GymnasiumVectorEnv(LIMITED, LANES)
    record(envs, tmp_path / "run")
    with pytest.raises(InvalidField, match="is recorded already, to "):
        record(envs, tmp_path / "other")
    envs.close()
    late = GymnasiumVectorEnv(LIMITED, LANES)
    late.reset(seed=0)
    with pytest.raises(InvalidField, match="before the first `reset`"):
        record(late, tmp_path / "other")
    with pytest.raises(InvalidField, match="is not an environment of jaxenvs behind Gymnasium"):
        record(gymnasium.make("CartPole-v1"), tmp_path / "other")
    with pytest.raises(InvalidField, match="another environment"):
        record(GymnasiumEnv("Pendulum-v1"), tmp_path / "run")
    with pytest.raises(InvalidField, match="each depends on those before"):
        record(GymnasiumVectorEnv("Copy-v0", LANES), tmp_path / "other", replays=True)
    assert not (tmp_path / "other").exists()


UNCLOSED = """
import sys
import gymnasium
import jaxenvs
env = jaxenvs.adapters.record(gymnasium.make("jaxenvs/CartPole-v1", max_episode_steps=3), sys.argv[1])
env.reset(seed=0)
for _ in range(3):
    env.step(0)
assert "pandas" not in sys.modules  # which Arrow imports with the first array, here while Python ends
"""


def test_an_environment_that_nobody_closed_is_recorded_when_python_ends(tmp_path):
    subprocess.run([sys.executable, "-c", UNCLOSED, tmp_path / "run"], check=True)
    assert read_episodes(tmp_path / "run")["length"].tolist() == [3]
