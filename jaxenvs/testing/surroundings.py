"""What a call must leave as it is although it is none of its arguments: the environment, and state of the process."""

import contextlib
import functools
import random
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap, wrappers_of


@contextlib.contextmanager
def watched(env: Env[Any, Any]) -> Iterator[list[str]]:
    """Yields a list that holds, after the block, what the block changed, in words. All but the environment is put back.

    Within the block the generators have states that nobody has seen before: one that an earlier call had seeded would
    not be changed by seeding it again.
    """
    found: list[str] = []
    draws = {
        "the state of NumPy's global generator": lambda: str(np.random.get_state(legacy=False)),
        "the state of Python's global generator": random.getstate,
    }
    generators, settings = (np.random.get_state(legacy=False), random.getstate()), dict(jax.config.values)
    np.random.seed()
    random.seed()
    states = {what: state() for what, state in draws.items()}
    layers = [*wrappers_of(env), unwrap(env)]
    attributes = [dict(vars(layer)) for layer in layers]
    try:
        yield found
        found += [what for what, state in draws.items() if state() != states[what]]
    finally:
        np.random.set_state(generators[0])
        random.setstate(generators[1])
        for name, value in settings.items():
            if jax.config.values.get(name, value) != value:
                found.append(f"the setting {name}")
                jax.config.update(name, value)
    for layer, before in zip(layers, attributes, strict=True):
        found += [
            f"`{name}` of the environment"
            for name, value in vars(layer).items()
            if before.get(name, found) is not value and not _is_cached(layer, name)
        ]


def _is_cached(layer: Env[Any, Any], name: str) -> bool:
    """Whether an attribute keeps the value of a `cached_property`."""
    return isinstance(getattr(type(layer), name, None), functools.cached_property)
