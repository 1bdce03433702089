"""Recorded runs as submissions."""

import dataclasses
import re

import numpy as np
import pytest

import jaxenvs
from jaxenvs import monitor, scoreboard
from jaxenvs.errors import InvalidField
from tests.scoreboard.honest import AUTHOR, EPISODES, RULES, columns, rows, training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("training") / "run"


@pytest.fixture(scope="module")
def packed(folder):
    return training(folder)


def test_a_recorded_training_verifies(packed):
    verdict = scoreboard.verify(scoreboard.Submission.read(packed.to_bytes()), rules=RULES)
    assert verdict.state == "verified", verdict.reason
    assert verdict.returns.tolist() == packed.episodes.episode_return.tolist()
    steps = packed.env_steps
    assert (np.diff(steps) >= 0).all()
    assert (steps % packed.lanes == 0).all()


def _lane(packed, which):
    """The rows of the lane that has most episodes: its first, or its last."""
    lane = np.bincount(packed.episodes.lane).argmax()
    return np.flatnonzero(packed.episodes.lane == lane)[which]


def _without(packed, row):
    return rows(packed, np.delete(np.arange(len(packed.episodes)), row))


FORGED = {
    "a first episode dropped": (lambda p: _without(p, _lane(p, 0)), "claims|ended before"),
    "an episode dropped": (lambda p: _without(p, _lane(p, 1)), "claims|ended before"),
    "an episode twice": (lambda p: rows(p, np.insert(np.arange(len(p.episodes)), 1, 0)), "claims|ended before"),
    "an order by return": (
        lambda p: rows(p, np.lexsort((p.episodes.lane, -p.episodes.episode_return))),
        "claims|ended before",
    ),
    "a lane dropped": (lambda p: rows(p, np.flatnonzero(p.episodes.lane != 1)), "Lane 1 lacks episodes"),
    "lanes that never were": (lambda p: _replaced(p, lanes=p.lanes + 1), "Lane 3 lacks episodes"),
    "another lane": (
        lambda p: columns(p, lane=(p.lanes - 1 - p.episodes.lane).astype(np.int32)),
        "another state",
    ),
    "called an evaluation": (lambda p: _replaced(p, lanes=None, mode="evaluation", lane=0), "exactly|claims"),
    "too few episodes": (lambda p: rows(p, [0]), "at least"),
}


def _replaced(packed, lane=None, **changed):
    if lane is not None:
        packed = columns(packed, lane=np.full(len(packed.episodes), lane, np.int32))
    return dataclasses.replace(packed, **changed)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_training_is_rejected(packed, name):
    forge, reason = FORGED[name]
    verdict = scoreboard.verify(scoreboard.Submission.read(forge(packed).to_bytes()), rules=RULES)
    assert verdict.state == "rejected", verdict.reason
    assert re.search(reason, verdict.reason), verdict.reason


def test_a_run_from_another_key_is_refused(folder, packed):
    assert packed.lanes == 3
    other = scoreboard.public_challenge("CartPole-v1", 5, episodes=EPISODES)
    with pytest.raises(InvalidField, match="did not begin with the key that follows from the challenge `public:5`"):
        scoreboard.pack(folder, AUTHOR, challenge=other)


def test_a_run_without_actions_is_refused(tmp_path):
    env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    run = monitor.Run.record(env, key=jaxenvs.random.key(0), path=tmp_path / "run")
    with pytest.raises(InvalidField, match="no recorded actions"):
        scoreboard.pack(run, AUTHOR)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda env: env.replace(env=env.env.replace(gravity=1.6)), "gravity"),
        (lambda env: jaxenvs.wrappers.StickyAction(env, 0.25), "StickyAction"),
        (jaxenvs.unwrap, "wrappers of the board"),
    ],
    ids=["field", "wrapper", "limit"],
)
def test_another_environment_is_refused(tmp_path, change, reason):
    env = jaxenvs.AutoReset(change(jaxenvs.make("CartPole-v1")))
    run = monitor.Run.record(env, key=jaxenvs.random.key(0), path=tmp_path / "run", env_id="CartPole-v1")
    with pytest.raises(InvalidField, match=reason):
        scoreboard.pack(run, AUTHOR)
