"""Writing on pictures, on the host, in the canvas' font."""

import numpy as np

from jaxenvs.canvas import font, palette

_ROWS_PER_SIZE = 1.5
"""Rows of a line of text, for each pixel of the height of its capitals."""


def line_height(size: int) -> int:
    """The rows that a line takes whose capitals are `size` pixels high."""
    return round(_ROWS_PER_SIZE * size)


def fitting(text: str, width: int, size: int) -> str:
    """The text in printable ASCII, cut to what fits into `width` pixels."""
    plain = "".join(character if character in font.GLYPHS else "?" for character in text)
    count = max(0, width // size)  # characters are as wide as capitals are high
    return plain if len(plain) <= count else plain[: max(0, count - 2)] + ".."[:count]


def write(
    picture: np.ndarray, text: str, corner: tuple[int, int], size: int, color: palette.Color = palette.INK
) -> None:
    """Writes a line into a picture, (height, width, 3) uint8, which it changes.

    Args:
        picture: the picture.
        text: the line; what does not fit is cut.
        corner: (column, row) of the line's top left corner.
        size: height of capitals in pixels.
        color: the colour.
    """
    column, row = corner
    coverage = font.line(fitting(text, picture.shape[1] - column, size), size)[: picture.shape[0] - row]
    rows, columns = coverage.shape
    area = picture[row : row + rows, column : column + columns]
    share = coverage[..., None] / 255.0
    area[...] = np.round(area * (1 - share) + np.asarray(color) * share).astype(np.uint8)
