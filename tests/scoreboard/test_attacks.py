"""Listed attacks on the scoreboard: none is accepted, and each is refused for its own reason."""

import dataclasses
import re
import sys

import jax
import numpy as np
import pytest

from jaxenvs import scoreboard
from jaxenvs.errors import InvalidSubmission
from jaxenvs.scoreboard.board import board_of
from jaxenvs.scoreboard.program import program_of
from tests.scoreboard import false_claims
from tests.scoreboard.forged_files import COLUMN, HEADER, READER
from tests.scoreboard.honest import EPISODES, RULES, drifting, played

FILES = {**READER, **HEADER, **COLUMN}


def test_there_are_a_hundred_attacks_and_more():
    assert len(FILES) + len(false_claims.CLAIM) >= 100


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_submission_is_refused(name):
    forge, reason = FILES[name]
    with pytest.raises(InvalidSubmission, match=reason):
        scoreboard.Submission.read(forge())


@pytest.mark.parametrize("name", false_claims.CLAIM)
def test_a_false_claim_is_rejected(name):
    forge, reason = false_claims.CLAIM[name]
    forged = scoreboard.Submission.read(forge().to_bytes())
    rules = RULES if forged.env_id != "Pendulum-v1" else scoreboard.Rules(episodes=2)
    verdict = scoreboard.verify(forged, rules=rules)
    assert verdict.state == "rejected", verdict.reason
    assert re.search(reason, verdict.reason), verdict.reason
    assert not len(verdict.returns)


def test_lanes_cannot_be_chosen_by_how_they_went():
    """Of 16,384 lanes of random steps on the ice, the hundred that arrive by luck would be a solved training."""
    env_id, lanes, count = "FrozenLake-v1", 16_384, 100
    program, board, challenge = program_of(env_id), board_of(env_id), scoreboard.public_challenge(env_id)
    roots, generator, lucky = jax.random.split(challenge.key, lanes), np.random.default_rng(0), []
    for begin in range(0, lanes, program.lanes):
        states, _ = program.reset(roots[begin : begin + program.lanes], np.zeros(program.lanes, np.int64))
        actions = generator.integers(0, 4, (board.longest, program.lanes), np.int32)
        steps = program.advance(states, actions, board.longest)
        end = (steps.terminated | steps.truncated).argmax(axis=0) + 1
        arrives = (steps.rewards[end - 1, np.arange(program.lanes)] > 0) & (end < board.longest)
        lucky += [(int(end[i]), begin + i, actions[: end[i], i]) for i in np.flatnonzero(arrives)]
    lengths, chosen, actions = zip(*sorted(lucky, key=lambda one: one[:2])[:count])
    episodes = scoreboard.Episodes(
        agent=np.zeros(count, np.int32),
        lane=np.array(chosen, np.int32),
        episode_return=np.ones(count),
        length=np.array(lengths),
        terminated=np.ones(count, bool),
        truncated=np.zeros(count, bool),
        seconds=np.zeros(count),
        actions=b"".join(board.packing.pack(one, len(one)) for one in actions),
    )
    forged = dataclasses.replace(
        played("CartPole-v1"),
        env_id=env_id,
        environment=board.description,
        mode="training",
        lanes=lanes,
        challenge=challenge,
        episodes=episodes,
        checkpoints=None,
    )
    verdict = scoreboard.verify(scoreboard.Submission.read(forged.to_bytes()))
    assert verdict.state == "rejected" and "Lane 0 has no episode" in verdict.reason


def test_no_module_that_a_submission_names_is_imported():
    assert "this" not in sys.modules  # which prints a poem
    with pytest.raises(InvalidSubmission):
        scoreboard.verify(scoreboard.Submission.read(FILES["a module before an id"][0]()))
    assert "this" not in sys.modules


def test_what_is_forged_is_honest_otherwise():
    """Without their changes, the submissions verify, so each attack fails because of its change alone."""
    assert scoreboard.verify(played("CartPole-v1"), rules=RULES).state == "verified"
    assert scoreboard.verify(false_claims._mountain_car(1), rules=RULES).state == "verified"
    drifted = drifting(false_claims._pendulum(), false_claims.DRIFT)
    verdict = scoreboard.verify(drifted, rules=scoreboard.Rules(episodes=2))
    assert (verdict.state, verdict.by_checkpoints) == ("verified", 2)
    assert len(played("CartPole-v1").episodes) == EPISODES
