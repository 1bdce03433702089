"""NoisyReward: Gaussian noise on each reward."""

import math
from typing import Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import TimeStep
from jaxenvs.core.wrapper import SameActions, SameObservations, StatefulWrapper, WrapperState, inner_observation
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key

Obs = TypeVar("Obs")


class NoisyRewardState(WrapperState):
    """State of `NoisyReward`.

    Attributes:
        key: () key that the noise is drawn from.
    """

    key: Key


class NoisyReward(SameObservations, SameActions, StatefulWrapper[NoisyRewardState, Obs], Generic[Obs]):
    """Adds Gaussian noise to the reward of each step; the 0 at reset is no reward and stays.

    The counterpart of bsuite's `RewardNoise`. It goes inside or around AutoReset.

    Attributes:
        noise_scale: the standard deviation of the noise.
    """

    noise_scale: ArrayLike

    def check_values(self) -> None:
        """Checks that the standard deviation is finite and not below 0."""
        scale = np.asarray(self.noise_scale)
        if not np.all(np.isfinite(scale) & (scale >= 0)):
            raise InvalidField(f"NoisyReward: `noise_scale` must be at least 0 and finite, got {self.noise_scale}.")

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """Unbounded."""
        return -math.inf, math.inf

    observe = inner_observation

    def reset(self, key: Key) -> tuple[NoisyRewardState, TimeStep[Obs]]:
        """Resets the wrapped environment."""
        key, inner_key = jax.random.split(check_key(key))
        inner, timestep = self.env.reset(inner_key)
        return NoisyRewardState(inner, key), timestep

    def step(self, state: NoisyRewardState, action: Array) -> tuple[NoisyRewardState, TimeStep[Obs]]:
        """Steps the wrapped environment, and adds noise to what it pays."""
        key, noise_key = jax.random.split(state.key)
        inner, timestep = self.env.step(state.inner, action)
        noise = jnp.asarray(self.noise_scale, jnp.float32) * jax.random.normal(noise_key, (), jnp.float32)
        return NoisyRewardState(inner, key), timestep.replace(reward=timestep.reward + noise)
