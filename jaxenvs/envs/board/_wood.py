"""What the pictures of boards are made of: wood, stones, shadows and lettering.

All of it is painted once, on the host, and is a constant of the programs that draw. A picture is a float32 array
(height, width, 3) from 0 to 255; a piece is (size, size, 4) uint8, whose last channel is the opacity.
"""

import numpy as np

from jaxenvs.canvas import font
from jaxenvs.canvas.palette import Color

LIGHT = np.array([-0.46, -0.62, 0.64], np.float32)
"""Where the light comes from: above the picture, on the left, and in front of it. The y axis points down."""
FRONT = np.array([0, 0, 1], np.float32)
"""Where the viewer is."""


def rgb(color: Color | np.ndarray) -> np.ndarray:
    """A colour, or one for each pixel, as float32."""
    return np.array(color, np.float32)


def wood(height: int, width: int, light: Color, dark: Color, *, seed: int = 0) -> np.ndarray:
    """(height, width, 3) float32: a board with an upright grain, from `light` between the rings to `dark` on them."""
    random = np.random.Generator(np.random.PCG64(seed))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bend = 14 * np.sin(y / 310 + 0.7 * seed) + 5 * np.sin(y / 97 + x / 210)
    across = x + bend
    rings = np.zeros_like(x)
    for period, strength in ((61.0, 0.24), (23.0, 0.2), (11.3, 0.16), (5.1, 0.1)):
        phase = random.uniform(0, 2 * np.pi)
        rings += strength * np.sin(2 * np.pi * across / period + phase + 1.8 * np.sin(across / (2.7 * period)))
    pores = _noise(across / 1.6, y / 46, random) + 0.5 * _noise(across / 0.9, y / 21, random)
    cloud = _noise(x / 150, y / 230, random)
    tone = np.clip(0.42 + rings * 0.55 + 0.24 * (pores - 0.75) + 0.3 * (cloud - 0.5), 0, 1)[..., None]
    return (1 - tone) * rgb(light) + tone * rgb(dark)


