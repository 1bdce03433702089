"""The picture of Connect Four: a blue frame with round holes, and discs."""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas
from jaxenvs.envs.board import _wood
from jaxenvs.envs.board._lines import in_line
from jaxenvs.envs.board._look import Look, pieces_of

_ROWS, _COLUMNS = 6, 7
_CELL = 80  # pixels
_MARGIN = 24  # pixels, of the frame around the holes
_TOP = 16  # pixels above the frame
_FOOT = 44  # pixels below the frame
_HEIGHT = _TOP + 2 * _MARGIN + _ROWS * _CELL + _FOOT
_WIDTH = 40 + 2 * _MARGIN + _COLUMNS * _CELL
_CORNER = (20 + _MARGIN, _TOP + _MARGIN)
_HOLE = 33.0  # pixels, the radius
_PAPER, _FRAME, _LETTER = (244, 240, 231), (38, 84, 168), (66, 74, 92)
_RED, _YELLOW = (212, 52, 48), (247, 200, 50)


def draw_connect_four(discs: Array, last_action: Array) -> Array:
    """(588, 648, 3) uint8: the frame. The last disc has a dot, and four or more discs in a line have rings.

    Args:
        discs: (2, 6, 7) bool, the discs of Red, who begins, and Yellow, rows from the top.
        last_action: () int32, the column of the last move; -1 for none.
    """
    red, yellow = discs
    occupied = red | yellow
    is_top = occupied & (jnp.cumsum(occupied, axis=0, dtype=jnp.int32) == 1)
    is_last = is_top & (np.arange(_COLUMNS, dtype=np.int32) == last_action)[None, :]
    kinds = jnp.where(red, 1, jnp.where(yellow, 2, 0)).astype(jnp.int32)
    winning = in_line(red, 4) | in_line(yellow, 4)
    marks = jnp.where(winning, 2, is_last.astype(jnp.int32))
    board, pieces, signs = _painted()
    canvas = Canvas.blank(_HEIGHT, _WIDTH, _PAPER).image(board, (0, 0))
    return canvas.tiles(kinds, pieces, corner=_CORNER).tiles(marks, signs, corner=_CORNER).to_rgb()


@functools.cache
def connect_four_look() -> Look:
    """How Connect Four looks. Every hole stands for its column."""
    return Look(
        draw=lambda game, position, last_action: draw_connect_four(pieces_of(game, position), last_action),
        points=tuple(
            ((_CORNER[0] + (column + 0.5) * _CELL) / _WIDTH, (_CORNER[1] + (row + 0.5) * _CELL) / _HEIGHT, column)
            for row in range(_ROWS)
            for column in range(_COLUMNS)
        ),
        columns=_COLUMNS,
        players=("Red", "Yellow"),
        ground="48;5;18;38;5;250",
        pieces=("1;38;5;203", "1;38;5;226"),
    )


@functools.cache
def _painted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The empty frame, and the tiles of holes and of marks."""
    picture = np.broadcast_to(_wood.rgb(_PAPER), (_HEIGHT, _WIDTH, 3)).copy()
    width, height = _WIDTH - 40, _HEIGHT - _TOP - _FOOT
    foot = _wood.panel(height + 18, 30, _FRAME, 8)
    for x in (6, _WIDTH - 36):
        _wood.lay_soft_shadow(picture, (x + 3, _TOP + 26), (30, height), 6)
        _wood.lay_piece(picture, foot, (x, _TOP + 20))
    _wood.lay_soft_shadow(picture, (20 + 3, _TOP + 6), (width, height), 8)
    _wood.lay_piece(picture, _wood.panel(height, width, _FRAME, 18), (20, _TOP))
    for column in range(_COLUMNS):
        _wood.write(picture, "abcdefg"[column], (_CORNER[0] + (column + 0.5) * _CELL, _HEIGHT - 20), 13, _LETTER)
    holes = np.stack([_hole(None), _hole(_RED), _hole(_YELLOW)])
    dot = _wood.piece((255, 255, 255), 0.9 * _wood.disc(_CELL, 5.5))
    ring = _wood.piece((255, 255, 255), _wood.disc(_CELL, _HOLE - 4.5, stroke=6.0))
    return _wood.finished(picture), holes, np.stack([_wood.blank(_CELL), dot, ring])


def _hole(color: tuple[int, int, int] | None) -> np.ndarray:
    """(80, 80, 4) uint8: a hole, through which paper or a disc shows, and its rounded edge."""
    rgba = _wood.counter(_CELL, _HOLE + 2, color, rim=0.22, gloss=0.0) if color else None
    inside = np.broadcast_to(_wood.rgb(_PAPER), (_CELL, _CELL, 3)) if rgba is None else rgba[..., :3].astype(np.float32)
    shade = _wood.inner_shadow(_CELL, _HOLE, 0.5 if color is None else 0.42)
    inside = inside * (1 - shade[..., None])
    return _wood.piece(inside, _wood.disc(_CELL, _HOLE))
