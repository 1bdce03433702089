"""What becomes of a run folder's status while `jaxenvs train` works, and if it is stopped."""

import contextlib
from collections.abc import Iterator

import typer

from jaxenvs.cli.console import say
from jaxenvs.cli.interrupt import StoppedAtOnce, leave
from jaxenvs.errors import JaxenvsError, NotWritten
from jaxenvs.monitor import Run


@contextlib.contextmanager
def status_of(run: Run) -> Iterator[None]:
    """Marks a run as running, and at the end as finished, interrupted or failed."""
    run.mark("running")
    try:
        yield
    except typer.Exit:  # it was interrupted after a checkpoint, and is marked
        raise
    except KeyboardInterrupt as error:
        run.mark("interrupted")
        say(f"\nInterrupted. {_kept(run)}")
        if isinstance(error, StoppedAtOnce):
            leave(error)
        raise
    except BaseException as error:
        with contextlib.suppress(OSError):
            run.mark("failed")
        if isinstance(error, OSError) and not isinstance(error, JaxenvsError):
            what = error.filename or run.path
            raise NotWritten(f"{what} cannot be written: {error.strerror or error}. {_kept(run)}") from error
        raise
    run.mark("finished")


def _kept(run: Run) -> str:
    """Describes what was saved of training that ended early."""
    is_saved = run.checkpoint_path.exists()
    return f"The last checkpoint is {run.checkpoint_path}" if is_saved else "There is no checkpoint yet."
