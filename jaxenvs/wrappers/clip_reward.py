"""ClipReward: rewards within bounds."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.wrappers.reward_wrapper import RewardWrapper


class ClipReward(RewardWrapper[Any]):
    """Clips each reward to [min_reward, max_reward].

    The counterpart of `gymnasium.wrappers.ClipReward`.

    Attributes:
        min_reward: the least reward; None for no lower bound.
        max_reward: the greatest reward; None for no upper bound.
        training_only: whether `evaluation` removes the wrapper. By default it does, since clipped returns compare with
            nothing; pass False if the clipped reward is the task.
    """

    min_reward: ArrayLike | None = None
    max_reward: ArrayLike | None = None
    training_only: bool = static(default=True, kw_only=True)

    def check_values(self) -> None:
        """Checks that there is a bound and that the two are in order."""
        low, high = self.min_reward, self.max_reward
        if low is None and high is None:
            raise InvalidField("ClipReward: give `min_reward`, `max_reward` or both.")
        if low is not None and high is not None and np.any(np.asarray(low) > np.asarray(high)):
            raise InvalidField(f"ClipReward: `min_reward` ({low}) is above `max_reward` ({high}); swap them.")

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """The wrapped environment's reward range, clipped."""
        low, high = (self.transform_reward(jnp.asarray(bound, jnp.float32)) for bound in self.env.reward_range)
        return low, high

    def transform_reward(self, reward: Array) -> Array:
        low, high = (None if b is None else jnp.asarray(b, reward.dtype) for b in (self.min_reward, self.max_reward))
        return jnp.clip(reward, low, high)
