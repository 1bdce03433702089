"""API: what programs ask of a scoreboard, described by OpenAPI."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Request, Response
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jaxenvs.errors import InvalidSubmission
from jaxenvs.scoreboard.challenge import Challenge, secret_challenge
from jaxenvs.scoreboard.names import slug
from jaxenvs.scoreboard.site import models
from jaxenvs.scoreboard.site.boards import rankings
from jaxenvs.scoreboard.site.environments import Environment, environments
from jaxenvs.scoreboard.site.links import safe_link
from jaxenvs.scoreboard.store.people import key_of
from jaxenvs.scoreboard.store.reviews import add_review
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.scoreboard.store.tables import STATES, ApiKey, IssuedChallenge, Person, Submission, Upload
from jaxenvs.scoreboard.submission import Submission as Archive
from jaxenvs.scoreboard.submission import played_digest

PREFIX = "/api/v1"

_DAY = 24 * 3600.0
_MOST_CHALLENGES = 10
"""That a person may ask for, for one environment within a day."""
_MOST_PAGE = 200
_NAME = Annotated[str, InPath(max_length=40, pattern="^[A-Za-z0-9_.-]+$")]
_LIMIT = Annotated[int, Query(ge=1, le=_MOST_PAGE)]
_AFTER = Annotated[int, Query(ge=0, le=2**31 - 1, description="`next` of the page before")]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": models.Problem, "description": text}
    for status, text in {
        400: "The request cannot be read.",
        404: "There is no such thing, or it is not yours.",
        422: "A value is not one that is allowed, or the archive is not a submission.",
        429: "Too many requests, uploads or waiting submissions.",
    }.items()
}
_CLOSED: dict[int | str, dict[str, Any]] = {
    401: {"model": models.Problem, "description": "The key is missing, unknown or revoked."},
    403: {"model": models.Problem, "description": "The key does not allow this."},
    413: {"model": models.Problem, "description": "The request is too large."},
}


def api_router(store: Store, public: str) -> APIRouter:
    """The API.

    Args:
        store: the scoreboard.
        public: the address of the site, without a slash at its end.
    """
    router = APIRouter(prefix=PREFIX, responses=_PROBLEMS)
    bearer = HTTPBearer(auto_error=False, description="A key of the operator: `Authorization: Bearer jxs_...`")
    reading = threading.Semaphore(1)  # archives are unpacked one at a time, so memory is bounded

    def whose(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> ApiKey:
        with store.database.reading() as session:
            key = None if given is None else key_of(session, given.credentials)
        if key is None:
            text = (
                "This needs a key, and the request has none: `Authorization: Bearer KEY`."
                if given is None
                else "The key is unknown or revoked. Ask the operator of the scoreboard for another one."
            )
            raise HTTPException(401, text, {"WWW-Authenticate": "Bearer"})
        return key

    given_key: Any = Depends(whose)

    @router.get("/environments", tags=["boards"])
    def list_environments(after: _AFTER = 0, limit: _LIMIT = 100) -> models.EnvironmentPage:
        """All environments."""
        found = list(environments().values())
        rows = [
            models.EnvironmentRow(id=one.id, slug=one.slug, family=one.family, threshold=one.threshold)
            for one in found[after : after + limit]
        ]
        return models.EnvironmentPage(environments=rows, next=after + limit if after + limit < len(found) else None)

    @router.get("/boards/{slug}", tags=["boards"])
    def get_board(slug: Annotated[str, InPath(max_length=140)]) -> models.Board:
        """The tables of an environment."""
        with store.database.reading() as session:
            return models.Board.model_validate(board_data(session, _environment(slug)))

    @router.get("/submissions", tags=["submissions"])
    def list_submissions(
        after: _AFTER = 0,
        limit: _LIMIT = 50,
        env_id: Annotated[str | None, Query(max_length=120)] = None,
        person: Annotated[str | None, Query(max_length=40)] = None,
        state: Annotated[Literal["queued", "verifying", "verified", "rejected", "error"] | None, Query()] = None,
    ) -> models.Page:
        """Submissions, the oldest first."""
        query = select(Submission).where(Submission.id > after).order_by(Submission.id).limit(limit)
        if env_id is not None:
            query = query.where(Submission.env_id == _printable(env_id))
        if person is not None:
            query = query.join(Person).where(Person.name == _printable(person))
        if state is not None:
            query = query.where(Submission.state == state)
        with store.database.reading() as session:
            found = session.scalars(query).unique().all()
            rows = [models.Summary.model_validate(models.summary_of(one, public)) for one in found]
        return models.Page(submissions=rows, next=found[-1].id if len(found) == limit else None)

    @router.get("/submissions/{name}", tags=["submissions"])
    def get_submission(name: _NAME) -> models.Full:
        """A submission with its scores, its report and its reviews."""
        with store.database.reading() as session:
            return models.Full.model_validate(models.full_of(find_submission(session, name), public))

    @router.post("/submissions/{name}/reviews", status_code=201, tags=["reviews"], responses=_CLOSED)
    def post_review(name: _NAME, review: models.NewReview, key: ApiKey = given_key) -> models.Full:
        """Marks the submission of somebody else as reviewed, or as reproduced by one of your own."""
        with store.database.writing() as session:
            found = find_submission(session, name)
            add_review(session, key, found, review.kind, review.note, review.evidence)
            session.expire(found)
            return models.Full.model_validate(models.full_of(found, public))

    @router.get("/people/{name}", tags=["people"])
    def get_person(name: _NAME) -> models.PersonAnswer:
        """A person and all their submissions."""
        with store.database.reading() as session:
            return models.PersonAnswer.model_validate(person_data(session, find_person(session, name), public))

    @router.get("/export", tags=["boards"])
    def export() -> StreamingResponse:
        """Everything that is public, as one JSON object."""
        return StreamingResponse(everything(store, public), media_type="application/json")

    @router.get("/me", tags=["keys"], responses=_CLOSED)
    def get_me(key: ApiKey = given_key) -> models.Me:
        """Whose key this is."""
        return models.Me(person=key.person.name, key=key.prefix, reviewer=key.reviewer)

    @router.delete("/key", status_code=204, tags=["keys"], responses=_CLOSED)
    def delete_key(key: ApiKey = given_key) -> Response:
        """Revokes the key that the request is made with, at once."""
        with store.database.writing() as session:
            session.get_one(ApiKey, key.id).revoked = time.time()
        return Response(status_code=204)

    @router.post("/challenges", status_code=201, tags=["submissions"], responses=_CLOSED)
    def post_challenge(asked: models.NewChallenge, key: ApiKey = given_key) -> models.ChallengeAnswer:
        """Hands out a challenge, whose episodes an evaluation then plays."""
        if slug(asked.env_id) not in environments():
            raise HTTPException(422, "There is no such environment.")
        made = secret_challenge(kind="server")
        with store.database.writing() as session:
            mine = IssuedChallenge.person_id == key.person_id, IssuedChallenge.env_id == asked.env_id
            recent = (
                select(func.count())
                .select_from(IssuedChallenge)
                .where(*mine, IssuedChallenge.created > time.time() - _DAY)
            )
            if (session.scalar(recent) or 0) >= _MOST_CHALLENGES:
                text = f"You have had {_MOST_CHALLENGES} challenges for this environment today; use one of them."
                raise HTTPException(429, text, {"Retry-After": "3600"})
            session.add(
                IssuedChallenge(
                    name=made.name,
                    person_id=key.person_id,
                    env_id=asked.env_id,
                    content=made.to_json(),
                    created=time.time(),
                )
            )
        return models.ChallengeAnswer(name=made.name, words=list(made.words), episodes=made.episodes)

    @router.post("/uploads", tags=["submissions"], responses=_CLOSED)
    def post_upload(asked: models.NewUpload, key: ApiKey = given_key) -> models.UploadAnswer:
        """Begins the upload of an archive, or finds how far it is. It may be repeated."""
        found = store.uploads.begin(key.person_id, asked.sha256, asked.size)
        if isinstance(found, Upload):
            received = store.files.received(found.name)
            return models.UploadAnswer(name=found.name, received=received, size=found.size, submission=None)
        with store.database.reading() as session:
            done = models.summary_of(find_submission(session, found.name), public)
        shown = models.Summary.model_validate(done)
        return models.UploadAnswer(name=None, received=found.size, size=found.size, submission=shown)

    @router.get("/uploads/{name}", tags=["submissions"], responses=_CLOSED)
    def get_upload(name: _NAME, key: ApiKey = given_key) -> models.UploadAnswer:
        """How far an upload is."""
        upload, received = store.uploads.find(key.person_id, name)
        return models.UploadAnswer(name=upload.name, received=received, size=upload.size, submission=None)

    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

    @router.patch(
        "/uploads/{name}",
        tags=["submissions"],
        responses=_CLOSED,
        openapi_extra={"requestBody": {"content": binary, "required": True}},
    )
    async def patch_upload(
        name: _NAME, offset: Annotated[int, Query(ge=0, le=2**40)], request: Request, key: ApiKey = given_key
    ) -> models.Received:
        """Sends a piece of an archive, of at most 1 MiB. What the answer counts is on disk."""
        piece = await request.body()
        received = await run_in_threadpool(store.uploads.append, key.person_id, name, offset, piece)
        return models.Received(received=received)

    @router.delete("/uploads/{name}", status_code=204, tags=["submissions"], responses=_CLOSED)
    def delete_upload(name: _NAME, key: ApiKey = given_key) -> Response:
        """Gives an upload up."""
        store.uploads.abandon(key.person_id, name)
        return Response(status_code=204)

    @router.post("/uploads/{name}/complete", status_code=201, tags=["submissions"], responses=_CLOSED)
    def complete_upload(
        name: _NAME, key: ApiKey = given_key, nothing: Annotated[dict[str, Any] | None, Body()] = None
    ) -> models.Summary:
        """Makes a submission of an upload that has arrived completely. When this answers, it is on disk."""
        del nothing
        with reading:
            made = store.uploads.complete(key.person_id, name, lambda path: _described(store, key.person_id, path))
        with store.database.reading() as session:
            found = find_submission(session, made.name)
            return models.Summary.model_validate(models.summary_of(found, public))

    return router


def find_submission(session: Session, name: str) -> Submission:
    """The submission of this name; status 404 if there is none."""
    found = session.scalar(select(Submission).filter_by(name=name))
    if found is None:
        raise HTTPException(404, "There is no submission of this name.")
    return found


def find_person(session: Session, name: str) -> Person:
    """The person of this name; status 404 if there is none."""
    found = session.scalar(select(Person).filter_by(name=name))
    if found is None:
        raise HTTPException(404, "There is nobody of this name.")
    return found


def board_data(session: Session, environment: Environment) -> dict[str, Any]:
    """The tables of an environment as JSON."""
    return {
        "env_id": environment.id,
        "slug": environment.slug,
        "threshold": environment.threshold,
        "tables": [models.table_of(ranking) for ranking in rankings(session, environment.id)],
    }


def person_data(session: Session, person: Person, public: str) -> dict[str, Any]:
    """A person as JSON."""
    query = select(Submission).where(Submission.person_id == person.id).order_by(Submission.id)
    found = session.scalars(query).unique()
    return {
        "name": person.name,
        "created": person.created,
        "submissions": [models.summary_of(one, public) for one in found],
    }


def everything(store: Store, public: str) -> Iterator[str]:
    """Everything that is public as JSON, piece by piece."""
    yield '{"format": "jaxenvs scoreboard", "format_version": 1, "states": ' + json.dumps(STATES) + ', "submissions": ['
    last, comma = 0, ""
    while True:
        with store.database.reading() as session:
            query = select(Submission).where(Submission.id > last).order_by(Submission.id).limit(_MOST_PAGE)
            found = session.scalars(query).unique().all()
            pieces = [json.dumps(models.full_of(one, public)) for one in found]
        for piece in pieces:
            yield f"{comma}\n{piece}"
            comma = ","
        if not found:
            break
        last = found[-1].id
    yield "\n]}\n"


def _environment(name: str) -> Environment:
    if name not in environments():
        raise HTTPException(404, "There is no such environment.")
    return environments()[name]


def _printable(text: str) -> str:
    """A text that a database can compare."""
    if not text.isprintable():
        raise HTTPException(422, "A value has characters that cannot be shown.")
    return text


def _described(store: Store, person_id: int, path: Path) -> dict[str, Any]:
    """The columns of a submission that its archive gives.

    Raises:
        InvalidSubmission: it is not one for this scoreboard.
    """
    archive = Archive.read(path)
    if slug(archive.env_id) not in environments() or environments()[slug(archive.env_id)].id != archive.env_id:
        raise InvalidSubmission(f"There is no board for {archive.env_id!r} here.")
    _check_challenge(store, person_id, archive.env_id, archive.challenge)
    author, played = archive.author, played_digest(archive)
    return {
        "env_id": archive.env_id,
        "board": archive.board,
        "mode": archive.mode,
        "kind": author.kind,
        "algorithm": author.algorithm,
        "write_up": author.write_up,
        "code_url": safe_link(author.code),
        "manifest": _plain(
            {
                "challenge": archive.challenge.to_json(),
                "lanes": archive.lanes,
                "machine": dict(archive.machine),
                "environment": dict(archive.environment),
                "episodes": len(archive.episodes),
                "has_video": archive.video is not None,
                "played": played,
                "same_as": _first_with(store, person_id, archive.env_id, played),
            }
        ),
    }


def _first_with(store: Store, person_id: int, env_id: str, played: str) -> str | None:
    """The first submission with the same actions or policy, if it is of somebody else."""
    same = Submission.env_id == env_id, Submission.manifest["played"].as_string() == played
    query = select(Submission.name, Submission.person_id).where(*same).order_by(Submission.id).limit(1)
    with store.database.reading() as session:
        found = session.execute(query).first()
    return None if found is None or found.person_id == person_id else found.name


def _check_challenge(store: Store, person_id: int, env_id: str, challenge: Challenge) -> None:
    if not challenge.name.startswith("server:"):
        return
    with store.database.reading() as session:
        issued = session.get(IssuedChallenge, challenge.name)
    if issued is None or (issued.person_id, issued.env_id) != (person_id, env_id):
        raise InvalidSubmission(f"The challenge {challenge.name!r} was not handed out to you for {env_id}.")


def _plain(value: Any) -> Any:
    """JSON that every database can keep: without the character 0 and without halves of characters."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        raise InvalidSubmission("A number in its description is infinite.")
    return value
