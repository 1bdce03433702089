"""The optimiser of the learners: Adam on clipped gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import PyTreeNode


class Optimizer(PyTreeNode):
    """Adam, on gradients that may be clipped to a norm. All numbers are data, so `vmap` maps over them.

    Attributes:
        max_grad_norm: gradients are scaled down to this global norm; None for no limit.
        epsilon: Adam's; added to the root of the second moment.
    """

    max_grad_norm: ArrayLike | None = 0.5
    epsilon: ArrayLike = 1e-5

    def init(self, weights: Any) -> Any:
        """Adam's moments before any gradient."""
        return self._adam.init(weights)

    def step(self, weights: Any, gradient: Any, state: Any, learning_rate: Array) -> tuple[Any, Any]:
        """The weights after a step down the gradient, and the next state."""
        if self.max_grad_norm is not None:
            limit, norm = jnp.asarray(self.max_grad_norm, jnp.float32), _global_norm(gradient)
            gradient = jax.tree.map(lambda g: jnp.where(norm > limit, limit / norm, 1.0) * g, gradient)
        # optax raises a float to an integer power, which strict type promotion does not allow.
        with jax.numpy_dtype_promotion("standard"):
            change, state = self._adam.update(gradient, state)
        return jax.tree.map(lambda w, c: w - learning_rate * c, weights, change), state

    @property
    def _adam(self) -> optax.GradientTransformation:
        return optax.scale_by_adam(eps=self.epsilon)  # pyright: ignore[reportArgumentType]  # may be an array


def _global_norm(tree: Any) -> Array:
    """() float32: the norm of all leaves together, by dot products, which XLA vectorises on a CPU, unlike sums."""
    squares = [jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(jnp.stack(squares).sum())
