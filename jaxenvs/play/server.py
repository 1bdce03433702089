"""serve: serve an ASGI application to this machine, or with a token to others."""

import contextlib
import os
import socket
import sys
import webbrowser
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from jaxenvs.play.guard import Guard, is_loopback, new_token
from jaxenvs.web_server import WebServer

DEFAULT_PORT = 8765
_FURTHER_PORTS = 20
"""How many ports after the default are tried if it is in use."""

MOST_MESSAGE_BYTES = 64 * 1024
"""The greatest size of a message from a page."""

_MOST_CONNECTIONS = 256
_SHUTDOWN_SECONDS = 1


class Server(WebServer):
    """A server of an application, bound to its port; `run` serves.

    Attributes:
        port: the port.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str = "127.0.0.1",
        port: int | None = None,
        token: str | None = None,
        *,
        hosts: tuple[str, ...] = (),
        embeddable: bool = False,
    ) -> None:
        """Binds a port.

        Args:
            app: the application.
            host: the address to serve on. On any other than this machine's own, requests must bring `token`.
            port: the port; None for the first free one from `DEFAULT_PORT` on, 0 for any.
            token: the token; None for a random one if the host needs one.
            hosts: further names that requests may be sent to, see `Guard`.
            embeddable: whether pages of other origins may show the page in a frame.

        Raises:
            InvalidField: the host is not one of this machine, or the port is in use or not allowed.
            DependencyNotInstalled: uvicorn is missing.
        """
        if token is None and not is_loopback(host):
            token = new_token()
        self._host, self._token = host, token
        super().__init__(
            Guard(app, hosts=(*hosts, host), token=token, embeddable=embeddable),
            host,
            range(DEFAULT_PORT, DEFAULT_PORT + _FURTHER_PORTS) if port is None else (port,),
            extra="play",
            ws_max_size=MOST_MESSAGE_BYTES * 4,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )

    @property
    def url(self) -> str:
        """The URL of the page, with the token if there is one."""
        host = _own_address() if self._host in ("0.0.0.0", "::", "") else self._host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/" + (f"?token={self._token}" if self._token else "")

    @property
    def needs_token(self) -> bool:
        """Whether requests must bring a token."""
        return self._token is not None


def _print_now(text: str) -> None:
    """Prints a line at once, into a pipe as well, which would otherwise keep it until the server ends."""
    print(text, flush=True)


def serve(
    app: ASGIApp,
    host: str = "127.0.0.1",
    port: int | None = None,
    token: str | None = None,
    *,
    on_ready: Callable[[str], Any] = _print_now,
) -> None:
    """Serves an application until Ctrl-C.

    Args:
        app: an ASGI application.
        host: the address to serve on; see `Server`.
        port: the port; None for the first free one from `DEFAULT_PORT` on.
        token: the token that other machines need; None for a random one.
        on_ready: called with the URL once the port is bound.
    """
    server = Server(app, host, port, token)
    on_ready(server.url)
    server.run()


def open_browser(url: str) -> bool:
    """Opens a URL if there is a display to show it on; returns whether it did."""
    has_display = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(has_display) and not os.environ.get("SSH_CONNECTION") and webbrowser.open(url)


def _own_address() -> str:
    """The address under which other machines most likely reach this one, or else its name."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # chooses a route, and sends nothing
        return probe.getsockname()[0]
    return socket.gethostname()
