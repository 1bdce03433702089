"""The optimiser that the learners share: Adam on clipped gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import PyTreeNode


class Optimizer(PyTreeNode):
    """Adam on gradients clipped to a norm. All numbers are data, so `vmap` maps over them.

    Attributes:
        max_grad_norm: gradients are scaled down to this global norm.
        epsilon: Adam's; added to the root of the second moment.
    """

    max_grad_norm: ArrayLike = 0.5
    epsilon: ArrayLike = 1e-5

    def init(self, weights: Any) -> Any:
        """Adam's moments before any gradient."""
        return self._transform.init(weights)

    def step(self, weights: Any, gradient: Any, state: Any, learning_rate: Array) -> tuple[Any, Any]:
        """The weights after a step down the gradient, and the next state."""
        # optax raises a float to an integer power, which JAX's strict type promotion would refuse.
        with jax.numpy_dtype_promotion("standard"):
            change, state = self._transform.update(gradient, state)
        return jax.tree.map(lambda w, c: w - learning_rate * c, weights, change), state

    @property
    def _transform(self) -> optax.GradientTransformation:
        norm = jnp.asarray(self.max_grad_norm, jnp.float32)
        return optax.chain(optax.clip_by_global_norm(norm), optax.scale_by_adam(eps=self.epsilon))  # pyright: ignore[reportArgumentType]  # numbers may be arrays
