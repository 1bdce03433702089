"""HistoryWrapper: the base of wrappers whose observation depends on earlier ones of the episode."""

import abc
from typing import Any, ClassVar, Generic, TypeVar

from jax import Array

from jaxenvs.core.env import TimeStep
from jaxenvs.core.wrapper import Placement, SameActions, StatefulWrapper, WrapperState
from jaxenvs.random import Key

Obs = TypeVar("Obs")


class HistoryState(WrapperState):
    """State of a `HistoryWrapper`.

    Attributes:
        memory: what the wrapper remembers of the episode so far; each wrapper defines it.
    """

    memory: Any


class HistoryWrapper(SameActions, StatefulWrapper[HistoryState, Obs], Generic[Obs]):
    """Makes observations from a memory of the episode so far. It goes inside AutoReset."""

    placement: ClassVar[Placement] = "inside"

    @abc.abstractmethod
    def first(self, observation: Any) -> tuple[Any, Obs]:
        """The memory and the new observation at reset."""

    @abc.abstractmethod
    def next(self, memory: Any, observation: Any) -> tuple[Any, Obs]:
        """The memory and the new observation after a step."""

    def reset(self, key: Key) -> tuple[HistoryState, TimeStep[Obs]]:
        """Resets the wrapped environment and begins a memory."""
        inner, timestep = self.env.reset(key)
        memory, observation = self.first(timestep.observation)
        return HistoryState(inner, memory), timestep.replace(observation=observation, final_observation=observation)

    def step(self, state: HistoryState, action: Array) -> tuple[HistoryState, TimeStep[Obs]]:
        """Steps the wrapped environment and adds to the memory."""
        inner, timestep = self.env.step(state.inner, action)
        memory, observation = self.next(state.memory, timestep.observation)
        return HistoryState(inner, memory), timestep.replace(observation=observation, final_observation=observation)
