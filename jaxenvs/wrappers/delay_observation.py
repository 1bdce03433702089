"""DelayObservation: each observation arrives some steps late."""

from typing import Any

from jaxenvs.core.checks import check_integer
from jaxenvs.core.pytree import static
from jaxenvs.core.trees import tree_at
from jaxenvs.core.wrapper import SameObservations
from jaxenvs.wrappers._elements import neutral_element, push, repeat
from jaxenvs.wrappers.history_wrapper import HistoryWrapper


class DelayObservation(SameObservations, HistoryWrapper[Any]):
    """Shows at each step what the wrapped environment showed `delay` steps before.

    The counterpart of `gymnasium.wrappers.DelayObservation`. For the first `delay` observations of an episode it
    shows the element of the space nearest to zero. The memory is the queue of observations that are yet to be
    shown, the oldest first.

    Attributes:
        delay: number of steps, at least 0.
    """

    delay: int = static()

    def check_fields(self) -> None:
        check_integer(self, "delay", self.delay, 0)

    def check_spaces(self) -> None:
        """Checks that the observation space has an element to begin with."""
        neutral_element(self.env.observation_space)

    def first(self, observation: Any) -> tuple[Any, Any]:
        """A queue of zeros, followed by the observation."""
        return self.next(repeat(neutral_element(self.env.observation_space), self.delay), observation)

    def next(self, memory: Any, observation: Any) -> tuple[Any, Any]:
        """Takes the oldest observation out of the queue, and puts the new one in."""
        if self.delay == 0:
            return memory, observation
        return push(memory, observation), tree_at(memory, 0)
