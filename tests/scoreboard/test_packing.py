"""Recorded runs as submissions."""

import dataclasses
import re

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs import monitor, scoreboard
from jaxenvs.errors import DependencyNotInstalled, InvalidField, JaxenvsError
from jaxenvs.scoreboard import judging, packing
from jaxenvs.scoreboard.board import board_of
from jaxenvs.scoreboard.program import Program
from tests.scoreboard.honest import AUTHOR, EPISODES, RULES, columns, rows, training

CHALLENGE = scoreboard.public_challenge("CartPole-v1", episodes=EPISODES)


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


@pytest.fixture
def fused_folder(tmp_path):
    """A recorded loop of a fused environment, in as many lanes as a kernel is made for."""
    pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
    env, lanes = jaxenvs.fuse(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))), 16
    start, _ = jax.vmap(env.reset)(jax.random.split(CHALLENGE.key, lanes))
    actions = jax.random.randint(jax.random.key(0), (128, lanes), 0, 2)
    _, timesteps = env.scan(start, actions)
    with monitor.record(env, key=CHALLENGE.key, path=tmp_path / "run", start=start) as recorder:
        recorder.add(monitor.outcome(timesteps), actions)
    return tmp_path / "run"


def test_a_fused_loop_is_packed_as_it_is(fused_folder):
    submission = scoreboard.pack(fused_folder, AUTHOR, challenge=CHALLENGE)
    assert not submission.is_fused  # its episodes are those of the usual program
    verdict = scoreboard.verify(submission, rules=RULES)
    assert (verdict.state, verdict.by_checkpoints) == ("verified", 0), verdict.reason
    assert monitor.Replayer(fused_folder).play(0).differences == ()


def test_a_loop_that_only_the_kernel_plays_is_judged_by_it(fused_folder, monkeypatch):
    """Contacts make of a last bit another episode; here the usual program has another gravity instead."""
    env = board_of("CartPole-v1").env
    other = Program(env.replace(env=env.env.replace(gravity=1.6)))
    monkeypatch.setattr(packing, "program_of", lambda env_id: other)
    monkeypatch.setattr(judging, "program_of", lambda env_id: other)
    submission = scoreboard.Submission.read(scoreboard.pack(fused_folder, AUTHOR, challenge=CHALLENGE).to_bytes())
    assert submission.is_fused
    verdict = scoreboard.verify(submission, rules=RULES)
    assert (verdict.state, verdict.by_checkpoints) == ("verified", 0), verdict.reason
    unfused = dataclasses.replace(submission, machine={**submission.machine, "fused": False}, checkpoints=None)
    assert scoreboard.verify(unfused, rules=RULES).state == "rejected"


def test_a_kernel_that_cannot_be_made_is_an_error_and_no_rejection(packed, monkeypatch):
    fused = dataclasses.replace(packed, machine={**packed.machine, "fused": True})

    def missing(env_id):
        raise DependencyNotInstalled("Fusing needs llvmlite.")

    monkeypatch.setattr(judging, "fused_program_of", missing)
    verdict = scoreboard.verify(fused, rules=RULES)
    assert (verdict.state, verdict.reason) == ("error", "Fusing needs llvmlite.")


CALLS = {
    "an unknown id": (lambda: scoreboard.public_challenge("CartPole-v9"), "CartPole"),
    "an author that is a name": (lambda: scoreboard.play("CartPole-v1", _push, CHALLENGE, "Push"), "got 'Push'"),
    "a kind that there is not": (
        lambda: scoreboard.play("CartPole-v1", _push, CHALLENGE, scoreboard.Author("Push", kind="found")),
        "`kind` must be one of learned, planned, hand-written",
    ),
    "no challenge": (lambda: scoreboard.play("CartPole-v1", _push, None, AUTHOR), "got None"),
    "a challenge as text": (lambda: scoreboard.pack("run", AUTHOR, challenge="public:0"), "got 'public:0'"),
    "a challenge as text, of an agent": (lambda: scoreboard.prepare("run", AUTHOR, challenge="public:0"), "public:0"),
    "no policies": (lambda: scoreboard.play("CartPole-v1", [], CHALLENGE, AUTHOR), "got none"),
    "a path": (lambda: scoreboard.verify("push.zip"), "Submission.read"),
    "rules as a dict": (
        lambda: scoreboard.verify(scoreboard.policy_submission("CartPole-v1", b"", AUTHOR), rules={"episodes": 2}),
        "Rules",
    ),
}


def _push(observation, key):
    del observation, key
    return 1


@pytest.mark.parametrize("name", CALLS)
def test_a_mistaken_call_is_answered_before_anything_is_played(name):
    call, message = CALLS[name]
    with pytest.raises(JaxenvsError, match=re.escape(message)):
        call()


def test_a_challenge_is_of_the_id_without_its_module():
    assert scoreboard.public_challenge("jaxenvs:CartPole-v1") == scoreboard.public_challenge("CartPole-v1")
