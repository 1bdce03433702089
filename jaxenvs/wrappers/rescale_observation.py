"""RescaleObservation: map observations to a range of the caller's choice."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box
from jaxenvs.wrappers._boxes import affine, check_bounds
from jaxenvs.wrappers.observation_wrapper import ObservationWrapper


class RescaleObservation(ObservationWrapper[Array]):
    """Maps observations affinely from their bounds to [min_observation, max_observation].

    The counterpart of `gymnasium.wrappers.RescaleObservation`. An unbounded component must keep its infinite bounds.
    A box of integers (such as an image) becomes one of float32; in Gymnasium the result is rounded back to
    integers.

    Attributes:
        min_observation: () or the observation's shape, the new lower bounds.
        max_observation: () or the observation's shape, the new upper bounds.
    """

    min_observation: ArrayLike
    max_observation: ArrayLike

    def check_spaces(self) -> None:
        """Checks that observations are a Box and that the bounds fit theirs."""
        bounds = self.min_observation, self.max_observation
        check_bounds(self, self._box, ("min_observation", "max_observation"), bounds)

    @property
    def _box(self) -> Box:
        space = self.env.observation_space
        if not isinstance(space, Box):
            raise InvalidField(
                f"RescaleObservation needs Box observations, got {type(space).__name__}."
                " Put a `FlattenObservation` or `OneHot` inside."
            )
        return space

    @property
    def observation_space(self) -> Box:
        """The box from `min_observation` to `max_observation`."""
        dtype = self._box.dtype if jnp.issubdtype(self._box.dtype, jnp.floating) else jnp.float32
        return Box(self.min_observation, self.max_observation, self._box.shape, dtype)

    def transform_observation(self, observation: Array) -> Array:
        scale = affine(self._box, self.min_observation, self.max_observation)
        return scale.forward(observation.astype(scale.gradient.dtype))