def _noise(x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Smooth noise from 0 to 1, whose value at whole numbers is independent."""
    values = random.random((64, 1024), np.float32)
    column, row = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    s, t = (np.square(part) * (3 - 2 * part) for part in (x - column, y - row))
    corners = [[values[(row + j) % 64, (column + i) % 1024] for i in (0, 1)] for j in (0, 1)]
    upper, lower = (first + s * (second - first) for first, second in corners)
    return upper + t * (lower - upper)


def felt(height: int, width: int, color: Color) -> np.ndarray:
    """(height, width, 3) float32: cloth with a fine nap, a little darker towards the edges."""
    random = np.random.Generator(np.random.PCG64(11))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    nap = 0.06 * (random.random((height, width), np.float32) - 0.5) + 0.05 * (_noise(x / 3, y / 2, random) - 0.5)
    cloud = 0.08 * (_noise(x / 120, y / 120, random) - 0.5)
    away = np.hypot(x / width - 0.46, y / height - 0.42)
    return rgb(color) * (1.08 + nap + cloud - 0.3 * away**2)[..., None]


def bevel(picture: np.ndarray, width: int, strength: float = 0.28) -> None:
    """Rounds the edges of a board: brighter at the left and the top, darker at the right and the bottom."""
    height, columns = picture.shape[:2]
    for edge in range(width):
        fade = strength * (1 - edge / width)
        rows, sides = slice(edge, height - edge), slice(edge, columns - edge)
        for part, target in (
            ((edge, sides), 255.0),
            ((rows, edge), 255.0),
            ((height - 1 - edge, sides), 0.0),
            ((rows, columns - 1 - edge), 0.0),
        ):
            picture[part] += fade * (target - picture[part])


def paint(picture: np.ndarray, coverage: np.ndarray, color: Color, corner: tuple[int, int] = (0, 0)) -> None:
    """Lays a colour on a part of a picture.

    Args:
        picture: what is changed.
        coverage: (rows, columns) from 0 to 1; it lies within the picture.
        color: the colour.
        corner: (x, y) of the top left corner, pixels.
    """
    x, y = corner
    rows, columns = coverage.shape
    part = picture[y : y + rows, x : x + columns]
    part += coverage[..., None] * (rgb(color) - part)


def groove(picture: np.ndarray, start: tuple[int, int], end: tuple[int, int], color: Color, *, wide: bool) -> None:
    """Draws a level or upright line through the centres of two pixels (x, y), both included; `wide` for two pixels."""
    (left, top), (right, bottom) = start, end
    core = np.full((bottom - top + 1, right - left + 1), 0.86, np.float32)
    paint(picture, core, color, start)
    if wide:
        down, across = (1, 0) if top == bottom else (0, 1)
        for side in (-1, 1):
            paint(picture, 0.42 * core, color, (left + side * across, top + side * down))


def disc(size: int, radius: float, *, stroke: float | None = None) -> np.ndarray:
    """(size, size) float32 coverage of a disc in the middle, or of a ring with a line of width `stroke`."""
    distance = from_centre(size)[2] - radius
    if stroke is not None:
        distance = np.abs(distance) - stroke / 2
    return np.clip(0.5 - distance, 0, 1)


def stroke(size: int, start: tuple[float, float], end: tuple[float, float], width: float) -> np.ndarray:
    """(size, size) float32 coverage of a line with round ends, between points (x, y) relative to the middle."""
    x, y, _ = from_centre(size)
    (ax, ay), (bx, by) = start, end
    along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / max((bx - ax) ** 2 + (by - ay) ** 2, 1e-6)
    along = np.clip(along, 0, 1)
    distance = np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))
    return np.clip(0.5 - (distance - width / 2), 0, 1)


def write(picture: np.ndarray, text: str, middle: tuple[float, float], size: int, color: Color) -> None:
    """Writes a few characters around a point (x, y), with capitals of `size` pixels."""
    coverage = font.line(text, size).astype(np.float32) / 255
    filled = np.flatnonzero(coverage.any(axis=0))
    coverage = coverage[:, filled[0] : filled[-1] + 1]
    x, y = middle
    top = round(y + size / 2 - font.baseline(size))
    paint(picture, coverage, color, (round(x - coverage.shape[1] / 2), top))


def stone(
    size: int, radius: float, color: Color, *, gloss: float, roundness: float = 1.0, shell: int = 0
) -> np.ndarray:
    """(size, size, 4) uint8: a piece like a lens, lit from the top left.

    Args:
        size: pixels of each side.
        radius: pixels.
        color: the colour where the light falls straight on it.
        gloss: how bright the highlight is, from 0 to 1.
        roundness: how steep the piece is at its rim.
        shell: the number of a pattern of faint lines, as clam shell has; 0 for none.
    """
    x, y, distance = from_centre(size)
    share = np.clip(distance / radius, 0, 1)
    slope = roundness * share**1.6 / np.maximum(distance, 1e-6)
    normal = np.stack([x * slope, y * slope, np.ones_like(x)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    diffuse = np.clip(normal @ LIGHT, 0, 1) / LIGHT[2]
    halfway = (LIGHT + FRONT) / np.linalg.norm(LIGHT + FRONT)
    highlight = np.clip(normal @ halfway, 0, 1) ** 26
    highlight = np.clip((highlight - highlight[size // 2, size // 2]) / (1 - highlight[size // 2, size // 2]), 0, 1)
    shade = np.clip(0.45 + 0.55 * diffuse, 0, 1.06) * (1 - 0.22 * share**7)
    if shell:
        angle = 0.55 + 1.9 * shell
        along = x * np.cos(angle) + y * np.sin(angle) + 0.16 / radius * (x * np.sin(angle) - y * np.cos(angle)) ** 2
        shade = shade * (1 - 0.022 * (0.5 + 0.5 * np.sin(along * 2 * np.pi / (radius * 0.24))) * (share < 0.97))
    lit = shade[..., None] * rgb(color)
    lit += (gloss * highlight)[..., None] * (255 - lit)
    return piece(lit, disc(size, radius))


def counter(size: int, radius: float, color: Color, *, rim: float = 0.16, gloss: float = 0.25) -> np.ndarray:
    """(size, size, 4) uint8: a flat piece with a rounded rim, `rim` of the radius wide, lit from the top left."""
    x, y, distance = from_centre(size)
    share = distance / radius
    rise = np.clip((share - (1 - rim)) / rim, 0, 1)
    inner = np.exp(-(((share - (1 - 1.9 * rim)) / (0.5 * rim)) ** 2))
    towards = -(x * LIGHT[0] + y * LIGHT[1]) / np.maximum(distance, 1e-6)
    shade = 1 - 0.34 * rise * towards - 0.1 * rise + 0.12 * inner * towards
    sheen = 0.05 * (x * LIGHT[0] + y * LIGHT[1]) / radius
    lit = np.clip(shade + sheen, 0, 2)[..., None] * rgb(color)
    bright = gloss * np.clip(-towards, 0, 1) ** 6 * np.exp(-(((share - (1 - 0.62 * rim)) / (0.4 * rim)) ** 2))
    lit += bright[..., None] * (255 - lit)
    return piece(lit, disc(size, radius))


def inner_shadow(size: int, radius: float, strength: float) -> np.ndarray:
    """(size, size) float32: how dark it is in a hole of this radius, from 0 to `strength`, light from the top left."""
    x, y, distance = from_centre(size)
    depth = radius - np.hypot(x + 0.12 * radius * LIGHT[0], y + 0.16 * radius * LIGHT[1])
    lit = radius - np.hypot(x + 0.3 * radius * LIGHT[0], y + 0.36 * radius * LIGHT[1])
    near = np.clip(1 - np.minimum(lit, depth) / (0.34 * radius), 0, 1)
    return strength * near * near * (distance <= radius + 1)


def panel(height: int, width: int, color: Color, corner_radius: int) -> np.ndarray:
    """(height, width, 4) uint8: a plate of one colour with round corners and a rounded edge."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inset = _inside_of_plate(x, y, (width, height), corner_radius)
    down = np.gradient(inset)[0]
    across = np.gradient(inset)[1]
    edge = np.clip(1 - inset / 7, 0, 1)
    light = -(across * LIGHT[0] + down * LIGHT[1]) * edge * 0.34
    shade = 1 - light + 0.1 * (0.5 - y / height)
    return piece(np.clip(shade, 0, 1.6)[..., None] * rgb(color), np.clip(inset + 0.5, 0, 1))


def lay_piece(picture: np.ndarray, rgba: np.ndarray, corner: tuple[int, int]) -> None:
    """Lays a piece on a part of a picture, with its top left corner at pixel (x, y)."""
    x, y = corner
    part = picture[y : y + rgba.shape[0], x : x + rgba.shape[1]]
    part += rgba[..., 3:] / np.float32(255) * (rgba[..., :3] - part)


def lay_soft_shadow(picture: np.ndarray, corner: tuple[int, int], size: tuple[int, int], blur: int) -> None:
    """Darkens a plate of `size` (width, height) at pixel `corner` (x, y), with an edge `blur` pixels wide."""
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    inset = _inside_of_plate(x - corner[0], y - corner[1], size, 2 * blur)
    picture *= 1 - 0.3 * np.clip(0.5 + inset / (2 * blur), 0, 1)[..., None]


def _inside_of_plate(x: np.ndarray, y: np.ndarray, size: tuple[int, int], corner_radius: float) -> np.ndarray:
    """How far points lie inside of a plate with round corners at the origin; negative outside."""
    across = np.abs(x + 0.5 - size[0] / 2) - size[0] / 2 + corner_radius
    down = np.abs(y + 0.5 - size[1] / 2) - size[1] / 2 + corner_radius
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0)) + np.minimum(np.maximum(across, down), 0)
    return corner_radius - outside


