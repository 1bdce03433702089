"""ObservationWrapper: the base of wrappers that map each observation by a function."""

import abc
from typing import Any, Generic, TypeVar

from jax import Array

from jaxenvs.core.env import TimeStep
from jaxenvs.core.wrapper import SameActions, StatelessWrapper
from jaxenvs.random import Key

Obs = TypeVar("Obs")


class ObservationWrapper(SameActions, StatelessWrapper[Obs], Generic[Obs]):
    """Maps `observation` and `final_observation` by `transform_observation`.

    Such a wrapper gives the same results inside and around AutoReset.
    """

    @abc.abstractmethod
    def transform_observation(self, observation: Any) -> Obs:
        """The new observation: an element of this wrapper's `observation_space`."""

    def reset(self, key: Key) -> tuple[Any, TimeStep[Obs]]:
        state, timestep = self.env.reset(key)
        return state, self._transform(timestep)

    def step(self, state: Any, action: Array) -> tuple[Any, TimeStep[Obs]]:
        state, timestep = self.env.step(state, action)
        return state, self._transform(timestep)

    def observe(self, state: Any) -> Obs:
        """The wrapped environment's observation of the state, mapped."""
        return self.transform_observation(self.env.observe(state))

    def _transform(self, timestep: TimeStep[Any]) -> TimeStep[Obs]:
        return timestep.replace(
            observation=self.transform_observation(timestep.observation),
            final_observation=self.transform_observation(timestep.final_observation),
        )
