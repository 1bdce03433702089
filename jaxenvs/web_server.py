"""WebServer: an ASGI application on a port of this machine, served by uvicorn."""

import contextlib
import errno
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from jaxenvs.core.packages import load_package
from jaxenvs.errors import InvalidField

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_MOST_PORT = 65_535
_BACKLOG = 2048


class WebServer:
    """A server of an application, bound to its port; `run` serves.

    Attributes:
        port: the port.
    """

    def __init__(self, app: "ASGIApp", host: str, ports: Sequence[int], extra: str, **options: Any) -> None:
        """Binds a port.

        Args:
            app: the application.
            host: the address to serve on.
            ports: the ports, of which the first free one is taken; 0 for any.
            extra: the extra of jaxenvs that brings uvicorn.
            **options: those of `uvicorn.Config`.

        Raises:
            InvalidField: the host is not one of this machine, or the ports are in use or not allowed.
            DependencyNotInstalled: uvicorn is missing.
        """
        uvicorn = load_package("uvicorn", "Serving a page needs uvicorn", f'"jaxenvs[{extra}]"')
        self._socket = bound_socket(host, ports)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_config=None,  # its own would close the logging handlers of all others in the process
            log_level="warning",
            access_log=False,  # addresses, tokens and keys belong into no log
            lifespan="off",
            server_header=False,
            **options,
        )
        self._server = uvicorn.Server(config)

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

    def start(self) -> threading.Thread:
        """Serves in a thread, which does not keep the process alive; returns it."""
        thread = threading.Thread(target=self.run, name="jaxenvs-server", daemon=True)
        thread.start()
        return thread

    @contextlib.contextmanager
    def in_background(self) -> Iterator[Self]:
        """Serves in a thread while the block runs."""
        thread = self.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()


def bound_socket(host: str, ports: Sequence[int]) -> socket.socket:
    """A socket that is bound to the host and the first free one of the ports.

    Raises:
        InvalidField: the host is not one of this machine, or the ports are in use or not allowed.
    """
    for port in ports:
        if not 0 <= port <= _MOST_PORT:
            raise InvalidField(f"A port is a number from 0 to {_MOST_PORT}, got {port}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, ports[0], type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InvalidField(f"There is no host `{host}`: {error.strerror}.") from error
    for port in ports:
        made = socket.socket(family, kind, protocol)
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((address[0], port, *address[2:]))
            made.listen(_BACKLOG)
            return made
        except OSError as error:
            made.close()
            if error.errno != errno.EADDRINUSE:
                raise InvalidField(f"{host}:{port} cannot be served: {error.strerror}.") from error
    which = f"Port {ports[0]} is" if len(ports) == 1 else f"Ports {ports[0]} to {ports[-1]} are"
    raise InvalidField(f"{which} in use; choose another with --port, or --port 0 for any.")
