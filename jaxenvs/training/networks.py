"""Networks: a multilayer perceptron, and observations as the vectors that it reads."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.errors import InvalidField
from jaxenvs.core.spaces import Box, Space

Activation: TypeAlias = Literal["tanh", "relu", "silu"]

# XLA's CPU compiler has a fast product of a matrix and a vector, and none of a matrix and so few vectors: with
# 64 units, 256 samples and 2 outputs, those take four times as long, and their gradients more.
_FEW_COLUMNS = 4

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": nn.tanh, "relu": nn.relu, "silu": nn.silu}


class MLP(nn.Module):
    """A multilayer perceptron from one vector to another; float32 throughout.

    Weights start orthogonal, scaled by sqrt(2) in the hidden layers; biases start at 0.

    Attributes:
        hidden_sizes: units of each hidden layer.
        outputs: units of the last, linear layer.
        activation: the name of the hidden layers' nonlinearity.
        output_scale: scale of the last layer's weights.
    """

    hidden_sizes: tuple[int, ...]
    outputs: int
    activation: Activation = "tanh"
    output_scale: float = 1.0

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Maps (inputs,) to (outputs,)."""
        for size in self.hidden_sizes:
            x = ACTIVATIONS[self.activation](_dense(size, 2**0.5)(x))
        return _dense(self.outputs, self.output_scale)(x)

    def value(self, weights: Any, x: Array) -> Array:
        """`__call__` with `weights`, as `init` returns them."""
        return self.apply(weights, x)  # pyright: ignore[reportReturnType]  # a pair only with `mutable`


def _dense(size: int, scale: float) -> nn.Dense:
    return nn.Dense(
        size,
        kernel_init=nn.initializers.orthogonal(scale),
        dtype=jnp.float32,
        param_dtype=jnp.float32,
        dot_general=_product_by_columns if 1 < size <= _FEW_COLUMNS else None,
    )


def _product_by_columns(x: Array, kernel: Array, *_: Any, **__: Any) -> Array:
    """The product of a vector and a matrix of few columns, with the signature of `jax.lax.dot_general`."""
    return jnp.stack([jnp.vdot(x, kernel[:, column]) for column in range(kernel.shape[1])])


def to_features(space: Space[Any], observation: Any) -> Array:
    """(space.flat_size,) float32: an observation as one vector; discrete parts become one-hot."""
    return space.flatten(observation).astype(jnp.float32)


def check_activation(learner: str, activation: str) -> None:
    """Raises `InvalidField` where there is no activation of that name."""
    if activation not in ACTIVATIONS:
        raise InvalidField(f"{learner}: `activation` must be one of {', '.join(ACTIVATIONS)}, got {activation!r}.")


def check_observation_space(learner: str, space: Space[Any]) -> None:
    """Raises `InvalidField` where observations hold pictures: uint8 arrays of two axes or more."""
    for part in jax.tree.leaves(space, is_leaf=lambda node: isinstance(node, Box)):
        if isinstance(part, Box) and part.dtype == jnp.uint8 and len(part.shape) >= 2:
            raise InvalidField(
                f"{learner} has a network for vectors, and these observations are pictures: {part}."
                " Observe the state instead, or pass `FlattenObservation(env)` to read the pixels as one vector."
            )
