"""Folders of the user: those that environment variables name, and the one for caches."""

import os
import sys
from pathlib import Path


def named_folder(variable: str) -> Path | None:
    """The folder that an environment variable names, `~` expanded; None if it is not set, or empty.

    A shell expands `~` itself, but a notebook's `%env`, a Dockerfile and a service's configuration do not.
    """
    named = os.environ.get(variable)
    return expanded(Path(named)) if named else None


def user_cache() -> Path | None:
    """The user's folder for caches, which may not exist yet; None if the user has no home, as in some containers."""
    cache = named_folder("XDG_CACHE_HOME")
    if sys.platform == "win32":
        cache = named_folder("LOCALAPPDATA") or Path("~/AppData/Local")
    elif sys.platform == "darwin":
        cache = Path("~/Library/Caches")
    cache = expanded(cache or Path("~/.cache"))
    return None if cache.parts[0] == "~" else cache


def expanded(path: Path) -> Path:
    """A path with `~` as the user's home; unchanged if there is none."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
