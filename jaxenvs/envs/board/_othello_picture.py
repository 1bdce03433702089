"""The picture of an Othello board: green felt in a wooden frame, and discs."""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas
from jaxenvs.envs.board import _wood
from jaxenvs.envs.board._look import Look, pieces_of

_SIZE = 8
_CELL = 69  # pixels
_MARGIN = 34  # pixels, the frame with the coordinates
_SIDE = _CELL * _SIZE + 2 * _MARGIN
_FRAME, _FRAME_DARK = (122, 80, 50), (84, 51, 29)
_FELT, _LINE, _LETTER = (36, 122, 76), (12, 58, 36), (243, 226, 196)
_BLACK, _WHITE, _RED = (46, 46, 52), (244, 242, 236), (206, 44, 40)


def draw_othello(discs: Array, last_action: Array) -> Array:
    """(620, 620, 3) uint8: the board. The last disc that was placed has a red dot.

    Args:
        discs: (2, 8, 8) bool, the discs of Black and White, rows from the top.
        last_action: () int32, the square, row by row, of the last move; 64 for a pass, -1 for none.
    """
    black, white = discs
    is_last = (jnp.arange(_SIZE * _SIZE, dtype=jnp.int32) == last_action).reshape(_SIZE, _SIZE)
    kinds = jnp.where(black, 1, jnp.where(white, 2, 0)).astype(jnp.int32)
    board, shadows, pieces, signs = _painted()
    corner = (_MARGIN, _MARGIN)
    canvas = Canvas.blank(_SIDE, _SIDE, _FELT).image(board, (0, 0))
    canvas = canvas.tiles(jnp.minimum(kinds, 1), shadows, corner=(_MARGIN + 3, _MARGIN + 5))
    canvas = canvas.tiles(kinds, pieces, corner=corner).tiles(is_last.astype(jnp.int32), signs, corner=corner)
    is_pass = (last_action == _SIZE * _SIZE).astype(jnp.float32)
    return canvas.text("PASS", (_SIDE - 8, 21), 9, _LETTER, align="right", opacity=is_pass).to_rgb()


@functools.cache
def othello_look() -> Look:
    """How Othello looks."""
    places = [(_MARGIN + (i + 0.5) * _CELL) / _SIDE for i in range(_SIZE)]
    return Look(
        draw=lambda game, position, last_action: draw_othello(pieces_of(game, position), last_action),
        points=tuple((x, y, _SIZE * row + column) for row, y in enumerate(places) for column, x in enumerate(places)),
        columns=_SIZE,
        players=("Black", "White"),
        ground="48;5;28;38;5;22",
        pieces=("1;38;5;16", "1;38;5;231"),
        remark=_remark,
    )


def _remark(game: Any, position: Any) -> str:
    """How many discs each player has."""
    black, white = np.asarray(pieces_of(game, position)).sum((1, 2))
    return f"{black} discs to {white}"


@functools.cache
def _painted() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The empty board, and the tiles of shadows, of discs and of the mark."""
    picture = _wood.wood(_SIDE, _SIDE, _FRAME, _FRAME_DARK, seed=5)
    _wood.bevel(picture, 5)
    inner = _SIDE - 2 * _MARGIN
    _wood.paint(picture, np.full((inner + 8, inner + 8), 0.75), (28, 16, 8), (_MARGIN - 4, _MARGIN - 4))
    felt = _wood.felt(inner, inner, _FELT)
    picture[_MARGIN : _MARGIN + inner, _MARGIN : _MARGIN + inner] = felt
    ends = _MARGIN, _MARGIN + inner - 1
    for i in range(_SIZE + 1):
        place = min(_MARGIN + i * _CELL, ends[1])
        _wood.groove(picture, (ends[0], place), (ends[1], place), _LINE, wide=True)
        _wood.groove(picture, (place, ends[0]), (place, ends[1]), _LINE, wide=True)
    dot = _wood.disc(15, 5.0)
    for row in (2, 6):
        for column in (2, 6):
            _wood.paint(picture, dot, _LINE, (_MARGIN + column * _CELL - 7, _MARGIN + row * _CELL - 7))
    for i in range(_SIZE):
        middle = _MARGIN + (i + 0.5) * _CELL
        for across in (_MARGIN / 2, _SIDE - _MARGIN / 2):
            _wood.write(picture, "abcdefgh"[i], (middle, across), 11, _LETTER)
            _wood.write(picture, str(i + 1), (across, middle), 11, _LETTER)
    radius = 0.42 * _CELL
    shadows = np.stack([_wood.blank(_CELL), _wood.shadow(_CELL, radius, 0.6)])
    black, white = (_wood.counter(_CELL, radius, color, rim=0.2) for color in (_BLACK, _WHITE))
    mark = _wood.piece(_RED, _wood.disc(_CELL, 5.0))
    pieces = np.stack([_wood.blank(_CELL), black, white])
    return _wood.finished(picture), shadows, pieces, np.stack([_wood.blank(_CELL), mark])
