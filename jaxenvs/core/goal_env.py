"""GoalEnv: an environment whose reward and end depend on a goal, so that an episode can be judged by another goal."""

import abc
from typing import Any, ClassVar, Generic, TypeVar

from jax import Array

from jaxenvs.core.env import Env

State = TypeVar("State")


class GoalEnv(Env[State, dict[str, Any]], Generic[State]):
    """An environment with a goal, as `gymnasium_robotics.core.GoalEnv`.

    Its observation space is a Dict with at least three entries:

    * `observation`: what the agent sees besides the goals.
    * `achieved_goal`: the goal that the state is at.
    * `desired_goal`: the goal that the agent should reach, constant in an episode.

    The reward and the two flags of a step follow from the goals alone, by the three methods below: `reward` is
    `compute_reward(final["achieved_goal"], final["desired_goal"], info)`, where `final` is the step's
    `final_observation`, and so on. Hindsight experience replay uses them to learn from an episode as if another goal
    had been desired.

    They are pure and can be jitted. The arguments may have leading axes, which the result then has as well: goals of
    shape (n, 3) give n rewards. They accept NumPy arrays, JAX arrays and tracers.
    """

    goal_entries: ClassVar[tuple[str, str, str]] = ("observation", "achieved_goal", "desired_goal")
    """The entries that the observation space of every goal environment has."""

    @abc.abstractmethod
    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """The reward of a step.

        Args:
            achieved_goal: (..., *goal) the goal that the step led to.
            desired_goal: (..., *goal) the goal that was desired.
            info: `info` of the step, or a sequence of them for a batch. Tasks that do not need it ignore it.

        Returns:
            (...) float32.
        """

    @abc.abstractmethod
    def compute_terminated(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) bool: whether a step ended the task; the arguments are those of `compute_reward`."""

    @abc.abstractmethod
    def compute_truncated(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) bool: whether a step was stopped from outside the task; the arguments are those of `compute_reward`.

        It is False in a base environment, which never truncates; the wrapper `TimeLimit` does not change it.
        """
