"""Reviews: marks that people give to the submissions of others."""

import math
import time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jaxenvs.errors import InvalidField
from jaxenvs.scoreboard.store.tables import REPRODUCED, REVIEWED, VERIFIED, ApiKey, Review, Submission

MOST_NOTE = 2000
_ERRORS = 2.0
"""A reproduction may fall short by so many standard errors of the difference."""


class NotAllowed(InvalidField):
    """Someone who may not give this mark."""


def add_review(
    session: Session, key: ApiKey, submission: Submission, kind: str, note: str = "", evidence: str | None = None
) -> Review:
    """Marks a submission as reviewed or reproduced, or replaces one's earlier mark.

    Args:
        session: a transaction that writes.
        key: the key of whoever gives the mark.
        submission: the submission.
        kind: `reviewed`, for which the key must be a reviewer's, or `reproduced`.
        note: a sentence.
        evidence: for `reproduced`, the name of one's own verified submission.

    Raises:
        NotAllowed: it is one's own submission, or the key is not a reviewer's.
        InvalidField: the submission is not verified, or the evidence does not reproduce it.
    """
    if submission.person_id == key.person_id:
        raise NotAllowed("Nobody marks their own submission.")
    if submission.state != VERIFIED:
        raise InvalidField("Only verified submissions are marked.")
    if len(note) > MOST_NOTE or not all(c.isprintable() or c == "\n" for c in note):
        raise InvalidField(f"A note has at most {MOST_NOTE:,} printable characters.")
    if kind == REVIEWED:
        if not key.reviewer:
            raise NotAllowed("Only keys of reviewers mark submissions as reviewed.")
        evidence_id = None
    elif kind == REPRODUCED:
        named = select(Submission).filter_by(name=evidence or "", person_id=key.person_id)
        own = session.scalar(named) if (evidence or "").isprintable() else None  # PostgreSQL compares no zeros
        if own is None:
            raise InvalidField("`evidence` must be the name of one of your submissions.")
        check_reproduces(own, submission)
        evidence_id = own.id
    else:
        raise InvalidField(f"A mark is `{REVIEWED}` or `{REPRODUCED}`, got {kind[:40]!r}.")
    found = session.scalar(
        select(Review).filter_by(submission_id=submission.id, person_id=key.person_id, kind=kind)
    ) or Review(submission_id=submission.id, person_id=key.person_id, kind=kind, created=0.0)
    found.note, found.evidence_id, found.created = note, evidence_id, time.time()
    session.add(found)
    session.flush()
    return found


def check_reproduces(evidence: Submission, submission: Submission) -> None:
    """Checks that a submission reproduces another.

    Raises:
        InvalidField: it does not; the message says why.
    """
    if evidence.state != VERIFIED:
        raise InvalidField("The evidence is not verified.")
    for name in ("env_id", "board", "mode", "kind"):
        if getattr(evidence, name) != getattr(submission, name):
            raise InvalidField(f"The evidence is for another {name.replace('env_id', 'environment')}.")
    if evidence.sha256 == submission.sha256:
        raise InvalidField("The evidence is the same archive.")
    if evidence.manifest.get("played", "") == submission.manifest.get("played"):
        raise InvalidField("The evidence has the same actions or the same policy, so it may be a copy.")
    if submission.solved_after is not None and evidence.solved_after is None:
        raise InvalidField("The submission reaches the threshold, and the evidence does not.")
    (mean, error), (wanted, its_error) = _mean_and_error(evidence), _mean_and_error(submission)
    least = wanted - _ERRORS * math.hypot(error, its_error)
    if mean < least:
        raise InvalidField(f"The evidence has a mean return of {mean:.6g}; from {least:.6g} on it would reproduce it.")


def _mean_and_error(submission: Submission) -> tuple[float, float]:
    result: Any = submission.result
    mean = submission.mean_return
    assert mean is not None
    if result["is_training"]:
        return mean, result["scores"][0]["best_error"]
    return mean, result["returns"]["std"] / math.sqrt(result["episodes"])
