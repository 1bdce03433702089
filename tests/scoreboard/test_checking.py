"""Checking episodes: in segments where there are states, with the verdict of whole episodes, and in fewer steps."""

import dataclasses
import functools

import numpy as np
import pytest

from jaxenvs import scoreboard
from jaxenvs.scoreboard.board import board_of
from jaxenvs.scoreboard.checking import check_episodes
from jaxenvs.scoreboard.program import EVERY, program_of
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.segments import joined, split
from tests.scoreboard.honest import AUTHOR, RULES, columns, played, push, unpacked, with_actions

LONG, EPISODES = "MountainCarContinuous-v0", 3


@pytest.fixture
def steps(monkeypatch):
    """How many steps the program of every environment has taken, a number for each call."""
    taken, program = [], type(program_of(LONG))
    advance = program.advance
    monkeypatch.setattr(
        program,
        "advance",
        lambda self, states, actions, count: taken.append(count) or advance(self, states, actions, count),
    )
    return taken


def check(submission):
    env_id = submission.env_id
    return check_episodes(submission, board_of(env_id), program_of(env_id), lambda done: None)


def without_states(submission):
    return dataclasses.replace(submission, checkpoints=None)


def with_states(submission, change):
    """The submission after `change(leaves, first)` of its states; see `split`."""
    leaves, first = split(submission.checkpoints, submission.episodes.length, program_of(submission.env_id))
    change(leaves, first)
    states = dataclasses.replace(submission.checkpoints, states=joined(leaves))
    return dataclasses.replace(submission, checkpoints=states)


def of_version(submission, version):
    return dataclasses.replace(submission, machine={**submission.machine, "versions": {"jaxenvs": version}})


def forged(step):
    """One action of the last episode is another."""
    actions = [array.copy() for array in unpacked(played(LONG, EPISODES))]
    actions[-1][step] = -np.sign(actions[-1][step])
    return with_actions(played(LONG, EPISODES), actions)


@pytest.mark.parametrize("env_id", [LONG, "CartPole-v1", "Pendulum-v1"])
def test_segments_return_what_whole_episodes_return(env_id):
    submission = played(env_id, EPISODES)
    in_segments, rounded = check(submission)
    whole, _ = check(without_states(submission))
    np.testing.assert_allclose(in_segments, whole, rtol=1e-14)
    assert rounded == 0


