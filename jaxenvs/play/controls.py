"""Controls for actions: a space described as JSON for the page, and actions read from the JSON that it sends back."""

import math
from typing import Any

import jax
import numpy as np

from jaxenvs.errors import InvalidAction, short_repr
from jaxenvs.play.action_names import Actions, names_of, tape_names
from jaxenvs.random import Key
from jaxenvs.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

_MOST_COMPONENTS = 64
"""The greatest number of sliders, fields or boxes of one space. Actions of a larger one are drawn at random."""

_UNBOUNDED = 10.0
"""The end of a slider of an unbounded component."""

_LARGEST = 1e300

_TAPE_LABELS = ("move", "write", "symbol")


def describe(space: Space[Any], actions: Actions | None = None, names: list[str] | None = None) -> dict[str, Any]:
    """The controls of a space, recursively.

    Args:
        space: the space.
        actions: how the environment is played, for the names of discrete actions.
        names: the names of a discrete space's elements, if they are known.

    Returns:
        A JSON object with `kind` and what that kind needs; `"random"` if the space has no controls, such as a graph.
    """
    if isinstance(space, Discrete):
        found = names or names_of(space, actions or Actions())
        return {"kind": "discrete", "n": space.n, "start": space.start, "names": found}
    if isinstance(space, Tuple):
        tape = tape_names(space)
        items = [describe(part, None, tape[i] if tape else None) for i, part in enumerate(space.spaces)]
        return {"kind": "tuple", "items": items, "labels": list(_TAPE_LABELS) if tape else None}
    if isinstance(space, Dict):
        return {"kind": "dict", "items": {name: describe(part) for name, part in space.spaces.items()}}
    if not isinstance(space, Box | MultiDiscrete | MultiBinary) or math.prod(space.shape) > _MOST_COMPONENTS:
        return {"kind": "random"}
    if isinstance(space, MultiBinary):
        return {"kind": "binary", "size": math.prod(space.shape)}
    if isinstance(space, MultiDiscrete):
        start = space.start.ravel()
        low, high, is_integer = start, start + space.nvec.ravel() - 1, True
    else:
        low, high = np.broadcast_to(space.low, space.shape).ravel(), np.broadcast_to(space.high, space.shape).ravel()
        is_integer = np.dtype(space.dtype).kind in "biu"
    low, high = (np.asarray(bound, np.float64) for bound in (low, high))
    low = np.where(np.isfinite(low), low, np.minimum(-_UNBOUNDED, np.where(np.isfinite(high), high, 0) - _UNBOUNDED))
    high = np.where(np.isfinite(high), high, np.maximum(_UNBOUNDED, low + _UNBOUNDED))
    rest = np.clip(0.0, low, high)
    return {
        "kind": "numbers",
        "low": low.tolist(),
        "high": high.tolist(),
        "rest": rest.tolist(),
        "integer": is_integer,
        "scalar": space.shape == (),
    }


def read(space: Space[Any], value: Any, key: Key) -> Any:
    """The action that the page sent.

    Args:
        space: the action space.
        value: the JSON value: a number, a list of components in row-major order, or a list or object of parts.
        key: a scalar random key, from which actions without controls are drawn.

    Returns:
        An element of the space, as NumPy arrays. Numbers outside their bounds are clipped.

    Raises:
        InvalidAction: it is not such a value.
    """
    if isinstance(space, Discrete):
        low, high = space.start, space.start + space.n - 1
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidAction(f"The action must be a whole number from {low} to {high}, got {short_repr(value)}.")
        return np.asarray(value, space.dtype)
    if isinstance(space, Tuple):
        if not isinstance(value, list) or len(value) != len(space.spaces):
            raise InvalidAction(f"The action must be a list of {len(space.spaces)} parts, got {short_repr(value)}.")
        keys = jax.random.split(key, max(1, len(value)))
        return tuple(read(part, item, each) for part, item, each in zip(space.spaces, value, keys))
    if isinstance(space, Dict):
        if not isinstance(value, dict) or value.keys() != space.spaces.keys():
            raise InvalidAction(f"The action must have the parts {', '.join(space.spaces)}, got {short_repr(value)}.")
        keys = jax.random.split(key, max(1, len(value)))
        return {name: read(part, value[name], each) for (name, part), each in zip(space.spaces.items(), keys)}
    description = describe(space)
    if description["kind"] == "random":
        return jax.device_get(space.sample(key))
    return _components(space, description, value)


def _components(space: Any, description: dict[str, Any], value: Any) -> np.ndarray:
    """The components of a Box, MultiDiscrete or MultiBinary."""
    size = math.prod(space.shape)
    values = value if isinstance(value, list) else [value]
    if len(values) != size or not all(_is_number(each) for each in values):
        raise InvalidAction(f"The action must be {size} finite numbers, got {short_repr(value)}.")
    if description["kind"] == "binary":
        low, high = np.zeros(size), np.ones(size)
    elif isinstance(space, Box):
        low, high = (np.broadcast_to(bound, space.shape).ravel() for bound in (space.low, space.high))
    else:
        low, high = np.asarray(description["low"]), np.asarray(description["high"])
    numbers = np.asarray(values, np.float64)
    if np.dtype(space.dtype).kind in "biu":
        numbers = np.round(numbers)
    return np.clip(numbers, low.astype(np.float64), high.astype(np.float64)).astype(space.dtype).reshape(space.shape)


def _is_number(value: Any) -> bool:
    """Whether it is a finite number that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST
