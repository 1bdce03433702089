"""ScaleReward: each reward times a number."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.wrappers.reward_wrapper import RewardWrapper


class ScaleReward(RewardWrapper[Any]):
    """Multiplies each reward by `reward_scale`.

    The counterpart of bsuite's `RewardScale`. Unlike in a function given to `TransformReward`, the number is a leaf: it
    can differ from lane to lane, and another costs no compilation.

    Attributes:
        reward_scale: the factor.
    """

    reward_scale: ArrayLike

    def transform_reward(self, reward: Array) -> Array:
        """`reward_scale` times the reward, () float32."""
        return reward * jnp.asarray(self.reward_scale, reward.dtype)
