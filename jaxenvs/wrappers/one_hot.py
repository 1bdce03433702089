"""OneHot: discrete observations as one-hot vectors."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Discrete, MultiDiscrete
from jaxenvs.wrappers.observation_wrapper import ObservationWrapper


class OneHot(ObservationWrapper[Array]):
    """Encodes a Discrete or MultiDiscrete observation as a one-hot vector of float32.

    The parts of a MultiDiscrete observation are encoded one after the other.
    """

    def check_spaces(self) -> None:
        space = self.env.observation_space
        if not isinstance(space, Discrete | MultiDiscrete):
            raise InvalidField(
                f"OneHot needs Discrete or MultiDiscrete observations, got {type(space).__name__}."
                " `FlattenObservation` encodes the discrete parts of any space."
            )

    @property
    def observation_space(self) -> Box:
        """(n,) float32, each 0 or 1; n is the number of values, summed over the parts."""
        return Box(0.0, 1.0, (self.env.observation_space.flat_size,), jnp.float32)

    def transform_observation(self, observation: Any) -> Array:
        return self.env.observation_space.flatten(observation).astype(jnp.float32)
