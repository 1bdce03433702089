"""The entry point of the `jaxenvs` command, which works, if only to say what is missing, without the extra."""

import sys

_EXTRA_PACKAGES = ("typer", "rich", "tqdm", "optax", "matplotlib", "PIL", "imageio", "imageio_ffmpeg")


def main() -> None:
    """Runs the command line; exits 2 on wrong usage, 1 on failure."""
    try:
        from jaxenvs.cli.app import app

        app(prog_name="jaxenvs")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA_PACKAGES:
            raise
        sys.stderr.write(f'The jaxenvs command needs `{missing}`: run `pip install "jaxenvs[train]"`.\n')
        sys.exit(1)
