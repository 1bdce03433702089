"""The picture of tic-tac-toe: a wooden board with grooves, crosses and rings."""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas
from jaxenvs.canvas.palette import Color
from jaxenvs.envs.board import _wood
from jaxenvs.envs.board._lines import in_line
from jaxenvs.envs.board._look import Look, pieces_of

_CELL = 128  # pixels
_MARGIN = 28  # pixels
_SIDE = 3 * _CELL + 2 * _MARGIN
_MAPLE, _MAPLE_DARK = (237, 212, 168), (214, 176, 122)
_GROOVE, _LETTER = (112, 74, 40), (120, 84, 50)
_CROSS, _RING, _GLOW = (192, 58, 44), (36, 92, 160), (255, 236, 150)


def draw_tic_tac_toe(marks: Array, last_action: Array) -> Array:
    """(440, 440, 3) uint8: the board. The last mark has a dot, and three in a line shine.

    Args:
        marks: (2, 3, 3) bool, the crosses, which begin, and the rings, rows from the top.
        last_action: () int32, the cell, row by row, of the last move; -1 for none.
    """
    crosses, rings = marks
    is_last = (jnp.arange(9, dtype=jnp.int32) == last_action).reshape(3, 3)
    kinds = jnp.where(crosses, 1, jnp.where(rings, 2, 0)).astype(jnp.int32)
    signs = jnp.where(is_last & crosses, 1, jnp.where(is_last & rings, 2, 0)).astype(jnp.int32)
    winning = in_line(crosses, 3) | in_line(rings, 3)
    board, glows, shadows, pieces, dots = _painted()
    corner = (_MARGIN, _MARGIN)
    canvas = Canvas.blank(_SIDE, _SIDE, _MAPLE).image(board, (0, 0))
    canvas = canvas.tiles(winning.astype(jnp.int32), glows, corner=corner)
    canvas = canvas.tiles(kinds, shadows, corner=(_MARGIN + 3, _MARGIN + 4)).tiles(kinds, pieces, corner=corner)
    return canvas.tiles(signs, dots, corner=corner).to_rgb()


@functools.cache
def tic_tac_toe_look() -> Look:
    """How tic-tac-toe looks."""
    places = [(_MARGIN + (i + 0.5) * _CELL) / _SIDE for i in range(3)]
    return Look(
        draw=lambda game, position, last_action: draw_tic_tac_toe(pieces_of(game, position), last_action),
        points=tuple((x, y, 3 * row + column) for row, y in enumerate(places) for column, x in enumerate(places)),
        columns=3,
        players=("X", "O"),
        ground="",
        pieces=("31;1", "34;1"),
    )


@functools.cache
def _painted() -> tuple[np.ndarray, ...]:
    """The empty board, and the tiles of glows, of shadows, of marks and of dots."""
    picture = _wood.wood(_SIDE, _SIDE, _MAPLE, _MAPLE_DARK, seed=2)
    _wood.bevel(picture, 6)
    groove, first = _groove(), _MARGIN + 8
    for place in (_MARGIN + _CELL, _MARGIN + 2 * _CELL):
        _wood.lay_piece(picture, groove, (first, place - len(groove) // 2))
        _wood.lay_piece(picture, groove.transpose(1, 0, 2), (place - len(groove) // 2, first))
    for i in range(3):
        middle = _MARGIN + (i + 0.5) * _CELL
        _wood.write(picture, "abc"[i], (middle, _SIDE - 14), 9, _LETTER)
        _wood.write(picture, str(3 - i), (13, middle), 9, _LETTER)
    arm = 0.25 * _CELL
    cross = np.maximum(
        _wood.stroke(_CELL, (-arm, -arm), (arm, arm), 17), _wood.stroke(_CELL, (-arm, arm), (arm, -arm), 17)
    )
    ring = _wood.disc(_CELL, 0.285 * _CELL, stroke=17)
    blank = _wood.blank(_CELL)
    glow = _wood.piece(_GLOW, 0.75 * np.clip(1.6 - _wood.from_centre(_CELL)[2] / (0.34 * _CELL), 0, 1) ** 1.2)
    dot = _wood.piece((255, 246, 226), _wood.disc(_CELL, 4.2))
    # The ring has its dot on its top, since its middle is empty.
    ring_dot = np.roll(dot, -round(0.285 * _CELL), axis=0)
    return (
        _wood.finished(picture),
        np.stack([blank, glow]),
        np.stack([blank, *(_wood.piece((60, 34, 10), 0.34 * _soft(shape)) for shape in (cross, ring))]),
        np.stack([blank, _painted_mark(cross, _CROSS), _painted_mark(ring, _RING)]),
        np.stack([blank, dot, ring_dot]),
    )


def _groove() -> np.ndarray:
    """(7, 368, 4) uint8: a groove in the wood, dark on the side of the light and bright on the other."""
    shape = 7, 3 * _CELL - 16
    across = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    is_dark = np.broadcast_to(across < 0.5, shape)
    color = np.where(is_dark[..., None], _wood.rgb(_GROOVE), _wood.rgb((255, 240, 210)))
    return _wood.piece(color, np.where(is_dark, 0.85 - 0.45 * np.abs(across + 0.3), 0.35))


def _soft(coverage: np.ndarray) -> np.ndarray:
    """A blurred copy."""
    for axis in (0, 1):
        coverage = sum(np.roll(coverage, shift, axis) for shift in range(-3, 4)) / 7  # pyright: ignore[reportAssignmentType]
    return coverage


def _painted_mark(coverage: np.ndarray, color: Color) -> np.ndarray:
    """A mark in thick paint: brighter where it rises towards the light."""
    height = _soft(coverage)
    down, across = np.gradient(height)
    shade = 1 - 2.2 * (across * _wood.LIGHT[0] + down * _wood.LIGHT[1])
    return _wood.piece(np.clip(shade, 0.6, 1.5)[..., None] * _wood.rgb(color), coverage)
