"""The tables of a scoreboard. Times are seconds since 1970; `migrations/` brings a database to this form."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Double, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, relationship

QUEUED, VERIFYING, VERIFIED, REJECTED, FAILED = "queued", "verifying", "verified", "rejected", "error"
STATES = (QUEUED, VERIFYING, VERIFIED, REJECTED, FAILED)
"""Of a submission: it waits, a worker has it, it is on the boards, it was refused, or verifying it failed."""

REVIEWED, REPRODUCED = "reviewed", "reproduced"


class Table(MappedAsDataclass, DeclarativeBase):
    """The base class of the tables."""


class Person(Table, kw_only=True):
    """Someone who submits."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    created: Mapped[float] = mapped_column(Double)


class ApiKey(Table, kw_only=True):
    """A key of a person. The key itself is kept nowhere."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    """The beginning of the key, which names it in lists and in `key revoke`."""
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the key. Keys are 256 random bits, so no slower hash is needed."""
    label: Mapped[str] = mapped_column(String(100), default="")
    reviewer: Mapped[bool] = mapped_column(Boolean, default=False)
    created: Mapped[float] = mapped_column(Double)
    revoked: Mapped[float | None] = mapped_column(Double, default=None)

    person: Mapped[Person] = relationship(init=False, lazy="joined", innerjoin=True)


class Upload(Table, kw_only=True):
    """A file that is being uploaded. How much of it is there says the size of its file."""

    __tablename__ = "uploads"
    __table_args__ = (UniqueConstraint("person_id", "sha256"),)

    name: Mapped[str] = mapped_column(String(24), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[float] = mapped_column(Double, index=True)


class Submission(Table, kw_only=True):
    """A run that was submitted, and what verifying it gave."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("person_id", "sha256"),
        Index("submissions_of_a_board", "env_id", "board", "state"),
        Index("submissions_to_verify", "state", "not_before"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(24), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    env_id: Mapped[str] = mapped_column(String(120))
    board: Mapped[str] = mapped_column(String(16))
    mode: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    algorithm: Mapped[str] = mapped_column(String(100))
    write_up: Mapped[str] = mapped_column(Text)
    code_url: Mapped[str] = mapped_column(String(500), default="")
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the archive says of itself, as shown on the page."""
    created: Mapped[float] = mapped_column(Double)
    state: Mapped[str] = mapped_column(String(16), default=QUEUED)
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was rejected, or what failed."""
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """Scores and the report of a verified one."""
    solved_after: Mapped[float | None] = mapped_column(Double, default=None)
    """Episodes before the threshold was reached, of trainings that reached it."""
    mean_return: Mapped[float | None] = mapped_column(Double, default=None)
    """The best mean of 100 episodes of a training, or the mean of an evaluation."""
    finished: Mapped[float | None] = mapped_column(Double, default=None)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[float] = mapped_column(Double, default=0.0)
    """When it may be tried again; while a worker has it, when its lease ends."""
    worker: Mapped[str] = mapped_column(String(100), default="")

    person: Mapped[Person] = relationship(init=False, lazy="joined", innerjoin=True)
    reviews: Mapped[list["Review"]] = relationship(
        init=False, lazy="selectin", foreign_keys="Review.submission_id", order_by="Review.id"
    )


class IssuedChallenge(Table, kw_only=True):
    """A challenge that was handed out to a person."""

    __tablename__ = "challenges"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    env_id: Mapped[str] = mapped_column(String(120))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What `Challenge.to_json` gives."""
    created: Mapped[float] = mapped_column(Double)


class Attempt(Table, kw_only=True):
    """One worker's attempt at verifying a submission, for operators and for the tests."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("submission_id", "number"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, init=False)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    number: Mapped[int] = mapped_column(Integer)
    worker: Mapped[str] = mapped_column(String(100))
    started: Mapped[float] = mapped_column(Double)
    seen: Mapped[float] = mapped_column(Double)
    """When the worker last renewed its lease."""
    ended: Mapped[float | None] = mapped_column(Double, default=None)
    outcome: Mapped[str] = mapped_column(String(16), default="")


class Review(Table, kw_only=True):
    """That someone reviewed a submission, or reproduced it by one of their own."""

    __tablename__ = "reviews"
    __table_args__ = (UniqueConstraint("submission_id", "person_id", "kind"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, init=False)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="")
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"), default=None)
    """The submission that reproduces it."""
    created: Mapped[float] = mapped_column(Double)

    person: Mapped[Person] = relationship(init=False, lazy="joined", innerjoin=True)
    evidence: Mapped[Submission | None] = relationship(init=False, lazy="joined", foreign_keys=[evidence_id])
