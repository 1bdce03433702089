"""The bar at the bottom of CarRacing's picture: return, speed, spin of the wheels, steering and turning."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d.lanes import Keep

_TOP = 700.0
"""Where the black bar begins, in pixels of the window from its top."""
_UNIT_X, _UNIT_Y = 25.0, 20.0
_WHITE, _BLUE, _VIOLET, _GREEN, _RED = (255, 255, 255), (0, 0, 255), (51, 0, 255), (0, 255, 0), (255, 0, 0)
_LEAST = 1e-4
"""Smaller values are not drawn."""
_GLYPH_HEIGHT, _GLYPH_WIDTH = 21, 12
"""Of a bitmap, whose dots are 2 by 2 pixels of the window."""
_GLYPHS = (
    "0001f03f87fc71c70e70e70e70e70e70e70e70e71c7fc3f81f00000000000000",
    "0000000300701f07f03f00700700700700700700700700700700000000000000",
    "0000001f03fc7fc71e70e60e01e03c0780f01e03807fc7fe7fe0000000000000",
    "0001f03f87fc71c71c01c0380f807c01e00e60e71e7fc3fc1f00000000000000",
    "0000000380780f80f81b81b8338738638ffeffe7fe0380380380000000000000",
    "0000003fc3fc3fc3003207f87fc71e00e00e00e71e7fc3f81f00000000000000",
    "0000f83fc3fc70e7007207f87fc79e70e70e70e70e3fc3f80f00000000000000",
    "0000007fe7fe7fe01c03c0380700700e00e00e01c01c01c01c00000000000000",
    "0001f03fc7fc70e70e70c3fc3f87fc70ef0ef0e70e7fc3fc1f00000000000000",
    "0000403f83fc71c70c60e70e71e7fe3fe1ee00e01c71c7f83f80400000000000",
    "0000000000000000000000000007c0fc0fc07c00000000000000000000000000",
)
"""Bitmaps of the digits and of the minus sign, row by row."""
_MINUS = 10
_ADVANCES = (
    "pnqqnqnnpq",
    "njnnnnnknn",
    "qnnpnnqnpq",
    "pnpqnqpnqq",
    "qnpqnqqnrq",
    "nnnqnqnnpq",
    "pnnqnqpnqq",
    "nnnnnnnnnn",
    "pnpqnqpnpq",
    "nnppnpnnnp",
    "eeeeeeeeee",
)
"""From each glyph to each digit after it: a letter for the number of pixels of the window from 10 on."""
_GLYPH_SPAN = 23.0
_TEXT_CENTER, _TEXT_TOP = 60.0, 729.0


class Readings(PyTreeNode):
    """What the bar shows.

    Attributes:
        score: (lanes,) float32.
        speed: (lanes,) float32 in m/s.
        spin: (lanes, 4) float32 in rad/s.
        steering: (lanes,) float32 in rad, of the front left wheel.
        turning: (lanes,) float32 in rad/s.
    """

    score: Array
    speed: Array
    spin: Array
    steering: Array
    turning: Array


def covered(low: Array, high: Array, start: np.ndarray, size: float) -> Array:
    """(lanes, n) float32: share of pixels, given where they start and their size, that lies between two numbers."""
    begin = jnp.maximum(low[:, None], start[None])
    end = jnp.minimum(high[:, None], start[None] + np.float32(size))
    return jnp.maximum(end - begin, 0.0) / np.float32(size)


def draw_dashboard(keep: Keep, image: Array, top: int, readings: Readings) -> Array:
    """The lower part of a picture with the bar.

    Args:
        keep: stops recomputation.
        image: (lanes, 3, height, width) float32, the rows of a picture from `top` on.
        top: the number of its first row.
        readings: what to show.
    """
    rows, width = image.shape[2:]
    height = top + rows
    size_x, size_y = 1000 / width, 800 / height
    columns = (np.arange(width) * size_x).astype(np.float32)
    lines = ((top + np.arange(rows)) * size_y).astype(np.float32)
    in_bar = np.clip((lines + size_y - _TOP) / size_y, 0, 1).astype(np.float32)
    image = image * (1 - in_bar)[None, None, :, None]

    def filled(image: Array, box: tuple[Array, ...], shown: Array, color: tuple[int, int, int]) -> Array:
        left, right, first, last = (jnp.trunc(value) for value in box)
        across = covered(jnp.minimum(left, right), jnp.maximum(left, right) + 1.0, columns, size_x)
        down = covered(jnp.minimum(first, last), jnp.maximum(first, last) + 1.0, lines, size_y)
        down, across = keep((jnp.where(shown, 1.0, 0.0)[:, None] * down, across))
        share = (down[:, :, None] * across[:, None])[:, None]
        return image + share * (np.array(color, np.float32)[None, :, None, None] - image)

    def upright(image: Array, place: float, value: Array, share: float, color: tuple[int, int, int]) -> Array:
        left = jnp.full_like(value, place * _UNIT_X)
        bottom = jnp.full_like(value, 800 - _UNIT_Y)
        box = left, left + _UNIT_X, bottom - _UNIT_Y * share * value, bottom
        return filled(image, box, jnp.abs(value) > _LEAST, color)

    def level(image: Array, place: float, value: Array, share: float, color: tuple[int, int, int]) -> Array:
        left = jnp.full_like(value, place * _UNIT_X)
        box = left, left + _UNIT_X * share * value, jnp.full_like(value, 720), jnp.full_like(value, 760)
        return filled(image, box, jnp.abs(value) > _LEAST, color)

    image = upright(image, 5, readings.speed, 0.02, _WHITE)
    for wheel, color in enumerate((_BLUE, _BLUE, _VIOLET, _VIOLET)):
        image = upright(image, 7 + wheel, readings.spin[:, wheel], 0.01, color)
    image = level(image, 20, readings.steering, -10.0, _GREEN)
    image = level(image, 30, readings.turning, -0.8, _RED)
    return image + 255.0 * _text(readings.score, columns, size_x, lines, size_y)[:, None]


def _text(score: Array, columns: np.ndarray, size_x: float, lines: np.ndarray, size_y: float) -> Array:
    """(lanes, rows, columns) float32: what the digits of the score cover of each pixel."""
    number = jnp.clip(jnp.round(score), -999, 9999).astype(jnp.int32)
    negative = (score < 0) & (jnp.round(score) <= 0)  # Python writes -0 with its sign
    size = jnp.abs(number)
    digits = jnp.stack([size // 1000 % 10, size // 100 % 10, size // 10 % 10, size % 10], 1)
    digits = jnp.where((np.arange(4) == 0)[None] & negative[:, None], _MINUS, digits)
    bitmaps = np.stack([np.unpackbits(np.frombuffer(bytes.fromhex(glyph), np.uint8)) for glyph in _GLYPHS])
    bitmaps = bitmaps[:, : _GLYPH_HEIGHT * _GLYPH_WIDTH].reshape(-1, _GLYPH_HEIGHT, _GLYPH_WIDTH).astype(np.float32)
    dots = np.float32(_TEXT_TOP) + 2.0 * np.arange(_GLYPH_HEIGHT, dtype=np.float32)
    down = _shares(jnp.asarray(dots), 2.0, lines, size_y)
    letters = np.frombuffer("".join(_ADVANCES).encode(), np.uint8).reshape(len(_ADVANCES), 10)
    advances = jnp.asarray((letters - ord("a") + 10).astype(np.float32))[digits[:, :-1], digits[:, 1:]]
    ends = jnp.cumsum(advances, 1)
    left = _TEXT_CENTER - jnp.floor((ends[:, -1:] + _GLYPH_SPAN) / 2)
    left = left + jnp.concatenate([jnp.zeros_like(left), ends], 1)
    wide = int(np.ceil(2 * _TEXT_CENTER / size_x))
    dots = left[:, :, None] + 2.0 * np.arange(_GLYPH_WIDTH, dtype=np.float32)[None, None]
    across = _shares(dots, 2.0, columns[:wide], size_x)
    text = jnp.einsum("yr,lkyx,lkxc->lrc", down, jnp.asarray(bitmaps)[digits], across)
    return jnp.pad(text, ((0, 0), (0, 0), (0, len(columns) - wide)))


def _shares(dots: Array, size: float, pixels: np.ndarray, pixel_size: float) -> Array:
    """(..., pixels) float32: what dots cover of each pixel, given where they start, (...)."""
    pixels = pixels.reshape((1,) * dots.ndim + (-1,))
    begin = jnp.maximum(dots[..., None], pixels)
    end = jnp.minimum(dots[..., None] + size, pixels + np.float32(pixel_size))
    return jnp.maximum(end - begin, 0.0) / np.float32(pixel_size)
