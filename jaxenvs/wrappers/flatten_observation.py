"""FlattenObservation: each observation as one vector."""

from typing import Any

from jax import Array

from jaxenvs.spaces import Space
from jaxenvs.wrappers.observation_wrapper import ObservationWrapper


class FlattenObservation(ObservationWrapper[Array]):
    """Flattens each observation, of any space, to one vector; discrete parts become one-hot.

    The counterpart of `gymnasium.wrappers.FlattenObservation`.
    """

    @property
    def observation_space(self) -> Space[Any]:
        """(flat_size,): the flat form of the wrapped environment's space."""
        return self.env.observation_space.flat_space()

    def transform_observation(self, observation: Any) -> Array:
        """The observation as one vector of shape (flat_size,)."""
        return self.env.observation_space.flatten(observation)
