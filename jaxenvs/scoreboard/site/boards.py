"""Boards: the rows of an environment's board, and who leads each."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from jaxenvs.scoreboard.scoring import Summary, summarize
from jaxenvs.scoreboard.store.tables import VERIFIED, Submission
from jaxenvs.scoreboard.submission import BOARDS, KINDS, MODES
from jaxenvs.scoreboard.texts import same_name

MOST_ROWS = 500
"""Of a table."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One person's result with one algorithm.

    Attributes:
        rank: from 1 on; equal results have equal ranks.
        entry: the best of the submissions.
        entries: how many there are.
        solved_after: episodes before the threshold; None if it was not reached, or if it is not a training.
        mean_return: the best mean of 100 episodes of the best training, or the mean over all seeds of evaluations.
        error: the standard error of that mean of 100 episodes; None for evaluations.
        summary: over the seeds of all submissions.
        marks: kinds of reviews that any of them has.
    """

    rank: int
    entry: Submission
    entries: int
    solved_after: float | None
    mean_return: float
    error: float | None
    summary: Summary
    marks: tuple[str, ...]

    @property
    def order(self) -> tuple[float, float]:
        """What rows are sorted by: fewer episodes, then a higher return."""
        return (float("inf") if self.solved_after is None else self.solved_after), -self.mean_return


@dataclasses.dataclass(frozen=True)
class Ranking:
    """One of the tables of a board.

    Attributes:
        board: `control` or `policy`.
        mode: `training` or `evaluation`.
        kind: how the actions were found.
        rows: the rows, best first.
    """

    board: str
    mode: str
    kind: str
    rows: tuple[Row, ...]


def rankings(session: Session, env_id: str) -> list[Ranking]:
    """The tables of an environment that have rows."""
    return rankings_of(verified(session, env_id))


def verified(session: Session, env_id: str | None = None) -> Sequence[Submission]:
    """The verified submissions, of one environment or of all."""
    query = select(Submission).where(Submission.state == VERIFIED).options(defer(Submission.write_up))
    if env_id is not None:
        query = query.where(Submission.env_id == env_id)
    return session.scalars(query.order_by(Submission.id)).all()


def rankings_of(submissions: Iterable[Submission]) -> list[Ranking]:
    """The tables of submissions for one environment."""
    groups: dict[tuple[str, str, str], dict[tuple[int, str], list[Submission]]] = {}
    for one in submissions:
        people = groups.setdefault((one.board, one.mode, one.kind), {})
        people.setdefault((one.person_id, same_name(one.algorithm)), []).append(one)
    order = [(board, mode, kind) for board in BOARDS for kind in KINDS for mode in reversed(MODES)]
    return [Ranking(*names, _ranked(groups[names].values())) for names in order if names in groups]


def leader(tables: Iterable[Ranking]) -> Row | None:
    """The row that stands for an environment: the first of its first table, where learned results come first."""
    return next((table.rows[0] for table in tables), None)


def _ranked(groups: Iterable[list[Submission]]) -> tuple[Row, ...]:
    rows = sorted(map(_row, groups), key=lambda row: (*row.order, row.entry.id))[:MOST_ROWS]
    ranked: list[Row] = []
    for number, row in enumerate(rows, 1):
        is_equal = bool(ranked) and ranked[-1].order == row.order
        ranked.append(dataclasses.replace(row, rank=ranked[-1].rank if is_equal else number))
    return tuple(ranked)


def _row(group: list[Submission]) -> Row:
    best = min(group, key=_order)
    seeds = [value for one in group for value in _result(one)["seeds"]]
    summary = summarize(seeds)
    is_training = best.mode == "training"
    return Row(
        rank=0,
        entry=best,
        entries=len(group),
        solved_after=best.solved_after,
        mean_return=_number(best.mean_return) if is_training else summary.mean,
        error=_result(best)["scores"][0]["best_error"] if is_training else None,
        summary=summary,
        marks=tuple(sorted({review.kind for one in group for review in one.reviews})),
    )


def _order(one: Submission) -> tuple[float, float]:
    return (float("inf") if one.solved_after is None else one.solved_after), -_number(one.mean_return)


def _result(one: Submission) -> dict[str, Any]:
    assert one.result is not None
    return one.result


def _number(value: float | None) -> float:
    assert value is not None
    return value
