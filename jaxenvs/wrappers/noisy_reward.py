"""NoisyReward: Gaussian noise on each reward."""

import math
from typing import Generic, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_range
from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.core.wrapper import SameActions, SameObservations, StatefulWrapper, WrapperState, inner_observation
from jaxenvs.random import Key, check_key

Obs = TypeVar("Obs")


class NoisyRewardState(WrapperState):
    """State of `NoisyReward`.

    Attributes:
        key: () key that the noise is drawn from.
    """

    key: Key


class NoisyReward(SameObservations, SameActions, StatefulWrapper[NoisyRewardState, Obs], Generic[Obs]):
    """Adds Gaussian noise to the reward of each step; the 0 at reset is not a reward and stays.

    The counterpart of bsuite's `RewardNoise`. It goes inside or around AutoReset.

    Attributes:
        noise_scale: the standard deviation of the noise.
        training_only: whether `evaluation` removes the wrapper. By default it does, as bsuite scores rewards without
            noise.
    """

    noise_scale: ArrayLike
    training_only: bool = static(default=True, kw_only=True)

    def check_values(self) -> None:
        """Checks that the standard deviation is finite and not below 0."""
        check_range(self, "noise_scale", self.noise_scale, 0, below=True, on_device=True)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -math.inf, math.inf

    observe = inner_observation

    def reset(self, key: Key) -> tuple[NoisyRewardState, TimeStep[Obs]]:
        key, inner_key = jax.random.split(check_key(key))
        inner, timestep = self.env.reset(inner_key)
        return NoisyRewardState(inner, key), timestep

    def step(self, state: NoisyRewardState, action: Array) -> tuple[NoisyRewardState, TimeStep[Obs]]:
        """Steps the wrapped environment, and adds noise to its reward."""
        key, noise_key = jax.random.split(state.key)
        inner, timestep = self.env.step(state.inner, action)
        noise = jnp.asarray(self.noise_scale, jnp.float32) * jax.random.normal(noise_key, (), jnp.float32)
        return NoisyRewardState(inner, key), timestep.replace(reward=timestep.reward + noise)
