"""Pixels as packed integers, and blending a colour into them.

A frame is (height, width) uint32, one `0x00BBGGRR` per pixel. Blending in integers makes a picture the same with and
without `jit`. It also keeps all work on a pixel in one fused loop, with a third of the memory of three float channels.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.errors import InvalidField

OPAQUE = 256
"""The alpha of an opaque layer. A power of two, so that blending needs no division."""

_RED_AND_BLUE = 0x00FF00FF
_HALF = 0x00800080


def check_color(color: Any) -> None:
    """Raises `InvalidField` if a colour is a name, or its numbers are from 0 to 1."""
    if isinstance(color, str):
        raise InvalidField(
            f"A colour is three numbers from 0 to 255, got {color!r}. `jaxenvs.canvas.palette` has some, such as"
            " `palette.RED`."
        )
    if isinstance(color, tuple | list) and any(isinstance(part, float) and 0 < part < 1 for part in color):
        raise InvalidField(f"A colour is three numbers from 0 to 255, got {color!r}. Multiply numbers up to 1 by 255.")


def pack(color: Any) -> Array:
    """(red, green, blue), each 0 to 255, or an array with such a last axis, as uint32 pixels."""
    color = jnp.asarray(color)
    if not jnp.issubdtype(color.dtype, jnp.integer):
        color = jnp.round(color)
    red, green, blue = (jnp.clip(color[..., i], 0, 255).astype(jnp.uint32) for i in range(3))
    return red | (green << 8) | (blue << 16)


def unpack(pixels: Array) -> Array:
    """(..., 3) uint8 from uint32 pixels."""
    # The remainder changes nothing, as pixels are smaller. But XLA never computes a remainder twice, so it keeps the
    # finished pixels rather than drawing the picture again for each byte of a pixel.
    pixels = jax.lax.rem(pixels, jnp.full_like(pixels, 0x01000001))
    return jax.lax.bitcast_convert_type(pixels, jnp.uint8)[..., :3]


def alpha_of(distance: Array) -> Array:
    """uint32 alpha, 0 to 256, of a shape given by its signed distance in pixels, with an edge one pixel wide.

    A distance that is NaN gives 0.
    """
    covered = jnp.minimum(0.5 - distance, 1.0)
    return jnp.where(covered > 0, jnp.floor(covered * OPAQUE + 0.5), 0.0).astype(jnp.uint32)


def fade(alpha: Array, opacity: ArrayLike) -> Array:
    """`alpha` times `opacity`, a number from 0 to 1."""
    if isinstance(opacity, int | float) and opacity == 1:
        return alpha
    opacity = jnp.clip(jnp.asarray(opacity, jnp.float32), 0.0, 1.0)
    factor = jnp.where(opacity >= 0, jnp.floor(opacity * OPAQUE + 0.5), 0.0).astype(jnp.uint32)
    return (alpha * factor + OPAQUE // 2) >> 8


def blend(pixels: Array, alpha: Array, color: Array) -> Array:
    """Lays `color` over `pixels`.

    Args:
        pixels: uint32.
        alpha: uint32, 0 to 256.
        color: uint32, a scalar or one per pixel.
    """
    keep = OPAQUE - alpha
    # Red and blue share one multiplication: 255 * 256 and the rounding half fit into sixteen bits each.
    pair = (pixels & _RED_AND_BLUE) * keep + (color & _RED_AND_BLUE) * alpha + _HALF
    green = ((pixels >> 8) & 0xFF) * keep + ((color >> 8) & 0xFF) * alpha + OPAQUE // 2
    return ((pair >> 8) & _RED_AND_BLUE) | (green & 0xFF00)


@functools.partial(jax.jit, static_argnums=0)
def blend_shape(
    shape: Callable[..., Array],
    pixels: Array,
    measures: tuple[Any, ...],
    widen: ArrayLike,
    half_stroke: ArrayLike | None,
    color: Any,
    opacity: ArrayLike | None,
) -> Array:
    """Blends in a shape. Compiled, so that drawing outside a trace costs one program per shape, not per operation.

    Args:
        shape: one of `shapes`.
        pixels: (height, width) uint32.
        measures: the shape's arguments after `x` and `y`, in pixels.
        widen: how far to move its edge outwards, in pixels.
        half_stroke: half the width of the outline to draw instead of the area, or None.
        color: see `pack`.
        opacity: from 0 to 1, or None for 1.
    """
    height, width = pixels.shape
    x = jax.lax.broadcasted_iota(jnp.float32, (1, width), 1) + 0.5
    y = jax.lax.broadcasted_iota(jnp.float32, (height, 1), 0) + 0.5
    distance = shape(x, y, *measures) - widen
    if half_stroke is not None:
        distance = jnp.abs(distance) - half_stroke
    alpha = alpha_of(distance)
    return blend(pixels, alpha if opacity is None else fade(alpha, opacity), pack(color))
