"""What the subcommands print with, and how they fail."""

import functools
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console

from jaxenvs.core.errors import InvalidAction, InvalidField, InvalidKey, JaxenvsError, RegistrationError, UnregisteredEnv

P = ParamSpec("P")
T = TypeVar("T")

_PIPE_WIDTH = 160
"""Columns where the output is no terminal, so that tables are not squeezed into rich's default of 80."""

_USAGE_ERRORS = (InvalidAction, InvalidField, InvalidKey, RegistrationError, UnregisteredEnv)
"""What is wrong with the command as it was typed; anything else went wrong in carrying it out."""


def console() -> Console:
    """A console on standard output."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def say(message: str) -> None:
    """A line on standard error, which keeps standard output for results."""
    typer.echo(message, err=True)


def reports_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Turns jaxenvs' own exceptions into one line on standard error: exit code 2 for wrong usage, else 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return command(*args, **kwargs)
        except JaxenvsError as error:
            say(f"Error: {error}")
            raise typer.Exit(2 if isinstance(error, _USAGE_ERRORS) else 1) from error

    return wrapped
