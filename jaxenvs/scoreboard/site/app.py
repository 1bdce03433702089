"""site_app: the site of a scoreboard as an ASGI application."""

import re
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from sqlalchemy import text
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp

from jaxenvs import __version__
from jaxenvs.errors import InvalidField, InvalidSubmission
from jaxenvs.scoreboard.site.api import PREFIX, api_router, find_person, find_submission
from jaxenvs.scoreboard.site.environments import Environment, environments
from jaxenvs.scoreboard.site.feed import atom_feed
from jaxenvs.scoreboard.site.links import Links
from jaxenvs.scoreboard.site.middleware import Guard, PageCache, RateLimit
from jaxenvs.scoreboard.site.pages import ASSETS, Pages, asset, assets_version
from jaxenvs.scoreboard.site.review_form import add_review_form
from jaxenvs.scoreboard.store.reviews import NotAllowed
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.scoreboard.store.uploads import NotFound, TooMany

_KINDS = {".png": "image/png", ".mp4": "video/mp4"}
_PICTURE = re.compile(r"[A-Za-z0-9_.-]{1,150}\.(?:png|mp4)")
_ARCHIVE = re.compile(r"([0-9a-f]{1,24})(-played)?\.zip")
_LONG = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=600"


def site_app(
    store: Store,
    public: str = "",
    *,
    cache_seconds: float = 1.0,
    requests_per_second: float = 20.0,
    burst: float = 200.0,
) -> ASGIApp:
    """The site.

    Args:
        store: the scoreboard.
        public: its address as others use it, without a slash at its end.
        cache_seconds: how long a page may be old, s.
        requests_per_second: how often one client may use the API for long.
        burst: how often it may use it at once.
    """
    links = Links(public=public, version=assets_version())
    pages = Pages(store.files, links)
    app = FastAPI(
        title="jaxenvs scoreboard",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # they would load scripts from other sites
        redoc_url=None,
        description="Results of reinforcement learning that the scoreboard has verified itself.",
    )
    app.include_router(api_router(store, public))
    _add_pages(app, store, pages)
    add_review_form(app, store, pages)
    _add_files(app, store)
    _add_refusals(app, pages)
    return RateLimit(Guard(PageCache(app, cache_seconds), public), requests_per_second, burst)


def _add_pages(app: FastAPI, store: Store, pages: Pages) -> None:
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def home(q: Annotated[str, Query(max_length=80)] = "") -> str:
        with store.database.reading() as session:
            return pages.home(session, q)

    @app.get("/about", response_class=HTMLResponse, include_in_schema=False)
    def about() -> str:
        return pages.about()

    @app.get("/api", response_class=HTMLResponse, include_in_schema=False)
    def api() -> str:
        return pages.api(app.openapi())

    @app.get("/boards/{slug}", response_class=HTMLResponse, include_in_schema=False)
    def board(slug: str) -> str:
        environment = _known(slug)
        with store.database.reading() as session:
            return pages.board(session, environment)

    @app.get("/entries/{name}", response_class=HTMLResponse, include_in_schema=False)
    def entry(name: str) -> str:
        with store.database.reading() as session:
            return pages.entry(find_submission(session, _plain(name)))

    @app.get("/people/{name}", response_class=HTMLResponse, include_in_schema=False)
    def person(name: str) -> str:
        with store.database.reading() as session:
            return pages.person(session, find_person(session, _plain(name)))

    @app.get("/feed.atom", include_in_schema=False)
    def feed() -> Response:
        return _feed(None)

    @app.get("/feeds/{slug}.atom", include_in_schema=False)
    def board_feed(slug: str) -> Response:
        return _feed(_known(slug))

    def _feed(environment: Environment | None) -> Response:
        with store.database.reading() as session:
            content = atom_feed(session, pages, None if environment is None else environment.id)
        return Response(content, media_type="application/atom+xml")


def _add_files(app: FastAPI, store: Store) -> None:
    @app.get("/assets/{name}", include_in_schema=False)
    def get_asset(name: str) -> Response:
        if name not in ASSETS:
            raise HTTPException(404, "There is no such file.")
        return Response(asset(name), media_type=ASSETS[name], headers={"Cache-Control": _LONG})

    @app.get("/pictures/{name}", include_in_schema=False)
    def get_picture(name: str) -> Response:
        path = store.files.picture(name)
        if not _PICTURE.fullmatch(name) or not path.is_file() or not path.stat().st_size:
            raise HTTPException(404, "There is no such picture.")
        return FileResponse(path, media_type=_KINDS[path.suffix], headers={"Cache-Control": _SHORT})

    @app.get("/archives/{name}", include_in_schema=False)
    def get_archive(name: str) -> Response:
        match = _ARCHIVE.fullmatch(name)
        if match is None:
            raise HTTPException(404, "There is no such archive.")
        with store.database.reading() as session:
            found = find_submission(session, match[1])
        digest = found.sha256 if match[2] is None else (found.result or {}).get("played")
        if digest is None:
            raise HTTPException(404, "There is no such archive.")
        path = store.files.archive(digest)
        return FileResponse(path, media_type="application/zip", filename=name, headers={"Cache-Control": _SHORT})

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        with store.database.reading() as session:
            session.execute(text("SELECT 1"))
        return {"state": "well"}

    @app.get("/robots.txt", include_in_schema=False)
    def robots() -> Response:
        return Response("User-agent: *\nDisallow: /api/\nDisallow: /archives/\n", media_type="text/plain")


def _add_refusals(app: FastAPI, pages: Pages) -> None:
    """Refusals are JSON in the API, and pages elsewhere."""

    def refused(request: Request, status: int, detail: str, headers: Any = None) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"detail": detail}, status, headers)
        title = "Nothing is here" if status == 404 else "This does not work"
        return HTMLResponse(pages.message(title, detail), status, headers)

    def http(request: Request, error: Any) -> Response:
        return refused(request, error.status_code, str(error.detail), error.headers)

    def unreadable(request: Request, error: Any) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
        return refused(request, 422, f"{place[:100]}: {first['msg']}"[:300])

    def invalid(request: Request, error: Any) -> Response:
        status = {NotFound: 404, TooMany: 429, NotAllowed: 403}.get(type(error), 422)
        return refused(request, status, str(error), {"Retry-After": "60"} if status == 429 else None)

    def failed(request: Request, error: Any) -> Response:
        del error  # the server's log has it
        return refused(request, 500, "Something went wrong here; it has been noted in the log of the server.")

    app.add_exception_handler(StarletteHTTPException, http)
    app.add_exception_handler(Exception, failed)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(InvalidField, invalid)
    app.add_exception_handler(InvalidSubmission, invalid)


def _known(slug: str) -> Environment:
    if slug not in environments():
        raise HTTPException(404, "There is no environment of this name.")
    return environments()[slug]


def _plain(name: str) -> str:
    """A name that can be one."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", name):
        raise HTTPException(404, "There is nothing of this name.")
    return name
