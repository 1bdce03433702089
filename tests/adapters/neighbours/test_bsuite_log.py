"""DmEnvironment around bsuite's tasks: the numbers that bsuite logs, against those of bsuite 0.3.6."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import jaxenvs
from jaxenvs.adapters._bsuite_log import _LOGGED
from jaxenvs.bsuite import EXPERIMENTS, make_bsuite
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.wrappers import FlattenObservation, NoisyReward, RepeatAction, ScaleReward

pytest.importorskip("dm_env", reason="dm_env is not installed")
pytestmark = pytest.mark.neighbours

RECORDED = json.loads((Path(__file__).parents[2] / "parity" / "bsuite_info_of_0_3_6.json").read_text())
"""The number of episodes of each experiment's first setting, and runs: for each episode where it started, the actions,
and `bsuite_info` at its end."""


def start_at(env, start):
    """Puts a DmEnvironment in NoisyReward at a recorded start."""
    inner = env._state.inner
    if "position" in start:
        car = inner.car.replace(**{name: np.float32(value) for name, value in start.items()})
        inner = inner.replace(car=car)
    else:
        inner = inner.replace(**{name: np.asarray(value, getattr(inner, name).dtype) for name, value in start.items()})
    env._state = env._state.replace(inner=inner)


@pytest.mark.parametrize("run", RECORDED["runs"], ids=lambda run: run["name"])
def test_the_log_is_bsuites_whatever_noise_and_scale_rewards_have(run):
    env = jaxenvs.make(f"bsuite/{run['name']}-v0", **run["fields"])
    env = jaxenvs.adapters.DmEnvironment(ScaleReward(NoisyReward(env, 1.0), 30.0), seed=0)
    assert env.bsuite_info() == dict.fromkeys(run["episodes"][0]["info"], 0)
    for episode in run["episodes"]:
        env.reset()
        start_at(env, episode["start"])
        for action in episode["actions"]:
            assert not env._over
            timestep = env.step(action)
        assert timestep.last()
        assert env.bsuite_info() == pytest.approx(episode["info"], rel=1e-6)  # rewards are float32 here
    assert pickle.loads(pickle.dumps(env)).bsuite_info() == env.bsuite_info()


def test_experiments_have_bsuites_number_of_episodes():
    kinds = {spec.id: spec.entry_point.partition(":")[2] for spec in CATALOG}
    for name, settings in EXPERIMENTS.items():
        expected = RECORDED["num_episodes"][f"{name}/0"]
        assert {_LOGGED[kinds[setting.id]].num_episodes for setting in settings} == {expected}, name
    assert jaxenvs.adapters.DmEnvironment(make_bsuite("catch_scale/3")).bsuite_num_episodes == 10_000


def test_in_a_windy_sea_a_bad_episode_is_one_that_left_the_diagonal_by_choice():
    env = jaxenvs.adapters.DmEnvironment(make_bsuite("deep_sea_stochastic/0"), seed=3)
    right = np.asarray(env.env.action_right)
    bad = found = 0
    for episode in range(12):
        env.reset()
        has_strayed = False
        for step in range(10):
            row, column = int(env._state.row), int(env._state.column)
            goes_right = step != episode  # in the last two, never to the left
            has_strayed |= not goes_right and row == column
            found += goes_right and column == 9
            env.step(int(right[row, column] if goes_right else 1 - right[row, column]))
        bad += has_strayed
        assert env.bsuite_info() == {"total_bad_episodes": bad, "denoised_return": found}
    assert bad > 0


def test_an_episode_that_was_broken_off_counts_with_its_steps_alone():
    env = jaxenvs.adapters.DmEnvironment("bsuite/CartPole-v0", seed=0)
    for _ in range(2):
        env.reset()
        for _ in range(5):
            env.step(1)
    assert env.bsuite_info() == {"raw_return": 10, "best_episode": 0}


@pytest.mark.parametrize(
    "make",
    [lambda: jaxenvs.make("CartPole-v1"), lambda: RepeatAction(jaxenvs.make("bsuite/Catch-v0"), 2)],
    ids=["another", "repeated"],
)
def test_other_environments_have_no_log(make):
    env = jaxenvs.adapters.DmEnvironment(make())
    assert not hasattr(env, "bsuite_num_episodes")
    with pytest.raises(AttributeError, match="only around a bsuite environment"):
        env.bsuite_info()


def test_wrappers_of_observations_leave_the_log():
    env = jaxenvs.adapters.DmEnvironment(FlattenObservation(make_bsuite("catch/0")))
    assert env.bsuite_info() == {"total_regret": 0}
