"""Roundings: what they give in a tie is verified, and nothing that they do not give."""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np

import jaxenvs
from jaxenvs import scoreboard
from jaxenvs.scoreboard.program import EVERY, program_of
from jaxenvs.scoreboard.roundings import generator_of, roundings
from jaxenvs.scoreboard.segments import joined
from tests.scoreboard.honest import AUTHOR, columns, with_actions

ENV_ID = "MountainCarContinuous-v0"
CHALLENGE = scoreboard.public_challenge(ENV_ID, episodes=1)
RULES = scoreboard.Rules(episodes=1)


def start():
    program = program_of(ENV_ID)
    states, _ = program.reset(CHALLENGE.key, np.zeros(program.lanes, np.int64))
    return [leaf[0] for leaf in program.data(states)]


def every_lane(state):
    return [np.repeat(leaf[None], program_of(ENV_ID).lanes, axis=0) for leaf in state]


def swing(observation, key):
    """Pushes the car the way it goes, which takes it up the hill."""
    del key
    return jnp.where(observation[1:] >= 0, jnp.float32(1), jnp.float32(-1))


def in_lanes(data, actions, generator=None):
    """Plays on in all lanes; with a generator, each float's last bit moves before each step, but not in lane 0.

    Returns:
        The leaves of the states before each step; and rewards and terminated, (steps, lanes) each.
    """
    program = program_of(ENV_ID)
    before, outputs = [], []
    for action in actions:
        before.append(data)
        if generator is not None:
            up = [generator.integers(-1, 2, leaf.shape) * (np.arange(program.lanes) > 0) for leaf in data]
            data = [x + (u * np.spacing(x)).astype(x.dtype) if x.dtype.kind == "f" else x for x, u in zip(data, up)]
        steps = program.advance(program.states(data), np.repeat(action[None, None], program.lanes, axis=1), 1)
        data = program.data(steps.states)
        outputs.append((steps.rewards[0], steps.terminated[0]))
    return before, *(np.array(x) for x in zip(*outputs))


def tied():
    """Actions that end an episode in the last of their steps, by so little that rounding decides.

    Returns:
        (steps, 1) actions of a submission, and the submission.
    """
    submission = scoreboard.play(ENV_ID, swing, CHALLENGE, AUTHOR)
    count = int(submission.episodes.length[0])
    packing = jaxenvs.monitor.ActionPacking(jaxenvs.make(ENV_ID).action_space)
    actions = packing.unpack(submission.episodes.actions, count)
    program = program_of(ENV_ID)
    weakest, strongest = 0.0, 1.0
    while strongest - weakest > 1e-9:  # of the last pushes
        tried = np.linspace(weakest, strongest, program.lanes)
        lanes = np.repeat(actions[:, None], program.lanes, axis=1)
        lanes[-10:] *= tried[:, None].astype(np.float32)
        states, _ = program.reset(CHALLENGE.key, np.zeros(program.lanes, np.int64))
        first = int(program.advance(states, lanes, count).terminated[-1].argmax())
        assert first > 0, "the last pushes do not decide whether the car arrives"
        weakest, strongest = tried[first - 1], tried[first]
    actions = actions.copy()
    actions[-10:] *= np.float32(strongest)
    return actions, submission


@functools.cache
def ended_otherwise():
    """What a machine with other last bits plays with the same actions: it ends a step later, or earlier."""
    actions, submission = tied()
    actions = np.concatenate([actions, actions[-1:]])
    before, rewards, terminated = in_lanes(every_lane(start()), actions, np.random.default_rng(0))
    last = (len(actions) - 2) // EVERY * EVERY  # the last checkpoint, from which the program ends otherwise as well
    _, _, here = in_lanes(before[last], actions[last:])
    end, end_here = terminated.argmax(axis=0) + 1, last + here.argmax(axis=0) + 1
    assert here[:, 1:].any(axis=0).all() and terminated.any(axis=0).all()
    lane = int(((end != end[0]) & (end != end_here)).argmax())
    assert lane, "no lane has a tie"
    length = int(end[lane])
    picked = [[leaf[lane] for leaf in before[step]] for step in range(EVERY, length, EVERY)]
    checkpoints = scoreboard.Checkpoints(EVERY, joined([np.stack(leaf) for leaf in zip(*picked)]))
    claimed = rewards[:length, lane].astype(np.float64).sum(keepdims=True)
    changed = columns(with_actions(submission, [actions[:length]]), episode_return=claimed)
    return dataclasses.replace(changed, checkpoints=checkpoints)


def test_an_episode_that_ends_otherwise_in_a_tie_verifies():
    submission = ended_otherwise()
    verdict = scoreboard.verify(submission, rules=RULES)
    assert (verdict.state, verdict.by_checkpoints) == ("verified", 1), verdict.reason
    np.testing.assert_allclose(verdict.returns, submission.episodes.episode_return, rtol=1e-6)


def test_a_tie_explains_no_other_return():
    submission = ended_otherwise()
    better = columns(submission, episode_return=submission.episodes.episode_return + 0.1)
    assert scoreboard.verify(better, rules=RULES).state == "rejected"


def test_a_tie_explains_no_push():
    """The same, with a push between two other checkpoints."""
    submission = ended_otherwise()
    states = np.frombuffer(submission.checkpoints.states, np.uint8).copy()
    size = program_of(ENV_ID).state_size
    position = states[3 * size : 3 * size + 4].view(np.float32)
    position += np.float32(0.002)
    pushed = dataclasses.replace(submission, checkpoints=scoreboard.Checkpoints(EVERY, states.tobytes()))
    verdict = scoreboard.verify(pushed, rules=RULES)
    assert verdict.state == "rejected" and "another state" in verdict.reason


def test_long_segments_have_no_other_roundings():
    """In which a forger could choose among many."""
    long = dataclasses.replace(ended_otherwise(), checkpoints=scoreboard.Checkpoints(10_000, b""))
    assert scoreboard.verify(long, rules=RULES).state == "rejected"


def test_the_first_lane_is_not_rounded_otherwise():
    actions = np.ones((EVERY, 1), np.float32)
    found = roundings(program_of(ENV_ID), start(), actions, [1.0] * 5, np.random.default_rng(0))
    before, rewards, terminated = in_lanes(every_lane(start()), np.ones((EVERY + 1, 1), np.float32))
    for mine, theirs in zip(found.data, before[EVERY]):
        np.testing.assert_array_equal(mine[0], theirs[0])
    np.testing.assert_array_equal(found.rewards[:, 0], rewards[:EVERY, 0])
    assert not terminated.any()


def test_other_lanes_move_by_last_bits_and_not_in_whole_numbers():
    scales = [0.01] * 5
    found = roundings(program_of(ENV_ID), start(), np.ones((1, 1), np.float32), scales, np.random.default_rng(0))
    for leaf in found.data:
        if leaf.dtype.kind == "f":
            off = np.abs(leaf[1:].astype(np.float64) - leaf[0])
            assert 0 < off.max() < 20 * 2.0**-24
        else:
            assert (leaf == leaf[0]).all()


def test_noise_follows_from_the_states():
    one, other = [np.arange(3, dtype=np.float32)], [np.arange(3, dtype=np.float32) + np.float32(1e-7)]
    assert generator_of(one, one).random() == generator_of(one, one).random()
    assert generator_of(one, one).random() != generator_of(one, other).random()
