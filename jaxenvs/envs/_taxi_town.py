"""The town of Taxi, shared by two families of environments, and its picture, in pixels with y pointing down."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.envs._tileset import sprite_of

TOWN = (
    "+---------+",
    "|R: | : :G|",
    "| : | : : |",
    "| : : : : |",
    "| | : | : |",
    "|Y| : |B: |",
    "+---------+",
)
"""The town: between two cells of a row, `:` is a way and `|` a wall."""

SIZE = 5
STOPS = (0, 4, 20, 23)
"""The cells, `5 * row + column` with row 0 above, of the stops R, G, Y and B."""
ABOARD = 4
"""The number of the passenger's stop when they are aboard the taxi."""

CELL = 80  # pixels
PANEL_X = 484  # the middle of the panel to the right of the town
_MARGIN = 28
_RIDER_Y, _TO_Y = 140, 270  # the middles of the two signs there
_STOP_COLORS = (palette.RED, palette.GRASS_DARK, palette.YELLOW, palette.BLUE)


def draw_traffic(canvas: Canvas, row: Array, column: Array, passenger: Array, destination: Array) -> Canvas:
    """Draws the taxi, the passenger and the destination on the picture of the town, and lists them beside it.

    Args:
        canvas: the town; see `draw_empty_town`.
        row: () int32, the taxi's row, from the top.
        column: () int32, the taxi's column.
        passenger: () int32, the number of the passenger's stop, or `ABOARD`.
        destination: () int32, the number of the destination's stop.
    """
    aboard = passenger == ABOARD
    hidden = jnp.where(aboard, 0.0, 1.0)
    colors = jnp.asarray((*_STOP_COLORS, palette.STEEL), jnp.int32)
    for y, stop in ((_RIDER_Y, passenger), (_TO_Y, destination)):
        canvas = canvas.rectangle((PANEL_X, y), (64, 64), colors.at[stop].get(mode="clip"), corner_radius=12)
    corners = jnp.asarray([corner_of(cell) for cell in STOPS], jnp.int32)
    person, flag = sprite_of(paint_passenger, 56, 40), sprite_of(paint_flag, 56, 40)
    taxis = np.stack([sprite_of(paint, CELL, CELL) for paint in (paint_taxi, paint_full_taxi)])
    taxi = jnp.asarray(taxis).at[aboard.astype(jnp.int32)].get(mode="clip")
    goal, waits_at = (corners.at[stop].get(mode="clip") for stop in (destination, passenger))
    return (
        canvas.image(flag, (goal[0] + 40, goal[1] + 16))
        .image(taxi, (_MARGIN + CELL * column, _MARGIN + CELL * row))
        .image(person, (waits_at[0], waits_at[1] + 20), opacity=hidden)
        .image(person, (PANEL_X - 20, _RIDER_Y - 28))
        .image(flag, (PANEL_X - 20, _TO_Y - 28))
    )


def corner_of(cell: int) -> tuple[int, int]:
    """The upper left corner of a cell, `5 * row + column`, (x, y)."""
    row, column = divmod(cell, SIZE)
    return _MARGIN + column * CELL, _MARGIN + row * CELL


@functools.lru_cache(maxsize=1)
def draw_empty_town() -> np.ndarray:
    """(456, 536) uint32, a canvas's pixels: the empty town, painted only once, even within a trace."""
    extent = SIZE * CELL
    middle = _MARGIN + extent / 2
    with jax.ensure_compile_time_eval():
        canvas = Canvas.blank(456, 536, palette.PAPER)
        canvas = canvas.rectangle((middle, middle), (extent + 12, extent + 12), palette.SLATE, corner_radius=8)
        canvas = canvas.image(_roads(extent), (_MARGIN, _MARGIN))
        for cell, color, name in zip(STOPS, _STOP_COLORS, "RGYB"):
            x, y = corner_of(cell)
            middle_of_cell = x + CELL / 2, y + CELL / 2
            canvas = canvas.rectangle(middle_of_cell, (CELL - 8, CELL - 8), color, corner_radius=10, opacity=0.75)
            canvas = canvas.text(name, (x + 10, y + 23), 13, palette.INK)
        for row in range(SIZE):
            for column in range(SIZE - 1):
                if TOWN[row + 1][2 * column + 2] == "|":
                    x, y = _MARGIN + (column + 1) * CELL, _MARGIN + row * CELL
                    canvas = canvas.line((x, y), (x, y + CELL), 8, palette.SLATE)
        for text, y in (("RIDER", _RIDER_Y), ("TO", _TO_Y)):
            canvas = canvas.text(text, (PANEL_X, y - 42), 13, palette.SLATE, align="center")
        return np.asarray(canvas.pixels)


