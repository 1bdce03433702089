"""SiteServer: the site on a port."""

import contextlib
import errno
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from jaxenvs.errors import InvalidField

MOST_CONNECTIONS = 1000
_SHUTDOWN_SECONDS = 5
_KEEP_ALIVE_SECONDS = 20
_BACKLOG = 2048


class SiteServer:
    """A server of the site, bound to its port; `run` serves.

    Args:
        app: the application.
        host: the address to serve on.
        port: the port; 0 for any.

    Raises:
        InvalidField: the port is in use or not allowed.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 8000) -> None:
        self._socket = bound_socket(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(_config(app))

    def run(self) -> None:
        """Serves until Ctrl-C, SIGTERM or `stop`."""
        with contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])
        self.close()

    def close(self) -> None:
        """Gives the port back, if `run` has not done so."""
        self._socket.close()

    def stop(self) -> None:
        """Ends `run`, from any thread."""
        self._server.should_exit = True

    @contextlib.contextmanager
    def in_background(self) -> Iterator["SiteServer"]:
        """Serves in a thread while the block runs."""
        thread = threading.Thread(target=self.run, name="jaxenvs-scoreboard", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that is bound to the host and port.

    Raises:
        InvalidField: the host is not one of this machine, or the port is in use or not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, OverflowError) as error:
        raise InvalidField(f"{host}:{port} is not an address of this machine: {error}.") from error
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        reason = error.strerror
        if error.errno == errno.EADDRINUSE:
            reason = "the port is in use. Choose another, or 0 for any"
        raise InvalidField(f"{host}:{port} cannot be served: {reason}.") from error
    return made


def _config(app: ASGIApp) -> Any:
    return uvicorn.Config(
        app,
        # uvloop accepts one connection each time round its loop, so while busy readers keep the loop occupied, the last
        # of 200 new ones waits for about a second. asyncio accepts all that wait, and is as fast here.
        loop="asyncio",
        log_config=None,
        log_level="warning",
        access_log=False,  # a log of addresses and of keys in headers is nobody's business
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        lifespan="off",
        server_header=False,
    )
