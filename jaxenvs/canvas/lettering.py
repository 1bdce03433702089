"""Placing small images and lines of text in a frame, and turning numbers into characters."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import blending, font
from jaxenvs.canvas.view import Point, View


def alpha(coverage: Array) -> Array:
    """uint32 alpha, 0 to 256, of a coverage from 0 to 255."""
    coverage = coverage.astype(jnp.uint32)
    return coverage + (coverage >> 7)


def _is_static(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float | np.number) for value in values)


def on_whole_pixels(position: Point, view: View, left: int, above: int) -> tuple[ArrayLike, ArrayLike]:
    """The whole pixel `left` columns and `above` rows before a point; Python integers if the point is static."""
    x: Any = position[0]
    y: Any = position[1]
    if _is_static((x, y)):
        column = float(x) * view.scale + view.x_origin
        row = float(y) * view.y_sign * view.scale + view.y_origin
        return math.floor(column + 0.5) - left, math.floor(row + 0.5) - above
    column, row = (jnp.clip(v, -(2.0**15), 2.0**15) for v in (view.x(x), view.y(y)))
    return jnp.floor(column + 0.5).astype(jnp.int32) - left, jnp.floor(row + 0.5).astype(jnp.int32) - above


def place(image: Array, corner: Sequence[ArrayLike], shape: tuple[int, ...]) -> Array:
    """`image`, (rows, columns), in a frame of zeros of `shape`, with its top left corner at pixel `corner`, (x, y)."""
    (rows, columns), (height, width) = image.shape, shape
    zero = jnp.zeros((), image.dtype)
    if _is_static(corner):
        left, top = (int(value) for value in corner)  # pyright: ignore[reportArgumentType]  # _is_static has seen to it
        if left >= width or top >= height or left + columns <= 0 or top + rows <= 0:
            return jnp.zeros(shape, image.dtype)
        return jax.lax.pad(image, zero, ((top, height - top - rows, 0), (left, width - left - columns, 0)))
    left, top = (jnp.asarray(value, jnp.int32) for value in corner)
    frame = jnp.zeros((height + 2 * rows, width + 2 * columns), image.dtype)
    start = jnp.clip(top + rows, 0, height + rows), jnp.clip(left + columns, 0, width + columns)
    frame = jax.lax.dynamic_update_slice(frame, image, start)
    return frame[rows : rows + height, columns : columns + width]


def grid(tiles: Array, row_shift: int) -> Array:
    """One image of many: (rows, columns, height, width, channels) uint8, each row `row_shift` pixels further right."""
    rows, columns, height, width, channels = tiles.shape
    strips = tiles.transpose(0, 2, 1, 3, 4).reshape(rows, height, columns * width, channels)
    if row_shift:
        strips = _staggered(strips, row_shift)
    return strips.reshape(-1, *strips.shape[2:])


def _staggered(strips: Array, shift: int) -> Array:
    """Strips of an image, each `shift` pixels further right than the one before.

    Args:
        strips: (rows, height, width, 3 or 4) uint8.
        shift: pixels, at least 1.

    Returns:
        (rows, height, width + (rows - 1) * shift, 4) uint8, transparent beside the strips.
    """
    rows, height, width, channels = strips.shape
    if channels == 3:
        strips = jnp.pad(strips, ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=255)
    whole = width + (rows - 1) * shift
    # Lines that are `shift` too long, one after another, begin that much later in each line of the right length.
    strips = jnp.pad(strips, ((0, 0), (0, 0), (0, whole + shift - width), (0, 0))).transpose(1, 0, 2, 3)
    strips = strips.reshape(height, rows * (whole + shift), 4)[:, : rows * whole]
    return strips.reshape(height, rows, whole, 4).transpose(1, 0, 2, 3)


def write(codes: Array, size: int) -> Array:
    """(rows, columns) uint8 coverage of the characters with the given ASCII codes, (count,) integers."""
    glyphs = jnp.asarray(font.atlas(size)).at[codes - font.FIRST].get(mode="clip")
    count, rows, advance = glyphs.shape
    return glyphs.transpose(1, 0, 2).reshape(rows, count * advance)


def digits(value: ArrayLike, count: int, decimals: int, left: bool) -> Array:
    """The ASCII codes of a number.

    Args:
        value: () the number.
        count: number of places for digits, at most 9, including decimals.
        decimals: digits after the point.
        left: whether the number begins at the left end of its field rather than ending at the right.

    Returns:
        (count + 1, or + 2 with decimals) int32: digits, sign, point and blanks; `#` if it does not fit.
    """
    if not 0 <= decimals < count <= 9:
        raise ValueError(f"A number needs 0 <= decimals < digits <= 9, got decimals={decimals} and digits={count}.")
    number = jnp.asarray(value)
    if jnp.issubdtype(number.dtype, jnp.floating):
        scaled = jnp.round(number.astype(jnp.float32) * 10.0**decimals)
        fits = jnp.abs(scaled) < 10.0**count
        scaled = jnp.where(fits, scaled, 0.0).astype(jnp.int32)
    else:
        number = number.astype(jnp.int32)
        limit = 10 ** (count - decimals)
        fits = (number < limit) & (number > -limit)
        scaled = jnp.where(fits, number, 0) * 10**decimals
    magnitude = jnp.abs(scaled)
    powers = jnp.asarray([10**place for place in range(count - 1, -1, -1)], jnp.int32)
    figures = ord("0") + (magnitude // powers) % 10
    leading = magnitude < powers
    leading = leading & (jnp.arange(count, dtype=jnp.int32) < count - 1 - decimals)
    codes = jnp.concatenate([jnp.full((1,), ord(" "), jnp.int32), jnp.where(leading, ord(" "), figures)])
    blanks = leading.sum(dtype=jnp.int32)
    codes = codes.at[blanks].set(jnp.where(scaled < 0, ord("-"), ord(" ")))
    if decimals:
        point = jnp.full((1,), ord("."), jnp.int32)
        codes = jnp.concatenate([codes[: count + 1 - decimals], point, codes[count + 1 - decimals :]])
    codes = jnp.where(fits, codes, ord("#"))
    if left:
        shift = jnp.where(fits, blanks + jnp.where(scaled < 0, 0, 1), 0).astype(jnp.int32)
        source = jnp.arange(codes.shape[0], dtype=jnp.int32) + shift
        codes = codes.at[source].get(mode="fill", fill_value=ord(" "))
    return codes


def lay(pixels: Array, coverage: Array, color: Any, corner: Sequence[ArrayLike], opacity: ArrayLike) -> Array:
    """Blends an image into (height, width) uint32 pixels.

    Args:
        pixels: pixels of the frame.
        coverage: (rows, columns) uint8.
        color: one colour, or (rows, columns, 3).
        corner: (x, y) of the image's top left corner in whole pixels.
        opacity: from 0 to 1.
    """
    layer = blending.fade(place(alpha(coverage), corner, pixels.shape), opacity)
    packed = blending.pack(color)
    return blending.blend(pixels, layer, place(packed, corner, pixels.shape) if packed.ndim else packed)


lay_anywhere = jax.jit(lay)
"""`lay` as one compiled program for all corners, used for drawing outside a trace."""
