"""Jobs: which worker verifies which submission.

A worker that takes a submission gets a lease, and renews it while it works. If it dies, the lease ends and another
worker takes the submission over. A worker that has lost its lease can no longer write a result: each attempt has a
number, and only the latest counts.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import Session, aliased

from jaxenvs.scoreboard.store.database import Database
from jaxenvs.scoreboard.store.tables import FAILED, QUEUED, REJECTED, VERIFIED, VERIFYING, Attempt, Submission

LEASE_SECONDS = 30.0
MOST_ATTEMPTS = 3
RETRY_SECONDS = (10.0, 120.0)
"""The pause after the first failed attempt, and after later ones."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A submission that a worker has taken.

    Attributes:
        submission: the submission as it was then.
        number: which attempt this is, from 1 on.
        worker: the worker's name.
    """

    submission: Submission
    number: int
    worker: str


class Jobs:
    """The submissions that have to be verified.

    Args:
        database: where they are.
        lease_seconds: how long a worker may be silent, s.
        most_attempts: after how many failed attempts a submission is left as it is.
        retry_seconds: the pause after the first failed attempt and after later ones, s.
        clock: the time, in seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease_seconds: float = LEASE_SECONDS,
        most_attempts: int = MOST_ATTEMPTS,
        retry_seconds: tuple[float, float] = RETRY_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._clock = database, clock
        self.lease_seconds = lease_seconds
        self._most_attempts, self._retry_seconds = most_attempts, retry_seconds

    def take(self, worker: str) -> Job | None:
        """Takes the submission that has waited longest of those of which everybody has the fewest before it.

        So whoever hands in many makes others wait for one of them, and not for all.

        Returns:
            The submission; None if none waits.
        """
        now = self._clock()
        with self._database.writing() as session:
            first = (
                select(Submission)
                .where(Submission.state.in_((QUEUED, VERIFYING)), Submission.not_before <= now)
                .order_by(_before(), Submission.id)
                .limit(1)
                .with_for_update(skip_locked=True, of=Submission)
            )
            found = session.scalar(first)
            if found is None:
                return None
            if found.attempts >= self._most_attempts:  # the worker died at it, every time
                _give_up(found, "The worker ended while it verified this submission, several times.", now)
                return None
            found.state, found.worker = VERIFYING, worker
            found.attempts += 1
            found.not_before = now + self.lease_seconds
            session.add(Attempt(submission_id=found.id, number=found.attempts, worker=worker, started=now, seen=now))
        return Job(found, found.attempts, worker)

    def renew(self, job: Job) -> bool:
        """Keeps the lease; returns whether the worker still has it."""
        now = self._clock()
        with self._database.writing() as session:
            kept = session.execute(
                update(Submission)
                .where(self._is_held(job), Submission.not_before > now)
                .values(not_before=now + self.lease_seconds)
            )
            if kept.rowcount:  # pyright: ignore[reportAttributeAccessIssue]  # of an update
                session.execute(_attempt(job).values(seen=now))
                return True
        return False

    def finish(self, job: Job, state: str, reason: str = "", **columns: Any) -> bool:
        """Writes the result: `verified` with the columns of the scores, or `rejected` with the reason.

        Returns:
            Whether it was written; otherwise the lease had been lost.
        """
        assert state in (VERIFIED, REJECTED)
        now = self._clock()
        values = {"state": state, "reason": reason, "finished": now, "worker": "", **columns}
        with self._database.writing() as session:
            done = session.execute(update(Submission).where(self._is_held(job)).values(**values))
            if not done.rowcount:  # pyright: ignore[reportAttributeAccessIssue]  # of an update
                return False
            session.execute(_attempt(job).values(ended=now, seen=now, outcome=state))
        return True

    def fail(self, job: Job, reason: str) -> bool:
        """Notes that the attempt failed; the submission is tried again later, unless it has failed too often.

        Returns:
            Whether it was written; otherwise the lease had been lost.
        """
        now = self._clock()
        with self._database.writing() as session:
            found = session.scalar(select(Submission).where(self._is_held(job)).with_for_update(of=Submission))
            if found is None:
                return False
            if found.attempts >= self._most_attempts:
                _give_up(found, reason, now)
            else:
                pause = self._retry_seconds[0 if found.attempts == 1 else 1]
                found.state, found.reason, found.worker, found.not_before = QUEUED, reason, "", now + pause
            session.execute(_attempt(job).values(ended=now, seen=now, outcome=FAILED))
        return True

    def _is_held(self, job: Job) -> Any:
        held = Submission.id == job.submission.id, Submission.attempts == job.number
        return and_(*held, Submission.state == VERIFYING, Submission.worker == job.worker)


def _before() -> Any:
    """How many submissions of the same person wait before one, or are being verified."""
    other = aliased(Submission)
    counted = select(func.count()).where(
        other.person_id == Submission.person_id, other.state.in_((QUEUED, VERIFYING)), other.id < Submission.id
    )
    return counted.correlate(Submission).scalar_subquery()


def _give_up(found: Submission, reason: str, now: float) -> None:
    found.state, found.reason, found.finished, found.worker = FAILED, reason, now, ""


def _attempt(job: Job) -> Any:
    return update(Attempt).where(Attempt.submission_id == job.submission.id, Attempt.number == job.number)


def again(session: Session, name: str) -> bool:
    """Lets a submission that was rejected, or whose verification failed, be verified again.

    Returns:
        Whether there is such a submission.
    """
    found = session.scalar(select(Submission).filter_by(name=name).where(Submission.state.in_((FAILED, REJECTED))))
    if found is None:
        return False
    session.execute(delete(Attempt).where(Attempt.submission_id == found.id))
    found.state, found.attempts, found.not_before, found.reason, found.finished = QUEUED, 0, 0.0, "", None
    return True
