"""Compiled programs that adapters share, and that are freed with the last adapter that uses them."""

import dataclasses
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import jax

from jaxenvs.core.env import Env
from jaxenvs.core.pytree import is_static
from jaxenvs.core.wrapper import unwrap, wrappers_of

Programs = TypeVar("Programs")

_LAST_USED = 64
"""Number of programs kept after their adapters are gone, since scripts make the same environment repeatedly."""

_LAST_USED_WITH_FUNCTIONS = 2
"""The same if a field is a function: each new lambda needs a new program, of several megabytes."""


class Shared(Generic[Programs]):
    """The programs by structure of the environment: one object for all environments that differ only in values.

    An adapter keeps a reference to its object. In addition, the last few objects are kept.
    """

    def __init__(self, make: Callable[[], Programs]) -> None:
        """Args: a function that makes the programs, not yet compiled, of a new structure."""
        self._make = make
        self._held: WeakValueDictionary[Any, Programs] = WeakValueDictionary()
        self._last: deque[Programs] = deque(maxlen=_LAST_USED)
        self._last_with_functions: deque[Programs] = deque(maxlen=_LAST_USED_WITH_FUNCTIONS)

    def of(self, env: Env[Any, Any]) -> Programs:
        """The programs of the structure of `env`."""
        structure = jax.tree.structure(env)
        programs = self._held.get(structure)
        if programs is None:
            programs = self._held[structure] = self._make()
        last = self._last_with_functions if _has_functions(env) else self._last
        if programs in last:
            last.remove(programs)
        last.append(programs)
        return programs


def _has_functions(env: Env[Any, Any]) -> bool:
    parts = (*wrappers_of(env), unwrap(env))
    return any(
        callable(getattr(part, field.name)) for part in parts for field in dataclasses.fields(part) if is_static(field)
    )
