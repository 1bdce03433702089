"""RewardWrapper: the base of wrappers that map each reward by a function."""

import abc
import math
from typing import Any, Generic, TypeVar

from jax import Array

from jaxenvs.core.env import TimeStep
from jaxenvs.core.wrapper import SameActions, SameObservations, StatelessWrapper, inner_observation
from jaxenvs.random import Key

Obs = TypeVar("Obs")


class RewardWrapper(SameObservations, SameActions, StatelessWrapper[Obs], Generic[Obs]):
    """Maps the reward of each step by `transform_reward`; the 0 at reset is not a reward and stays.

    Such a wrapper gives the same results inside and around AutoReset.
    """

    @abc.abstractmethod
    def transform_reward(self, reward: Array) -> Array:
        """The new reward, () float32, for `reward`, () float32."""

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """Unbounded, unless the wrapper says otherwise."""
        return -math.inf, math.inf

    observe = inner_observation

    def reset(self, key: Key) -> tuple[Any, TimeStep[Obs]]:
        return self.env.reset(key)

    def step(self, state: Any, action: Array) -> tuple[Any, TimeStep[Obs]]:
        state, timestep = self.env.step(state, action)
        return state, timestep.replace(reward=self.transform_reward(timestep.reward))
