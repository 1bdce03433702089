"""watch_app: the page that shows training runs while they run, as an ASGI application."""

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from jaxenvs.errors import JaxenvsError
from jaxenvs.play.pages import page_routes
from jaxenvs.play.run_view import MEDIA_TYPES, RunFolder

_PAGE = ("watch.html", "watch.js", "chart.js", "controls.js", "keys.js", "style.css", "icon.svg")


def watch_app(path: str | os.PathLike[str]) -> Starlette:
    """The page of a run folder, or of a folder of run folders. It reads the files again whenever the page asks.

    Raises:
        CheckpointError: there is no such folder.
    """
    folder = RunFolder(Path(path))

    # The functions that read files are not coroutines, so Starlette calls them in threads.
    def runs(request: Request) -> Response:
        del request
        return JSONResponse({"is_run": folder.is_run, "runs": folder.rows()})

    def run(request: Request) -> Response:
        name, column = request.path_params["name"], request.query_params.get("column")
        try:
            tag = f'"{folder.stamp(name)}"'
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers={"ETag": tag})
            return JSONResponse(folder.view(name, column), headers={"ETag": tag})
        except JaxenvsError as error:
            return JSONResponse({"error": str(error)}, 404)

    def media(request: Request) -> Response:
        try:
            file = folder.media_file(request.path_params["name"], request.path_params["file"])
        except JaxenvsError:
            file = None
        if file is None:
            return Response(status_code=404)
        return FileResponse(file, media_type=MEDIA_TYPES[file.suffix.lower()])

    return Starlette(
        routes=[
            *page_routes(*_PAGE),
            Route("/runs", runs),
            Route("/runs/{name}", run),
            Route("/media/{name}/{file:path}", media),
        ]
    )
