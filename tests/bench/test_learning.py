"""PPO compared with the PPO of other libraries."""

import importlib.util

import pytest

from jaxenvs.bench.comparison import Plan
from jaxenvs.bench.learning import (
    JAXENVS_PPO,
    LEARNERS,
    REJAX_PPO,
    SETTINGS,
    SIZES,
    Sizes,
    TimeToThreshold,
    compare_speed,
    compare_times_to_threshold,
    learning_as_json,
    speed_as_json,
)
from jaxenvs.bench.peers.learning_loop import learn_until, updates_between_tests
from jaxenvs.bench.subject import AvailablePeer

TASK = "CartPole-v1"
TINY = Sizes("nobody's", num_envs=3, num_steps=4, num_epochs=1, num_minibatches=2)
PLAN = Plan(repeats=2, seconds=0.001)

LEARNS = """
    PACKAGES = ("math",)

    def prepare(task, num_envs, steps, **settings):
        device = f"{task} {settings['num_steps']} {settings['hidden_sizes']}"
        return {"advance": lambda: None, "steps": steps, "compile_seconds": 0.5, "device": device}

    def learn(task, threshold, seed):
        seconds = None if seed == 1 else 2.0 + seed
        return {"seconds": seconds, "env_steps": 100, "mean_return": threshold, "compile_seconds": 0.25}
"""


def needs(peer):
    marks = [pytest.mark.neighbours] if peer is REJAX_PPO else []
    missing = peer.distribution != "jaxenvs" and importlib.util.find_spec(peer.distribution) is None
    return pytest.param(peer, marks=[*marks, pytest.mark.skipif(missing, reason=f"needs {peer.distribution}")])


def test_both_sides_train_with_the_same_sizes_and_settings(fake_peer):
    ours, other = fake_peer("jaxenvs", LEARNS), fake_peer("rejax", LEARNS)
    results = compare_speed(TASK, TINY, [other], PLAN, least_steps=25, ours=ours.peer)
    assert [(m.peer, m.num_envs, m.steps, m.failure) for m in results] == [
        (name, 3, 12, None) for name in ("jaxenvs", "rejax")
    ]
    assert {m.device for m in results} == {"CartPole-v1 4 [64, 64]"}
    json = speed_as_json(TINY, results)
    assert json["sizes"]["whose"] == "nobody's" and json["measurements"][1]["jaxenvs_is_faster_by"]["median"] > 0


def test_the_sizes_divide_into_minibatches_and_whole_updates():
    for sizes in SIZES:
        batch = sizes.num_envs * sizes.num_steps
        assert batch % sizes.num_minibatches == 0
        steps = sizes.steps(100_000)
        assert steps % sizes.num_steps == 0 and 0 <= steps * sizes.num_envs - 100_000 < batch


def test_seconds_to_the_threshold_take_turns_and_a_failure_ends_one_peer_alone(fake_peer):
    heard = []
    broken = fake_peer("broken", LEARNS.replace("seconds = None", "seconds = 1 / 0 if seed == 1 else None"))
    good, broken = compare_times_to_threshold(
        TASK, 475.0, range(3), [fake_peer("good", LEARNS), broken], PLAN, progress=heard.append
    )
    assert heard == [f"{name}: seed {seed}" for seed in range(3) for name in ("good", "broken")]
    assert (good.seconds, good.reached, good.median, good.median_with_compiling) == ([2.0, None, 4.0], 2, 4.0, 4.25)
    assert (broken.seconds, broken.failure is not None) == ([2.0], True) and "ZeroDivisionError" in broken.failure
    assert learning_as_json(good)["median"] == 4.0


def test_the_median_counts_a_seed_that_missed_as_infinitely_long():
    missed = TimeToThreshold(TASK, "x", 475.0, seconds=[None, 1.0, None])
    assert (missed.median, missed.median_with_compiling, missed.reached) == (None, None, 1)
    assert TimeToThreshold(TASK, "x", 475.0).median is None


def test_training_stops_at_the_first_test_that_reaches_the_threshold():
    tests = iter([10.0, 475.0, 500.0])
    answer = learn_until(475.0, 1_000, lambda: 7, lambda: next(tests))
    assert (answer["env_steps"], answer["mean_return"]) == (14, 475.0) and answer["seconds"] >= 0
    assert learn_until(475.0, 20, lambda: 7, lambda: 1.0) == {"seconds": None, "env_steps": 21, "mean_return": 1.0}
    assert (updates_between_tests(5_000), updates_between_tests(4_999), updates_between_tests(10**6)) == (1, 2, 1)


@pytest.mark.parametrize("peer", [needs(JAXENVS_PPO), needs(REJAX_PPO)])
def test_a_learning_peer_trains(peer):
    tiny = {**SETTINGS, "hidden_sizes": (8,), "num_steps": 4, "num_epochs": 1, "num_minibatches": 2}
    with AvailablePeer(peer).start("cpu") as process:
        assert process.ask("find", limit=60)["missing"] is None
        prepared = process.ask("prepare", task=TASK, options=tiny, num_envs=3, steps=8, limit=300)
        assert prepared["steps"] == 8 and prepared["compile_seconds"] > 0
        assert process.ask("run", seconds=0.001, limit=60)["env_steps"] % 24 == 0


@pytest.mark.slow
@pytest.mark.parametrize("peer", [needs(peer) for peer in (JAXENVS_PPO, *LEARNERS)])
def test_a_learning_peer_reaches_an_easy_threshold(peer):
    """A mean return of 20 is below that of most untrained policies: one piece of training is enough, or a few."""
    with AvailablePeer(peer).start("cpu") as process:
        answer = process.ask("learn", task=TASK, threshold=20.0, seed=0, limit=300)
    assert answer["seconds"] > 0 and answer["mean_return"] >= 20.0
    assert 5_000 <= answer["env_steps"] <= 30_000
    assert (answer["compile_seconds"] is None) == (peer.name == "stable-baselines3")
