"""`jaxenvs watch RUN`: see a training run in the browser while it runs."""

from pathlib import Path
from typing import Annotated

import typer

from jaxenvs import play as room
from jaxenvs.cli.console import reports_errors
from jaxenvs.cli.play import Host, NoOpen, Port, run_server


@reports_errors
def watch(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or a folder of such folders.")] = Path("runs"),
    host: Host = "127.0.0.1",
    port: Port = None,
    no_open: NoOpen = False,
) -> None:
    """See training runs in the browser while they run: curves, episodes and videos; Ctrl-C ends it."""
    run_server(room.Server(room.watch_app(run), host, port), no_open)
