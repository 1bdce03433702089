"""Spaces in a few words, and a check of actions typed by the user."""

import json
from typing import Any

import jax
import numpy as np

from jaxenvs import spaces
from jaxenvs.errors import InvalidAction


def space_text(space: spaces.Space[Any]) -> str:
    """A space in a few words, such as `Discrete(2)` or `Box(4,) in [-4.8, 4.8]`."""
    if isinstance(space, spaces.Discrete):
        return f"Discrete({space.n})" if space.start == 0 else f"Discrete({space.start}..{space.start + space.n - 1})"
    if isinstance(space, spaces.Box):
        low, high = np.min(space.low), np.max(space.high)
        dtype = "" if np.dtype(space.dtype) == np.float32 else f" {np.dtype(space.dtype).name}"
        return f"Box{space.shape}{dtype} in [{low:.4g}, {high:.4g}]".replace(",)", ")")
    if isinstance(space, spaces.Dict):
        return f"Dict({', '.join(f'{name}: {space_text(part)}' for name, part in space.spaces.items())})"
    return repr(space)


def range_text(space: spaces.Space[Any]) -> str:
    """What an action must be, in words."""
    if isinstance(space, spaces.Discrete):
        return f"a whole number from {space.start} to {space.start + space.n - 1}"
    if isinstance(space, spaces.Box):
        low, high = np.asarray(space.low), np.asarray(space.high)
        if (low == low.flat[0]).all() and (high == high.flat[0]).all():
            return f"numbers of shape {space.shape} from {low.flat[0]:g} to {high.flat[0]:g}"
        return f"numbers of shape {space.shape} from {low.tolist()} to {high.tolist()}"
    return f"an element of {space!r}"


def read_action(space: spaces.Space[Any], text: str) -> Any:
    """An action from its JSON, such as `1` or `[0.5, -1]`, checked to lie in the space.

    Raises:
        InvalidAction: it does not lie in the space; the message gives the range.
    """
    try:
        value = json.loads(text)
        if isinstance(value, int | float) and isinstance(space, spaces.Box) and np.prod(space.shape) == 1:
            value = np.full(space.shape, value, space.dtype)
        if isinstance(value, list):
            value = np.asarray(value, getattr(space, "dtype", None))
        action = space.validate(value)
        inside = bool(jax.device_get(space.contains(action)))
    except (ValueError, TypeError) as error:
        raise InvalidAction(f"The action `{text}` does not fit the action space: give {range_text(space)}.") from error
    if not inside:
        raise InvalidAction(f"The action `{text}` lies outside the action space: give {range_text(space)}.")
    return action