def _roads(extent: int) -> np.ndarray:
    """(extent, extent, 3) uint8: the ground, with a dashed line between cells."""
    ground = np.full((extent, extent, 3), palette.SILVER, np.uint8)
    is_dash = np.arange(extent) % 16 < 8
    for at in range(CELL, extent, CELL):
        ground[at - 1 : at + 1, is_dash] = ground[is_dash, at - 1 : at + 1] = palette.WHITE
    return ground


def paint_flag(canvas: Canvas) -> Canvas:
    """The sign of the destination, (56, 40)."""
    cloth = [(12, 8), (34, 16), (12, 24)]
    return (
        canvas.line((12, 50), (12, 8), 4, palette.INK)
        .polygon(cloth, palette.WHITE, corner_radius=1)
        .polygon(cloth, palette.INK, stroke=2)
    )


def paint_passenger(canvas: Canvas) -> Canvas:
    """A waiting passenger, (56, 40)."""
    coat = [(11, 48), (11, 32), (20, 27), (29, 32), (29, 48)]
    return (
        canvas.polygon(coat, palette.WHITE, corner_radius=5)
        .circle((20, 19), 11, palette.WHITE)
        .polygon(coat, palette.PURPLE, corner_radius=3)
        .circle((20, 19), 9, palette.ORANGE_LIGHT)
        .rectangle((20, 12), (18, 6), palette.PURPLE_DARK, corner_radius=3)
        .line((9, 15), (31, 15), 3, palette.PURPLE_DARK)
        .circle((17, 20), 1.3, palette.INK)
        .circle((23, 20), 1.3, palette.INK)
    )


def paint_taxi(canvas: Canvas, *, full: bool = False) -> Canvas:
    """The taxi from its side, (80, 80)."""
    canvas = (
        canvas.polygon([(18, 37), (27, 20), (52, 20), (62, 37)], palette.YELLOW_DARK, corner_radius=5)
        .polygon([(19, 37), (28, 21), (51, 21), (61, 37)], palette.YELLOW, corner_radius=4)
        .polygon([(23, 36), (29, 24), (38, 24), (38, 36)], palette.SKY)
        .polygon([(57, 36), (50, 24), (42, 24), (42, 36)], palette.SKY)
        .rectangle((40, 13), (24, 8), palette.INK, corner_radius=2)
        .rectangle((40, 13), (18, 4), palette.ORANGE if full else palette.MIST)
    )
    if full:
        canvas = canvas.circle((32, 30), 5, palette.ORANGE_LIGHT).rectangle((32, 36), (12, 3), palette.PURPLE)
        canvas = canvas.line((27, 26), (37, 26), 3, palette.PURPLE_DARK)
    canvas = canvas.rectangle((40, 47), (70, 26), palette.YELLOW_DARK, corner_radius=9)
    canvas = canvas.rectangle((40, 46), (68, 24), palette.YELLOW, corner_radius=8).rectangle(
        (40, 46), (66, 6), palette.INK
    )
    for x in range(11, 72, 8):
        canvas = canvas.rectangle((x, 46), (4, 6), palette.WHITE)
    for x in (21, 59):
        canvas = canvas.circle((x, 59), 10, palette.INK).circle((x, 59), 4.5, palette.SILVER)
    return canvas.circle((71, 52), 3, palette.WHITE).circle((9, 52), 3, palette.RED)


paint_full_taxi = functools.partial(paint_taxi, full=True)
