"""Shrinking of images by averaging areas, as OpenCV does."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

_NEGLIGIBLE = 1e-3
"""The fraction of a pixel below which OpenCV leaves it out of an average."""

_OUT_OF_REACH = 1e9
"""An upper bound of the product of a weight and a pixel."""


def shrink(image: Array, height: int, width: int) -> Array:
    """Averages an image to fewer rows and columns.

    The result equals that of `cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)` in every bit: it takes
    the same products and sums in float32, in the same order, and rounds half to even (OpenCV 4 and 5).

    Args:
        image: (rows, columns) or (rows, columns, channels) uint8.
        height: the new number of rows, at most `rows`.
        width: the new number of columns, at most `columns`.

    Returns:
        (height, width) or (height, width, channels) uint8.
    """
    rows, columns = image.shape[:2]
    if rows % height == 0 and columns % width == 0:
        return _shrink_by_whole_numbers(image, height, width)
    # Without the barrier, each new row would average the columns of the rows that it covers once more.
    across = jax.lax.optimization_barrier(_average(image.astype(jnp.float32), 1, width))
    return jnp.round(_average(across, 0, height)).astype(jnp.uint8)


def _shrink_by_whole_numbers(image: Array, height: int, width: int) -> Array:
    """The case of new pixels that cover whole ones: sums are exact, and OpenCV rounds halves up if they are 2 by 2."""
    rows, columns = image.shape[0] // height, image.shape[1] // width
    blocks = image.astype(jnp.int32).reshape(height, rows, width, columns, *image.shape[2:])
    sums = blocks.sum((1, 3), dtype=jnp.int32)
    if rows == columns == 2:
        return ((sums + 2) // 4).astype(jnp.uint8)
    return jnp.round(sums.astype(jnp.float32) * np.float32(1 / (rows * columns))).astype(jnp.uint8)


def _average(image: Array, axis: int, size: int) -> Array:
    """Replaces an axis of `image`, float32, by `size` weighted averages of neighbours."""
    shape = [1] * image.ndim
    shape[axis] = size
    total = jnp.zeros((), jnp.float32)
    for positions, weights in zip(*_taps(image.shape[axis], size), strict=True):
        product = jnp.take(image, positions, axis, mode="clip") * weights.reshape(shape)
        # Compilers fuse a product with the sum it is part of, and then round once where OpenCV rounds twice. They
        # cannot know that this bound changes nothing.
        total = jnp.minimum(product, _OUT_OF_REACH) + total
    return total


@functools.cache
def _taps(size: int, new_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels make up the new ones, in rising order.

    Returns:
        (taps, new_size) int32 positions and (taps, new_size) float32 weights, some of them 0.
    """
    scale = 1.0 / (new_size / size)  # sometimes differs from size / new_size in the last bit
    begin = np.arange(new_size) * scale
    end = begin + scale
    positions = np.floor(begin) + np.arange(int(np.ceil(scale)) + 1)[:, None]
    overlap = np.minimum(positions + 1, end) - np.maximum(positions, begin)
    overlap = np.where((overlap > _NEGLIGIBLE) & (positions < size), overlap, 0)
    weights = (overlap / np.minimum(scale, size - begin)).astype(np.float32)
    used = weights.any(axis=1)
    return np.minimum(positions, size - 1).astype(np.int32)[used], weights[used]
