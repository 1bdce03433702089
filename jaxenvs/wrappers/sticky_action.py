"""StickyAction: occasionally repeat the last action."""

from typing import Any, ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_range, is_integer
from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.core.trees import tree_where
from jaxenvs.core.wrapper import (
    Placement,
    SameActions,
    SameObservations,
    StatefulWrapper,
    WrapperState,
    inner_observation,
)
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.wrappers._elements import element_struct

Obs = TypeVar("Obs")


class StickyActionState(WrapperState):
    """State of `StickyAction`.

    Attributes:
        key: () key that the repetitions are drawn from.
        action: the action last taken, an element of the action space.
        has_action: () bool, whether one was taken since reset.
        repeats_left: () int32, number of further steps in which the last action will be taken.
    """

    key: Key
    action: Any
    has_action: Array
    repeats_left: Array


class StickyAction(SameObservations, SameActions, StatefulWrapper[StickyActionState, Obs], Generic[Obs]):
    """Takes the last action again, instead of the given one, with some probability.

    The counterpart of `gymnasium.wrappers.StickyAction`. The first action of an episode is always taken.
    It goes inside AutoReset.

    Attributes:
        repeat_probability: probability at each step, in [0, 1), that the last action is taken again.
        repeat_duration: number of steps for which it is then taken: a number of at least 1, or the least and the
            greatest of a range to draw from.
        training_only: whether `evaluation` removes the wrapper. By default it does not: sticky actions are part of the
            task, as in the ALE.
    """

    repeat_probability: ArrayLike
    repeat_duration: int | tuple[int, int] = static(default=1)
    training_only: bool = static(default=False, kw_only=True)

    placement: ClassVar[Placement] = "inside"

    def check_fields(self) -> None:
        """Checks the duration."""
        low, high = self._durations
        if not (is_integer(low) and is_integer(high) and 1 <= low <= high):
            raise InvalidField(
                "StickyAction: `repeat_duration` must be an integer of at least 1, or a pair of them in rising order,"
                f" got {self.repeat_duration!r}."
            )

    def check_values(self) -> None:
        check_range(self, "repeat_probability", self.repeat_probability, 0, 1, below=True, on_device=True)

    @property
    def _durations(self) -> tuple[Any, Any]:
        duration = self.repeat_duration
        return duration if isinstance(duration, tuple) and len(duration) == 2 else (duration, duration)

    observe = inner_observation

    def reset(self, key: Key) -> tuple[StickyActionState, TimeStep[Obs]]:
        """Resets the wrapped environment and forgets the last action."""
        key, inner_key = jax.random.split(check_key(key))
        inner, timestep = self.env.reset(inner_key)
        action = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), element_struct(self.action_space))
        state = StickyActionState(inner, key, action, jnp.zeros((), bool), jnp.zeros((), jnp.int32))
        return state, timestep

    def step(self, state: StickyActionState, action: Array) -> tuple[StickyActionState, TimeStep[Obs]]:
        """Steps the wrapped environment with the given action or the last one."""
        action = self.action_space.validate(action)
        key, chance_key, duration_key = jax.random.split(state.key, 3)
        bound = state.repeats_left > 0
        begins = state.has_action & (jax.random.uniform(chance_key, (), jnp.float32) < self.repeat_probability)
        low, high = self._durations
        duration = jax.random.randint(duration_key, (), low, high + 1, jnp.int32)
        repeats_left = jnp.where(bound, state.repeats_left, jnp.where(begins, duration, 0))
        repeats_left = jnp.maximum(repeats_left - 1, 0)
        action = tree_where(bound | begins, state.action, action)
        inner, timestep = self.env.step(state.inner, action)
        return StickyActionState(inner, key, action, jnp.ones((), bool), repeats_left), timestep
