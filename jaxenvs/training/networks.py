"""Networks: a multilayer perceptron, with convolutions before it for pictures, and the features that it reads."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import check_choice
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Space
from jaxenvs.wrappers import RunningStatistics

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
_LEAST_PIXELS = 36
_MOST_CHANNELS = 4
_BRIGHTEST = 255.0
_LEAST_VARIANCE = 1e-8
"""Added to the variance by which features are scaled."""
_FEATURE_LIMIT = 10.0
"""Normalised features are clipped to this range, on both sides of 0."""

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": nn.tanh, "relu": nn.relu, "silu": nn.silu}


class MLP(nn.Module):
    """A multilayer perceptron in float32 from one vector to another, with convolutions before it if it reads a picture.

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
    def __call__(self, x: Array) -> Array:
        """Maps (inputs,) float32, or a picture (rows, columns, channels), to (outputs,) float32.

        Pictures are uint8 from 0 to 255, bool, or float32, which is read as it is.
        """
        if x.ndim == 3:
            x = self._convolved(x)
        for size in self.hidden_sizes:
            x = ACTIVATIONS[self.activation](_dense(size, 2**0.5)(x))
        return _dense(self.outputs, self.output_scale)(x)

    def _convolved(self, picture: Array) -> Array:
        """The output of the last convolutional layer as one vector."""
        x = picture.astype(jnp.float32)
        x = x / _BRIGHTEST if picture.dtype == jnp.uint8 else x
        is_small = min(picture.shape[:2]) < _LEAST_PIXELS
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


def is_picture(space: Space[Any]) -> bool:
    """Whether observations are pictures: uint8 or bool, with 3 axes (channels first or last), or a stack of these.

    uint8 with 2 axes is also a picture. bool with 2 axes is not, since a stack of vectors has that form as well.
    float32 with 3 axes is one if there are at most 4 channels of at least 36 by 36 pixels. The bounds do not matter:
    they are unknown where a space is traced, as in a policy that is an argument of a jitted function.
    """
    least = {np.dtype(np.uint8): 2, np.dtype(np.bool_): 3}
    if not isinstance(space, Box) or space.dtype not in least:
        return _is_float_picture(space)
    return least[space.dtype] <= len(space.shape) <= 4


def _is_float_picture(space: Space[Any]) -> bool:
    if not isinstance(space, Box) or space.dtype != np.float32 or len(space.shape) != 3:
        return False
    first, second, last = space.shape
    channels, sides = (first, (second, last)) if first < last else (last, (first, second))
    return channels <= _MOST_CHANNELS and min(sides) >= _LEAST_PIXELS


def to_features(space: Space[Any], observation: Any) -> Array:
    """The features of an observation, as networks read them.

    Returns:
        A picture as (rows, columns, channels), in its own dtype. Of 3 axes, the first contains the channels if it is
        shorter than the last (a stack of grey pictures), else the last; of 4 axes, both do (a stack of coloured
        pictures). Everything else as in `to_vector`.
    """
    if not is_picture(space):
        return to_vector(space, observation)
    if observation.ndim == 4:
        return jnp.moveaxis(observation, 0, 2).reshape(*observation.shape[1:3], -1)
    if observation.ndim == 2:
        return observation[:, :, None]
    return jnp.moveaxis(observation, 0, 2) if observation.shape[0] < observation.shape[2] else observation


def to_vector(space: Space[Any], observation: Any) -> Array:
    """The features for networks without convolutions: (space.flat_size,) float32, with discrete parts one-hot."""
    return space.flatten(observation).astype(jnp.float32)


def normalized(statistics: RunningStatistics | None, features: Array) -> Array:
    """Features (inputs,) with mean 0 and variance 1 by their statistics, in [-10, 10]; unchanged without these."""
    if statistics is None:
        return features
    deviation = jnp.sqrt(statistics.variance + _LEAST_VARIANCE)
    return jnp.clip((features - statistics.mean) / deviation, -_FEATURE_LIMIT, _FEATURE_LIMIT)


def blank_features(space: Space[Any]) -> Array:
    """Zeros in the form of `to_features`."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    form = jax.eval_shape(lambda key: to_features(space, space.sample(key)), key)
    return jnp.zeros(form.shape, form.dtype)


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


def check_observation_space(learner: str, space: Space[Any], *, takes_pictures: bool = False) -> None:
    """Raises `InvalidField` if observations are empty, or contain pictures (uint8 of 2 or more axes) without a network.

    Args:
        learner: name of the learner.
        space: the observation space.
        takes_pictures: whether the learner has a network for a single picture.
    """
    if space.flat_size == 0:
        raise InvalidField(
            f"{learner}: these observations contain no numbers: {space}. Add a constant, with"
            " `TransformObservation(env, lambda observation: jnp.ones(1), Box(0, 1, (1,)))`."
        )
    if takes_pictures and is_picture(space):
        rows, columns, _ = jax.eval_shape(lambda: blank_features(space)).shape
        if min(rows, columns) < _SMALL_CONVOLUTIONS[0][1]:
            raise InvalidField(
                f"{learner}: pictures of {rows} by {columns} pixels are too small for convolutions."
                " Pass `FlattenObservation(env)` to read the pixels as one vector."
            )
        return
    for part in jax.tree.leaves(space, is_leaf=lambda node: isinstance(node, Box)):
        if isinstance(part, Box) and part.dtype == jnp.uint8 and len(part.shape) >= 2:
            reads = "vectors and for single pictures of 2 to 4 axes" if takes_pictures else "vectors"
            raise InvalidField(
                f"{learner} has a network for {reads}, but these observations contain pictures: {part}."
                " Observe the state instead, or pass `FlattenObservation(env)` to read the pixels as one vector."
            )
