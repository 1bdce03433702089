"""find_id: the id under which an environment is registered."""

from typing import Any

import jax
import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.registration.make import load
from jaxenvs.registration.registry import registry
from jaxenvs.registration.spec import EnvSpec
from jaxenvs.wrappers.time_limit import TimeLimit


def find_id(env: Env[Any, Any]) -> str | None:
    """The registered id that makes an environment like this one, or None.

    The class must be the id's, and the fields that the id sets must have its values; others may differ. If several ids
    are left, those that set more fields and have the same time limit come first, then higher versions.

    Args:
        env: the environment, with or without wrappers.
    """
    base = unwrap(env)
    limits = [layer.max_episode_steps for layer in wrappers_of(env) if isinstance(layer, TimeLimit)]
    limit = limits[-1] if limits else None
    found = [spec for spec in registry.values() if _is_of(spec, base)]
    if not found:
        return None
    return max(found, key=lambda spec: (len(spec.fields), spec.max_episode_steps == limit, spec.version or 0)).id


def _is_of(spec: EnvSpec, base: Env[Any, Any]) -> bool:
    cls = type(base)
    name = spec.entry_point.partition(":")[2] if isinstance(spec.entry_point, str) else spec.entry_point.__name__
    # Only a class of the same name is worth an import, which is there already if it is this one.
    if name != cls.__name__ or load(spec) is not cls:
        return False
    return all(_equal(getattr(base, field, None), value) for field, value in spec.fields.items())


def _equal(mine: Any, theirs: Any) -> bool:
    """Whether two values are the same; arrays of several environments are not."""
    if isinstance(mine, jax.Array | np.ndarray) or isinstance(theirs, np.ndarray):
        return np.shape(mine) == np.shape(theirs) and np.array_equal(np.asarray(mine), np.asarray(theirs))
    return mine == theirs
