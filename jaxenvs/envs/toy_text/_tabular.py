"""The state of the tabular environments, and their exact model for planners and tests."""

import abc
import dataclasses

import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import Key


class TabularState(PyTreeNode):
    """State of a grid world.

    Attributes:
        index: () int32, the agent's cell in row-major order; also the observation.
        key: () key that slips are drawn from, or None if the ice or ground is not slippery.
    """

    index: Array
    key: Key | None


@dataclasses.dataclass(frozen=True)
class TransitionTable:
    """The exact model of a tabular environment, as NumPy arrays on the host.

    Taking `action` in the state observed as `state` follows branch `b` with probability
    `probability[state, action, b]`. Two branches may lead to the same state. If an action has fewer branches than
    the array is wide, the others have probability 0 and lead nowhere (to `state` itself).

    Attributes:
        probability: (states, actions, branches) float64, the probability of each branch; sums to 1 over branches.
        next_state: (states, actions, branches) int32, the state it leads to.
        reward: (states, actions, branches) float64, the reward it earns.
        terminated: (states, actions, branches) bool, whether it ends the episode.
        start: (states,) float64, the probability that an episode starts there.
    """

    probability: np.ndarray
    next_state: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    start: np.ndarray


class HasTransitionTable(abc.ABC):
    """An environment that can state its exact model."""

    @abc.abstractmethod
    def transition_table(self) -> TransitionTable:
        """The exact model of this environment; runs on the host, with concrete fields."""

    @property
    def P(self) -> dict[int, dict[int, list[tuple[float, int, float, bool]]]]:
        """The exact model in the form of Gymnasium's `env.unwrapped.P`; branches of probability 0 are left out.

        `P[state][action]` is a list of (probability, next state, reward, terminated), as Python numbers.
        """
        table = self.transition_table()
        columns = (table.probability, table.next_state, table.reward, table.terminated)
        states, actions, _ = table.probability.shape
        return {
            state: {
                action: [
                    (probability, next_state, reward, terminated)
                    for probability, next_state, reward, terminated in zip(
                        *(x[state, action].tolist() for x in columns)
                    )
                    if probability > 0
                ]
                for action in range(actions)
            }
            for state in range(states)
        }
