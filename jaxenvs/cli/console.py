"""Printing and error handling of the subcommands."""

import contextlib
import errno
import functools
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from jaxenvs.cli.extra import missing_extra
from jaxenvs.cli.streams import message_width, output_width
from jaxenvs.errors import (
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

_USAGE_ERRORS = (DeprecatedEnv, InvalidAction, InvalidField, InvalidKey, RegistrationError, UnregisteredEnv)
"""Errors in the command as it was typed; all others occurred while running it."""


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def console() -> Console:
    """A console on standard output."""
    return Console(highlight=False, width=output_width(), file=sys.stdout)


def table(*columns: str, title: str = "") -> Table:
    """An empty table that fits into 80 columns: no cell is cut, and the first column never breaks a word.

    Args:
        columns: the names; a line break in a name makes its column narrower. All columns but the first are numbers.
        title: what stands above the table, if anything does.
    """
    empty = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    empty.title, empty.title_justify, empty.title_style = title or None, "left", "bold"
    for index, name in enumerate(columns):
        empty.add_column(name, justify="right" if index else "left", overflow="fold", no_wrap=index == 0)
    return empty


def say(message: str) -> None:
    """Prints a line on standard error, since standard output is for results; a terminal gets it wrapped at words."""
    width = message_width()
    if width is not None:
        lines = (
            textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) for line in message.split("\n")
        )
        message = "\n".join("\n".join(wrapped) for wrapped in lines)
    print(message, file=sys.stderr, flush=True)


class Bar(tqdm):
    """A bar of tqdm's that frees its lock if it cannot be written, as into a pipe whose reader has left.

    tqdm's own keeps it. If the work is done in another thread, the process then waits for that lock and never ends.
    """

    def refresh(self, nolock: bool = False, lock_args: Any = None) -> None:
        """Writes the bar, under the lock unless `nolock` is set."""
        with contextlib.nullcontext() if nolock else self.get_lock():
            super().refresh(nolock=True, lock_args=lock_args)


class ProgressBar(Bar):
    """A progress bar that is seen only on a terminal, and if the work takes longer than a second."""

    def __init__(self, what: str, unit: str, total: int | None = None, *, rounds: bool = False) -> None:
        """A bar at zero.

        Args:
            what: what is being done.
            unit: of what is counted.
            total: how many there are; None if that is not known yet.
            rounds: whether large numbers are shown in thousands or millions.
        """
        appearance: dict[str, Any] = {"leave": False, "delay": 1.0, "dynamic_ncols": True, "disable": None}
        super().__init__(total=total, desc=what, unit=unit, unit_scale=rounds, **appearance)

    def show(self, done: int, total: int) -> None:
        """Shows how many are done, of how many."""
        self.total = total
        self.update(done - self.n)


@contextlib.contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Prints warnings within the block as plain lines, rather than with a line of source code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        say(f"Note: {warning.message}")


def reports_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Turns exceptions of jaxenvs and of the system into one line, with exit code 2 for wrong usage, else 1."""

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
        except BrokenPipeError:  # the reader of the output has closed it
            raise
        except OSError as error:  # such as a read-only folder or a full disk
            say(f"Error: {_os_error_text(error)}")
            raise typer.Exit(1) from error

    return wrapped


def _os_error_text(error: OSError) -> str:
    """Describes what the system refused to do, and to which file."""
    reason = error.strerror or str(error)
    files = " and ".join(f"`{name}`" for name in dict.fromkeys((error.filename, error.filename2)) if name)
    advice = "; free some space, or write elsewhere" if error.errno in _NO_ROOM else ""
    return f"{files}: {reason}{advice}." if files else f"{reason}{advice}."
