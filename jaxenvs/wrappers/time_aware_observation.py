"""TimeAwareObservation: add the number of steps since reset to the observation."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.pytree import static
from jaxenvs.core.wrapper import wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Dict, Space, Tuple
from jaxenvs.wrappers._elements import with_entry
from jaxenvs.wrappers.history_wrapper import HistoryWrapper
from jaxenvs.wrappers.time_limit import TimeLimit


class TimeAwareObservation(HistoryWrapper[Any]):
    """Adds the time, the number of steps since reset, to each observation.

    The counterpart of `gymnasium.wrappers.TimeAwareObservation`, with the same defaults. A Dict observation gets
    another key, a Tuple another part at the end, and any other observation becomes a dictionary with the keys
    `"obs"` and `"time"`. The memory is the time, () int32.

    Attributes:
        flatten: whether the result is flattened to one vector.
        normalize_time: whether the time is a fraction of the limit, float32 of shape (1,), rather than a count, int32
            of shape (1,).
        dict_time_key: the key of the time in a Dict observation.
        max_episode_steps: the limit; None to read it from the TimeLimit inside.
    """

    flatten: bool = static(default=True)
    normalize_time: bool = static(default=False)
    dict_time_key: str = static(default="time")
    max_episode_steps: int | None = static(default=None)

    def check_fields(self) -> None:
        """Checks that there is a limit."""
        check_integer(self, "max_episode_steps", self._limit)

    def check_spaces(self) -> None:
        """Checks that the key of the time is free."""
        space = self.env.observation_space
        if isinstance(space, Dict) and self.dict_time_key in space.spaces:
            raise InvalidField(
                f"TimeAwareObservation: observations already have the key {self.dict_time_key!r}."
                " Choose another `dict_time_key`."
            )

    @property
    def _limit(self) -> int:
        if self.max_episode_steps is not None:
            return self.max_episode_steps
        limits = [wrapper.max_episode_steps for wrapper in wrappers_of(self) if isinstance(wrapper, TimeLimit)]
        if not limits:
            raise InvalidField(
                "TimeAwareObservation needs to know the time limit of an episode."
                " Put it around a `TimeLimit`, or give `max_episode_steps`."
            )
        return min(limits)

    @property
    def _unflattened_space(self) -> Space[Any]:
        time = Box(0.0, 1.0, (1,), jnp.float32) if self.normalize_time else Box(0, self._limit, (1,), jnp.int32)
        match self.env.observation_space:
            case Dict() as space:
                return with_entry(space, self.dict_time_key, time)
            case Tuple() as space:
                return Tuple((*space.spaces, time))
            case space:
                return Dict({"obs": space, "time": time})

    @property
    def observation_space(self) -> Space[Any]:
        """The wrapped environment's space with the time added, and flattened if `flatten` is set."""
        return self._unflattened_space.flat_space() if self.flatten else self._unflattened_space

    def first(self, observation: Any) -> tuple[Array, Any]:
        time = jnp.zeros((), jnp.int32)
        return time, self._add(observation, time)

    def next(self, memory: Array, observation: Any) -> tuple[Array, Any]:
        """Adds one step to the time."""
        time = memory + 1
        return time, self._add(observation, time)

    def _add(self, observation: Any, time: Array) -> Any:
        told = (time.astype(jnp.float32) / self._limit if self.normalize_time else time)[None]
        match self.env.observation_space:
            case Dict():
                result = {self.dict_time_key: told, **observation}
            case Tuple():
                result = (*observation, told)
            case _:
                result = {"obs": observation, "time": told}
        return self._unflattened_space.flatten(result) if self.flatten else result
