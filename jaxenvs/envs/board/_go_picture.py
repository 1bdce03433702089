"""The picture of a Go board of any size: wood, stones with shadows, and the marks of players."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas
from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.envs.board import _wood
from jaxenvs.envs.board._look import Look, pieces_of

_SIDE = 620  # pixels, about
_MARGIN = 30  # pixels, for the coordinates
_LARGEST_CELL = 71  # pixels
_KAYA, _KAYA_DARK = (232, 192, 127), (203, 155, 88)
_LINE = (46, 30, 16)
_BLACK, _WHITE = (52, 52, 58), (251, 250, 245)
_RED = (196, 42, 38)
_SHELLS = 3
"""White stones have one of as many patterns."""
_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"

_NONE, _ON_BLACK, _ON_WHITE, _LIBERTY, _BLACK_AREA, _WHITE_AREA = range(6)


def draw_go(stones: Array, last_action: Array, liberties: Array | None = None, area: Array | None = None) -> Array:
    """(height, width, 3) uint8: the board; both are about 620 pixels, and less for boards below 9 by 9.

    The last stone has a ring. The last liberty of chains in atari has a red ring, and the area of each player a square
    of the player's colour.

    Args:
        stones: (2, size, size) bool, the stones of Black and White, rows from the top.
        last_action: () int32, the point, row by row, of the last move; `size` * `size` for a pass, -1 for none.
        liberties: (size, size) integers, the number of liberties of the chain at each stone; None marks no atari.
        area: (2, size, size) bool, the points to mark as Black's and White's; None for none.
    """
    size = stones.shape[-1]
    cell = cell_of(size)
    black, white = stones
    is_last = (jnp.arange(size * size, dtype=jnp.int32) == last_action).reshape(size, size)
    shells = np.arange(size * size, dtype=np.int32).reshape(size, size) * 7 % 11 % _SHELLS
    kinds = jnp.where(black, 1, jnp.where(white, 2 + shells, 0)).astype(jnp.int32)
    marks = jnp.where(is_last & black, _ON_BLACK, jnp.where(is_last & white, _ON_WHITE, _NONE))
    if liberties is not None:
        occupied = black | white
        marks = jnp.where(_neighbours(occupied & (liberties == 1)) & ~occupied, _LIBERTY, marks)
    if area is not None:
        marks = jnp.where(
            marks == _NONE, jnp.where(area[0], _BLACK_AREA, jnp.where(area[1], _WHITE_AREA, marks)), marks
        )
    board, shadows, pieces, signs = _painted(size)
    corner = (_MARGIN, _MARGIN)
    fallen = (_MARGIN + round(0.05 * cell), _MARGIN + round(0.085 * cell))
    height, width, _ = board.shape
    canvas = Canvas.blank(height, width, _KAYA).image(board, (0, 0))
    canvas = canvas.tiles(jnp.minimum(kinds, 1), shadows, corner=fallen).tiles(kinds, pieces, corner=corner)
    canvas = canvas.tiles(marks.astype(jnp.int32), signs, corner=corner)
    is_pass = (last_action == size * size).astype(jnp.float32)
    return canvas.text("PASS", (board.shape[1] - 8, 17), 9, _RED, align="right", opacity=is_pass).to_rgb()


def cell_of(size: int) -> int:
    """Pixels from line to line. The number is odd, so that a line lies in the middle of its pixels."""
    cell = min((_SIDE - 2 * _MARGIN) // size, _LARGEST_CELL)
    return cell - 1 + cell % 2


@functools.lru_cache(maxsize=8)
def go_look(size: int) -> Look:
    """How Go looks on a board of `size` by `size`."""
    cell = cell_of(size)
    side = cell * size + 2 * _MARGIN
    places = [(_MARGIN + (i + 0.5) * cell) / side for i in range(size)]
    return Look(
        draw=_draw_position,
        points=tuple((x, y, size * row + column) for row, y in enumerate(places) for column, x in enumerate(places)),
        columns=size,
        players=("Black", "White"),
        ground="48;5;136;38;5;94",
        pieces=("1;38;5;16", "1;38;5;231"),
        remark=_remark,
        stars=frozenset(size * row + column for row, column in _star_points(size)),
    )


def _draw_position(game: Any, position: Any, last_action: Array) -> Array:
    """The picture of a position: with the chains in atari, or with the area once the game is over."""
    stones = pieces_of(game, position)
    liberties = jnp.where(position.is_over, 0, game.liberties(position))
    return draw_go(stones, last_action, liberties, area_of(stones) & position.is_over)


def _remark(game: Any, position: Any) -> str:
    """The score of a game that is over."""
    if not position.is_over:
        return ""
    stones = pieces_of(game, position)
    black, white = np.asarray(stones | area_of(stones)).sum((1, 2))
    komi = float(game.komi)
    return f"{black} to {white + komi:g} with {komi:g} komi"


@compiled_once
def area_of(stones: Array) -> Array:
    """(2, size, size) bool: the empty points from which only stones of Black, or only of White, can be reached.

    Args:
        stones: (2, size, size) bool.
    """
    is_empty = ~stones.any(axis=0)

    def spread(reached: Array) -> Array:
        return reached | (is_empty[None] & jnp.stack([_neighbours(colour) for colour in reached]))

    def grew(pair: tuple[Array, Array]) -> Array:
        return (pair[0] != pair[1]).any()

    reached = jax.lax.while_loop(grew, lambda pair: (pair[1], spread(pair[1])), (stones, spread(stones)))[1]
    return reached & ~reached[::-1] & is_empty[None]


def _neighbours(points: Array) -> Array:
    """(size, size) bool: whether a neighbour of each point is set."""
    padded = jnp.pad(points, 1)
    return padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]


def _star_points(size: int) -> list[tuple[int, int]]:
    """Where a board has dots: 5 on small ones, 9 from 19 by 19 on."""
    if size < 7:
        return [(size // 2, size // 2)] if size % 2 else []
    edge = 2 if size < 13 else 3
    ends, middle = (edge, size - 1 - edge), size // 2
    points = [(row, column) for row in ends for column in ends]
    if size % 2:
        points.append((middle, middle))
    if size % 2 and size >= 19:
        points += [(middle, end) for end in ends] + [(end, middle) for end in ends]
    return points


@functools.lru_cache(maxsize=8)
def _painted(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The empty board, and the tiles of shadows, of stones and of marks."""
    cell = cell_of(size)
    side = cell * size + 2 * _MARGIN
    picture = _wood.wood(side, side, _KAYA, _KAYA_DARK, seed=3)
    _wood.bevel(picture, 5)
    places = [_MARGIN + i * cell + cell // 2 for i in range(size)]
    first, last, wide = places[0], places[-1], cell > 36
    for place in places:
        _wood.groove(picture, (first, place), (last, place), _LINE, wide=wide or place in (first, last))
        _wood.groove(picture, (place, first), (place, last), _LINE, wide=wide or place in (first, last))
    dot = _wood.disc(cell, max(2.6, 0.075 * cell))
    for row, column in _star_points(size):
        _wood.paint(picture, dot, _LINE, (places[column] - cell // 2, places[row] - cell // 2))
    for i, place in enumerate(places):
        for near, far in ((_MARGIN / 2 + 2, side - _MARGIN / 2 - 2),):
            for across in (near, far):
                _wood.write(picture, _LETTERS[i], (place + 0.5, across), 9, _LINE)
                _wood.write(picture, str(size - i), (across, place + 0.5), 9, _LINE)
    radius = 0.485 * cell
    black = _wood.stone(cell, radius, _BLACK, gloss=0.5)
    whites = [_wood.stone(cell, radius, _WHITE, gloss=0.6, shell=i + 1) for i in range(_SHELLS)]
    ring, square = _wood.disc(cell, 0.25 * cell, stroke=0.07 * cell), np.zeros((cell, cell), np.float32)
    half = max(3, round(0.12 * cell))
    square[cell // 2 - half : cell // 2 + half + 1, cell // 2 - half : cell // 2 + half + 1] = 1
    small = _wood.disc(cell, 0.13 * cell, stroke=max(1.8, 0.06 * cell))
    signs = [
        _wood.blank(cell),
        _wood.piece((250, 250, 250), ring),
        _wood.piece((20, 20, 24), ring),
        _wood.piece(_RED, small),
        _wood.piece((24, 22, 22), 0.9 * square),
        _wood.piece((255, 255, 252), 0.95 * square),
    ]
    shadows = np.stack([_wood.blank(cell), _wood.shadow(cell, radius, 0.62)])
    return _wood.finished(picture), shadows, np.stack([_wood.blank(cell), black, *whites]), np.stack(signs)
