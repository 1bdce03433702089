"""SiteServer: the site on a port."""

from starlette.types import ASGIApp

from jaxenvs.web_server import WebServer

MOST_CONNECTIONS = 1000
_SHUTDOWN_SECONDS = 5
_KEEP_ALIVE_SECONDS = 20


class SiteServer(WebServer):
    """A server of the site, bound to its port; `run` serves.

    Attributes:
        port: the port.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 8000) -> None:
        """Binds a port.

        Args:
            app: the application.
            host: the address to serve on.
            port: the port; 0 for any.

        Raises:
            InvalidField: the host is not one of this machine, or the port is in use or not allowed.
        """
        super().__init__(
            app,
            host,
            (port,),
            extra="scoreboard",
            # uvloop accepts one connection each time round its loop, so while busy readers keep the loop occupied, the
            # last of 200 new ones waits for about a second. asyncio accepts all that wait, and is as fast here.
            loop="asyncio",
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
