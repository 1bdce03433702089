"""serve: serve an ASGI application to this machine, or with a token to others."""

import contextlib
import errno
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from typing import Any

from starlette.types import ASGIApp

from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.play.guard import Guard, is_loopback, new_token

DEFAULT_PORT = 8765
_FURTHER_PORTS = 20
"""How many ports after the default are tried if it is in use."""

MOST_MESSAGE_BYTES = 64 * 1024
"""The greatest size of a message from a page."""

_MOST_PORT = 65_535
_MOST_CONNECTIONS = 256
_SHUTDOWN_SECONDS = 1


class Server:
    """A server of an application, bound to its port; `run` serves.

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
        try:
            import uvicorn
        except ModuleNotFoundError as error:
            raise DependencyNotInstalled(
                f'Serving a page needs `{error.name}`: run `pip install "jaxenvs[play]"`.'
            ) from error
        if token is None and not is_loopback(host):
            token = new_token()
        self._host, self._token = host, token
        self._socket = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            Guard(app, hosts=(*hosts, host), token=token, embeddable=embeddable),
            log_config=None,  # its own would close the logging handlers of all others in the process
            log_level="warning",
            access_log=False,  # a log must not hold the token
            ws_max_size=MOST_MESSAGE_BYTES * 4,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            lifespan="off",
            server_header=False,
        )
        self._server = uvicorn.Server(config)

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
    def in_background(self) -> Iterator["Server"]:
        """Serves in a thread while the block runs."""
        thread = self.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()

    def start(self) -> threading.Thread:
        """Serves in a thread, which does not keep the process alive; returns it."""
        thread = threading.Thread(target=self.run, name="jaxenvs-server", daemon=True)
        thread.start()
        return thread


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


def _bound(host: str, port: int | None) -> socket.socket:
    """A socket that is bound to the host and port."""
    if port is not None and not 0 <= port <= _MOST_PORT:
        raise InvalidField(f"A port is a number from 0 to {_MOST_PORT}, got {port}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InvalidField(f"There is no host `{host}`: {error.strerror}.") from error
    ports = [port] if port is not None else range(DEFAULT_PORT, DEFAULT_PORT + _FURTHER_PORTS)
    for each in ports:
        made = socket.socket(family, kind, protocol)
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((address[0], each, *address[2:]))
            made.listen()
            return made
        except OSError as error:
            made.close()
            if error.errno != errno.EADDRINUSE:
                raise InvalidField(f"{host}:{each} cannot be served: {error.strerror}.") from error
    which = f"Port {port} is" if port is not None else f"Ports {DEFAULT_PORT} to {ports[-1]} are"
    raise InvalidField(f"{which} in use; choose another with --port, or --port 0 for any.")
