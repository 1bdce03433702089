"""NormalizeObservation: observations with mean 0 and variance 1."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_range
from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.core.wrapper import Placement, SameActions, StatefulWrapper, WrapperState, resets_itself
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.spaces import Box
from jaxenvs.wrappers._elements import element_struct
from jaxenvs.wrappers.running_statistics import RunningStatistics, check_axis_name


class NormalizationState(WrapperState):
    """State of `NormalizeObservation`.

    Attributes:
        statistics: mean and variance of the observations so far, each of the observation's shape.
    """

    statistics: RunningStatistics


class NormalizeObservation(SameActions, StatefulWrapper[NormalizationState, Array]):
    """Shifts and scales observations by the running mean and standard deviation of all seen so far.

    The counterpart of `gymnasium.wrappers.NormalizeObservation`: each observation is first counted and then
    normalised. It goes around AutoReset, so that the statistics are kept from episode to episode. A step that
    ends an episode counts its final observation and then the new start. Both observations of a timestep are
    normalised with `state.statistics` as they are after it.

    Each lane of a `jax.vmap` has its own statistics. With `axis_name="envs"` and
    `jax.vmap(env.step, axis_name="envs")` (and the same for `env.reset`) all lanes share one set, to
    which they add as a batch, as in Gymnasium's vector wrapper.

    To evaluate with the learned statistics:
    `NormalizeObservation(env, update=False, initial=jax.tree.map(lambda x: x[0], state.statistics))`.

    Attributes:
        epsilon: added to the variance before taking the square root.
        axis_name: the mapped axis that shares statistics; None for none.
        update: whether observations count; False freezes the statistics.
        initial: the statistics at reset; None for mean 0 and variance 1.
    """

    epsilon: ArrayLike = 1e-8
    axis_name: str | None = static(default=None)
    update: bool = static(default=True)
    initial: RunningStatistics | None = None

    placement: ClassVar[Placement] = "around"

    def check_fields(self) -> None:
        """Checks the name of the axis."""
        check_axis_name(self, self.axis_name)

    def check_values(self) -> None:
        check_range(self, "epsilon", self.epsilon, 0, above=True, on_device=True)

    def check_spaces(self) -> None:
        """Checks that an observation is a single array."""
        element_struct(self.observation_space)

    @property
    def observation_space(self) -> Box:
        """Unbounded, float32, of the wrapped observation's shape."""
        space = self.env.observation_space
        element = element_struct(space)
        if not isinstance(element, jax.ShapeDtypeStruct):
            raise InvalidField(
                f"NormalizeObservation needs observations that are one array, got {type(space).__name__}."
                " Put a `FlattenObservation` inside."
            )
        return Box(-np.inf, np.inf, element.shape, jnp.float32)

    def reset(self, key: Key) -> tuple[NormalizationState, TimeStep[Array]]:
        """Resets the wrapped environment and the statistics."""
        inner, timestep = self.env.reset(key)
        statistics = self._count(self._first_statistics, timestep.observation, True)
        return NormalizationState(inner, statistics), self._normalize(timestep, statistics)

    def step(self, state: NormalizationState, action: Array) -> tuple[NormalizationState, TimeStep[Array]]:
        inner, timestep = self.env.step(state.inner, action)
        statistics = self._count(state.statistics, timestep.final_observation, True)
        if resets_itself(self.env):
            statistics = self._count(statistics, timestep.observation, timestep.done)
        return NormalizationState(inner, statistics), self._normalize(timestep, statistics)

    @property
    def _first_statistics(self) -> RunningStatistics:
        shape = self.observation_space.shape
        if self.initial is None:
            return RunningStatistics.of_shape(shape)
        if jnp.shape(self.initial.mean) != shape:
            raise InvalidField(
                f"NormalizeObservation: `initial` must be of shape {shape}, got {jnp.shape(self.initial.mean)}."
                " Take one lane's: `jax.tree.map(lambda x: x[0], state.statistics)`."
            )
        return self.initial

    def _count(self, statistics: RunningStatistics, observation: Array, where: ArrayLike) -> RunningStatistics:
        if not self.update:
            return statistics
        return statistics.update(observation.astype(jnp.float32), where=where, axis_name=self.axis_name)

    def _normalize(self, timestep: TimeStep[Any], statistics: RunningStatistics) -> TimeStep[Array]:
        deviation = jnp.sqrt(statistics.variance + self.epsilon)
        return timestep.replace(
            observation=(timestep.observation.astype(jnp.float32) - statistics.mean) / deviation,
            final_observation=(timestep.final_observation.astype(jnp.float32) - statistics.mean) / deviation,
        )
