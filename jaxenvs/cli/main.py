"""The entry point of the `jaxenvs` command. Without the extra, it says what is missing."""

import signal
import sys

from jaxenvs.cli.extra import missing_extra
from jaxenvs.cli.streams import forget_no_width, write_anything
from jaxenvs.errors import DependencyNotInstalled


def main() -> None:
    """Runs the command line; exits 2 on wrong usage, 1 on failure, 130 on Ctrl-C while it still starts."""
    write_anything()
    forget_no_width()
    try:
        from jaxenvs.cli.app import app

        app(prog_name="jaxenvs")
    except ModuleNotFoundError as error:
        message = missing_extra(error)
        if message is None:
            raise
        sys.stderr.write(f"Error: {message}\n")
        sys.exit(1)
    except DependencyNotInstalled as error:  # raised by an import; commands report theirs themselves
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:  # the imports take a second or more
        sys.exit(128 + signal.SIGINT)
