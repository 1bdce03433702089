"""The network of the learners: a multilayer perceptron, with convolutions before it for pictures."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_choice
from jaxenvs.errors import InvalidField

Activation: TypeAlias = Literal["tanh", "relu", "silu"]

# XLA's CPU compiler has a fast product of a matrix and a vector, but not of a matrix and so few vectors: with
# 64 units, 256 samples and 2 outputs, the latter takes four times as long, and its gradient even longer.
_FEW_COLUMNS = 4

# Features, window size and stride of each convolutional layer: those of Mnih et al., "Human-level control
# through deep reinforcement learning", 2015, for pictures of 84 by 84, and those of Young and Tian, "MinAtar", 2019,
# for pictures that are too small for the former.
CHANNELS = (32, 64, 64)
_WINDOWS = ((8, 4), (4, 2), (3, 1))
_SMALL_CONVOLUTIONS = ((16, 3, 1),)
SMALLEST_WINDOW = _SMALL_CONVOLUTIONS[0][1]
LEAST_PIXELS = 36
"""Pictures with a shorter side go through the convolutions for small ones."""
_BRIGHTEST = 255.0

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": nn.tanh, "relu": nn.relu, "silu": nn.silu}


class MLP(nn.Module):
    """A multilayer perceptron in float32 from one vector to another, with convolutions before it if it reads pictures.

    Weights are initialised orthogonal, scaled by sqrt(2) in the hidden layers, and biases with 0.

    Attributes:
        hidden_sizes: units of each hidden layer.
        outputs: units of the last, linear layer.
        activation: the name of the hidden layers' nonlinearity.
        output_scale: scale of the last layer's weights.
        channels: features of each convolutional layer for pictures of at least 36 by 36 pixels; with fewer than three,
            the last layers are left out.
    """

    hidden_sizes: tuple[int, ...]
    outputs: int
    activation: Activation = "tanh"
    output_scale: float = 1.0
    channels: tuple[int, ...] = CHANNELS

    @nn.compact
    def __call__(self, x: Any) -> Array:
        """Maps (inputs,) float32, or a picture (rows, columns, channels), to (outputs,) float32.

        Pictures are uint8 from 0 to 255, bool, or float32, which is read as it is. A tuple of a vector and pictures
        becomes one vector: each picture has convolutions of its own.
        """
        if isinstance(x, tuple):
            x = jnp.concatenate([part if part.ndim == 1 else self._convolved(part) for part in x])
        elif x.ndim == 3:
            x = self._convolved(x)
        for size in self.hidden_sizes:
            x = ACTIVATIONS[self.activation](_dense(size, 2**0.5)(x))
        return _dense(self.outputs, self.output_scale)(x)

    def _convolved(self, picture: Array) -> Array:
        """The output of the last convolutional layer as one vector."""
        x = picture.astype(jnp.float32)
        x = x / _BRIGHTEST if picture.dtype == jnp.uint8 else x
        is_small = min(picture.shape[:2]) < LEAST_PIXELS
        layers = [(features, *window) for features, window in zip(self.channels, _WINDOWS, strict=False)]
        for features, size, stride in _SMALL_CONVOLUTIONS if is_small else layers:
            x = nn.Conv(
                features,
                (size, size),
                stride,
                padding="VALID",
                kernel_init=nn.initializers.orthogonal(2**0.5),
                dtype=jnp.float32,
                param_dtype=jnp.float32,
                conv_general_dilated=_product_of_windows if is_small else _convolution,
            )(x)
            x = ACTIVATIONS[self.activation](x)
        return x.reshape(-1)

    def value(self, weights: Any, x: Any) -> Array:
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
    """The product of a vector and a matrix with few columns, with the signature of `jax.lax.dot_general`."""
    return jnp.stack([jnp.vdot(x, kernel[:, column]) for column in range(kernel.shape[1])])


def _convolution(x: Array, kernel: Array, strides: tuple[int, int], padding: str, **options: Any) -> Array:
    """`conv_general_dilated` without padding, on a CPU as a matrix product."""

    def plain(x: Array, kernel: Array) -> Array:
        return jax.lax.conv_general_dilated(x, kernel, strides, padding, **options)

    def product(x: Array, kernel: Array) -> Array:
        return _product_of_windows(x, kernel, strides)

    return jax.lax.platform_dependent(x, kernel, cpu=product, default=plain)


def _product_of_windows(x: Array, kernel: Array, strides: tuple[int, int] = (1, 1), *_: Any, **__: Any) -> Array:
    """A convolution without padding, as a matrix product, with the signature of `conv_general_dilated`.

    The sides of the windows must be multiples of the strides. XLA's CPU compiler has no fast gradients of convolutions
    inside a loop. For one picture of 10 by 10, they took 240 us there, and take 30 us in this form. For the three
    layers that read a picture of 84 by 84, they took 22 ms of processor time, and take 3.5 ms in this form.
    """
    rows, columns, channels, features = kernel.shape
    x = _in_blocks(x, *strides)
    kernel = kernel.reshape(rows // strides[0], strides[0], columns // strides[1], strides[1], channels, features)
    kernel = jnp.moveaxis(kernel, 1, 2)  # blocks in the order of `_in_blocks`
    return windows(x, *kernel.shape[:2]) @ kernel.reshape(rows * columns * channels, features)


def windows(x: Array, rows: int, columns: int) -> Array:
    """All windows of rows by columns pixels of pictures, each as one row of numbers.

    Args:
        x: (..., height, width, channels).
        rows: height of a window.
        columns: width of a window.

    Returns:
        (..., height - rows + 1, width - columns + 1, rows * columns * channels); the channels vary fastest.
    """
    height, width = x.shape[-3] - rows + 1, x.shape[-2] - columns + 1
    corners = [(i, j) for i in range(rows) for j in range(columns)]
    return jnp.concatenate([x[..., i : i + height, j : j + width, :] for i, j in corners], axis=-1)


def _in_blocks(x: Array, rows: int, columns: int) -> Array:
    """Pictures with the pixels of a block, rows by columns, as the channels of one; incomplete blocks are left out."""
    if rows == columns == 1:
        return x
    *batch, height, width, channels = x.shape
    down, across = height // rows, width // columns
    x = x[..., : down * rows, : across * columns, :].reshape(*batch, down, rows, across, columns, channels)
    return jnp.moveaxis(x, -4, -3).reshape(*batch, down, across, rows * columns * channels)


def check_activation(learner: str, activation: str) -> None:
    """Raises `InvalidField` if there is no activation with this name."""
    check_choice(learner, "activation", activation, ACTIVATIONS)


def check_channels(learner: str, channels: Any) -> None:
    """Raises `InvalidField` if `channels` is not a tuple of one to three positive integers."""
    is_count = isinstance(channels, tuple) and 1 <= len(channels) <= len(_WINDOWS)
    if not is_count or not all(type(n) is int and n > 0 for n in channels):
        raise InvalidField(
            f"{learner}: `channels` must be a tuple of one to three positive integers, got {channels!r}."
        )
