"""Spaces in the forms that Stable-Baselines3's policies accept, and batches of their elements."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from jaxenvs.adapters.gymnasium.errors import InvalidAction
from jaxenvs.errors import InvalidSpace
from jaxenvs.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

Path = tuple[int | str, ...]
"""The indices and keys from a space to a part of it."""


@dataclass(frozen=True)
class ArrayForm:
    """A space whose elements are a single array for Stable-Baselines3.

    Attributes:
        source: the space of the environment.
        space: the space for Stable-Baselines3.
        counts: int64 in the shape of an element: the number of values of each entry; None for a Box.
        start: in the same shape, the smallest value for the environment, which is 0 for Stable-Baselines3; 0 for a Box.
    """

    source: Space[Any]
    space: spaces.Space[Any]
    counts: np.ndarray | None
    start: np.ndarray

    @classmethod
    def of(cls, source: Space[Any]) -> "ArrayForm | None":
        """The form of a space; None if it has none."""
        match source:
            case Box():
                box = source.to_gymnasium()
                if source.shape == ():
                    box = spaces.Box(box.low.reshape(1), box.high.reshape(1), (1,), box.dtype)
                return cls(source, box, None, np.zeros((), np.int64))
            case MultiBinary():
                size = math.prod(source.shape)
                return cls(source, spaces.MultiBinary(size), np.full(size, 2), np.zeros(size, np.int64))
            case Discrete():
                return cls(source, spaces.Discrete(source.n), np.array(source.n), np.array(source.start))
            case MultiDiscrete():
                counts, start = np.ravel(source.nvec), np.ravel(source.start)
            case Tuple() if source.spaces and all(isinstance(part, Discrete) for part in source.spaces):
                counts = np.array([part.n for part in source.spaces])
                start = np.array([part.start for part in source.spaces])
            case _:
                return None
        return cls(source, spaces.MultiDiscrete(counts), counts, start)

    def encode(self, batch: Any) -> np.ndarray:
        """A batch of elements as one array, fresh and writable.

        Args:
            batch: NumPy arrays, (lanes, ...) each, as `jax.device_get` returns them.
        """
        match self.source:
            case Box(shape=shape):
                return np.array(batch) if shape else np.array(batch).reshape(-1, 1)
            case MultiBinary():
                return np.array(batch, np.int8).reshape(len(batch), -1)
            case Discrete():
                return batch.astype(np.int64) - self.start
            case MultiDiscrete():
                return batch.reshape(len(batch), -1).astype(np.int64) - self.start
            case _:
                return np.stack(batch, axis=1).astype(np.int64) - self.start

    def decode(self, actions: Any, num_envs: int) -> Any:
        """A batch of actions for the environment: fresh arrays of its shapes and dtypes.

        Args:
            actions: (num_envs, ...), elements of `space`. For a MultiBinary they may be floats, which is
                what Stable-Baselines3's policies return.
            num_envs: length of the batch.

        Raises:
            InvalidAction: the number, shape or dtype is wrong, an integer is out of range or a float is NaN.
                Floats outside the bounds of a Box pass: the environments clip them or define their meaning.
        """
        array = self._checked_array(actions, num_envs)
        valid = array == array if self.counts is None else (array >= 0) & (array < self.counts)
        if array.dtype.kind == "f" and self.counts is not None:
            valid &= array == np.floor(array)
        if not valid.all():
            lane = int(np.argmin(valid.reshape(num_envs, -1).all(axis=1)))
            raise InvalidAction(
                f"{array[lane]!r} invalid: the action of environment {lane} must lie in {self.space}."
                " No environment has moved."
            )
        match self.source:
            case Box(shape=shape, dtype=dtype):
                return array.astype(dtype).reshape(num_envs, *shape)
            case MultiBinary(shape=shape):
                return array.astype(np.int8).reshape(num_envs, *shape)
            case Discrete():
                return (array + self.start).astype(np.int32)
            case MultiDiscrete(shape=shape):
                return (array + self.start).astype(np.int32).reshape(num_envs, *shape)
            case _:
                return tuple(np.ascontiguousarray(column, np.int32) for column in (array + self.start).T)

    def _checked_array(self, actions: Any, num_envs: int) -> np.ndarray:
        shape = (num_envs, *(self.space.shape or ()))
        try:
            array = np.asarray(actions)
        except (ValueError, TypeError) as error:
            raise InvalidAction(f"`actions` must be an array of shape {shape}, got {actions!r}.") from error
        if array.shape != shape:
            raise InvalidAction(
                f"`actions` must be one action for each of {num_envs} environments, an array of shape {shape};"
                f" got shape {array.shape}."
            )
        if array.dtype.kind not in ("fiub" if isinstance(self.source, Box | MultiBinary) else "iub"):
            kind = "floats" if self.counts is None else "integers"
            raise InvalidAction(f"`actions` must be {kind}, elements of {self.space}; got dtype {array.dtype}.")
        return array


@dataclass(frozen=True)
class ObservationForm:
    """The form of observations for Stable-Baselines3: one array, or a flat dict of arrays.

    Attributes:
        space: the space for Stable-Baselines3.
        parts: for each array, its key (None if there is only one array), the path to it and its form.
    """

    space: spaces.Space[Any]
    parts: tuple[tuple[str | None, Path, ArrayForm], ...]

    @classmethod
    def of(cls, source: Space[Any]) -> "ObservationForm":
        """The form of a space.

        Raises:
            InvalidSpace: the space, or a part of it, has no form; or two parts would get the same key.
        """
        form = ArrayForm.of(source)
        if form is not None:
            return cls(form.space, ((None, (), form),))
        parts: dict[str, tuple[str, Path, ArrayForm]] = {}
        for path, part in _parts(source, ()):
            key = "/".join(map(str, path))
            form = ArrayForm.of(part)
            if form is None:
                where = f" at {key!r}" if key else ""
                raise InvalidSpace(
                    f"Stable-Baselines3 has no policy for observations in {part!r}{where}."
                    " Wrap the environment in `jaxenvs.wrappers.FlattenObservation` or `TransformObservation`."
                )
            if key in parts:
                raise InvalidSpace(f"{source!r}: two parts of an observation would get the key {key!r}; rename one.")
            parts[key] = (key, path, form)
        if not parts:
            raise InvalidSpace(f"Stable-Baselines3 cannot learn from {source!r}: its observations hold nothing.")
        return cls(spaces.Dict({key: form.space for key, _, form in parts.values()}), tuple(parts.values()))

    def encode(self, batch: Any) -> Any:
        """A batch of observations, fresh and writable.

        Args:
            batch: NumPy arrays, (lanes, ...) each, as `jax.device_get` returns them.
        """
        if self.parts[0][0] is None:
            return self.parts[0][2].encode(batch)
        return {key: form.encode(_at(batch, path)) for key, path, form in self.parts}


def rows(encoded: Any) -> list[Any]:
    """The single observations in a result of `ObservationForm.encode`; they share no elements."""
    if isinstance(encoded, dict):
        return [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
    return list(encoded)


def action_form(source: Space[Any]) -> ArrayForm:
    """The form of a space of actions.

    Raises:
        InvalidSpace: Stable-Baselines3 does not support it.
    """
    form = ArrayForm.of(source)
    if form is None:
        raise InvalidSpace(
            "Stable-Baselines3 supports actions in a Box, Discrete, MultiDiscrete, MultiBinary or Tuple of"
            f" Discrete spaces, not in {source!r}. Wrap the environment in `jaxenvs.wrappers.TransformAction`."
        )
    if isinstance(source, Box) and np.dtype(source.dtype).kind != "f":
        raise InvalidSpace(
            f"Stable-Baselines3 supports only float actions in a Box, but those of {source!r} are {source.dtype}."
            " Wrap the environment in `jaxenvs.wrappers.TransformAction`."
        )
    return form


def _parts(space: Space[Any], path: Path) -> Iterator[tuple[Path, Space[Any]]]:
    """The parts of a space that become one array each, with their paths."""
    if isinstance(space, Dict):
        for key, part in space.spaces.items():
            yield from _parts(part, (*path, key))
    elif isinstance(space, Tuple) and ArrayForm.of(space) is None:
        for index, part in enumerate(space.spaces):
            yield from _parts(part, (*path, index))
    else:
        yield path, space


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree
