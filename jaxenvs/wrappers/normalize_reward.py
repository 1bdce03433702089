"""NormalizeReward: rewards on the scale of the discounted return."""

import math
from typing import ClassVar, Generic, TypeVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_range
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
from jaxenvs.wrappers.running_statistics import RunningStatistics, check_axis_name

Obs = TypeVar("Obs")


class RewardNormalizationState(WrapperState):
    """State of `NormalizeReward`.

    Attributes:
        discounted: () float32, the discounted sum of the episode's rewards so far.
        statistics: mean and variance, (), of that sum over all steps so far.
    """

    discounted: Array
    statistics: RunningStatistics


class NormalizeReward(SameObservations, SameActions, StatefulWrapper[RewardNormalizationState, Obs], Generic[Obs]):
    """Divides rewards by the running standard deviation of the discounted sum of rewards.

    The counterpart of `gymnasium.wrappers.vector.NormalizeReward` in its same-step mode: at each step the
    sum becomes `gamma * sum * (1 - terminated) + reward` and is counted, the reward is divided, and at the end of
    an episode the sum becomes 0. It goes around AutoReset, so that the statistics are kept from episode to
    episode.

    Each lane of a `jax.vmap` has its own statistics. With `axis_name="envs"` and
    `jax.vmap(env.step, axis_name="envs")` (and the same for `env.reset`) all lanes share one set, to
    which they add as a batch.

    Attributes:
        gamma: the discount factor of the sum, in [0, 1].
        epsilon: added to the variance before taking the square root.
        axis_name: the mapped axis that shares statistics; None for none.
        update: whether rewards count; False freezes the statistics.
        initial: the statistics at reset; None for mean 0 and variance 1.
        training_only: whether `evaluation` removes the wrapper. By default it does: a policy does not see rewards, and
            normalised returns depend on what was played before.
    """

    gamma: ArrayLike = 0.99
    epsilon: ArrayLike = 1e-8
    axis_name: str | None = static(default=None)
    update: bool = static(default=True)
    initial: RunningStatistics | None = None
    training_only: bool = static(default=True, kw_only=True)

    placement: ClassVar[Placement] = "around"

    def check_fields(self) -> None:
        """Checks the name of the axis."""
        check_axis_name(self, self.axis_name)

    def check_values(self) -> None:
        check_range(self, "gamma", self.gamma, 0, 1, on_device=True)
        check_range(self, "epsilon", self.epsilon, 0, above=True, on_device=True)

    observe = inner_observation

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -math.inf, math.inf

    def reset(self, key: Key) -> tuple[RewardNormalizationState, TimeStep[Obs]]:
        """Resets the wrapped environment and the statistics."""
        inner, timestep = self.env.reset(key)
        statistics = RunningStatistics.of_shape(()) if self.initial is None else self.initial
        return RewardNormalizationState(inner, jnp.zeros((), jnp.float32), statistics), timestep

    def step(self, state: RewardNormalizationState, action: Array) -> tuple[RewardNormalizationState, TimeStep[Obs]]:
        inner, timestep = self.env.step(state.inner, action)
        discounted = state.discounted * self.gamma * timestep.discount + timestep.reward
        statistics = state.statistics
        if self.update:
            statistics = statistics.update(discounted, axis_name=self.axis_name)
        reward = timestep.reward / jnp.sqrt(statistics.variance + self.epsilon)
        discounted = jnp.where(timestep.done, 0.0, discounted)
        return RewardNormalizationState(inner, discounted, statistics), timestep.replace(reward=reward)
