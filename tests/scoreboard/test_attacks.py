"""Listed attacks on the scoreboard: none is accepted, and each is refused for its own reason."""

import re
import sys

import pytest

from jaxenvs import scoreboard
from jaxenvs.errors import InvalidSubmission
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
