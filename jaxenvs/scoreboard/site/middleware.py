"""What stands between the network and the site: limits of size and rate, headers, and a cache of pages."""

import asyncio
import gzip
import hashlib
import ipaddress
import logging
import time
from collections import OrderedDict
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 1024 * 1024 + 64 * 1024
"""Bytes of a request; archives come in pieces."""

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_log = logging.getLogger("jaxenvs.scoreboard")

_SAFE = ("GET", "HEAD", "OPTIONS")
_MOST_CLIENTS = 10_000
_KEPT_PAGES = 1000
_MOST_KEPT = 2 * 1024 * 1024
_MOST_ADDRESS = 300


class Guard:
    """Refuses requests that are too large or come from pages of other sites, and adds headers to all answers.

    No request is trusted for a cookie, since there are none: whoever changes something names a key.

    Args:
        app: what answers.
        public: the address of the site.
    """

    def __init__(self, app: ASGIApp, public: str) -> None:
        self._app = app
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(public)) if public else None
        self._is_https = public.startswith("https://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    added.setdefault(name, value)
                added.setdefault("Cache-Control", "no-cache")
                if self._is_https:
                    added["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        if problem := self._problem(scope, headers):
            status, text = problem
            return await _refusal(status, text)(scope, receive, send_with_headers)
        if scope["method"] in _SAFE:
            return await self._app(scope, receive, send_with_headers)
        body = await _body(receive)
        if body is None:
            return await _refusal(413, _TOO_LARGE)(scope, receive, send_with_headers)
        rest: list[Message] = [{"type": "http.request", "body": body}]

        async def receive_body() -> Message:
            return rest.pop() if rest else await receive()

        return await self._app(scope, receive_body, send_with_headers)

    def _problem(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY:
            return 413, _TOO_LARGE
        if scope["method"] not in _SAFE:
            origin = headers.get("origin")
            own = self._origin or f"{scope['scheme']}://{headers.get('host', '')}"
            if origin is not None and origin != own:
                return 403, "Requests from pages of other sites are refused."
            if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
                return 403, "Requests from pages of other sites are refused."
        return None


class RateLimit:
    """Limits how often one client asks for what costs something: the API, searches, and whatever changes something.

    Args:
        app: what answers.
        per_second: requests that a client may go on making.
        burst: requests that it may make at once.
    """

    def __init__(self, app: ASGIApp, per_second: float, burst: float) -> None:
        self._app, self._per_second, self._burst = app, per_second, burst
        self._clients: OrderedDict[Any, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        if scope["type"] == "http" and _costs(scope):
            wait = self._wait(_network(scope))
            if wait > 0:
                refusal = _refusal(429, "Too many requests; try again later.", {"Retry-After": str(int(wait) + 1)})
                return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)

    def _wait(self, client: Any) -> float:
        """Seconds until the client may ask again; 0 if it may now."""
        now = time.monotonic()
        left, seen = self._clients.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - seen) * self._per_second)
        is_allowed = left >= 1
        self._clients[client] = (left - 1 if is_allowed else left), now
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return 0.0 if is_allowed else (1 - left) / self._per_second


class PageCache:
    """Keeps pages for a moment, so that many readers cost as much as one. What is kept is packed and has an ETag.

    While a page that has grown old is made again for one reader, all others get the old one.

    Args:
        app: what answers.
        seconds: how long a page is kept.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds
        self._pages: OrderedDict[tuple[str, bytes], _Page] = OrderedDict()
        self._making: dict[tuple[str, bytes], asyncio.Future[_Page | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            return await self({**scope, "method": "GET"}, receive, _without_body(send))
        if scope["type"] == "http" and scope["method"] == "POST":  # a form of the page at the folder above
            await self._app(scope, receive, send)
            self._pages.pop((scope["path"].rpartition("/")[0], b""), None)
            return None
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_page(scope):
            return await self._app(scope, receive, send)
        key = scope["path"], scope["query_string"]
        page = self._pages.get(key)
        if page is None or page.made + self._seconds < time.monotonic():
            making = self._making.get(key)
            if making is None:
                page = await self._make(key, scope, receive)
            elif page is None:
                page = await asyncio.shield(making)
            if page is None:
                return await self._app(scope, receive, send)
        return await page.send(scope, send)

    async def _make(self, key: tuple[str, bytes], scope: Scope, receive: Receive) -> "_Page | None":
        """Has a page made and keeps it; None if it is not one to keep."""
        making = self._making[key] = asyncio.get_running_loop().create_future()
        page: _Page | None = None
        try:
            messages: list[Message] = []

            async def keep(message: Message) -> None:
                messages.append(message)

            try:
                await self._app({**scope, "headers": []}, receive, keep)
            except Exception:
                if not messages:
                    raise
                _log.exception("%s failed.", scope["path"])  # it has already been answered, with status 500
            page = _Page.of(messages)
            if page.is_kept:
                self._pages[key] = page
                self._pages.move_to_end(key)
                if len(self._pages) > _KEPT_PAGES:
                    self._pages.popitem(last=False)
            return page
        finally:
            del self._making[key]
            making.set_result(page)


class _Page:
    """An answer that is kept."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.made = time.monotonic()
        self._status = status
        self._etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'.encode()
        self._headers = [(name, value) for name, value in headers if name != b"content-length"]
        self._headers += [(b"etag", self._etag), (b"vary", b"accept-encoding")]
        self._body, self._packed = body, gzip.compress(body, 5, mtime=0)
        self.is_kept = status == 200 and len(body) <= _MOST_KEPT

    @staticmethod
    def of(messages: list[Message]) -> "_Page":
        """Of what an application sent."""
        start = messages[0]
        body = b"".join(message.get("body", b"") for message in messages[1:])
        return _Page(start["status"], [(name.lower(), value) for name, value in start["headers"]], body)

    async def send(self, scope: Scope, send: Send) -> None:
        """Sends it, or that it is unchanged."""
        asked = dict(scope["headers"])
        if self._status == 200 and self._etag in asked.get(b"if-none-match", b""):
            await send({"type": "http.response.start", "status": 304, "headers": self._headers})
            await send({"type": "http.response.body"})
            return
        body, headers = self._body, list(self._headers)
        if b"gzip" in asked.get(b"accept-encoding", b""):
            body = self._packed
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


_TOO_LARGE = f"A request has at most {MOST_BODY:,} bytes; send archives in pieces."


async def _body(receive: Receive) -> bytes | None:
    """The body of a request, or None if it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the client has gone
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BODY:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _costs(scope: Scope) -> bool:
    """Whether a request cannot be answered with a page that is kept."""
    is_search = bool(scope["query_string"]) and not scope["path"].startswith("/assets/")
    return scope["path"].startswith("/api/") or scope["method"] not in _SAFE or is_search


def _without_body(send: Send) -> Send:
    """Sends an answer to HEAD, which has no body."""

    async def send_start(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_start


def _is_page(scope: Scope) -> bool:
    """Whether it is a page, and no file or part of the API."""
    path = scope["path"]
    is_other = path.startswith(("/api/", "/pictures/", "/archives/", "/healthz"))
    return not is_other and len(path) + len(scope["query_string"]) <= _MOST_ADDRESS


def _network(scope: Scope) -> Any:
    """The client's address; of IPv6 the network, since a household has one."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return address if address.version == 4 else int(address) >> 64


def _refusal(status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": text}, status, headers)
