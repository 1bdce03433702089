"""OptionalReset: lets each lane of a batch say whether AutoReset begins the next episode after an end."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import TimeStep
from jaxenvs.core.wrapper import (
    Placement,
    SameActions,
    SameObservations,
    StatefulWrapper,
    WrapperState,
    inner_observation,
)
from jaxenvs.random import Key
from jaxenvs.wrappers.auto_reset import AutoResetState


class OptionalResetState(WrapperState):
    """State of `OptionalReset`.

    Attributes:
        resets: () bool, whether an end is reported.
        terminated: () bool, the flag of the wrapped environment if it is not reported.
        truncated: () bool, as above.
    """

    resets: Array
    terminated: Array
    truncated: Array


class OptionalReset(SameObservations, SameActions, StatefulWrapper[OptionalResetState, Any]):
    """Within AutoReset, hides the ends of episodes in lanes that are to step on after them.

    Lanes report ends by default. So an episode that AutoReset begins reports its end, and a lane that does not report
    ends is never reset.
    """

    placement: ClassVar[Placement] = "inside"

    observe = inner_observation

    def reset(self, key: Key) -> tuple[OptionalResetState, TimeStep[Any]]:
        """Begins an episode whose end is reported."""
        inner, timestep = self.env.reset(key)
        no = jnp.zeros((), bool)
        return OptionalResetState(inner=inner, resets=~no, terminated=no, truncated=no), timestep

    def step(self, state: OptionalResetState, action: Any) -> tuple[OptionalResetState, TimeStep[Any]]:
        """Steps, and reports the flags in the timestep or keeps them in the state."""
        inner, timestep = self.env.step(state.inner, action)
        terminated, truncated = timestep.terminated, timestep.truncated
        reported = timestep.replace(terminated=terminated & state.resets, truncated=truncated & state.resets)
        kept = ~state.resets
        return state.replace(inner=inner, terminated=terminated & kept, truncated=truncated & kept), reported


def told(state: Any, resets: Array) -> Any:
    """The state of AutoReset around OptionalReset, told whether to reset, () bool; any other state unchanged."""
    if not _has_both(state):
        return state
    return state.replace(inner=state.inner.replace(resets=resets))


def revealed(state: Any, timestep: Any) -> tuple[Any, Any]:
    """The state without OptionalReset's part and the timestep with the true flags, if the state is of both wrappers."""
    if not _has_both(state):
        return state, timestep
    hidden = state.inner
    flags = {name: getattr(timestep, name) | getattr(hidden, name) for name in ("terminated", "truncated")}
    return state.replace(inner=hidden.inner), timestep.replace(**flags)


def under_both(state: Any) -> Any:
    """The state under AutoReset and OptionalReset, if the state is of both wrappers; any other state unchanged."""
    return state.inner.inner if _has_both(state) else state


def _has_both(state: Any) -> bool:
    return isinstance(state, AutoResetState) and isinstance(state.inner, OptionalResetState)
