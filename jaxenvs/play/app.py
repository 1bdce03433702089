"""play_app: the page to play on, as an ASGI application."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from jaxenvs.play.boards import chosen
from jaxenvs.play.games import Games
from jaxenvs.play.pages import page_routes
from jaxenvs.play.pictures import check_pillow
from jaxenvs.play.player import Player
from jaxenvs.play.polling import Polling
from jaxenvs.play.recording import Recorder
from jaxenvs.play.session import Session
from jaxenvs.play.thumbnails import Thumbnails
from jaxenvs.play.worker import Worker

MOST_PLAYERS = 16
"""The greatest number of pages that play at once."""

_PAGE = (
    *("play.html", "play.js", "board.js", "controls.js", "keys.js", "connection.js", "list.js"),
    *("style.css", "icon.svg"),
)

MakeRecorder = Callable[[str, Any], Recorder | None]
"""Makes the recorder of a player's game, from the environment's name and the environment."""


def play_app(
    games: Games,
    *,
    worker: Worker,
    seed: int = 0,
    frames_per_second: float | None = None,
    make_recorder: MakeRecorder | None = None,
) -> Starlette:
    """The page to play on.

    Args:
        games: the environments that it can open.
        worker: the thread in which everything of JAX runs.
        seed: the seed that the page begins with.
        frames_per_second: number of steps per second; None for each environment's own.
        make_recorder: makes what records a player's game; None to record nothing.

    Raises:
        DependencyNotInstalled: pillow is missing.
    """
    check_pillow()
    thumbnails = Thumbnails(games, worker)
    sockets: set[WebSocket] = set()

    def open_session(name: str, seed: int, fields: dict[str, Any]) -> Session:
        env = chosen(games.make(name), fields)
        return Session(name, env, seed, make_recorder(name, env) if make_recorder else None)

    def make_player(send: Any) -> Player:
        return Player(open_session, worker, send, frames_per_second)

    def may_begin() -> bool:
        return len(sockets) + len(polling) < MOST_PLAYERS

    polling = Polling(make_player, may_begin)

    async def settings(request: Request) -> Response:
        del request
        return JSONResponse({"first": games.first, "seed": seed, "environments": games.rows()})

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        if not may_begin():
            await websocket.close(1013, "Too many pages are open; close some.")
            return
        sockets.add(websocket)
        try:
            await _converse(websocket, make_player)
        finally:
            sockets.discard(websocket)

    return Starlette(
        routes=[
            *page_routes(*_PAGE),
            Route("/settings", settings),
            Route("/thumbnails/{id:path}", thumbnails.answer),
            WebSocketRoute("/socket", socket),
            Route("/poll/{name}", polling.answer, methods=["POST"]),
        ]
    )


async def _converse(websocket: WebSocket, make_player: Callable[[Any], Player]) -> None:
    """Passes messages on between a WebSocket and a player, until either ends."""

    async def send(message: str | bytes) -> None:
        try:
            await (websocket.send_text(message) if isinstance(message, str) else websocket.send_bytes(message))
        except (WebSocketDisconnect, RuntimeError) as error:  # the page was closed
            raise ConnectionError from error

    async def receive() -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            await player.receive(text if text is not None else message.get("bytes", b""))

    player = make_player(send)
    tasks = asyncio.create_task(player.run()), asyncio.create_task(receive())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, ConnectionError, WebSocketDisconnect):
                await task
        if websocket.client_state == WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await websocket.close()
