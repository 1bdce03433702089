"""StickyAction: now and then the last action is taken again."""

from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.core.wrapper import SameActions, SameObservations, StatefulWrapper, WrapperState, inner_observation
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.wrappers._elements import element_struct
from jaxenvs.wrappers.auto_reset import refuse_auto_reset_inside

Obs = TypeVar("Obs")


class StickyActionState(WrapperState):
    """State of `StickyAction`.

    Attributes:
        key: () key.
        action: the action last taken, an element of the action space.
        has_action: () bool, whether one was taken since reset.
        repeats_left: () int32, how many more steps the last action is bound to be taken.
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
        repeat_probability: the chance at each step, in [0, 1), that the last action is taken again.
        repeat_duration: for how many steps it is then taken: a number of at least 1, or the least and the
            greatest of a range to draw from.
    """

    repeat_probability: ArrayLike
    repeat_duration: int | tuple[int, int] = static(default=1)

    def check_fields(self) -> None:
        """Checks the duration and the order of wrappers."""
        low, high = self._durations
        if not (isinstance(low, int) and isinstance(high, int) and 1 <= low <= high):
            raise InvalidField(
                "StickyAction: `repeat_duration` must be an integer of at least 1, or a pair of them in rising order,"
                f" got {self.repeat_duration!r}."
            )
        refuse_auto_reset_inside(self)

    def check_values(self) -> None:
        """Checks the probability."""
        probability = np.asarray(self.repeat_probability)
        if not np.all((probability >= 0) & (probability < 1)):
            raise InvalidField(
                f"StickyAction: `repeat_probability` must be at least 0 and less than 1, got {self.repeat_probability}."
            )

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
        action = jax.tree.map(lambda last, new: jnp.where(bound | begins, last, new), state.action, action)
        inner, timestep = self.env.step(state.inner, action)
        return StickyActionState(inner, key, action, jnp.ones((), bool), repeats_left), timestep
