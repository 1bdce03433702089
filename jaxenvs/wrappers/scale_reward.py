"""ScaleReward: each reward times a number."""

import math
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_range
from jaxenvs.core.pytree import static
from jaxenvs.wrappers.reward_wrapper import RewardWrapper


class ScaleReward(RewardWrapper[Any]):
    """Multiplies each reward by `reward_scale`.

    The counterpart of bsuite's `RewardScale`. Unlike a number in a function given to `TransformReward`, the factor is a
    leaf: it can differ from lane to lane, and changing it costs no compilation.

    Attributes:
        reward_scale: the factor.
        training_only: whether `evaluation` removes the wrapper. By default it does, as bsuite scores unscaled rewards.
    """

    reward_scale: ArrayLike
    training_only: bool = static(default=True, kw_only=True)

    def check_values(self) -> None:
        """Checks that the factor is finite."""
        check_range(self, "reward_scale", self.reward_scale, -math.inf, above=True, below=True, on_device=True)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """The wrapped environment's reward range, times the factor."""
        low, high = (jnp.asarray(bound, jnp.float32) for bound in self.env.reward_range)
        factor = jnp.asarray(self.reward_scale, jnp.float32)
        # An infinite bound times 0 is NaN.
        ends = [jnp.where(factor == 0, 0.0, bound * factor) for bound in (low, high)]
        return jnp.minimum(*ends), jnp.maximum(*ends)

    def transform_reward(self, reward: Array) -> Array:
        """`reward_scale` times the reward, () float32."""
        return reward * jnp.asarray(self.reward_scale, reward.dtype)
