"""TransformReward: each reward mapped by a given function."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_function
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.wrappers.reward_wrapper import RewardWrapper


class TransformReward(RewardWrapper[Any]):
    """Maps the reward of each step by `func`.

    The counterpart of `gymnasium.wrappers.TransformReward`.

    Attributes:
        func: a pure function, traceable by JAX, from () float32 to a number of shape (). It is part of the traced
            program, so define it once: a new lambda means a new trace.
        training_only: whether `evaluation` removes the wrapper. By default it does not: the function may be part of the
            task. Pass True if it only shapes or rescales what the agent learns from.
    """

    func: Callable[[Array], ArrayLike] = static()
    training_only: bool = static(default=False, kw_only=True)

    def check_fields(self) -> None:
        """Checks that `func` is a function."""
        check_function(self, "func", self.func)

    def check_spaces(self) -> None:
        """Checks that `func` returns a number."""
        result = jax.eval_shape(self.func, jax.ShapeDtypeStruct((), jnp.float32))
        if jax.tree.structure(result) != jax.tree.structure(0) or result.shape != ():
            raise InvalidField(f"TransformReward: `func` must return one number of shape (), got {result}.")

    def transform_reward(self, reward: Array) -> Array:
        return jnp.asarray(self.func(reward), jnp.float32)
