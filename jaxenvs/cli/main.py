"""The entry point of the `jaxenvs` command. Without the extra, it says what is missing."""

import sys

from jaxenvs.cli.streams import write_anything

_EXTRA_PACKAGES = ("typer", "tqdm", "optax", "matplotlib", "PIL", "imageio_ffmpeg")


def main() -> None:
    """Runs the command line; exits 2 on wrong usage, 1 on failure."""
    write_anything()
    try:
        from jaxenvs.cli.app import app

        app(prog_name="jaxenvs")
    except ModuleNotFoundError as error:
        message = missing_extra(error)
        if message is None:
            raise
        sys.stderr.write(f"Error: {message}\n")
        sys.exit(1)


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to install if the missing package belongs to the command's extra, else None."""
    missing = (error.name or "").partition(".")[0]
    if missing not in _EXTRA_PACKAGES:
        return None
    return f'The jaxenvs command needs `{missing}`, which is not installed: run `pip install "jaxenvs[train]"`.'
