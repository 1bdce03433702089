"""`jaxenvs play ID`: play an environment in the browser."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxenvs import play as room
from jaxenvs.cli.agents import against_agent, build_env, look_up
from jaxenvs.cli.console import reports_errors, say
from jaxenvs.cli.values import read_assignments
from jaxenvs.errors import InvalidField
from jaxenvs.registration.make import load

_CLOSE_SECONDS = 2.0

Host = Annotated[
    str, typer.Option(help="The address to serve on. With any but this machine's own, the URL holds a secret token.")
]
Port = Annotated[
    int | None, typer.Option(help="The port; 0 for any.", show_default="the first free one from 8765 on", min=0)
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")]


@reports_errors
def play(
    id: Annotated[str, typer.Argument(help="An id, as `jaxenvs list` shows it.")] = "CartPole-v1",
    seed: Annotated[int, typer.Option(help="The seed of the first episode.", min=0)] = 0,
    fps: Annotated[
        float | None,
        typer.Option(help="Steps per second.", show_default="the environment's own", min=0.1, max=1000),
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Record the episodes in this run folder.", show_default=False)
    ] = None,
    field: Annotated[list[str] | None, typer.Option("--field", "-F", help="Set a field: name=value.")] = None,
    against: Annotated[
        Path | None, typer.Option(help="Play a board game against the agent of this run folder.", show_default=False)
    ] = None,
    max_episode_steps: Annotated[int | None, typer.Option(help="Replace the time limit; -1 for none.")] = None,
    host: Host = "127.0.0.1",
    port: Port = None,
    no_open: NoOpen = False,
) -> None:
    """Play an environment in the browser, with the keyboard, the mouse or touch; Ctrl-C ends it."""
    entry = look_up(id)
    if seed >= 2**32:
        raise InvalidField(f"A seed must be from 0 to {2**32 - 1}, got {seed}.")
    env = build_env(entry.id, read_assignments(entry.id, load(entry), field or []), max_episode_steps)
    if against is not None:
        env = against_agent(env, against)

    def make_recorder(name: str, opened: Any) -> Any:
        return recording.recorder() if recording is not None and opened is env else None

    worker = room.Worker()
    app = room.play_app(
        room.Games(entry.id, {entry.id: env}),
        worker=worker,
        seed=seed,
        frames_per_second=fps,
        make_recorder=make_recorder,
    )
    # The server comes first: if its port is in use, no folder is made.
    with (
        contextlib.closing(room.Server(app, host, port)) as server,
        _recording(record, env, entry.id, seed) as recording,
    ):
        run_server(server, no_open)
        has_ended = worker.close(_CLOSE_SECONDS)
    if not has_ended:
        os._exit(0)  # a compilation cannot be interrupted


@contextlib.contextmanager
def _recording(path: Path | None, env: Any, env_id: str, seed: int) -> Iterator[Any]:
    """The recording of what is played, or None."""
    if path is None:
        yield None
        return
    recording = room.RunRecording(env, path, env_id, seed)
    try:
        yield recording
    finally:
        recording.close()
        say(f"Recorded in {recording.run.path}.")


def run_server(server: Any, no_open: bool) -> None:
    """Serves a page until Ctrl-C, and says where it is."""
    typer.echo(server.url)
    if server.needs_token:
        say("Press Ctrl-C to end. Open the URL on another machine; whoever has it can use the page.")
    else:
        tunnel = f"`ssh -L {server.port}:127.0.0.1:{server.port} THIS-MACHINE`"
        say(f"Press Ctrl-C to end. From another machine: {tunnel}, then open the URL there.")
    if not no_open:
        room.open_browser(server.url)
    server.run()
    say("Ended.")
