"""What the API answers, as the types of its description."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jaxenvs.scoreboard.site.boards import Ranking, Row
from jaxenvs.scoreboard.store.tables import Submission


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


class Summary(BaseModel):
    """A submission, in lists."""

    name: str
    url: str
    env_id: str
    board: str
    mode: str
    kind: str
    algorithm: str
    person: str
    state: str
    reason: str
    created: float = Field(description="seconds since 1970")
    finished: float | None
    solved_after: float | None = Field(description="episodes before the threshold was reached, of trainings")
    mean_return: float | None = Field(description="best mean of 100 episodes of a training, or mean of an evaluation")
    sha256: str
    size: int
    code: str
    marks: list[str]


class Full(Summary):
    """A submission with all that belongs to it."""

    write_up: str = Field(description="Markdown of a stranger: not safe as HTML")
    manifest: dict[str, Any]
    result: dict[str, Any] | None
    reviews: list[dict[str, Any]]
    attempts: int


class Page(BaseModel):
    """Some submissions."""

    submissions: list[Summary]
    next: int | None = Field(description="give it as `after` for the next page; null at the end")


class BoardRow(BaseModel):
    """A row of a table."""

    rank: int
    person: str
    algorithm: str
    submission: str
    submissions: int
    solved_after: float | None
    mean_return: float
    standard_error: float | None
    seeds: int
    iqm: float | None
    low: float | None
    high: float | None
    marks: list[str]


class Table(BaseModel):
    """A table of a board."""

    board: str
    mode: str
    kind: str
    rows: list[BoardRow]


class Board(BaseModel):
    """An environment and its tables."""

    env_id: str
    slug: str
    threshold: float | None
    tables: list[Table]


class EnvironmentRow(BaseModel):
    """An environment in the list."""

    id: str
    slug: str
    family: str
    threshold: float | None


class EnvironmentPage(BaseModel):
    """Some environments."""

    environments: list[EnvironmentRow]
    next: int | None


class PersonAnswer(BaseModel):
    """A person."""

    name: str
    created: float
    submissions: list[Summary]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewUpload(_Asked):
    """An archive that will be uploaded."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=1, le=2**40)


class UploadAnswer(BaseModel):
    """An upload, or the submission that it has become."""

    name: str | None
    received: int
    size: int
    submission: Summary | None


class Received(BaseModel):
    """How many bytes are on disk."""

    received: int


class NewChallenge(_Asked):
    """For which environment a challenge is asked for."""

    env_id: str = Field(max_length=120)


class ChallengeAnswer(BaseModel):
    """A challenge."""

    name: str
    words: list[int]
    episodes: int


class NewReview(_Asked):
    """A mark."""

    kind: str = Field(description="`reviewed` or `reproduced`", max_length=20)
    note: str = Field("", max_length=2000)
    evidence: str | None = Field(None, description="for `reproduced`: the name of your own submission", max_length=24)


class Me(BaseModel):
    """Whose key it is."""

    person: str
    key: str = Field(description="the first part of the key, which names it")
    reviewer: bool


def summary_of(one: Submission, public: str) -> dict[str, Any]:
    """The fields of `Summary`."""
    plain = ("name", "env_id", "board", "mode", "kind", "algorithm", "state", "reason", "created", "finished")
    more = ("solved_after", "mean_return", "sha256", "size")
    return {
        **{name: getattr(one, name) for name in plain + more},
        "url": f"{public}/entries/{one.name}",
        "person": one.person.name,
        "code": one.code_url,
        "marks": sorted({review.kind for review in one.reviews}),
    }


def full_of(one: Submission, public: str) -> dict[str, Any]:
    """The fields of `Full`."""
    reviews = [
        {
            "kind": review.kind,
            "person": review.person.name,
            "note": review.note,
            "evidence": None if review.evidence is None else review.evidence.name,
            "created": review.created,
        }
        for review in one.reviews
    ]
    shown = {"write_up": one.write_up, "manifest": one.manifest, "result": one.result, "attempts": one.attempts}
    return {**summary_of(one, public), **shown, "reviews": reviews}


def table_of(ranking: Ranking) -> dict[str, Any]:
    """The fields of `Table`."""
    rows = [_row_of(row) for row in ranking.rows]
    return {"board": ranking.board, "mode": ranking.mode, "kind": ranking.kind, "rows": rows}


def _row_of(row: Row) -> dict[str, Any]:
    summary = row.summary
    return {
        "rank": row.rank,
        "person": row.entry.person.name,
        "algorithm": row.entry.algorithm,
        "submission": row.entry.name,
        "submissions": row.entries,
        "solved_after": row.solved_after,
        "mean_return": row.mean_return,
        "standard_error": row.error,
        "seeds": summary.seeds,
        "iqm": summary.iqm,
        "low": summary.low,
        "high": summary.high,
        "marks": list(row.marks),
    }
