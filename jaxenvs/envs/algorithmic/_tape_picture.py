"""The picture of an algorithmic task: a window on its tapes."""

from collections.abc import Callable
from functools import cache

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.canvas.palette import Color
from jaxenvs.envs._terminal import colorize
from jaxenvs.envs._tileset import tileset_of
from jaxenvs.envs.algorithmic._tape_state import TapeState

_TILE = 48  # pixels
_LABELS = 3  # tiles to the left of the tapes
_WINDOW = 13  # visible tiles of a tape
_BEFORE = 4  # how many of these are before the read head
_PLAIN, _HEAD, _RIGHT, _WRONG, _FAINT = range(5)
"""The styles of a symbol: on the input tape, under the read head, right, wrong, still to be written."""

_GROUNDS: tuple[Color, ...] = (
    palette.WHITE,
    palette.YELLOW,
    palette.TEAL_LIGHT,
    palette.RED_LIGHT,
    palette.MIST,
)


def draw(state: TapeState, base: int, uses_letters: bool) -> Array:
    """(height, 768, 3) uint8: the input around the read head, and below it the output and the target."""
    tileset = tileset_of(_painters(base, uses_letters), _TILE, palette.PAPER)
    nothing = len(tileset) - 1
    rows = state.symbols.shape[1]
    columns = jnp.maximum(state.column - _BEFORE, -1) + jnp.arange(_WINDOW, dtype=jnp.int32)
    row_numbers = jnp.arange(-1, rows + 1, dtype=jnp.int32) if rows > 1 else jnp.zeros(1, jnp.int32)
    is_column = (columns >= 0) & (columns < state.length)
    is_row = (row_numbers >= 0) & (row_numbers < rows)
    inside = is_column[None] & is_row[:, None]
    clipped = jnp.clip(columns, 0, state.symbols.shape[0] - 1)
    symbols = jnp.where(inside, state.symbols[clipped].T[jnp.clip(row_numbers, 0, rows - 1)], base)
    is_head = (columns == state.column)[None] & (row_numbers == state.row)[:, None]
    tape = jnp.where(is_head, _HEAD * (base + 1), _PLAIN * (base + 1)) + symbols
    tape = jnp.where(inside | is_head, tape, nothing)
    places = jnp.maximum(state.written - _WINDOW + 3, 0) + jnp.arange(_WINDOW, dtype=jnp.int32)
    at = jnp.clip(places, 0, state.target.size - 1)
    is_there = places < state.target_length
    style = jnp.where(state.output[at] == state.target[at], _RIGHT, _WRONG) * (base + 1)
    output = jnp.where(is_there & (places < state.written), style + state.output[at], nothing)
    target = jnp.where(is_there, _FAINT * (base + 1) + state.target[at], nothing)
    grid = jnp.concatenate([tape, jnp.full((1, _WINDOW), nothing), output[None], target[None]])
    gap = jnp.full((1, _WINDOW), nothing)
    grid = jnp.concatenate([gap, grid, gap]).astype(jnp.int32)
    labelled = jnp.pad(grid, ((0, 0), (_LABELS, 0)), constant_values=nothing)
    canvas = Canvas.blank(labelled.shape[0] * _TILE, labelled.shape[1] * _TILE, palette.PAPER).tiles(labelled, tileset)
    middle = 1 + (len(row_numbers) - 1) / 2
    for text, place in (("input", middle), ("output", len(row_numbers) + 2), ("target", len(row_numbers) + 3)):
        canvas = canvas.text(text, (0.4 * _TILE, (place + 0.64) * _TILE), 0.3 * _TILE, palette.SLATE)
    return canvas.to_rgb()


def write(state: TapeState, base: int, uses_letters: bool) -> str:
    """The tapes as lines of text, with the read head and the output in colour."""
    names = [_text(symbol, base, uses_letters) for symbol in range(base + 1)]
    length, rows = int(state.length), state.symbols.shape[1]
    column, row, written, most = int(state.column), int(state.row), int(state.written), int(state.target_length)
    symbols, output, target = (np.asarray(x).tolist() for x in (state.symbols, state.output, state.target))
    above, below = (0, rows) if rows == 1 else (-1, rows + 1)
    lines = []
    for y in range(above, below):
        cells = []
        for x in range(min(-1, column), max(length, column) + 1):
            is_inside = 0 <= x < length and 0 <= y < rows
            name = names[symbols[x][y] if is_inside else base]
            cells.append(colorize(name, "green", highlight=True) if (x, y) == (column, row) else name)
        lines.append(("Input   " if y == max(above, 0) else "        ") + "".join(cells))
    marks = [
        colorize(names[output[i]], "green" if output[i] == target[i] else "red", highlight=True)
        for i in range(min(written, most))
    ]
    lines += ["Output   " + "".join(marks), "Target   " + "".join(names[symbol] for symbol in target[:most])]
    return "\n".join(lines) + "\n"


def _text(symbol: int, base: int, uses_letters: bool) -> str:
    if symbol == base:
        return " "
    return chr(ord("A") + symbol) if uses_letters else str(symbol)


@cache
def _painters(base: int, uses_letters: bool) -> tuple[Callable[[Canvas], Canvas], ...]:
    """Painters of each symbol and a blank in each style, and last of an empty tile."""

    def painter(ground: Color, symbol: int) -> Callable[[Canvas], Canvas]:
        def paint(tile: Canvas) -> Canvas:
            tile = tile.rectangle((0.5, 0.5), (0.9, 0.9), ground, corner_radius=0.12)
            tile = tile.rectangle((0.5, 0.5), (0.9, 0.9), palette.SILVER, corner_radius=0.12, stroke=0.03)
            name = _text(symbol, base, uses_letters)
            color = palette.STEEL if ground == _GROUNDS[_FAINT] else palette.INK
            return tile if name == " " else tile.text(name, (0.5, 0.3), 0.4, color, align="center")

        return paint

    each = [painter(ground, symbol) for ground in _GROUNDS for symbol in range(base + 1)]
    return (*each, lambda tile: tile)
