"""Packages that belong to extras, loaded when they are used."""

import importlib
from typing import Any

from jaxenvs.errors import DependencyNotInstalled


def load_package(module: str, purpose: str, install: str) -> Any:
    """Imports a module of a package that may be missing.

    Args:
        module: the module, such as `"PIL.Image"`.
        purpose: what needs which package, in words: the beginning of the error's message.
        install: what `pip install` is told.

    Raises:
        DependencyNotInstalled: it is missing; the message contains the `pip install` line.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled(f"{purpose}: run `pip install {install}`.") from error
