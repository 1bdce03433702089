"""Guard: who may use a server, decided for each request before anything else sees it.

A page of another site that is open in the same browser can send requests to servers on this machine, and can make its
own name resolve to 127.0.0.1. So the request must name this server as its host, and its origin must be this server. A
server that other machines reach asks for a token as well.
"""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

_TOKEN_BYTES = 24

_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none';"
    " object-src 'none'; frame-ancestors {}"
)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server on this host."""
    return host in LOOPBACK_NAMES or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def new_token() -> str:
    """A random token for a URL."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


class Guard:
    """The ASGI application around another one that refuses what is not allowed.

    Args:
        app: the application.
        hosts: names that requests may be sent to, besides this machine's own. One that begins with a dot stands for
            all names that end in it.
        token: the token that each request must bring, in the URL or in the cookie that the first answer sets; None
            for none.
        embeddable: whether pages of other origins, such as notebooks, may show the page in a frame.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str] = (), token: str | None = None, embeddable: bool = False
    ) -> None:
        self._app, self._token = app, token
        self._hosts = {*LOOPBACK_NAMES, *(name.lower() for name in hosts)}
        if token is not None:
            self._hosts |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        self._policy = _POLICY.format("*" if embeddable else "'self'")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._problem(scope, headers)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if problem is None and self._token is not None and not self._has_cookie(headers):
            if not _same(query.pop("token", ""), self._token):
                problem = "This page needs the token of its URL: open the URL that the command printed."
            elif scope["type"] == "http":
                await self._set_cookie(scope, receive, send, query)
                return
        if problem is not None:
            await _refuse(scope, receive, send, problem)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                added["Content-Security-Policy"] = self._policy
                added["Referrer-Policy"] = "no-referrer"
                added["X-Content-Type-Options"] = "nosniff"
                added.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _problem(self, scope: Scope, headers: Headers) -> str | None:
        """Why the request is refused whoever sends it, or None."""
        host = headers.get("host", "")
        if not self._is_served(_host_name(f"//{host}")):
            return f"This server does not answer to the name `{host[:100]}`."
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if origin is not None and changes and not self._is_own(origin, host):
            return "Requests from pages of other origins are refused."
        crossing = headers.get("sec-fetch-site") == "cross-site"
        if crossing and headers.get("sec-fetch-mode") != "navigate" and not (origin and self._is_own(origin, host)):
            return "Requests from pages of other sites are refused."
        return None

    def _is_served(self, name: str | None) -> bool:
        """Whether requests may be sent to this name. An address cannot be made to mean another machine."""
        if name is None:
            return False
        if self._token is not None and _is_address(name):
            return True
        return name in self._hosts or any(name.endswith(host) for host in self._hosts if host.startswith("."))

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether an origin is that of this server's pages; a proxy of a notebook may have changed the host."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https"):
            return False
        name = _host_name(origin) or ""
        return parts.netloc.lower() == host.lower() or any(
            name.endswith(known) for known in self._hosts if known.startswith(".")
        )

    def _has_cookie(self, headers: Headers) -> bool:
        assert self._token is not None
        name = _cookie_name(headers)
        return any(_same(cookie_parser(line).get(name, ""), self._token) for line in headers.getlist("cookie"))

    async def _set_cookie(self, scope: Scope, receive: Receive, send: Send, query: dict[str, str]) -> None:
        """Moves the token from the URL into a cookie, so that it is in no history and on no screen."""
        assert self._token is not None
        path = scope["path"] if scope["path"].startswith("/") and not scope["path"].startswith("//") else "/"
        response = RedirectResponse(path + (f"?{urlencode(query)}" if query else ""), 303)
        response.set_cookie(_cookie_name(Headers(scope=scope)), self._token, path="/", httponly=True, samesite="lax")
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        await response(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send, problem: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": problem[:120]})
        return
    await PlainTextResponse(problem + "\n", 403, {"X-Content-Type-Options": "nosniff"})(scope, receive, send)


def _cookie_name(headers: Headers) -> str:
    """Cookies are shared by all ports of a host, so the name has the port."""
    return f"jaxenvs-{headers.get('host', '').rpartition(':')[2]}"


def _host_name(url: str) -> str | None:
    try:
        name = urlsplit(url).hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(given: str, token: str) -> bool:
    """Compares in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode(), token.encode())
