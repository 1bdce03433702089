"""The files of the pages, which are part of the package, and the routes that serve them."""

import functools
from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


@functools.cache
def page_file(name: str) -> bytes:
    """The content of one of the files."""
    return resources.files("jaxenvs.play").joinpath("page", name).read_bytes()


def page_routes(*names: str) -> list[Route]:
    """A route for each of the files, at its name; the first is served at `/` as well."""
    routes = [_route("/", names[0])]
    return routes + [_route(f"/{name}", name) for name in names]


def _route(path: str, name: str) -> Route:
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]

    async def answer(request: Request) -> Any:
        del request
        return Response(page_file(name), media_type=media_type)

    return Route(path, answer)
