"""The network of AlphaZero: a small residual network that reads a board."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.training.networks import windows

_HEAD_CHANNELS = 8
_VALUE_UNITS = 64
_NORMAL = nn.initializers.he_normal()
_SMALL = nn.initializers.variance_scaling(1e-4, "fan_in", "normal")
"""Makes the first policy nearly uniform, and the first values nearly 0."""


class BoardNetwork(nn.Module):
    """A residual convolutional network in float32 with two outputs: a policy and a value.

    There is no normalisation; instead, each residual block begins as the identity.

    Attributes:
        channels: of each convolutional layer.
        blocks: residual blocks of two layers.
        num_actions: outputs of the policy.
    """

    channels: int
    blocks: int
    num_actions: int

    @nn.compact
    def __call__(self, boards: Array) -> tuple[Array, Array]:
        """Maps n boards to policies and values.

        Args:
            boards: (n, rows, columns, channels) bool.

        Returns:
            (n, num_actions) float32, logits; and (n,) float32 in [-1, 1], the expected outcome for who sees the board.
        """
        x = nn.relu(self._convolution("first")(boards.astype(jnp.float32)))
        for block in range(self.blocks):
            y = nn.relu(self._convolution(f"block_{block}_in")(x))
            x = nn.relu(x + self._convolution(f"block_{block}_out", nn.initializers.zeros)(y))
        policy, value = (nn.relu(_dense(_HEAD_CHANNELS, name)(x)) for name in ("policy_in", "value_in"))
        policy, value = (head.reshape(len(boards), -1) for head in (policy, value))
        logits = _dense(self.num_actions, "policy_out", _SMALL)(policy)
        hidden = nn.relu(_dense(_VALUE_UNITS, "value_hidden")(value))
        return logits, jnp.tanh(_dense(1, "value_out", _SMALL)(hidden)[:, 0])

    def outputs(self, weights: Any, boards: Array) -> tuple[Array, Array]:
        """`__call__` with `weights`, as `init` returns them."""
        return self.apply(weights, boards)  # pyright: ignore[reportReturnType]  # another pair only with `mutable`

    def _convolution(self, name: str, kernel_init: Any = _NORMAL) -> nn.Conv:
        return nn.Conv(
            self.channels,
            (3, 3),
            kernel_init=kernel_init,
            dtype=jnp.float32,
            param_dtype=jnp.float32,
            conv_general_dilated=_convolve_in_flax,
            name=name,
        )


def _dense(size: int, name: str, kernel_init: Any = _NORMAL) -> nn.Dense:
    return nn.Dense(size, kernel_init=kernel_init, dtype=jnp.float32, param_dtype=jnp.float32, name=name)


def _convolve_in_flax(x: Array, kernel: Array, *_: Any, **__: Any) -> Array:
    """`_convolve`, with the signature of `jax.lax.conv_general_dilated`."""
    return _convolve(x, kernel)


@jax.custom_vjp
def _convolve(x: Array, kernel: Array) -> Array:
    """A convolution of stride 1 whose output has the size of its input.

    XLA's CPU compiler has a fast convolution, but not for the gradient with respect to the kernel. There, that is
    computed as a product of matrices: in a loop on two cores (JAX 0.10.2), the gradients of four layers of 32 channels
    for 128 boards of 6 by 7 take 18 ms instead of 305 ms.

    Args:
        x: (n, rows, columns, channels) float32.
        kernel: (height, width, channels, features) float32, height and width odd.

    Returns:
        (n, rows, columns, features) float32.
    """
    return _plain(x, kernel)


def _plain(x: Array, kernel: Array) -> Array:
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return _convolve(x, kernel), (x, kernel)


def _backward(kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    return jax.lax.platform_dependent(*kept, gradient, cpu=_gradients_by_products, default=_gradients)


def _gradients(x: Array, kernel: Array, gradient: Array) -> tuple[Array, Array]:
    return jax.vjp(_plain, x, kernel)[1](gradient)


def _gradients_by_products(x: Array, kernel: Array, gradient: Array) -> tuple[Array, Array]:
    height, width, _, features = kernel.shape
    padded = jnp.pad(x, ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    table = windows(padded, height, width)
    of_kernel = table.reshape(-1, table.shape[-1]).T @ gradient.reshape(-1, features)
    return _plain(gradient, kernel[::-1, ::-1].swapaxes(2, 3)), of_kernel.reshape(kernel.shape)


_convolve.defvjp(_forward, _backward)
