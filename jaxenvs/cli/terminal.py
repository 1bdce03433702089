"""Pictures in a terminal: two pixels a character, as a half block in two colours."""

import shutil
import sys
import time
from collections.abc import Iterable

import numpy as np

_RESET = "\x1b[0m"
_HALF_BLOCK = "\u2580"


def frame_text(frame: np.ndarray, columns: int, lines: int) -> str:
    """A frame as lines of coloured half blocks that fit into the given size, with its proportions kept.

    Args:
        frame: (height, width, 3) uint8.
        columns: the most characters of a line.
        lines: the most lines.
    """
    height, width = frame.shape[:2]
    scale = min(columns / width, 2 * lines / height, 1.0)
    size = max(2, int(height * scale) // 2 * 2), max(1, int(width * scale))
    small = _shrink(frame, *size)
    rows = []
    for top, bottom in zip(small[::2], small[1::2], strict=True):
        cells = []
        last = None
        for above, below in zip(top.tolist(), bottom.tolist(), strict=True):
            colours = f"\x1b[38;2;{above[0]};{above[1]};{above[2]};48;2;{below[0]};{below[1]};{below[2]}m"
            cells.append(_HALF_BLOCK if colours == last else colours + _HALF_BLOCK)
            last = colours
        rows.append("".join(cells) + _RESET)
    return "\n".join(rows)


def _shrink(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """Means over the pixels that fall into each cell of a smaller grid."""

    def cells(size: int, count: int) -> np.ndarray:
        return np.arange(count + 1) * size // count

    rows, columns = cells(frame.shape[0], height), cells(frame.shape[1], width)
    total = np.add.reduceat(np.add.reduceat(frame.astype(np.float64), rows[:-1], axis=0), columns[:-1], axis=1)
    area = np.diff(rows)[:, None, None] * np.diff(columns)[None, :, None]
    return np.round(total / area).astype(np.uint8)


def play(pictures: Iterable[str], frames_per_second: float) -> None:
    """Prints pictures one over the other in a terminal, one below the other elsewhere."""
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


def terminal_size() -> tuple[int, int]:
    """Columns and lines that a picture may fill."""
    size = shutil.get_terminal_size((80, 24))
    return size.columns, max(2, size.lines - 2)
