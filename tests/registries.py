"""Keeps the registries of environments unchanged by what a test registers."""

import contextlib
import copy
import sys

from jaxenvs.registration.registry import registry


@contextlib.contextmanager
def kept():
    """Undoes what is registered inside, with Gymnasium as well: an id registered here reaches both."""
    before = {name: copy.copy(value) for name, value in vars(registry).items()}
    gymnasium = sys.modules.get("gymnasium")
    known = dict(gymnasium.registry) if gymnasium else {}
    try:
        yield
    finally:
        vars(registry).update(before)
        if gymnasium:
            gymnasium.registry.clear()
            gymnasium.registry.update(known)
