"""Pictures in a terminal: two pixels per character, one above the other, in the two colours of a half block."""

import sys
import time
from collections.abc import Iterable

import numpy as np

from jaxenvs.cli.streams import can_write

_RESET = "\x1b[0m"
_HALF_BLOCK = "\u2580"


def frame_text(frame: np.ndarray, columns: int, lines: int, *, half_blocks: bool | None = None) -> str:
    """A frame as lines of coloured characters that fit into the given size, keeping its proportions.

    Args:
        frame: (height, width, 3) uint8.
        columns: the greatest number of characters per line.
        lines: the greatest number of lines.
        half_blocks: whether a character shows two pixels, one above the other, rather than their mean. None for
            whether the output's encoding has half blocks.
    """
    if half_blocks is None:
        half_blocks = can_write(_HALF_BLOCK)
    height, width = frame.shape[:2]
    scale = min(columns / width, 2 * lines / height, 1.0)
    rows, cells = max(1, int(height * scale) // 2), max(1, int(width * scale))
    if half_blocks:
        small = _shrink(frame, 2 * rows, cells)
        pairs = np.concatenate([small[::2], small[1::2]], axis=-1)
        return "\n".join(_colored(row, "38;2;{};{};{};48;2;{};{};{}", _HALF_BLOCK) for row in pairs.tolist())
    return "\n".join(_colored(row, "48;2;{};{};{}", " ") for row in _shrink(frame, rows, cells).tolist())


def _colored(row: list[list[int]], escape: str, character: str) -> str:
    """A line of characters, with escape sequences only where the colours change."""
    cells = []
    last = None
    for numbers in row:
        cells.append(character if numbers == last else f"\x1b[{escape.format(*numbers)}m{character}")
        last = numbers
    return "".join(cells) + _RESET


def _shrink(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """Means over the pixels that fall into each cell of a smaller grid."""

    def cells(size: int, count: int) -> np.ndarray:
        return np.arange(count + 1) * size // count

    rows, columns = cells(frame.shape[0], height), cells(frame.shape[1], width)
    total = np.add.reduceat(np.add.reduceat(frame.astype(np.float64), rows[:-1], axis=0), columns[:-1], axis=1)
    area = np.diff(rows)[:, None, None] * np.diff(columns)[None, :, None]
    return np.round(total / area).astype(np.uint8)


def play(pictures: Iterable[str], frames_per_second: float) -> None:
    """Prints pictures on top of each other in a terminal, and below each other elsewhere."""
    out = sys.stdout
    moving = out.isatty()
    height = 0
    due = time.perf_counter()
    for picture in pictures:
        if moving and height:
            out.write(f"\x1b[{height}F\x1b[J")
        picture = picture.rstrip("\n")
        out.write(picture + "\n" + ("" if moving else "\n"))
        out.flush()
        height = picture.count("\n") + 1
        if moving:
            due = max(due + 1.0 / frames_per_second, time.perf_counter())
            time.sleep(max(0.0, due - time.perf_counter()))