def test_all_segments_are_played_side_by_side(steps):
    submission = played(LONG, EPISODES)
    check(submission)
    segments = -(-submission.episodes.length // EVERY).sum()
    assert sum(steps) == EVERY * -(-segments // program_of(LONG).lanes) < submission.episodes.length.max() / 10


@pytest.mark.parametrize("step", [0, 500, 990])
def test_a_false_action_is_seen_wherever_it_is(step, steps):
    begin = step // EVERY * EVERY
    with pytest.raises(Rejected, match=f"Episode 2 .* from step {begin} to {begin + EVERY} they lead to another state"):
        check(forged(step))
    assert sum(steps) <= 4 * EVERY  # two calls of all segments, and other roundings of one


def test_a_false_return_beside_the_very_states_is_not_played_from_the_start(steps):
    episodes = played(LONG, EPISODES).episodes
    with pytest.raises(Rejected, match="Episode 0 claims return"):
        check(columns(played(LONG, EPISODES), episode_return=episodes.episode_return + 1))
    assert sum(steps) <= 4 * EVERY


def test_the_first_false_episode_without_states_ends_it(steps):
    count = 2 * program_of("MountainCar-v0").lanes
    challenge = scoreboard.public_challenge("MountainCar-v0", episodes=count)
    policy = lambda observation, key: np.int32(1)  # noqa: E731
    honest = without_states(scoreboard.play("MountainCar-v0", policy, challenge, scoreboard.Author("Nothing")))
    steps.clear()
    returns, _ = check(honest)
    assert (returns == -200).all() and sum(steps) == 400
    steps.clear()
    with pytest.raises(Rejected, match="Episode 0 claims return -100"):
        check(columns(honest, episode_return=np.where(np.arange(count) == 0, -100.0, -200.0)))
    assert sum(steps) == 200


@functools.cache
def balanced():
    challenge = scoreboard.public_challenge("CartPole-v1", episodes=RULES.episodes)
    return scoreboard.play("CartPole-v1", push, challenge, AUTHOR)


def drifting_cart_pole(size):
    """Every other state is off by so much, relative to the size of its numbers."""

    def change(leaves, first):
        del first
        for leaf in leaves:
            if leaf.dtype.kind == "f":
                leaf[::2] += np.float32(size) * np.maximum(np.abs(leaf[::2]), np.float32(0.01))

    return with_states(balanced(), change)


def test_a_return_that_does_not_depend_on_the_drift_counts_from_the_start():
    """Each state is nearly right, and all together they are too far off; the steps are what they are."""
    verdict = scoreboard.verify(drifting_cart_pole(6e-4), rules=RULES)
    assert verdict.state == "verified" and verdict.by_checkpoints == 0, verdict.reason
    assert (verdict.returns == balanced().episodes.length).all()


def test_states_that_no_action_gives_are_rejected():
    """Other machines need them, so a submission whose states are made up is not what it claims."""
    verdict = scoreboard.verify(drifting_cart_pole(0.1), rules=RULES)
    assert verdict.state == "rejected" and "another state than its checkpoint" in verdict.reason


def test_states_of_another_version_count_only_if_they_are_needed():
    """Its states may have other parts."""
    assert scoreboard.verify(of_version(drifting_cart_pole(0.1), "0.0.1"), rules=RULES).state == "verified"
    shorter = dataclasses.replace(balanced(), checkpoints=scoreboard.Checkpoints(EVERY, b"1234"))
    assert scoreboard.verify(of_version(shorter, "0.0.1"), rules=RULES).state == "verified"
    assert scoreboard.verify(of_version(forged(500), "0.0.1"), rules=scoreboard.Rules(episodes=3)).state == "rejected"


def played_on_another_processor(env_id, size):
    """An episode of MuJoCo's C engine whose float64 numbers are off by so much from one checkpoint to the next."""
    program, submission = program_of(env_id), played(env_id, 1)
    actions = np.repeat(unpacked(submission)[0][:, None], program.lanes, axis=1)
    states, _ = program.reset(submission.challenge.key, np.zeros(program.lanes, np.int64))
    saved, total = [], 0.0
    for begin in range(0, len(actions), program.every):
        if begin:
            data = [x.copy() for x in program.data(states)]
            (exact,) = [x for x in data if x.ndim == 3]
            exact[:, 1] += np.float32(size)
            saved.append([x[0] for x in data])
            states = program.states(data)
        taken = actions[begin : begin + program.every]
        steps = program.advance(states, taken, len(taken))
        states, total = steps.states, total + float(steps.rewards[:, 0].astype(np.float64).sum())
    checkpoints = scoreboard.Checkpoints(program.every, joined([np.stack(leaf) for leaf in zip(*saved)]))
    return dataclasses.replace(columns(submission, episode_return=np.array([total])), checkpoints=checkpoints)


@pytest.mark.parametrize(
    ("size", "state"), [(1e-9, "verified"), pytest.param(3e-3, "rejected", marks=pytest.mark.slow)]
)
def test_robots_are_verified_in_segments_where_chaos_makes_them_others(size, state):
    pytest.importorskip("mujoco", reason="the engine `c` needs mujoco")
    rules = scoreboard.Rules(episodes=1)
    submission = played_on_another_processor("HalfCheetah-v5", size)
    assert abs(submission.episodes.episode_return - played("HalfCheetah-v5", 1).episodes.episode_return) > 1
    assert scoreboard.verify(without_states(submission), rules=rules).state == "rejected"
    verdict = scoreboard.verify(submission, rules=rules)
    assert verdict.state == state, verdict.reason
    assert verdict.by_checkpoints == (state == "verified")
