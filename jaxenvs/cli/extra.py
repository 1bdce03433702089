"""The extra that the `jaxenvs` command needs, and what to say if it is missing."""

import importlib.util

from jaxenvs.errors import DependencyNotInstalled

_EXTRA_PACKAGES = ("pyarrow", "typer", "rich", "tqdm", "optax", "matplotlib", "PIL", "imageio_ffmpeg")


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to install if the missing package belongs to the command's extra, else None."""
    missing = (error.name or "").partition(".")[0]
    return _message(missing) if missing in _EXTRA_PACKAGES else None


def require(*packages: str) -> None:
    """Raises `DependencyNotInstalled` if a package of the extra is missing, before work that needs it at its end."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise DependencyNotInstalled(_message(package))


def _message(package: str) -> str:
    return f'The jaxenvs command needs `{package}`, which is not installed: run `pip install "jaxenvs[train]"`.'
