"""Polling: the same conversation as over a WebSocket, in requests, for proxies that pass no WebSockets on.

The page posts its messages to `/poll/NAME`, where it made up NAME, and the answer holds what it is sent: for each
message a byte (0 for text, 1 for bytes), its length in four bytes, little-endian, and the message. With `?wait`, the
answer waits until there is something to send, or for a while.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from jaxenvs.play.player import Player
from jaxenvs.play.server import MOST_MESSAGE_BYTES

_NAME = re.compile(r"[A-Za-z0-9-]{16,64}")
_WAIT_SECONDS = 10.0
_FORGET_SECONDS = 30.0


class _Conversation:
    """One page's player, and what waits to be sent to it."""

    def __init__(self, make_player: Callable[..., Player]) -> None:
        self.waiting: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.player = make_player(self.waiting.put)
        self.task = asyncio.create_task(self.player.run())
        self.last_seen = time.monotonic()

    async def answer(self) -> bytes:
        """Everything that waits to be sent; waits until there is something."""
        self.last_seen = time.monotonic()
        parts: list[bytes] = []
        with contextlib.suppress(TimeoutError):
            parts.append(_packed(await asyncio.wait_for(self.waiting.get(), _WAIT_SECONDS)))
            while not self.waiting.empty():
                parts.append(_packed(self.waiting.get_nowait()))
        self.last_seen = time.monotonic()
        return b"".join(parts)


class Polling:
    """The conversations of all pages that poll.

    Args:
        make_player: makes a player that sends through the given function.
        may_begin: whether there is room for one more player.
    """

    def __init__(self, make_player: Callable[..., Player], may_begin: Callable[[], bool]) -> None:
        self._make_player, self._may_begin = make_player, may_begin
        self._conversations: dict[str, _Conversation] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._conversations)

    async def answer(self, request: Request) -> Response:
        """Answers a request of a page."""
        name = request.path_params["name"]
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_MESSAGE_BYTES:
                return PlainTextResponse("The request is too large.\n", 413)
        try:
            messages = json.loads(body or b"[]")
        except (ValueError, RecursionError):
            messages = None
        if not _NAME.fullmatch(name) or not isinstance(messages, list) or not all(isinstance(m, str) for m in messages):
            return PlainTextResponse("A request must hold a list of messages.\n", 400)
        conversation = self._conversations.get(name)
        if conversation is None:
            if not self._may_begin():
                return PlainTextResponse("Too many pages are open; close some.\n", 503)
            conversation = self._conversations[name] = _Conversation(self._make_player)
            if self._sweeper is None or self._sweeper.done():
                self._sweeper = asyncio.create_task(self._sweep())
        for message in messages:
            await conversation.player.receive(message)
        content = await conversation.answer() if "wait" in request.query_params else b""
        return Response(content, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})

    async def _sweep(self) -> None:
        """Ends the conversations of pages that have been closed."""
        while self._conversations:
            await asyncio.sleep(_FORGET_SECONDS / 3)
            latest = time.monotonic() - _FORGET_SECONDS
            for name in [n for n, each in self._conversations.items() if each.last_seen < latest]:
                self._conversations.pop(name).task.cancel()


def _packed(message: str | bytes) -> bytes:
    content = message.encode() if isinstance(message, str) else message
    return bytes([isinstance(message, bytes)]) + len(content).to_bytes(4, "little") + content
