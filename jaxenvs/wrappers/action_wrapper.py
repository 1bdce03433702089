"""ActionWrapper: the base of wrappers that map each action by a function."""

import abc
from typing import Any, Generic, TypeVar

from jax import Array

from jaxenvs.core.env import TimeStep
from jaxenvs.core.wrapper import SameObservations, StatelessWrapper, inner_observation
from jaxenvs.random import Key

Obs = TypeVar("Obs")


class ActionWrapper(SameObservations, StatelessWrapper[Obs], Generic[Obs]):
    """Passes `transform_action(action)` to the wrapped environment.

    Such a wrapper gives the same results inside and around AutoReset.
    """

    @abc.abstractmethod
    def transform_action(self, action: Any) -> Any:
        """The wrapped environment's action for `action`, an element of this wrapper's `action_space`."""

    observe = inner_observation

    def reset(self, key: Key) -> tuple[Any, TimeStep[Obs]]:
        return self.env.reset(key)

    def step(self, state: Any, action: Array) -> tuple[Any, TimeStep[Obs]]:
        """Steps the wrapped environment with the transformed action."""
        return self.env.step(state, self.transform_action(self.action_space.validate(action)))