def shadow(size: int, radius: float, strength: float) -> np.ndarray:
    """(size, size, 4) uint8: the shadow of a piece, which fades out from `radius` to the edge."""
    distance = from_centre(size)[2]
    reach = size / 2
    fade = np.clip((reach - distance) / max(reach - 0.72 * radius, 1), 0, 1)
    coverage = strength * fade * fade * (3 - 2 * fade)
    return piece(np.full((size, size, 3), (30, 16, 6), np.float32), coverage)


def piece(color: Color | np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """(rows, columns, 4) uint8 from a colour at each pixel, or one for all, and a coverage from 0 to 1."""
    colors = np.broadcast_to(rgb(color), (*coverage.shape, 3))
    rgba = np.concatenate([np.clip(colors, 0, 255), 255 * coverage[..., None]], -1)
    return np.round(rgba).astype(np.uint8)


def blank(size: int) -> np.ndarray:
    """(size, size, 4) uint8: nothing."""
    return np.zeros((size, size, 4), np.uint8)


def finished(picture: np.ndarray) -> np.ndarray:
    """A painted picture as (height, width, 3) uint8."""
    return np.round(np.clip(picture, 0, 255)).astype(np.uint8)


def from_centre(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and the distance of each pixel from the middle of a square, (size, size) float32 each."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) - (size - 1) / 2
    return x, y, np.hypot(x, y)
