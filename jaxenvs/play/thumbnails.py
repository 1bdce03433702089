"""Thumbnails: the pictures of the list of environments, drawn when a page asks for them, and kept."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from jaxenvs.play.games import Games
from jaxenvs.play.worker import THUMBNAIL, Worker

_LOOK_SECONDS = 0.25
"""How often it is checked whether a page still waits."""


class Thumbnails:
    """The pictures of all environments.

    A picture takes a compilation, during which no game goes on. So it is not begun if no page waits for it any more.

    Args:
        games: the environments.
        worker: the thread in which they are drawn.
    """

    def __init__(self, games: Games, worker: Worker) -> None:
        self._games, self._worker = games, worker
        self._names = {row["id"] for row in games.rows() if row["needs"] is None}
        self._tasks: dict[str, asyncio.Task[bytes | None]] = {}
        self._pages_waiting: dict[str, int] = {}

    async def answer(self, request: Request) -> Response:
        """The picture; no content if the environment has none, and status 404 if there is no such environment."""
        name = request.path_params["id"]
        if name not in self._names:
            return Response(status_code=404)
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._worker.run(THUMBNAIL, self._games.thumbnail, name))
        task = self._tasks[name]
        self._pages_waiting[name] = self._pages_waiting.get(name, 0) + 1
        try:
            while not task.done() and not await request.is_disconnected():
                await asyncio.wait({task}, timeout=_LOOK_SECONDS)
        finally:
            self._pages_waiting[name] -= 1
            if not task.done() and self._pages_waiting[name] == 0:
                task.cancel()
                del self._tasks[name]
        if not task.done() or task.cancelled():
            return Response(status_code=503)
        picture = task.result()
        if picture is None:
            return Response(status_code=204)
        return Response(picture, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})
