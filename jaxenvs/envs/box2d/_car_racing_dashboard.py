"""The bar at the bottom of CarRacing's picture: return, speed, spin of the wheels, steering and turning."""

from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d.lanes import keep

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


_Pixels: TypeAlias = tuple[np.ndarray, float]
"""Where the pixels of an axis start, and their size, in pixels of the window."""


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


def draw_bar(readings: Readings, height: int, width: int) -> list[list[Array]]:
    """Red, green and blue of the bar, (lanes, rows, columns) float32 each, the rows from `bar_top` on.

    Args:
        readings: what to show.
        height: of the picture.
        width: of the picture.

    Returns:
        The part with the return, and the part to the right of it.
    """
    lines = _starts(bar_top(height), height, height, 800)
    text = _text(readings.score, _starts(0, width, width, 1000), lines)
    wide = text.shape[2]
    parts = []
    for first, last in ((0, wide), (wide, width)):
        columns = _starts(first, last, width, 1000)
        _, channels = _draw_upright(readings, lines, columns)
        for place, value, share, color in (
            (20, readings.steering, -10.0, _GREEN),
            (30, readings.turning, -0.8, _RED),
        ):
            start = jnp.full_like(value, place * _UNIT_X)
            box = start, start + _UNIT_X * share * value, jnp.full_like(value, 720), jnp.full_like(value, 760)
            channels = _blended(channels, _filled(box, value, lines, columns), color)
        parts.append(channels)
    return [[channel + 255.0 * text for channel in parts[0]], parts[1]]


def draw_gauges(readings: Readings, height: int, width: int, top: int, bottom: int) -> tuple[Array, list[Array]]:
    """Share of the background that is seen behind the upright gauges, and red, green and blue that they add.

    (lanes, rows, columns) float32 each: the columns are `gauge_columns`.

    Args:
        readings: what to show.
        height: of the picture.
        width: of the picture.
        top: the first row.
        bottom: the one after the last row.
    """
    lines, columns = _starts(top, bottom, height, 800), _starts(*gauge_columns(width), width, 1000)
    return _draw_upright(readings, lines, columns)


def _draw_upright(readings: Readings, lines: _Pixels, columns: _Pixels) -> tuple[Array, list[Array]]:
    """`draw_gauges` in some rows and columns."""
    bottom_line = 800 - _UNIT_Y
    seen = jnp.ones((len(readings.speed), len(lines[0]), len(columns[0])), jnp.float32)
    channels = [jnp.zeros_like(seen)] * 3
    wheels = zip(range(7, 11), jnp.moveaxis(readings.spin, 1, 0), (_BLUE, _BLUE, _VIOLET, _VIOLET), strict=True)
    gauges = [(5, readings.speed, 0.02, _WHITE), *((place, spin, 0.01, color) for place, spin, color in wheels)]
    for place, value, share, color in gauges:
        left, base = jnp.full_like(value, place * _UNIT_X), jnp.full_like(value, bottom_line)
        box = left, left + _UNIT_X, base - _UNIT_Y * share * value, base
        filled = _filled(box, value, lines, columns)
        seen, channels = seen * (1 - filled), _blended(channels, filled, color)
    return seen, channels


def bar_top(height: int) -> int:
    """The first row of the bar in a picture."""
    return int(_TOP / 800 * height)


def gauge_columns(width: int) -> tuple[int, int]:
    """The first column that an upright gauge may reach, and the one after the last."""
    return int(5 * _UNIT_X * width / 1000), int(np.ceil((11 * _UNIT_X + 1) * width / 1000))


def _starts(first: int, last: int, count: int, length: int) -> _Pixels:
    size = length / count
    return (np.arange(first, last) * size).astype(np.float32), size


def _filled(box: tuple[Array, ...], value: Array, lines: _Pixels, columns: _Pixels) -> Array:
    """(lanes, rows, columns) float32: what a box covers, unless its value is too small."""
    left, right, first, last = (jnp.trunc(side) for side in box)
    across = covered(jnp.minimum(left, right), jnp.maximum(left, right) + 1.0, *columns)
    down = covered(jnp.minimum(first, last), jnp.maximum(first, last) + 1.0, *lines)
    down, across = keep((jnp.where(jnp.abs(value) > _LEAST, 1.0, 0.0)[:, None] * down, across))
    return down[:, :, None] * across[:, None]


def _blended(channels: list[Array], share: Array, color: tuple[int, int, int]) -> list[Array]:
    return [channel * (1 - share) + share * np.float32(part) for channel, part in zip(channels, color, strict=True)]


def _text(score: Array, columns: _Pixels, lines: _Pixels) -> Array:
    """(lanes, rows, n) float32: what the digits of the score cover of each pixel of the first columns."""
    number = jnp.clip(jnp.round(score), -999, 9999).astype(jnp.int32)
    negative = (score < 0) & (jnp.round(score) <= 0)  # Python writes -0 with its sign
    size = jnp.abs(number)
    digits = jnp.stack([size // 1000 % 10, size // 100 % 10, size // 10 % 10, size % 10], 1)
    digits = jnp.where((np.arange(4) == 0)[None] & negative[:, None], _MINUS, digits)
    bitmaps = np.stack([np.unpackbits(np.frombuffer(bytes.fromhex(glyph), np.uint8)) for glyph in _GLYPHS])
    bitmaps = bitmaps[:, : _GLYPH_HEIGHT * _GLYPH_WIDTH].reshape(-1, _GLYPH_HEIGHT, _GLYPH_WIDTH).astype(np.float32)
    dots = np.float32(_TEXT_TOP) + 2.0 * np.arange(_GLYPH_HEIGHT, dtype=np.float32)
    begin = np.maximum(dots[:, None], lines[0][None])
    down = np.maximum(np.minimum(dots[:, None] + 2.0, lines[0][None] + lines[1]) - begin, 0.0) / lines[1]
    glyphs = np.einsum("yr,gyx->grx", down, bitmaps).astype(np.float32)
    letters = np.frombuffer("".join(_ADVANCES).encode(), np.uint8).reshape(len(_ADVANCES), 10)
    advances = jnp.asarray((letters - ord("a") + 10).astype(np.float32))[digits[:, :-1], digits[:, 1:]]
    ends = jnp.cumsum(advances, 1)
    left = _TEXT_CENTER - jnp.floor((ends[:, -1:] + _GLYPH_SPAN) / 2)
    left = left + jnp.concatenate([jnp.zeros_like(left), ends], 1)
    wide = int(np.ceil(2 * _TEXT_CENTER / columns[1]))
    dots = left[:, :, None] + 2.0 * np.arange(_GLYPH_WIDTH, dtype=np.float32)[None, None]
    across = _shares(dots, 2.0, columns[0][:wide], columns[1])
    return jnp.einsum("lkrx,lkxc->lrc", jnp.asarray(glyphs)[digits], across)


def _shares(dots: Array, size: float, pixels: np.ndarray, pixel_size: float) -> Array:
    """(..., pixels) float32: what dots cover of each pixel, given where they start, (...)."""
    pixels = pixels.reshape((1,) * dots.ndim + (-1,))
    begin = jnp.maximum(dots[..., None], pixels)
    end = jnp.minimum(dots[..., None] + size, pixels + np.float32(pixel_size))
    return jnp.maximum(end - begin, 0.0) / np.float32(pixel_size)
