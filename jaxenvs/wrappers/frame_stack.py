"""FrameStack: the last observations as one."""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxenvs.core.checks import check_choice, check_integer
from jaxenvs.core.env import defines_observe
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Space
from jaxenvs.wrappers._elements import cast_to, check_element, neutral_element, push, repeat, stacked_space
from jaxenvs.wrappers.history_wrapper import HistoryState, HistoryWrapper


class FrameStack(HistoryWrapper[Any]):
    """Stacks the last `num_stack` observations along a new leading axis, the newest last.

    The counterpart of `gymnasium.wrappers.FrameStackObservation`. The memory is the stack itself.

    Attributes:
        num_stack: number of observations, at least 1.
        padding_type: what comes before the first observation of an episode: `"reset"`, that observation again;
            `"zero"`, the element of the space nearest to zero; `"custom"`, `padding`.
        padding: an element of the wrapped observation space, for `"custom"` only.
    """

    num_stack: int = static()
    padding_type: Literal["reset", "zero", "custom"] = static(default="reset")
    padding: Any = None

    def check_fields(self) -> None:
        """Checks the number and the kind of padding."""
        check_integer(self, "num_stack", self.num_stack)
        advice = ' To use your own observation, pass it as `padding`, with `padding_type="custom"`.'
        check_choice(self, "padding_type", self.padding_type, ("reset", "zero", "custom"), advice)

    def check_spaces(self) -> None:
        """Checks that observations can be stacked and that `padding` is one."""
        stacked_space(self.env.observation_space, self.num_stack)
        if (self.padding is not None) != (self.padding_type == "custom"):
            raise InvalidField('FrameStack: give `padding` with `padding_type="custom"`, and only then.')
        if self.padding is not None:
            self._check_padding()

    def _check_padding(self) -> None:
        padding = jax.tree.map(jnp.asarray, self.padding)
        check_element(padding, self.env.observation_space, self, "padding", "Give an element of that space")

    @property
    def observation_space(self) -> Space[Any]:
        """The wrapped environment's space, `num_stack` times along a new leading axis."""
        return stacked_space(self.env.observation_space, self.num_stack)

    def first(self, observation: Any) -> tuple[Any, Any]:
        """The padding, followed by the first observation."""
        match self.padding_type:
            case "reset":
                padding = observation
            case "zero":
                padding = neutral_element(self.env.observation_space)
            case "custom":
                self._check_padding()
                padding = cast_to(self.env.observation_space, self.padding)
        return self.next(repeat(padding, self.num_stack), observation)

    def next(self, memory: Any, observation: Any) -> tuple[Any, Any]:
        """The stack with the new observation at the end."""
        stack = push(memory, observation)
        return stack, stack

    @property
    def can_observe(self) -> bool:
        """True for every wrapped environment, since the state holds the stack. (See `Env.can_observe`.)"""
        return defines_observe(type(self))

    def observe(self, state: HistoryState) -> Any:
        return state.memory
