"""What the subcommands print with, and how they fail."""

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console

from jaxenvs.cli.main import missing_extra
from jaxenvs.core.errors import (
    DeprecatedEnv,
    InvalidAction,
    InvalidField,
    InvalidKey,
    JaxenvsError,
    RegistrationError,
    UnregisteredEnv,
)

P = ParamSpec("P")
T = TypeVar("T")

_PIPE_WIDTH = 160
"""Columns where the output is no terminal, so that tables are not squeezed into rich's default of 80."""

_USAGE_ERRORS = (DeprecatedEnv, InvalidAction, InvalidField, InvalidKey, RegistrationError, UnregisteredEnv)
"""What is wrong with the command as it was typed; anything else went wrong in carrying it out."""


def console() -> Console:
    """A console on standard output."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def say(message: str) -> None:
    """A line on standard error, which keeps standard output for results."""
    typer.echo(message, err=True)


@contextlib.contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Says what is warned of within the block in a line of its own, rather than with a line of source code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        say(f"Note: {warning.message}")


def reports_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Turns jaxenvs' own exceptions into one line on standard error: exit code 2 for wrong usage, else 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return command(*args, **kwargs)
        except JaxenvsError as error:
            say(f"Error: {error}")
            raise typer.Exit(2 if isinstance(error, _USAGE_ERRORS) else 1) from error
        except ModuleNotFoundError as error:  # of the extra, of a plug-in, or of `module:id`
            say(f"Error: {missing_extra(error) or error}")
            raise typer.Exit(1) from error

    return wrapped
