"""TimeLimit: stops an episode after a number of steps."""

from typing import ClassVar, Generic, TypeVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.core.wrapper import (
    Placement,
    SameActions,
    SameObservations,
    StatefulWrapper,
    WrapperState,
    inner_observation,
)
from jaxenvs.random import Key

Obs = TypeVar("Obs")


class TimeLimitState(WrapperState):
    """State of `TimeLimit`.

    Attributes:
        elapsed: () int32, steps since reset.
    """

    elapsed: Array


class TimeLimit(SameObservations, SameActions, StatefulWrapper[TimeLimitState, Obs], Generic[Obs]):
    """Sets `truncated` once `max_episode_steps` steps have been taken since reset.

    As in Gymnasium the flag is set whether or not the task ended on that very step, so both flags can
    be true, and it stays set on further steps.

    Attributes:
        max_episode_steps: the limit, at least 1.
    """

    max_episode_steps: int = static()

    placement: ClassVar[Placement] = "inside"

    def check_fields(self) -> None:
        """Checks the limit."""
        check_integer(self, "max_episode_steps", self.max_episode_steps)

    observe = inner_observation

    def reset(self, key: Key) -> tuple[TimeLimitState, TimeStep[Obs]]:
        """Resets the wrapped environment and the count."""
        inner, timestep = self.env.reset(key)
        return TimeLimitState(inner=inner, elapsed=jnp.zeros((), jnp.int32)), timestep

    def step(self, state: TimeLimitState, action: Array) -> tuple[TimeLimitState, TimeStep[Obs]]:
        """Steps the wrapped environment and counts."""
        inner, timestep = self.env.step(state.inner, action)
        elapsed = state.elapsed + 1
        truncated = timestep.truncated | (elapsed >= self.max_episode_steps)
        return TimeLimitState(inner=inner, elapsed=elapsed), timestep.replace(truncated=truncated)
