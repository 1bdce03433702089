"""show: the page to play on, in the output of a notebook's cell."""

from typing import Any

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import DependencyNotInstalled
from jaxenvs.play.app import play_app
from jaxenvs.play.games import Games
from jaxenvs.play.server import Server
from jaxenvs.play.worker import Worker

_COLAB_HOSTS = (".googleusercontent.com", ".colab.dev")
"""The names under which Colab's proxy shows what a notebook serves."""


def show(
    env: str | Env[Any, Any],
    *,
    seed: int = 0,
    frames_per_second: float | None = None,
    height: int = 820,
    port: int | None = None,
) -> Server:
    """Shows the page to play on in the output of a notebook's cell.

        server = jaxenvs.play.show("CartPole-v1")
        server.stop()                                  # when it is no longer needed

    In Colab the page goes through Colab's proxy. In Jupyter the browser must reach port `server.port` of the machine
    that runs the notebook, for example through `ssh -L`.

    Args:
        env: an id, or an environment.
        seed: the seed that the page begins with.
        frames_per_second: number of steps per second; None for the environment's own.
        height: height of the frame, pixels.
        port: the port; None for the first free one from 8765 on.

    Returns:
        The server, which runs in a thread until `stop` or the end of the process.

    Raises:
        DependencyNotInstalled: starlette, uvicorn, pillow or IPython is missing.
        InvalidField: the port is in use.
    """
    try:
        from IPython.display import IFrame, display
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled(
            "`jaxenvs.play.show` is for notebooks, and IPython is not installed. In a terminal, use `jaxenvs play ID`."
        ) from error
    games = Games(env) if isinstance(env, str) else Games(name_of(env), {name_of(env): env})
    games.make(games.first)  # an unknown id is an error here rather than in the page
    try:
        from google.colab import output  # pyright: ignore[reportMissingImports]  # exists in Colab alone
    except ImportError:
        output = None
    app = play_app(games, worker=Worker(), seed=seed, frames_per_second=frames_per_second)
    hosts = _COLAB_HOSTS if output is not None else ()
    server = Server(app, port=port, hosts=hosts, embeddable=True)
    server.start()
    if output is None:
        display(IFrame(server.url, "100%", height))
    else:
        output.serve_kernel_port_as_iframe(server.port, height=str(height))
    return server


def name_of(env: Env[Any, Any]) -> str:
    """The name of an environment without an id on the page."""
    return type(unwrap(env)).__name__
