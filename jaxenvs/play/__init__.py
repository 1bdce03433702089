"""Environments in a browser: play them, and watch training runs. What it contains needs the extra `play`."""

import importlib
from typing import TYPE_CHECKING, Any

from jaxenvs.errors import DependencyNotInstalled

if TYPE_CHECKING:
    from jaxenvs.play.app import play_app as play_app
    from jaxenvs.play.games import Games as Games
    from jaxenvs.play.notebook import show as show
    from jaxenvs.play.run_recording import RunRecording as RunRecording
    from jaxenvs.play.server import Server as Server
    from jaxenvs.play.server import open_browser as open_browser
    from jaxenvs.play.server import serve as serve
    from jaxenvs.play.watch import watch_app as watch_app
    from jaxenvs.play.worker import Worker as Worker

_MODULES = {
    "Games": "games",
    "RunRecording": "run_recording",
    "Server": "server",
    "Worker": "worker",
    "open_browser": "server",
    "play_app": "app",
    "serve": "server",
    "show": "notebook",
    "watch_app": "watch",
}
"""The module of each name, imported on first use."""

__all__ = list(_MODULES)  # pyright: ignore[reportUnsupportedDunderAll]  # the names above

_PACKAGES = ("starlette", "uvicorn", "websockets", "PIL")

if not TYPE_CHECKING:  # a type checker would take it for leave to ask for any name

    def __getattr__(name: str) -> Any:
        """Imports a public name on first use."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}.")
        try:
            return getattr(importlib.import_module(f"jaxenvs.play.{_MODULES[name]}"), name)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in _PACKAGES:
                raise
            raise DependencyNotInstalled(
                f'Pages in the browser need `{package}`, which is missing: run `pip install "jaxenvs[play]"`.'
            ) from error
