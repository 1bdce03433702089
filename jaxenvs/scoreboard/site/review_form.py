"""The form on the page of a submission that marks it as reviewed or reproduced.

No cookie says who sends it: the key is a field of the form, so the page of another site cannot send it for somebody.
"""

import re
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import FastAPI, HTTPException, Request
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from jaxenvs.errors import InvalidField
from jaxenvs.scoreboard.site.api import find_submission
from jaxenvs.scoreboard.site.pages import Pages, RefusedReview
from jaxenvs.scoreboard.store.people import key_of
from jaxenvs.scoreboard.store.reviews import NotAllowed, add_review
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.scoreboard.store.tables import REPRODUCED

_FIELDS = ("kind", "evidence", "note", "key")
_FORM = "application/x-www-form-urlencoded"


def add_review_form(app: FastAPI, store: Store, pages: Pages) -> None:
    """Has an application answer the form."""

    @app.post("/entries/{name}/reviews", response_class=HTMLResponse, include_in_schema=False)
    async def post_form(
        name: Annotated[str, InPath(max_length=40, pattern="^[A-Za-z0-9_.-]+$")], request: Request
    ) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
            raise HTTPException(415, f"This is for the form of the page; programs use the API. It sends {_FORM}.")
        fields = _read(await request.body())
        return await run_in_threadpool(_mark, store, pages, name, fields)


def _mark(store: Store, pages: Pages, name: str, fields: dict[str, str]) -> Response:
    """Marks the submission and shows its page again, with what was wrong if the mark was refused."""
    kind, evidence = fields["kind"], _last_part(fields["evidence"])
    note = fields["note"].replace("\r\n", "\n").strip()
    try:
        with store.database.writing() as session:
            entry = find_submission(session, name)
            key = key_of(session, fields["key"].strip())
            if key is None:
                raise NotAllowed("The key is unknown or revoked.")
            add_review(session, key, entry, kind, note, evidence if kind == REPRODUCED else None)
    except InvalidField as error:
        refused = RefusedReview(str(error), kind, fields["evidence"], note)
        with store.database.reading() as session:
            page = pages.entry(find_submission(session, name), refused)
        return HTMLResponse(page, 403 if isinstance(error, NotAllowed) else 422)
    return RedirectResponse(f"{pages.links.entry(name)}#reviews", 303)


def _read(body: bytes) -> dict[str, str]:
    """The fields of a form; empty if they are missing.

    Raises:
        HTTPException: it cannot be read, or has other fields.
    """
    try:
        given = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=len(_FIELDS))
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read.") from error
    if any(name not in _FIELDS or len(values) > 1 for name, values in given.items()):
        raise HTTPException(400, "The form has other fields than its own.")
    return {name: given.get(name, [""])[0] for name in _FIELDS}


def _last_part(address: str) -> str:
    """The name of a submission, of which the whole address may be given."""
    return re.split("[?#]", address.strip())[0].rstrip("/").rpartition("/")[2]
